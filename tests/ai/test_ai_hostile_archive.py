"""Archives made to hang, to fill or to break what unpacks them: each is one sentence, soon."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from medview.ai.archive import list_names, unpack
from medview.core.errors import ModelUnavailable


def _tar(form: int, name: str, **headers: str) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.pax_headers = dict(headers)
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=form) as packed:
        packed.addfile(entry)
    return raw.getvalue()


def _zip(*names: str) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as packed:
        for name in names:
            packed.writestr(zipfile.ZipInfo(name), "x")
    return raw.getvalue()


def _negative_size() -> bytes:
    raw = bytearray(_tar(tarfile.USTAR_FORMAT, "plans.json"))
    raw[124:136] = b"\xff" * 11 + b"\x00"  # -256 in base 256
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw[:512])
    return bytes(raw)


def _far_off(kind: bytes = tarfile.GNUTYPE_SPARSE, **headers: str) -> bytes:
    """A file whose header says 6 MB, and that it is empty for all that."""
    entry = tarfile.TarInfo("a/plans.json")
    entry.type, entry.size, entry.pax_headers = kind, 6 << 20, headers
    form = tarfile.PAX_FORMAT if headers else tarfile.GNU_FORMAT
    raw = bytearray(entry.tobuf(form))
    if not headers:
        raw[386:482] = b"00000000000\0" * 8  # the map of its parts; its real size stands at 483
        raw[482:495] = b"\0" + b"00000000000\0"
        raw[148:156] = b" " * 8
        raw[148:156] = b"%06o\0 " % sum(raw)
    last = tarfile.TarInfo("a/b").tobuf(tarfile.GNU_FORMAT) + bytes(1024)
    return gzip.compress(bytes(raw) + bytes(6 << 20) + last)


def _damaged(packed: bytes) -> bytes:
    return packed[:24] + b"\xff" * 40 + packed[64:]


_PLAIN = _tar(tarfile.USTAR_FORMAT, "plans.json") + bytes(9000)
HOSTILE: dict[str, Callable[[], bytes]] = {
    "a comment of digits": lambda: _tar(tarfile.PAX_FORMAT, "plans.json", comment="9" * 8000),
    "a name of 8000 letters": lambda: _tar(tarfile.GNU_FORMAT, "a/" * 4000 + "plans.json"),
    "a file that is the folder itself": lambda: _zip(".", "plans.json"),
    "a file inside a file": lambda: _zip("plans.json", "plans.json/b.txt"),
    "a name of no encoding": lambda: _zip("é/plans.json").replace("é".encode(), b"\xff\xff"),
    "xz of noise": lambda: _damaged(lzma.compress(_PLAIN)),
    "bzip2 of noise": lambda: _damaged(bz2.compress(_PLAIN)),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_archive_is_refused_in_words(what: str, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(HOSTILE[what]())

    with pytest.raises(ModelUnavailable):
        unpack(tmp_path / "m", tmp_path / "out", lambda _sizes: None)


def test_looking_at_a_hostile_archive_finds_nothing(tmp_path: Path) -> None:
    for what in ("a comment of digits", "a name of no encoding", "xz of noise"):
        (tmp_path / "m").write_bytes(HOSTILE[what]())
        assert list_names(tmp_path / "m") == [], what
    (tmp_path / "m").write_bytes(_negative_size())
    assert len(list_names(tmp_path / "m")) < 300  # it ends


@pytest.mark.parametrize("raw", [
    _far_off, lambda: _far_off(tarfile.REGTYPE, **{"GNU.sparse.realsize": "0"}),
], ids=["in its header", "in an extended header"])  # fmt: skip
def test_a_file_that_hides_its_size_is_not_unpacked_to_look_for_the_next(
    raw: Callable[[], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m").write_bytes(raw())
    reached = []
    seek = gzip.GzipFile.seek
    monkeypatch.setattr(
        gzip.GzipFile, "seek", lambda file, at, *to: (reached.append(at), seek(file, at, *to))[1]
    )

    assert list_names(tmp_path / "m") == []
    assert max(reached, default=0) < 1 << 20
    with pytest.raises(ModelUnavailable):
        unpack(tmp_path / "m", tmp_path / "out", lambda _sizes: None)


def test_headers_of_usual_tars_are_read(tmp_path: Path) -> None:
    name = "results/" * 30 + "plans.json"
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        (tmp_path / "m").write_bytes(_tar(form, name, comment="x" * 900))
        assert list_names(tmp_path / "m") == [name]

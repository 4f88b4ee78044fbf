"""Files in archives are read in place, by offset, in bounded memory."""

from __future__ import annotations

import gzip
import random
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest

from medview.core import archive, inflating
from medview.core.archive import MemberReader, is_there, members_of, open_binary, split
from medview.core.errors import UnreadableInstance

TEXT = b"".join(struct.pack("<I", n * n) for n in range(40_000))


def packed(path: Path, method: int = zipfile.ZIP_DEFLATED, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", method) as made:
        for name, data in members.items():
            made.writestr(name, data)
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_member_is_read_at_any_offset(
    tmp_path: Path, method: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inflating, "_FIRST_SPAN", 5_000)
    monkeypatch.setattr(inflating, "_MOST_SNAPSHOTS", 8)
    path = packed(tmp_path / "a.zip", method, other=b"x" * 99, wanted=TEXT)
    reader = MemberReader(f"{path}!/wanted")
    chosen = random.Random(4)
    for _ in range(60):
        begin, count = chosen.randrange(len(TEXT)), chosen.randrange(9_000)
        assert reader.read_at(begin, count) == TEXT[begin : begin + count]
    reader.close()


def test_a_large_member_is_a_file_that_can_be_sought(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "HELD_WHOLE", 1_000)
    path = packed(tmp_path / "a.zip", wanted=TEXT)
    with open_binary(f"{path}!/wanted") as file:
        file.seek(-8, 2)
        assert file.read() == TEXT[-8:]
        file.seek(100)
        assert file.read(50) == TEXT[100:150]


def test_tar_and_gzip_are_archives_too(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(TEXT)
    with tarfile.open(tmp_path / "a.tar", "w") as made:
        made.add(tmp_path / "b", "folder/b")
    (tmp_path / "b.gz").write_bytes(gzip.compress(TEXT))
    for path in (f"{tmp_path}/a.tar!/folder/b", f"{tmp_path}/b.gz!/b"):
        with open_binary(path) as file:
            assert file.read() == TEXT


def test_names_of_members_never_leave_the_archive(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", **{"../../etc/passwd": b"1", "/root": b"2", "a\nb\\c": b"3"})
    assert list(members_of(str(path))) == ["etc/passwd", "root", "a\ufffdb/c"]


def test_a_true_path_with_the_mark_in_it_is_a_path(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "a!").mkdir()
    (tmp_path / "a!" / "b").write_bytes(b"here")
    assert split(f"{tmp_path}/a!/b") is None
    with open_binary(tmp_path / "a!" / "b") as file:
        assert file.read() == b"here"


def test_only_what_is_in_the_archive_is_there(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", one=b"1")
    assert is_there(f"{path}!/one")
    assert not is_there(f"{path}!/two")
    with pytest.raises(UnreadableInstance, match="no such file"):
        MemberReader(f"{path}!/two")


def refusal(path: Path, name: str) -> str:
    with pytest.raises(UnreadableInstance) as caught, open_binary(f"{path}!/{name}"):
        pass
    return caught.value.what.english()


def test_a_wrong_check_sum_is_damage(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", zipfile.ZIP_STORED, one=TEXT)
    raw = bytearray(path.read_bytes())
    raw[200] ^= 1
    path.write_bytes(raw)
    assert "damaged" in refusal(path, "one")


def test_encrypted_and_strangely_packed_members_are_named(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", one=TEXT)
    raw = bytearray(path.read_bytes())
    at = raw.rindex(b"PK\x01\x02")
    raw[at + 8] |= 1
    path.write_bytes(raw)
    assert "encrypted" in refusal(path, "one")
    assert "bzip2" in refusal(packed(tmp_path / "b.zip", zipfile.ZIP_BZIP2, one=TEXT), "one")


def test_a_bomb_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", bomb=bytes(archive._NEVER_SUSPECT + 1))
    assert "times its size" in refusal(path, "bomb")


def test_a_lying_size_cannot_make_more_of_it_than_is_there(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", one=TEXT)
    raw = bytearray(path.read_bytes())
    at = raw.rindex(b"PK\x01\x02")
    struct.pack_into("<I", raw, at + 24, 7_000_000)
    path.write_bytes(raw)
    assert "damaged" in refusal(path, "one")


def test_a_cut_archive_and_one_with_too_many_names_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(tmp_path / "a.zip", one=TEXT)
    (tmp_path / "b.zip").write_bytes(path.read_bytes()[:-30])
    with pytest.raises(UnreadableInstance, match="table of contents"):
        members_of(str(tmp_path / "b.zip"))
    monkeypatch.setattr(archive, "_MOST_DIRECTORY", 10)
    (tmp_path / "c.zip").write_bytes(path.read_bytes())
    with pytest.raises(UnreadableInstance, match="more files"):
        members_of(str(tmp_path / "c.zip"))


def test_a_damaged_deflated_stream_is_said(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", one=TEXT)
    raw = bytearray(path.read_bytes())
    raw[60:90] = bytes(30)
    path.write_bytes(raw)
    assert "damaged" in refusal(path, "one")
    assert zlib.crc32(TEXT) == members_of(str(path))["one"].crc

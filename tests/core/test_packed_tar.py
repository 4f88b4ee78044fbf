"""Packed tar archives are read in place; wrong sums are found while members stream."""

from __future__ import annotations

import gzip
import io
import random
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from medview.core import archive, inflating, packed_tar
from medview.core.archive import MemberReader, members_of, open_binary
from medview.core.errors import UnreadableInstance
from medview.dicom import scan

TEXT = b"".join(struct.pack("<I", n * n) for n in range(40_000))


def tar_of(**members: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return made.getvalue()


def refusal(path: Path) -> str:
    with pytest.raises(UnreadableInstance) as refused:
        members_of(str(path))
    return refused.value.what.english()


def test_members_are_read_at_any_offset_and_in_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inflating, "_FIRST_SPAN", 5_000)
    monkeypatch.setattr(inflating, "_MOST_SNAPSHOTS", 8)
    other = bytes(reversed(TEXT))
    path = tmp_path / "a.tgz"
    path.write_bytes(gzip.compress(tar_of(one=TEXT, two=other)))
    readers = [(MemberReader(f"{path}!/one"), TEXT), (MemberReader(f"{path}!/two"), other)]
    chosen = random.Random(5)
    for turn in range(60):
        reader, data = readers[turn % 2]
        begin, count = chosen.randrange(len(data)), chosen.randrange(9_000)
        assert reader.read_at(begin, count) == data[begin : begin + count]
    for reader, _ in readers:
        reader.close()


def test_a_series_in_a_packed_tar_opens_like_its_files(imaging_data: Path, tmp_path: Path) -> None:
    folder = imaging_data / "mr"
    path = tmp_path / "study.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(folder / "toshiba-small.dcm", "a/toshiba-small.dcm")

    held = scan([path])
    plain = scan([folder / "toshiba-small.dcm"])

    assert held.unreadable == ()
    assert [p.name for p in held.patients] == [p.name for p in plain.patients]
    with open_binary(f"{path}!/a/toshiba-small.dcm") as file:
        assert file.read() == (folder / "toshiba-small.dcm").read_bytes()


def test_what_cannot_be_read_in_place_is_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = gzip.compress(tar_of(one=TEXT))
    (tmp_path / "sum.tgz").write_bytes(packed[:-8] + b"\1\2\3\4" + packed[-4:])
    assert "damaged" in refusal(tmp_path / "sum.tgz")
    (tmp_path / "cut.tgz").write_bytes(packed[:-6])
    assert "breaks off" in refusal(tmp_path / "cut.tgz")
    (tmp_path / "two.tgz").write_bytes(packed + packed)
    assert "unpack it first" in refusal(tmp_path / "two.tgz")
    monkeypatch.setattr(packed_tar, "_MOST_INFLATED", 50_000)
    (tmp_path / "large.tgz").write_bytes(packed)
    assert "too large" in refusal(tmp_path / "large.tgz")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_wrong_sum_is_found_while_a_large_member_streams(
    tmp_path: Path, method: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "HELD_WHOLE", 1_000)
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as made:
        made.writestr("wanted", TEXT)
    data = bytearray(path.read_bytes())
    at = data.rfind(b"PK\x01\x02") + 16
    data[at] ^= 1
    sound, wrong = path, tmp_path / "b.zip"
    wrong.write_bytes(data)

    with open_binary(f"{sound}!/wanted") as file:
        assert b"".join(iter(lambda: file.read(7_000), b"")) == TEXT
    with open_binary(f"{wrong}!/wanted") as file:
        assert file.read(7_000) == TEXT[:7_000]
        with pytest.raises(UnreadableInstance, match="damaged"):
            b"".join(iter(lambda: file.read(7_000), b""))
        file.seek(0)
        with pytest.raises(UnreadableInstance, match="damaged"):
            file.read(100_000)

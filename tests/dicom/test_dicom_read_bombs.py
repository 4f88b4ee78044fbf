"""Files made to fill memory or time: refused in a sentence, with the tag, and at once."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from dicom_read_cases import save, slice_of

from medview.core.study import Holdings
from medview.dicom import scan, walker

UNDEFINED = 0xFFFFFFFF
ITEM = struct.pack("<HHI", 0xFFFE, 0xE000, UNDEFINED)
EMPTY_ITEM = struct.pack("<HHI", 0xFFFE, 0xE000, 0)
END = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def element(tag: int, vr: str, data: bytes = b"", length: int | None = None) -> bytes:
    """An element with a four-byte length, which may lie."""
    size = len(data) if length is None else length
    return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr.encode(), 0, size) + data


def halves(tmp_path: Path, **elements: object) -> tuple[bytes, bytes]:
    """A sound file up to its pixels, and the pixels."""
    raw = save(slice_of(0, **elements), tmp_path / "sound.dcm").read_bytes()
    (tmp_path / "sound.dcm").unlink()
    at = raw.index(b"\xe0\x7f\x10\x00OW")
    return raw[:at], raw[at:]


def with_syntax(head: bytes, syntax: str) -> bytes:
    """The head with another transfer syntax in its meta information."""
    old = b"1.2.840.10008.1.2.1\0"
    new = syntax.encode().ljust(len(syntax) + len(syntax) % 2, b"\0")
    at = head.index(old)
    head = head[: at - 2] + struct.pack("<H", len(new)) + new + head[at + len(old) :]
    at = head.index(b"\x02\x00\x00\x00UL") + 8
    (length,) = struct.unpack_from("<I", head, at)
    return head[:at] + struct.pack("<I", length + len(new) - len(old)) + head[at + 4 :]


def refusal(tmp_path: Path, raw: bytes) -> tuple[str, str]:
    (tmp_path / "bomb.dcm").write_bytes(raw)
    found: Holdings = scan([tmp_path])
    assert found.patients == ()
    (note,) = found.unreadable
    return note.tag, note.reason


@pytest.mark.parametrize("tag", [0x0040A730, 0x00411010], ids=["kept", "skipped"])
def test_sequences_nested_ten_thousand_deep(tmp_path: Path, tag: int) -> None:
    head, pixels = halves(tmp_path)
    nested = (element(tag, "SQ", length=UNDEFINED) + ITEM) * 10_000
    assert "damaged" in refusal(tmp_path, head + nested + pixels)[1]


@pytest.mark.parametrize("length", [None, UNDEFINED], ids=["defined", "undefined"])
def test_a_sequence_of_too_many_items(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int | None
) -> None:
    monkeypatch.setattr(walker, "_MOST_NESTED", 5_000)
    head, pixels = halves(tmp_path)
    items = element(0x0040A730, "SQ", EMPTY_ITEM * 6_000, length) + (END if length else b"")
    assert refusal(tmp_path, head + items + pixels)[0] == "(FFFE,E000)"


def test_a_header_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walker, "_MOST_STEPS", 50)
    head, pixels = halves(tmp_path)
    small = element(0x00291010, "SQ", EMPTY_ITEM)
    assert refusal(tmp_path, head + small * 100 + pixels)[0] == "(0029,1010)"


def test_an_element_that_declares_four_gigabytes(tmp_path: Path) -> None:
    head, _ = halves(tmp_path)
    assert refusal(tmp_path, head + element(0x00291010, "OB", b"x" * 9, 0xFFFFFFF0)) == (
        "(0029,1010)",
        "The file breaks off or is damaged at element (0029,1010).",
    )


def test_rows_and_columns_for_which_there_are_no_bytes(tmp_path: Path) -> None:
    head, pixels = halves(tmp_path, Rows=65535, Columns=65535)
    tag, reason = refusal(tmp_path, head + pixels)
    assert (tag, "60 of 8589672450" in reason) == ("(7FE0,0010)", True)


def test_two_thousand_million_frames(tmp_path: Path) -> None:
    head, pixels = halves(tmp_path, NumberOfFrames=2**31 - 1)
    (tmp_path / "one.dcm").write_bytes(head + pixels)
    (patient,) = scan([tmp_path / "one.dcm"]).patients
    (stack,) = patient.studies[0].series[0].stacks
    assert len(stack.frames) == 1
    assert "end early" in str(stack.notes[0])
    (tmp_path / "one.dcm").unlink()
    head, _ = halves(tmp_path, NumberOfFrames=2**31 - 1, Rows=1, Columns=1)
    many = head + element(0x7FE00010, "OW", bytes(600_000))
    assert refusal(tmp_path, many)[0] == "(0028,0008)"
    packed = with_syntax(head, "1.2.840.10008.1.2.5")
    many = packed + element(0x7FE00010, "OB", EMPTY_ITEM * 1000 + END, UNDEFINED)
    assert refusal(tmp_path, many)[0] == "(0028,0008)"


def test_a_deflated_data_set_that_would_not_end(tmp_path: Path) -> None:
    head, _ = halves(tmp_path)
    head = with_syntax(head, "1.2.840.10008.1.2.1.99")
    at = head.index(b"\x02\x00\x00\x00UL")
    start = at + 12 + struct.unpack_from("<I", head, at + 8)[0]
    machine = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = machine.compress(head[start:] + element(0x00291010, "OB", length=0xFFFFFFF0))
    packed += b"".join(machine.compress(bytes(1 << 20)) for _ in range(80)) + machine.flush()
    assert "larger than MedView accepts" in refusal(tmp_path, head[:start] + packed)[1]


def test_what_is_cut_between_elements_names_the_last_one(tmp_path: Path) -> None:
    head, _ = halves(tmp_path)
    tag, reason = refusal(tmp_path, head + b"\x29\x00\x10")
    assert reason == f"The file breaks off or is damaged after element {tag}."

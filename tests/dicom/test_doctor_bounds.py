"""Headers made to tire a reader: the doctor stops in bounded memory and says so."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from dicom_doctor_cases import sound

from medview.dicom.doctor import anatomy, examine, plan_repairs
from medview.dicom.doctor.opening import dissect

_ITEM = struct.pack("<HHI", 0xFFFE, 0xE000, 0)
_OPEN = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
_CLOSED = struct.pack("<HHI", 0xFFFE, 0xE00D, 0)


def _long(tag: int, vr: bytes, length: int) -> bytes:
    return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, length)


def _flat(count: int) -> bytes:
    return b"".join(struct.pack("<HH2sH", 0x7FE1, n, b"LO", 0) for n in range(0x1000, count))


_BODIES = {
    "items": _long(0x7FE10010, b"SQ", 5000 * 8) + _ITEM * 5000,
    "open-items": _long(0x7FE10010, b"SQ", 0xFFFFFFFF) + (_OPEN + _CLOSED) * 5000,
    "nested": (_long(0x7FE10010, b"SQ", 0xFFFFFFFF) + _OPEN) * 5000,
    "flat": _flat(0x1000 + 3000),
    "fragments": _long(0x7FE10010, b"OB", 0xFFFFFFFF) + _ITEM * 3000,
}


@pytest.mark.parametrize("name", sorted(_BODIES))
def test_too_much_is_one_finding_and_no_repair(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anatomy, "_MOST_NODES", 2000)
    monkeypatch.setattr(anatomy, "_MOST_AT_TOP", 1000)
    monkeypatch.setattr(anatomy, "_MOST_FRAGMENTS", 1000)
    path = sound(tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes() + _BODIES[name])

    found = examine([path])

    structural = [f.check.id for f in found.findings if f.check.id != "reader.refuses"]
    assert structural == ["file.too-much"]
    assert found.unreadable == ()
    assert plan_repairs(found).copies == ()


def test_items_count_against_the_allowance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anatomy, "_MOST_NODES", 2000)
    path = sound(tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes() + _BODIES["items"])

    made = dissect(str(path))

    assert made is not None
    with made.source:
        assert made.is_beyond_reason
        assert sum(len(node.items or ()) for node in made.nodes) <= 2000


def test_a_huge_element_is_passed_over(tmp_path: Path) -> None:
    path = sound(tmp_path / "a.dcm")
    with path.open("ab") as file:
        file.write(_long(0x7FE11010, b"OB", 1_500_000_000))
        file.truncate(file.tell() + 1_500_000_000)  # sparse: takes no room

    assert "file.too-much" not in {finding.check.id for finding in examine([path]).findings}

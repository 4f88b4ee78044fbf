"""Whatever a header says, a scan ends and gives the file exactly one place."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from medview.dicom import VolumeFill, scan

_META = b"\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\0"
_BEGIN = bytes(128) + b"DICM" + b"\x02\x00\x00\x00UL\x04\x00\x1c\x00\x00\x00" + _META
_TAGS = (
    0x00080005, 0x00080016, 0x00080060, 0x00100010, 0x00100020, 0x0020000D, 0x0020000E, 0x00200032,
    0x00200037, 0x00280002, 0x00280004, 0x00280008, 0x00280010, 0x00280011, 0x00280030, 0x00280100,
    0x00280101, 0x00280102, 0x00280103, 0x00281053, 0x00283000, 0x52009229, 0x52009230, 0x7FE00010,
    0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD,
)  # fmt: skip
_VRS = (b"US", b"DS", b"IS", b"CS", b"PN", b"SQ", b"UN", b"OW", b"UI", b"\0\0", b"ZZ")
_LENGTHS = (0, 1, 2, 8, 0xFFFE, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)


@st.composite
def elements(draw: st.DrawFn) -> bytes:
    """One element, its length true or not, of a tag that readers look at."""
    tag, vr = draw(st.sampled_from(_TAGS)), draw(st.sampled_from(_VRS))
    value = draw(st.binary(max_size=24) | st.sampled_from((b"1\\2\\3 ", b"-1e999 ", b"\xff\xff")))
    length = draw(st.just(len(value)) | st.sampled_from(_LENGTHS))
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr)
    if vr in (b"SQ", b"UN", b"OW"):
        return head + struct.pack("<HI", 0, length) + value
    return head + struct.pack("<H", min(length, 0xFFFF)) + value


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("headers")


@given(st.lists(elements(), min_size=1, max_size=14), st.booleans())
@example([b"\x08\x00\x05\x00CS\xff\xff" + b"\\" * 60], True)
@settings(
    max_examples=300, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
def test_a_made_up_header_has_exactly_one_place(
    folder: Path, parts: list[bytes], is_sorted: bool
) -> None:
    path = folder / "made.dcm"
    path.write_bytes(_BEGIN + b"".join(sorted(parts) if is_sorted else parts))
    found = scan([path])
    studies = [study for patient in found.patients for study in patient.studies]
    stacks = [stack for study in studies for series in study.series for stack in series.stacks]
    objects = [each for study in studies for each in study.objects]
    places = (bool(stacks), bool(objects), bool(found.ignored), bool(found.unreadable))
    assert sum(places) == 1
    assert all(note.reason for note in (*found.ignored, *found.unreadable))
    for stack in stacks:
        assert sum(1 for _ in stack.frames) <= path.stat().st_size
        fill = VolumeFill(stack)
        fill.run()
        if fill.volume.block is not None:
            fill.volume.block.release()

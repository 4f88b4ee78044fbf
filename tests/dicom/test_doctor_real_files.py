"""The doctor on real files: no exception, no false alarm on sound ones, copies that read."""

from __future__ import annotations

import warnings
from pathlib import Path

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medview.dicom.doctor import examine, plan_repairs, repair

# Files that are sound but for what their folder has on purpose; each with what may be found.
SOUND = (
    "ct/lidc-0001", "mr/toshiba-small.dcm", "enhanced", "pt",
    "seg/small-ct", "mg", "sr/comprehensive.dcm", "waveform", "petct/pet",
)  # fmt: skip


def _errors(path: Path) -> set[tuple[str, str]]:
    found = examine([path]).findings
    return {(Path(f.path).name, f.check.id) for f in found if f.check.severity == "error"}


@pytest.mark.parametrize("name", SOUND)
def test_sound_files_give_no_error(imaging_data: Path, name: str) -> None:
    assert _errors(imaging_data / name) == set()


@pytest.mark.parametrize("folder", ["odd", "charset", "dicomdir"])
def test_every_odd_file_is_examined(imaging_data: Path, folder: str) -> None:
    found = examine([imaging_data / folder])

    assert found.unreadable == ()
    assert found.files == found.dicom + len(found.ignored)


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("../us/jpegls-gray.dcm", "file.no-element"),  # an item, its sequence's header is gone
        ("no-meta.dcm", "file.stray-start"),
        ("be-no-meta.dcm", "meta.missing"),
        ("made-cut-in-pixels.dcm", "pixel.short"),
        ("made-jpegls-cut.dcm", "stream.end"),
        ("made-window-width-zero.dcm", "pixel.window"),
        ("made-no-pixel-spacing.dcm", "pixel.spacing"),
        ("made-zero-rows.dcm", "pixel.description"),
        ("rtplan-truncated.dcm", "file.sequence-damaged"),
        ("unknown-sop-class-image.dcm", "stream.unknown"),
        ("bad-vr.dcm", "pixel.frames"),
        ("jpeg-lossless-bad.dcm", "stream.torn"),
        ("huge-length-3gb.dcm", "file.cut"),
        ("no-meta-group-length.dcm", "meta.no-group-length"),
        ("meta-missing-transfer-syntax.dcm", "meta.incomplete"),
    ],
)
def test_what_is_odd_in_a_real_file_is_named(imaging_data: Path, name: str, check: str) -> None:
    assert check in {f.check.id for f in examine([imaging_data / "odd" / name]).findings}


def test_real_charsets_are_no_false_alarms(imaging_data: Path) -> None:
    found = examine([imaging_data / "charset"])

    assert not [f for f in found.findings if f.check.id.startswith("charset.")]


def test_copies_of_odd_files_read_elsewhere_and_are_silent(
    imaging_data: Path, tmp_path: Path
) -> None:
    source = imaging_data / "odd"
    before = examine([source])

    copies = repair(plan_repairs(before), [source], tmp_path / "out")
    after = examine([tmp_path / "out"])

    assert len(copies) >= 5
    answered = {(Path(c.file), f.check.id) for c in copies for f in c.repairs}
    assert answered.isdisjoint((Path(f.path), f.check.id) for f in after.findings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of the odd values that stay
        for copied in copies:
            assert len(pydicom.dcmread(copied.file)) >= 3


@settings(max_examples=80, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(data=st.data())
def test_mutated_files_never_stop_the_doctor(
    imaging_data: Path, tmp_path: Path, data: st.DataObject
) -> None:
    names = ("odd/bad-sequence.dcm", "charset/chrH31.dcm", "mr/toshiba-small.dcm",
             "sr/comprehensive.dcm", "dicomdir/DICOMDIR")  # fmt: skip
    raw = bytearray((imaging_data / data.draw(st.sampled_from(names))).read_bytes()[:20_000])
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.just(len(raw)), st.integers(0, len(raw))))
    path = tmp_path / "a.dcm"
    path.write_bytes(bytes(raw[:cut]))

    found = examine([path])
    plan = plan_repairs(found)

    assert found.files == 1
    assert found.unreadable == ()
    assert len(plan.copies) + len(plan.left) <= 1

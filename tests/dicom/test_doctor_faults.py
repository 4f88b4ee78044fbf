"""Every fault that is made is found by its check, and what was repaired is not found again."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pydicom
import pytest
from dicom_doctor_cases import FAULTS, Fault, element, made_series, place, sound, with_raw
from dicom_read_cases import save, save_series, slice_of
from pydicom.uid import ImplicitVRLittleEndian

from medview.dicom import scan
from medview.dicom.doctor import CHECKS, Examination, examine, plan_repairs, repair

_CASES = [(f"{number}-{fault.check}", fault) for number, fault in enumerate(FAULTS)]


def found_in(*paths: Path) -> set[str]:
    return {finding.check.id for finding in examine(paths).findings}


def repaired(source: Path, out: Path) -> tuple[Examination, Examination]:
    """What was found before and in the copies."""
    before = examine([source])
    repair(plan_repairs(before), [source], out)
    return before, examine([out])


def test_a_sound_file_gives_no_finding(tmp_path: Path) -> None:
    assert found_in(sound(tmp_path / "a.dcm")) == set()


@pytest.mark.parametrize(("name", "fault"), _CASES)
def test_a_made_fault_is_found_by_its_check(name: str, fault: Fault, tmp_path: Path) -> None:
    assert fault.check in found_in(fault.make(tmp_path / f"{name}.dcm"))


@pytest.mark.parametrize(("name", "fault"), [c for c in _CASES if c[1].is_repaired])
def test_a_copy_is_sound_where_it_was_repaired(name: str, fault: Fault, tmp_path: Path) -> None:
    source = fault.make(tmp_path / "in" / f"{name}.dcm")
    digest = hashlib.sha256(source.read_bytes()).digest()

    before, after = repaired(source, tmp_path / "out")

    copy = tmp_path / "out" / f"{name}.dcm"
    answered = {f.check.id for f in before.findings if f.is_repairable}
    assert fault.check in answered
    assert answered.isdisjoint(f.check.id for f in after.findings)
    assert hashlib.sha256(source.read_bytes()).digest() == digest
    assert "medview doctor" in pydicom.dcmread(copy).ContributingEquipmentSequence[
        -1].ContributionDescription  # fmt: skip
    assert scan([copy]).unreadable == ()


@pytest.mark.parametrize(("name", "fault"), [c for c in _CASES if not c[1].is_repaired])
def test_what_has_no_honest_repair_is_not_offered(name: str, fault: Fault, tmp_path: Path) -> None:
    found = examine([fault.make(tmp_path / f"{name}.dcm")])

    assert not any(f.check.id == fault.check and f.is_repairable for f in found.findings)


def test_every_check_names_what_it_causes_and_what_to_do() -> None:
    assert len(CHECKS) > 55
    for check in CHECKS.values():
        assert check.severity in ("error", "warning", "remark")
        assert check.title.english()
        assert check.causes.english().endswith(".")
        assert check.what_to_do.english().endswith(".")


def test_numbers_against_the_slices_are_found_and_numbered_anew(tmp_path: Path) -> None:
    source = made_series(tmp_path / "in", InstanceNumber=lambda k: [3, 1, 5, 2, 4][k])

    before, after = repaired(source, tmp_path / "out")

    assert "geometry.order" in {f.check.id for f in before.findings}
    assert after.findings == ()
    copies = [pydicom.dcmread(tmp_path / "out" / f"{k}.dcm") for k in range(5)]
    originals = [pydicom.dcmread(source / f"{k}.dcm") for k in range(5)]
    assert [int(c.InstanceNumber) for c in copies] == [1, 2, 3, 4, 5]
    # Order is another: the copies must not pass for the originals (PS3.3 C.12.1.1.9).
    assert len({c.SeriesInstanceUID for c in copies} | {originals[0].SeriesInstanceUID}) == 2
    assert not {c.SOPInstanceUID for c in copies} & {o.SOPInstanceUID for o in originals}
    kept = copies[0].OriginalAttributesSequence[0].ModifiedAttributesSequence[0]
    assert int(kept.InstanceNumber) == 3
    assert kept.SOPInstanceUID == originals[0].SOPInstanceUID
    assert [c.PixelData for c in copies] == [o.PixelData for o in originals]


def test_a_wrong_stated_spacing_is_set_to_the_measured_one(tmp_path: Path) -> None:
    source = made_series(tmp_path / "in", SpacingBetweenSlices=lambda k: 7.5)

    _, after = repaired(source, tmp_path / "out")

    assert after.findings == ()
    assert pydicom.dcmread(tmp_path / "out" / "3.dcm").SpacingBetweenSlices == pytest.approx(2)


@pytest.mark.parametrize("stated", [2, 2.236])
def test_of_tilted_slices_the_step_along_the_normal_and_along_the_table_are_true(
    tmp_path: Path, stated: float
) -> None:
    lean = {"ImagePositionPatient": lambda k: [0, k, 2 * k]}
    source = made_series(tmp_path / "in", SpacingBetweenSlices=lambda k: stated, **lean)
    assert found_in(source) == {"geometry.tilted"}

    wrong = made_series(tmp_path / "wrong", SpacingBetweenSlices=lambda k: 3, **lean)
    before, _ = repaired(wrong, tmp_path / "out")
    stated_wrong = [f for f in before.findings if f.check.id == "geometry.spacing-stated"]
    assert str(stated_wrong[0].what) == "It says 3 mm; the positions are 2 mm apart."
    assert pydicom.dcmread(tmp_path / "out" / "3.dcm").SpacingBetweenSlices == pytest.approx(2)


def test_slices_left_out_evenly_are_told_and_not_covered_up(tmp_path: Path) -> None:
    source = made_series(tmp_path, SpacingBetweenSlices=lambda k: 1)

    found = examine([source])

    assert {f.check.id for f in found.findings} == {"geometry.thinned"}
    assert plan_repairs(found).copies == ()


def test_a_damaged_name_of_a_character_set_stops_nobody(tmp_path: Path) -> None:
    source = with_raw(0x00080005, "CS", b"ISO\0IR 100 ")(tmp_path / "a.dcm")
    source.write_bytes(source.read_bytes().replace(b"Test^Ada", "Tést^Ada".encode("latin-1")))

    assert examine([source]).unreadable == ()
    assert len(scan([source]).patients) == 1


def test_a_true_length_of_a_group_is_no_fault_and_is_not_left_wrong_in_a_copy(
    tmp_path: Path,
) -> None:
    path = sound(tmp_path / "in" / "a.dcm", ContributingEquipmentSequence=[])
    data = path.read_bytes()
    begin, end = place(data, 0x00180000), place(data, 0x00200000)
    length = element(0x00180000, "UL", (end - begin).to_bytes(4, "little"))
    path.write_bytes(data[:begin] + length + data[begin:] + bytes(8))

    before, after = repaired(path, tmp_path / "out")
    assert {f.check.id for f in before.findings} == {"file.trailing"}
    assert after.findings == ()


def test_thickness_is_never_taken_for_spacing(tmp_path: Path) -> None:
    assert found_in(made_series(tmp_path, SliceThickness=lambda k: 5)) == set()


def test_gaps_tilt_doubles_and_mixtures_are_the_readers_verdict(tmp_path: Path) -> None:
    gaps = save_series(tmp_path / "a", 4, ImagePositionPatient=lambda k: [0, 0, [0, 2, 4, 10][k]])
    tilt = save_series(tmp_path / "b", 4, ImagePositionPatient=lambda k: [0, k, 2 * k])
    mixed = save_series(tmp_path / "c", 4, ImageOrientationPatient=lambda k: (
        [1, 0, 0, 0, 1, 0] if k < 3 else [1, 0, 0, 0, 0, -1]))  # fmt: skip

    assert "geometry.gaps" in found_in(gaps)
    assert "geometry.tilted" in found_in(tilt)
    assert "geometry.mixed" in found_in(mixed)


def test_two_people_under_one_study_are_an_error_and_never_repaired(tmp_path: Path) -> None:
    made_series(tmp_path, 2, PatientID=lambda k: f"P{k}")

    found = [f for f in examine([tmp_path]).findings if f.check.id == "identity.patient"]

    assert len(found) == 1
    assert not found[0].is_repairable


def test_two_birth_dates_studies_and_modalities_are_told(tmp_path: Path) -> None:
    births = made_series(tmp_path / "a", 2, PatientBirthDate=lambda k: f"1950010{k + 1}")
    studies = made_series(tmp_path / "b", 2, StudyInstanceUID=lambda k: f"1.2.{k + 1}")
    kinds = made_series(tmp_path / "c", 2, Modality=lambda k: ["CT", "MR"][k])

    assert "identity.birth-date" in found_in(births)
    assert "identity.study" in found_in(studies)
    assert "identity.modality" in found_in(kinds)


def test_one_uid_for_two_pictures_is_an_error_and_for_two_copies_a_remark(tmp_path: Path) -> None:
    made_series(tmp_path / "a", 2, SOPInstanceUID=lambda _k: "1.2.3.4")
    one = slice_of(0)
    for name in ("x", "y"):
        save(one, tmp_path / "b" / f"{name}.dcm")

    assert "identity.uid-doubled" in found_in(tmp_path / "a")
    assert found_in(tmp_path / "b") == {"identity.copy"}


def test_a_frame_of_reference_for_every_picture_is_told(tmp_path: Path) -> None:
    folder = made_series(tmp_path / "a", FrameOfReferenceUID=lambda k: f"1.2.3.{k + 1}")
    found = [f for f in examine([folder]).findings if f.check.id == "geometry.frame-of-reference"]

    assert [str(f.what) for f in found] == ["There are 5 in 5 files."]


def test_two_shapes_under_one_uid_are_not_one_object_compressed_twice(tmp_path: Path) -> None:
    save(slice_of(0, SOPInstanceUID="1.2.3"), tmp_path / "a.dcm")
    other = slice_of(0, SOPInstanceUID="1.2.3", NumberOfFrames=2, PixelData=bytes(120))
    save(other, tmp_path / "b.dcm")
    other.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    other.save_as(tmp_path / "b.dcm", implicit_vr=True)

    assert found_in(tmp_path) & {"identity.uid-doubled", "identity.uid-recoded"} == {
        "identity.uid-doubled"
    }


def test_what_a_count_of_one_stands_by_is_singular(tmp_path: Path) -> None:
    path = sound(tmp_path / "a.dcm", SamplesPerPixel=3, PlanarConfiguration=0)

    said = [str(f.what) for f in examine([path]).findings if f.check.id == "pixel.samples"]
    assert said == ["MONOCHROME2 has 1 sample; the header says 3."]


def test_a_directory_that_names_missing_files_is_told(imaging_data: Path, tmp_path: Path) -> None:
    medium = tmp_path / "cd"
    shutil.copytree(imaging_data / "dicomdir" / "98892001", medium / "98892001")
    (medium / "DICOMDIR").write_bytes((imaging_data / "dicomdir" / "DICOMDIR").read_bytes())

    missing = [f for f in examine([medium]).findings if f.check.id == "dicomdir.missing-file"]

    assert len(missing) > 10
    assert not any("98892001" in finding.what.english() for finding in missing)

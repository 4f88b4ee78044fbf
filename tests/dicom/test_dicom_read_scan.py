"""Folders to patients, studies, series, stacks; every file accounted for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from dicom_read_cases import save, save_series, slice_of
from pydicom.uid import generate_uid

from medview.core.errors import Cancelled, InvalidInput
from medview.core.progress import CancelToken
from medview.core.study import Holdings, Stack
from medview.dicom import scan
from medview.session.studies import merge


def stacks(found: Holdings) -> list[Stack]:
    return [
        stack
        for patient in found.patients
        for study in patient.studies
        for series in study.series
        for stack in series.stacks
    ]


def only_stack(folder: Path) -> Stack:
    (stack,) = stacks(scan([folder]))
    return stack


def test_slices_are_sorted_by_place_and_not_by_name(tmp_path: Path) -> None:
    stack = only_stack(save_series(tmp_path))
    assert [frame.instance_number for frame in stack.frames] == [1, 2, 3, 4]
    assert stack.verdict == "regular"
    assert stack.geometry.shape == (4, 6, 5)
    assert stack.geometry.spacing == (0.5, 0.8, 2.0)
    assert tuple(stack.geometry.origin) == (-10, -20, 0)
    assert stack.unit == "HU"


def test_a_missing_slice_is_a_gap_and_is_counted(tmp_path: Path) -> None:
    folder = save_series(tmp_path, ImagePositionPatient=lambda k: [0, 0, [0, 2, 4, 8][k]])
    stack = only_stack(folder)
    assert stack.verdict == "gaps"
    assert stack.geometry.spacing[2] == 2
    assert "Missing slices: 1" in stack.notes[0].english()


def test_uneven_slices_are_not_called_regular(tmp_path: Path) -> None:
    folder = save_series(tmp_path, ImagePositionPatient=lambda k: [0, 0, [0, 2, 4, 7][k]])
    assert only_stack(folder).verdict == "non-uniform"


@pytest.mark.parametrize("sign", [1, -1])
def test_gantry_tilt_is_measured_from_the_positions(tmp_path: Path, sign: int) -> None:
    folder = save_series(tmp_path, ImagePositionPatient=lambda k: [0, sign * k, 2 * k])
    stack = only_stack(folder)
    assert stack.verdict == "tilted"
    assert stack.tilt_deg == pytest.approx(26.565, abs=0.001)
    assert stack.geometry.slice_step == pytest.approx(2.0)
    last = stack.frames[-1].position
    assert last is not None
    assert stack.geometry.to_index(last) == pytest.approx((3, 0, 0), abs=1e-6)


def test_a_localizer_in_the_series_is_a_projection_of_its_own(tmp_path: Path) -> None:
    save_series(tmp_path)
    scout = slice_of(9, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    scout.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    save(scout, tmp_path / "scout.dcm")
    verdicts = {stack.verdict: len(stack.frames) for stack in stacks(scan([tmp_path]))}
    assert verdicts == {"regular": 4, "projection": 1}


def test_two_echoes_are_two_stacks_that_say_why(tmp_path: Path) -> None:
    for echo in (4.9, 7.4):
        save_series(tmp_path / str(echo), EchoTime=echo, Modality="MR")
    found = stacks(scan([tmp_path]))
    assert [(len(stack.frames), stack.split_by) for stack in found] == [(4, "EchoTime")] * 2


def test_a_surplus_picture_is_kept_apart_and_nothing_is_hidden(tmp_path: Path) -> None:
    save_series(tmp_path)
    save(slice_of(2, InstanceNumber=30), tmp_path / "again.dcm")
    found = stacks(scan([tmp_path]))
    assert sorted(len(stack.frames) for stack in found) == [1, 4]
    assert {stack.verdict for stack in found} == {"duplicates"}


def test_a_frame_of_reference_for_every_slice_is_still_one_stack(tmp_path: Path) -> None:
    stack = only_stack(save_series(tmp_path, FrameOfReferenceUID=lambda _: generate_uid()))
    assert stack.verdict == "regular"
    assert "frame of reference" in stack.notes[0].english()


def test_files_without_study_and_series_uid_are_grouped_and_named_alike(tmp_path: Path) -> None:
    save_series(tmp_path, StudyInstanceUID="", SeriesInstanceUID="")
    first, second = scan([tmp_path]), scan([tmp_path])
    assert len(stacks(first)) == 1
    assert first.patients[0].studies[0].uid.startswith("2.25.")
    assert first == second


def two_studies(folder: Path, **elements: object) -> Holdings:
    """The usual series, and a second study whose files differ in some elements."""
    save_series(folder / "a", count=2)
    save_series(folder / "b", count=2, StudyInstanceUID=generate_uid(),
                SeriesInstanceUID=generate_uid(), **elements)  # fmt: skip
    return scan([folder])


def test_one_id_with_two_names_is_one_patient_and_it_is_said(tmp_path: Path) -> None:
    (patient,) = two_studies(tmp_path, PatientName="Other^Eve").patients
    notes = [study.series[0].stacks[0].notes for study in patient.studies]
    assert sorted(map(len, notes)) == [0, 1]
    assert "name the patient otherwise" in str(notes)


@pytest.mark.parametrize("other", [{"PatientBirthDate": "19600201"}, {"PatientSex": "M"}])
def test_one_id_with_two_birth_dates_or_sexes_is_two_patients(
    tmp_path: Path, other: dict[str, str]
) -> None:
    assert len(two_studies(tmp_path, **other).patients) == 2


def test_files_that_leave_out_birth_date_and_sex_go_to_the_patient_they_can_be(
    tmp_path: Path,
) -> None:
    (patient,) = two_studies(tmp_path, PatientBirthDate="", PatientSex="").patients
    assert (patient.birth_date, patient.sex, len(patient.studies)) == ("1950-02-01", "F", 2)


def test_files_that_could_be_of_two_patients_stay_apart_from_both(tmp_path: Path) -> None:
    save_series(tmp_path / "c", 1, PatientBirthDate="", PatientName="Third^Kim",
                StudyInstanceUID=generate_uid(), SeriesInstanceUID=generate_uid())  # fmt: skip
    born = {"PatientBirthDate": "19600201", "PatientName": "Other^Eve"}
    assert len(two_studies(tmp_path, **born).patients) == 3


def test_without_an_id_two_names_are_two_patients(tmp_path: Path) -> None:
    save_series(tmp_path / "c", 1, PatientID="", StudyInstanceUID=generate_uid())
    found = two_studies(tmp_path, PatientID="", PatientName="Other^Eve")
    assert sorted(p.name for p in found.patients if not p.id) == ["Other^Eve", "Test^Ada"]


def test_without_id_and_name_each_study_has_a_patient_of_its_own(tmp_path: Path) -> None:
    for folder in ("c", "d"):
        save_series(tmp_path / folder, 2, PatientID="", PatientName="",
                    StudyInstanceUID=generate_uid(), SeriesInstanceUID=generate_uid())  # fmt: skip
    found = scan([tmp_path])
    assert [len(patient.studies) for patient in found.patients] == [1, 1]
    twice = merge([found, scan([tmp_path / "c"])])
    assert [len(patient.studies) for patient in twice.patients] == [1, 1]


def test_every_file_stands_in_exactly_one_place(tmp_path: Path) -> None:
    save_series(tmp_path / "ct")
    sound = slice_of(0)
    save(sound, tmp_path / "one.dcm")
    save(sound, tmp_path / "two.dcm")
    (tmp_path / "cut.dcm").write_bytes((tmp_path / "one.dcm").read_bytes()[:400])
    (tmp_path / "letter.txt").write_text("Dear colleague")
    (tmp_path / "adt").write_text("MSH|^~\\&|")
    (tmp_path / "picture.dcm").write_bytes(b"\x89PNG\r\n" + bytes(200))
    (tmp_path / "empty").touch()
    found = scan([tmp_path])
    shown = [frame.path for stack in stacks(found) for frame in stack.frames]
    told = [note.path for note in found.ignored + found.unreadable]
    assert sorted(shown + told) == sorted(str(p) for p in tmp_path.rglob("*") if p.is_file())
    assert found.seen == len(shown + told)
    assert [Path(note.path).name for note in found.unreadable] == ["cut.dcm"]
    assert sorted(Path(path).name for path in found.documents) == ["adt", "letter.txt"]
    assert found.unreadable[0].tag.startswith("(")


def test_a_missing_path_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no such file"):
        scan([tmp_path / "nothing"])


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside = save(slice_of(0), tmp_path / "outside" / "one.dcm")
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "link.dcm").symlink_to(outside)
    (tmp_path / "inside" / "folder").symlink_to(outside.parent)
    assert scan([tmp_path / "inside"]).seen == 0


def test_a_file_that_is_still_being_written_is_not_called_broken(tmp_path: Path) -> None:
    unfinished = slice_of(0)
    del unfinished.PixelData
    save(unfinished, tmp_path / ".new-q7_x2abc")
    save(unfinished, tmp_path / "old")

    found = scan([tmp_path])

    assert [Path(note.path).name for note in found.unreadable] == ["old"]
    assert [note.reason for note in found.ignored] == ["A file that MedView is still writing."]


def test_the_header_keeps_decoded_values_by_keyword(tmp_path: Path) -> None:
    save_series(tmp_path, PatientName="Buc^Jérôme", SpecificCharacterSet="ISO_IR 192")
    header = scan([tmp_path]).patients[0].studies[0].series[0].header
    assert header["PatientName"] == "Buc^Jérôme"
    assert header["PixelSpacing"] == "0.8\\0.5"
    assert "ViewPosition" not in header


def test_a_declared_million_of_frames_costs_nothing(tmp_path: Path) -> None:
    save(slice_of(0, NumberOfFrames=100_000_000), tmp_path / "a.dcm")
    stack = only_stack(tmp_path)
    assert len(stack.frames) == 1
    assert "end early" in stack.notes[-1].english()


def test_a_scan_can_be_stopped(tmp_path: Path) -> None:
    save_series(tmp_path)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        scan([tmp_path], cancel=token)


SPACINGS = {
    "CAL": {"PixelSpacing": [0.1, 0.1], "PixelSpacingCalibrationType": "FIDUCIAL"},
    "ERMF": {"PixelSpacing": [0.1, 0.1], "PixelSpacingCalibrationType": "GEOMETRY"},
    "EST": {"PixelSpacing": None, "ImagerPixelSpacing": [0.2, 0.2],
            "EstimatedRadiographicMagnificationFactor": 2},
    "DETECTOR": {"PixelSpacing": [0.1, 0.1], "ImagerPixelSpacing": [0.1, 0.1]},
    "SCAN": {"PixelSpacing": None, "NominalScannedPixelSpacing": [0.1, 0.1]},
}  # fmt: skip


@pytest.mark.parametrize(("state", "elements"), SPACINGS.items())
def test_radiographs_say_how_their_millimetres_were_found(
    tmp_path: Path, state: str, elements: dict[str, object]
) -> None:
    save(slice_of(0, Modality="DX", **elements), tmp_path / "a.dcm")
    stack = only_stack(tmp_path)
    assert stack.calibration == state
    assert stack.verdict == "projection"
    assert not stack.geometry.is_spatial
    assert stack.geometry.spacing[:2] == pytest.approx((0.1, 0.1))


def test_a_radiograph_without_spacing_has_no_millimetres(tmp_path: Path) -> None:
    save(slice_of(0, Modality="CR", PixelSpacing=None), tmp_path / "a.dcm")
    assert only_stack(tmp_path).calibration == "none"


def test_real_series_have_the_geometry_that_is_known_of_them(imaging_data: Path) -> None:
    expected = json.loads((imaging_data / "expected.json").read_text())["series"]
    for name in ("ct/head-phantom-5mm", "mr/brain-t1-post", "mr/t1-sag-head", "ct/three-slice"):
        (stack,) = stacks(scan([imaging_data / name]))
        (truth,) = expected[name]["stacks"]
        assert stack.verdict == "regular", name
        assert stack.geometry.spacing[2] == pytest.approx(truth["steps"][0], abs=0.01)
        assert stack.geometry.spacing[:2] == pytest.approx(truth["row_col_spacing"][::-1])


def test_real_tilted_and_uneven_head_is_one_stack_with_both_told(imaging_data: Path) -> None:
    (stack,) = stacks(scan([imaging_data / "ct" / "head-tilt-ge-nonuniform"]))
    assert (stack.verdict, len(stack.frames)) == ("non-uniform", 9)
    assert stack.tilt_deg == pytest.approx(18.5, abs=0.2)
    said = [note.english() for note in stack.notes]
    assert said[1:4] == [
        "From slice 1 to 4 the step is 7 mm.",
        "From slice 4 to 5 the step is 1.08 mm.",
        "From slice 5 to 9 the step is 4 mm.",
    ]


def test_names_of_all_character_sets_are_read(imaging_data: Path) -> None:
    expected = json.loads((imaging_data / "expected.json").read_text())["files"]
    for path in sorted((imaging_data / "charset").glob("*.dcm")):
        want = expected[f"charset/{path.name}"].get("patient_name")
        found = scan([path]).patients
        if want and found:
            assert found[0].name.rstrip("=") == want.rstrip("="), path.name


@pytest.mark.parametrize("folder", ["odd", "enhanced", "dicomdir", "sr", "rt", "seg", "waveform"])
def test_real_oddities_are_all_accounted_for(imaging_data: Path, folder: str) -> None:
    found = scan([imaging_data / folder])
    shown = {frame.path for stack in stacks(found) for frame in stack.frames}
    objects = {
        made.path
        for patient in found.patients
        for study in patient.studies
        for made in study.objects
    }
    told = [note.path for note in found.ignored + found.unreadable]
    files = [p for p in (imaging_data / folder).rglob("*") if p.is_file()]
    assert found.seen == len(files) == len(shown) + len(objects) + len(told)
    assert not shown & objects


def test_another_picture_under_the_same_uid_is_not_called_the_same(tmp_path: Path) -> None:
    first = slice_of(0)
    save(first, tmp_path / "a.dcm")
    first.PatientComments = "a header of another length"
    save(first, tmp_path / "b.dcm")
    first.PixelData = bytes(byte ^ 1 for byte in first.PixelData)
    save(first, tmp_path / "c.dcm")

    found = scan([tmp_path])

    assert len(only_stack(tmp_path).frames) == 1
    assert {Path(note.path).name: note.reason for note in found.ignored} == {
        "b.dcm": "The same image as a.dcm: shown once.",
        "c.dcm": "It has the UID and the place of a.dcm, but other pixels: only that one is shown.",
    }


@pytest.mark.parametrize("place", [0, 1], ids=["the first corner", "the last corner"])
def test_a_double_that_differs_in_a_corner_alone_is_not_called_the_same(
    tmp_path: Path, place: int
) -> None:
    pixels = np.zeros((400, 400), np.int16)
    first = slice_of(0, pixels)
    save(first, tmp_path / "a.dcm")
    pixels[-place, -place] = 1  # what was burned in, or blackened
    first.PixelData = pixels.tobytes()
    save(first, tmp_path / "b.dcm")

    (note,) = scan([tmp_path]).ignored

    assert "other pixels" in note.reason


def test_what_follows_the_pixels_makes_no_other_picture(tmp_path: Path) -> None:
    first = slice_of(0)
    save(first, tmp_path / "a.dcm")
    first.add_new(0xFFFCFFFC, "OB", bytes(20))
    save(first, tmp_path / "b.dcm")

    (note,) = scan([tmp_path]).ignored

    assert note.reason == "The same image as a.dcm: shown once."

"""A model learnt from a reader's own folder: DICOM series and segmentation objects of them."""

from __future__ import annotations

from pathlib import Path

import highdicom as hd
import numpy as np
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid
from training_sets import balls_plan

from medview.ai.folder import open_folder
from medview.cli.main import main
from medview.core.errors import InvalidInput
from medview.core.progress import CancelToken, no_progress
from medview.training.build import train_model
from medview.training.dicom_cases import read_dicom_cases
from medview.training.learning import Job
from medview.training.plan import read_plan

OUTPUTS = [{"label": 1, "name": "Ball"}]


def _slices(folder: Path, person: int, voxels: np.ndarray) -> list[FileDataset]:
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    made = []
    for k, picture in enumerate(voxels):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = (
            ExplicitVRLittleEndian,
            MRImageStorage,
        )
        meta.MediaStorageSOPInstanceUID = generate_uid()
        one = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        one.SOPClassUID, one.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
        one.Modality, one.PatientName, one.PatientID = "MR", "Own^Case", f"P{person}"
        one.PatientBirthDate = one.PatientSex = one.StudyID = one.AccessionNumber = ""
        one.StudyDate, one.StudyTime, one.ReferringPhysicianName = "20260102", "101112", ""
        one.StudyInstanceUID, one.SeriesInstanceUID = study, series
        one.FrameOfReferenceUID, one.InstanceNumber, one.SeriesNumber = frame, k + 1, 1
        one.ImagePositionPatient, one.ImageOrientationPatient = [0, 0, k], [1, 0, 0, 0, 1, 0]
        one.PixelSpacing, one.SliceThickness = [1, 1], 1
        one.SamplesPerPixel, one.BitsAllocated, one.BitsStored, one.HighBit = 1, 16, 16, 15
        one.PixelRepresentation, one.PhotometricInterpretation = 0, "MONOCHROME2"
        one.Rows, one.Columns = picture.shape
        one.PixelData = picture.astype("<u2").tobytes()
        one.save_as(folder / f"{person}-{k}.dcm", enforce_file_format=True)
        made.append(one)
    return made


def _segment(name: str) -> hd.seg.SegmentDescription:
    return hd.seg.SegmentDescription(
        segment_number=1, segment_label=name,
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.SCT.Mass,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
    )  # fmt: skip


def _draw(folder: Path, slices: list[FileDataset], mask: np.ndarray, name: str = "ball") -> None:
    drawn = hd.seg.Segmentation(
        source_images=slices, pixel_array=mask.astype(np.uint8),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_segment(name)], series_instance_uid=generate_uid(),
        series_number=2, sop_instance_uid=generate_uid(), instance_number=1,
        manufacturer="Own", manufacturer_model_name="Hand", software_versions="1",
        device_serial_number="1",
    )  # fmt: skip
    drawn.save_as(folder / f"{slices[0].PatientID}-{name}-seg.dcm")


def write_own(folder: Path, people: int = 10) -> None:
    """People with a series of a ball each, and a SEG of it."""
    folder.mkdir()
    rng = np.random.default_rng(3)
    for person in range(people):
        distance = np.sqrt(sum((a - 6) ** 2 for a in np.indices((12, 12, 12))))
        mask = distance < rng.uniform(3, 4.5)
        voxels = np.clip(300 + 400 * mask + rng.normal(0, 30, mask.shape), 0, 4000)
        _draw(folder, _slices(folder, person, voxels), mask)


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("own") / "set"
    write_own(folder)
    return folder


def test_a_case_is_a_series_with_its_segments_on_its_grid(own):
    cases = list(read_dicom_cases(own, OUTPUTS, "all"))
    assert len({case.patient for case in cases}) == len(cases) == 10
    for case in cases:
        assert case.truth is not None
        inside = case.volume.values()[case.truth == 1]
        assert inside.mean() > 600 > case.volume.values()[case.truth == 0].mean()
        assert case.labels == {1}


def test_patients_are_dealt_to_train_and_dev_and_their_numbers_stay_hidden(own):
    train = {case.patient for case in read_dicom_cases(own, OUTPUTS, "train")}
    dev = {case.patient for case in read_dicom_cases(own, OUTPUTS, "dev")}
    assert (len(train), len(dev)) == (8, 2)
    assert not train & dev
    assert not any(name.startswith("P") for name in train | dev)


def test_segments_that_the_model_does_not_name_are_left_out(own):
    with pytest.raises(InvalidInput, match="a segment that the model names"):
        list(read_dicom_cases(own, [{"label": 1, "name": "Liver"}], "train"))


def test_a_segmentation_on_another_grid_is_one_sentence(tmp_path):
    voxels = np.full((6, 12, 12), 300)
    slices = _slices(tmp_path, 1, voxels)
    mask = np.zeros(voxels.shape, bool)
    mask[2:4, 3:6, 3:6] = True
    for one in slices:
        one.PixelSpacing = [2, 2]  # the SEG now tells another grid than the files
    _draw(tmp_path, slices, mask)
    with pytest.raises(InvalidInput, match="another grid"):
        list(read_dicom_cases(tmp_path, OUTPUTS, "all"))


def test_a_segmentation_that_was_cut_off_is_named_and_not_passed_over(tmp_path):
    folder = tmp_path / "set"
    write_own(folder, people=2)
    seg = sorted(folder.glob("*-seg.dcm"))[0]
    seg.write_bytes(seg.read_bytes()[:700])
    with pytest.raises(InvalidInput) as refused:
        list(read_dicom_cases(folder, OUTPUTS, "all"))
    assert refused.value.where == seg.name
    assert "breaks off" in str(refused.value)


def test_a_model_is_trained_and_measured_on_such_a_folder(own, tmp_path, capsys):
    plan = balls_plan(tmp_path, steps=3)
    text = plan.path.read_text().replace('path = "set"', f'path = "{own}"')
    plan.path.write_text(text)
    (tmp_path / "run").mkdir()
    model = train_model(read_plan(plan.path), Job(tmp_path / "run", no_progress, CancelToken()))
    assert "dice.ball" in (model / "eval.json").read_text()
    assert open_folder(model).name == "balls"
    assert main(["evaluate", str(model), str(own), "--split", "all"]) == 0
    assert "10 cases, 10 patients" in capsys.readouterr().out


def test_of_segments_that_overlap_the_output_named_last_counts(tmp_path):
    slices = _slices(tmp_path, 1, np.arange(6 * 12 * 12).reshape(6, 12, 12))
    whole, core = np.zeros((6, 12, 12)), np.zeros((6, 12, 12))
    whole[1:5, 2:10, 2:10] = core[2:4, 4:8, 4:8] = 1
    _draw(tmp_path, slices, core, "a core")  # by its file's name the first
    _draw(tmp_path, slices, whole, "ball")
    outputs = [{"label": 1, "name": "Ball"}, {"label": 2, "name": "A core"}]
    (case,) = read_dicom_cases(tmp_path, outputs, "all")
    assert np.array_equal(case.truth, (whole + core).astype(np.uint8))


@pytest.mark.parametrize("text", ['{"label": null}', '{"label": ["ill"]}', "[1]", "{"])
def test_a_class_that_is_none_is_named(tmp_path, text):
    _slices(tmp_path, 1, np.arange(6 * 12 * 12).reshape(6, 12, 12))
    (tmp_path / "label.json").write_text(text)
    with pytest.raises(InvalidInput, match="missing or damaged") as caught:
        list(read_dicom_cases(tmp_path, OUTPUTS, "all"))
    assert caught.value.where == "label.json"

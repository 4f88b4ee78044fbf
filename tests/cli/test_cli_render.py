"""`medview render`: pictures of slices and of the volume, and what it refuses."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from medview.cli.main import main
from medview.core.geometry import Geometry, PatientPoint
from medview.core.results import Finding, Label, LabelMap, ModelRef, ModelRun
from medview.dicom import scan
from medview.dicom.write import write_results, write_run_files

_SLICES, _ROWS, _COLUMNS = 8, 40, 30


@pytest.fixture
def ct_folder(tmp_path: Path) -> Path:
    """A small CT in HU: value = 10 x slice, a bright block at the right anterior corner."""
    folder = tmp_path / "ct"
    folder.mkdir()
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    for k in range(_SLICES):
        stored = np.full((_ROWS, _COLUMNS), 1024 + 10 * k, np.uint16)
        stored[:10, :8] = 2224
        _save(folder / f"{k}.dcm", stored, k, (study, series, frame))
    return folder


def _save(path: Path, stored: np.ndarray, k: int, uids: tuple[str, str, str]) -> None:
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = CTImageStorage
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID = generate_uid()
    made.StudyInstanceUID, made.SeriesInstanceUID, made.FrameOfReferenceUID = uids
    made.PatientID, made.PatientName, made.Modality = "P1", "Test^Render", "CT"
    made.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    made.StudyDate, made.StudyTime, made.StudyID = "20260131", "101010", "1"
    made.SeriesNumber, made.InstanceNumber, made.AccessionNumber = 1, k + 1, ""
    made.PatientBirthDate, made.PatientSex, made.Manufacturer = "19600101", "F", "none"
    made.ReferringPhysicianName, made.PositionReferenceIndicator = "", ""
    made.Rows, made.Columns = stored.shape
    made.PixelSpacing, made.SliceThickness = [0.5, 0.8], 2.0
    made.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    made.ImagePositionPatient = [-10, -5, 100 + 2.0 * k]
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 16, 15, 0
    made.RescaleSlope, made.RescaleIntercept, made.RescaleType = 1, -1024, "HU"
    made.PixelData = stored.tobytes()
    made.save_as(path, enforce_file_format=True)


@pytest.fixture
def rendered(ct_folder: Path, tmp_path: Path) -> Callable[..., np.ndarray]:
    """Runs the command on the CT and reads its picture."""

    def render(*options: str) -> np.ndarray:
        out = tmp_path / "picture.png"
        assert main(["render", str(ct_folder), "--out", str(out), "--quiet", *options]) == 0
        return np.asarray(Image.open(out))

    return render


def test_axial_slice_has_its_aspect_and_its_grey(rendered) -> None:
    picture = rendered("--plane", "axial", "--at", "104", "--window", "200,100")

    # 30 columns of 0.8 mm over 40 rows of 0.5 mm, at 0.5 mm a pixel.
    assert picture.shape == (40, 48, 3)
    assert picture[30, 30].tolist() == [26, 26, 26]  # 20 HU: (20 - 99.5)/199 + 0.5, times 255
    assert picture[2, 2].tolist() == [255, 255, 255]


def test_coronal_has_the_head_above(rendered) -> None:
    picture = rendered("--plane", "coronal", "--at", "5", "--window", "200,100")

    assert picture.shape[0] == round(_SLICES * 2.0 / 0.8)
    assert picture[0, 25, 0] > picture[-1, 25, 0]


def test_sagittal_has_the_front_on_the_left(rendered) -> None:
    picture = rendered("--plane", "sagittal", "--at", "-9", "--window", "200,100")

    assert picture[10, 2, 0] == 255
    assert picture[10, -2, 0] < 100


def test_volume_is_drawn(rendered) -> None:
    picture = rendered("--plane", "volume")

    assert picture.shape == (800, 900, 3)
    assert picture.max() > 60


def test_volume_takes_a_look_by_name(rendered, ct_folder: Path, tmp_path: Path, capsys) -> None:
    bone, soft = (
        rendered("--plane", "volume"),
        rendered("--plane", "volume", "--preset", "Soft tissue"),
    )

    assert not np.array_equal(bone, soft)
    out = tmp_path / "picture.png"
    asked = ["render", str(ct_folder), "--out", str(out), "--plane", "volume"]
    assert main([*asked, "--preset", "pet"]) == 2
    assert "There is no look pet for this series" in capsys.readouterr().err
    assert main([*asked, "--preset", "lung", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["look"] == "lung"


def test_preset_is_called_by_name(rendered) -> None:
    lung, numbers = rendered("--window", "lung"), rendered("--window", "1500,-600")

    assert np.array_equal(lung, numbers)


def test_picture_is_for_its_owner_alone(rendered, tmp_path: Path) -> None:
    rendered()

    assert stat.S_IMODE((tmp_path / "picture.png").stat().st_mode) == 0o600


def test_json_says_what_was_drawn(ct_folder: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "a.png"

    main(["render", str(ct_folder), "--out", str(out), "--json", "--at", "108.9"])

    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["plane"], told["index"]) == ("medview.render/1", "axial", 4)
    assert told["position_mm"] == 108


def _results(ct_folder: Path, folder: Path) -> Path:
    series = scan([ct_folder]).patients[0].studies[0].series[0]
    geometry = Geometry(
        shape=(_SLICES, _ROWS, _COLUMNS), spacing=(0.8, 0.5, 2.0),
        origin=PatientPoint(-10, -5, 100),
    )  # fmt: skip
    voxels = np.zeros(geometry.shape, np.uint8)
    voxels[3:5, 20:30, 10:20] = 1
    labels = (Label(value=1, name="lesion", colour="#56b4e9"),)
    run = ModelRun(
        id="run", model=ModelRef(name="m", version="1.0", manifest_sha256="0" * 64),
        series_uid=series.uid, stack=0, status="run",
        label_map=LabelMap(id="l", geometry=geometry, voxels=voxels, labels=labels),
        findings=(
            Finding(id="f", kind="segmentation", label="lesion", label_map_id="l", label_value=1),
        ),
    )  # fmt: skip
    folder.mkdir()
    files = write_run_files(run, series.stacks[0], folder)
    return write_results("1.2.3", [(run, files)], folder)


def test_overlay_changes_only_the_slices_that_it_lies_on(
    rendered, ct_folder: Path, tmp_path: Path
) -> None:
    results = str(_results(ct_folder, tmp_path / "results"))

    on = [rendered("--at", "106"), rendered("--at", "106", "--overlay", results)]
    off = [rendered("--at", "114"), rendered("--at", "114", "--overlay", results)]

    rows, columns = np.nonzero((on[0] != on[1]).any(axis=2))
    assert (rows.min(), rows.max()) == (20, 29)
    assert (columns.min(), columns.max()) == (16, 31)
    assert np.array_equal(*off)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--at", "900"], "There is no slice at 900 mm; they lie from 100.0 to 114.0 mm."),
        (["--window", "wide"], "wide is no window"),
        (["--window", "0,40"], "cannot be shown"),
        (["--series", "1.2.3"], "There is no series with this UID"),
        (["--overlay", "nowhere"], "The results cannot be read"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    ct_folder: Path, tmp_path: Path, capsys, options: list[str], sentence: str
) -> None:
    out = tmp_path / "a.png"

    status = main(["render", str(ct_folder), "--out", str(out), *options])

    told = capsys.readouterr().err
    assert status == 2
    assert sentence in told
    assert told.count("\n") == 1
    assert not out.exists()


def test_only_png_is_written(ct_folder: Path, tmp_path: Path, capsys) -> None:
    assert main(["render", str(ct_folder), "--out", str(tmp_path / "a.jpg")]) == 2
    assert "must end in .png" in capsys.readouterr().err


def test_lost_slices_end_with_status_3(ct_folder: Path, tmp_path: Path, capsys) -> None:
    broken = ct_folder / "2.dcm"
    broken.write_bytes(broken.read_bytes()[:-900])
    out = tmp_path / "a.png"

    status = main(["render", str(ct_folder), "--out", str(out), "--plane", "coronal"])

    assert status in (0, 3)  # left out by the scan, or blank in the volume
    assert out.exists()


@pytest.mark.parametrize("film", ["chest-cxr-monochrome1.dcm", "rg2-jpeg12.dcm"])
def test_real_films_are_drawn_as_stored(imaging_data: Path, tmp_path: Path, film: str) -> None:
    out = tmp_path / "a.png"

    status = main(["render", str(imaging_data / "cr-dx" / film), "--out", str(out), "--quiet"])

    assert status == 0
    assert np.asarray(Image.open(out)).std() > 20


def test_a_film_has_no_other_plane(imaging_data: Path, tmp_path: Path, capsys) -> None:
    film = imaging_data / "cr-dx" / "rg2-jpeg12.dcm"

    status = main(["render", str(film), "--out", str(tmp_path / "a.png"), "--plane", "coronal"])

    assert status == 2
    assert "no other plane" in capsys.readouterr().err


def test_pet_is_drawn_as_the_window_opens_it_dark_on_white(
    imaging_data: Path, tmp_path: Path, capsys
) -> None:
    out = tmp_path / "a.png"

    assert main(["render", str(imaging_data / "petct" / "pet"), "--out", str(out), "--json"]) == 0

    picture = np.asarray(Image.open(out))
    assert json.loads(capsys.readouterr().out)["window"] == [6, 3]
    assert np.median(picture) > 200  # air, which is most of it
    assert picture.min() < 128

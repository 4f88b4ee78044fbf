"""`medview convert`: which stack, which file, how it ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from PIL import Image
from pydicom import dcmread

from medview.cli.main import main


def convert(*arguments: str | Path) -> int:
    return main(["convert", "--quiet", *map(str, arguments)])


def test_a_series_becomes_a_volume_file(imaging_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.nii.gz"
    assert convert(imaging_data / "ct" / "head-small", "--out", out) == 0
    image = sitk.ReadImage(out)
    assert image.GetSize() == (64, 64, 93)
    assert image.GetSpacing() == pytest.approx((3.2, 3.2, 1.5))


def test_a_slice_becomes_a_picture(imaging_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    assert convert(imaging_data / "ct" / "head-small", "--out", out, "--slice", "40") == 0
    with Image.open(out) as picture:
        assert picture.size == (64, 64)


@pytest.mark.parametrize("ending", ["nii.gz", "nrrd", "mha"])
def test_one_picture_in_colour_becomes_a_volume_file(
    imaging_data: Path, tmp_path: Path, ending: str
) -> None:
    source, out = imaging_data / "pixel-kinds" / "rgb-planar0.dcm", tmp_path / f"out.{ending}"
    assert convert(source, "--out", out) == 0
    values = sitk.GetArrayFromImage(sitk.ReadImage(out))
    assert np.array_equal(np.squeeze(values), dcmread(source).pixel_array)


@pytest.mark.parametrize(
    "extra",
    [("--series", "1.2.3"), ("--stack", "7")],
)
def test_what_is_not_there_gives_status_2(
    imaging_data: Path, tmp_path: Path, extra: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.nii.gz"
    assert convert(imaging_data / "seg" / "small-ct", "--out", out, *extra) == 2
    assert "There is no" in capsys.readouterr().err
    assert not out.exists()


def test_of_several_series_one_must_be_named(
    imaging_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(imaging_data / "ct", "--out", tmp_path / "out.nii.gz") == 2
    assert "--series" in capsys.readouterr().err


def test_a_tilted_series_is_straightened_for_the_file(imaging_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.nrrd"
    assert convert(imaging_data / "ct" / "head-tilt-philips", "--out", out) == 0
    image = sitk.ReadImage(out)
    assert image.GetSpacing()[2] == pytest.approx(2.397, abs=0.001)


def test_a_gap_is_bridged_and_said(
    imaging_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.nrrd"
    assert main(["convert", str(imaging_data / "ct" / "gap"), "--out", str(out)]) == 0
    assert "resampled" in capsys.readouterr().out
    image = sitk.ReadImage(out)
    assert (image.GetSize()[2], image.GetSpacing()[2]) == (4, pytest.approx(5))


def test_pictures_of_one_place_make_no_volume(imaging_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.nrrd"
    assert convert(imaging_data / "ct" / "same-position", "--out", out) == 2
    assert not out.exists()


def test_what_is_read_is_never_written_over(imaging_data: Path, tmp_path: Path, capsys) -> None:
    volume = tmp_path / "a.nii"
    assert convert(imaging_data / "ct" / "gap", "--out", volume) == 0
    before = volume.read_bytes()
    (tmp_path / "link.nrrd").symlink_to(volume)

    for out in (volume, tmp_path / "link.nrrd", tmp_path / "." / "a.nii"):
        assert convert(volume, "--out", out) == 2
        assert "written over" in capsys.readouterr().err
    assert volume.read_bytes() == before

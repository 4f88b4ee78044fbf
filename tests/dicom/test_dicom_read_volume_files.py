"""NIfTI, NRRD, MetaImage and pictures out of volumes."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from dicom_read_cases import save_series
from PIL import Image

from medview.core.errors import InvalidInput, WriteFailed
from medview.core.study import Stack
from medview.dicom import load_volume, read_frame, scan, write_picture, write_volume


def stack_of(folder: Path) -> Stack:
    return scan([folder]).patients[0].studies[0].series[0].stacks[0]


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_a_volume_file_has_the_values_and_the_place_of_the_stack(
    tmp_path: Path, ending: str
) -> None:
    oblique = [0.8, 0.6, 0, -0.6, 0.8, 0]
    volume = load_volume(stack_of(save_series(tmp_path / "in", ImageOrientationPatient=oblique)))
    write_volume(volume, tmp_path / f"out{ending}")
    image = sitk.ReadImage(tmp_path / f"out{ending}")
    assert image.GetSize() == (5, 6, 4)
    assert image.GetSpacing() == pytest.approx((0.5, 0.8, 2.0))
    assert np.array_equal(sitk.GetArrayFromImage(image), volume.values())
    point = image.TransformIndexToPhysicalPoint((4, 5, 3))
    expected = volume.geometry.to_patient_array([[3, 5, 4]])[0]
    assert point == pytest.approx(expected, abs=1e-4)


def test_one_slice_becomes_a_tiff_of_its_values(tmp_path: Path) -> None:
    stack = stack_of(save_series(tmp_path / "in"))
    write_volume(read_frame(stack, 2), tmp_path / "out.tif")
    assert np.asarray(Image.open(tmp_path / "out.tif"))[0, 0] == -979


def test_a_sheared_stack_is_refused_with_a_way_out(tmp_path: Path) -> None:
    folder = save_series(tmp_path / "in", ImagePositionPatient=lambda k: [0, k, 2 * k])
    with pytest.raises(InvalidInput, match="sheared"):
        write_volume(load_volume(stack_of(folder)), tmp_path / "out.nii.gz")


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    volume = load_volume(stack_of(save_series(tmp_path / "in")))
    (tmp_path / "out.nrrd").mkdir()
    with pytest.raises(WriteFailed):
        write_volume(volume, tmp_path / "out.nrrd")
    with pytest.raises(WriteFailed):
        write_volume(volume, tmp_path / "nowhere" / "out.nrrd")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "in", "out.nrrd"] or sorted(
        path.name for path in tmp_path.iterdir()
    ) == ["in", "out.nrrd"]


def test_an_unknown_ending_is_said(tmp_path: Path) -> None:
    volume = load_volume(stack_of(save_series(tmp_path / "in")))
    with pytest.raises(InvalidInput, match="ending"):
        write_volume(volume, tmp_path / "out.docx")


@contextmanager
def room_for(count: int) -> Iterator[None]:
    """No file may grow past so many bytes: stands for a disk that is full at that place."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("ending", [".nii.gz", ".nii", ".nrrd", ".mha", ".png", ".tif"])
@pytest.mark.parametrize("count", [0, 400, 60_000])
def test_a_disk_without_room_is_said_and_leaves_no_cut_file(
    tmp_path: Path, ending: str, count: int
) -> None:
    volume = load_volume(stack_of(save_series(tmp_path / "in")))
    depth = 1 if ending in (".png", ".tif") else 4
    noise = np.random.default_rng(1).integers(-1000, 1000, (depth, 300, 300)).astype(np.int16)
    geometry = replace(volume.geometry, shape=noise.shape)
    full = replace(volume, stored=noise, geometry=geometry, windows=(), per_slice=None)
    out = tmp_path / "out" / f"scan{ending}"
    out.parent.mkdir()
    out.write_bytes(b"what was there before")
    seen = noise[0].astype(np.uint8)
    write = partial(write_picture, seen) if ending == ".png" else partial(write_volume, full)
    with room_for(count), pytest.raises(WriteFailed):
        write(out)
    assert out.read_bytes() == b"what was there before"
    assert list(out.parent.iterdir()) == [out]

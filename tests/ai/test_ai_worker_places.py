"""What a network marks lies where the files say, however they lie in the patient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from ai_pipeline_dicom import as_volume, only_stack, write_series
from torch import Tensor, nn

from medview.ai.worker.crop import crop
from medview.ai.worker.input_steps import orient, resample
from medview.ai.worker.net_steps import network, tile
from medview.ai.worker.output_steps import restore
from medview.ai.worker.steps import State
from medview.core.errors import InputRefused
from medview.core.geometry import Geometry, PatientPoint
from medview.core.volume import Volume
from medview.dicom import load_volume

_C, _S = np.cos(0.4), np.sin(0.4)
UPRIGHT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
WAYS = {
    "axial": UPRIGHT,
    "sagittal": ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0), (-1.0, 0.0, 0.0)),
    "coronal": ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)),
    "turned round": ((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0)),
    "oblique": ((_C, _S, 0.0), (-_S * _C, _C * _C, _S), (_S * _S, -_C * _S, _C)),
    "tilted": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, np.sin(0.3), np.cos(0.3))),
}


class _Bright(nn.Module):
    """Class 1 from 500 on, class 2 from 1500 on, each voxel by itself."""

    def forward(self, image: Tensor) -> Tensor:
        return torch.cat([torch.zeros_like(image), image - 500, 2 * image - 2000], 1)


def marked(
    volume: Volume, *, spacing: tuple[float, ...] | None = None, deep: int = 7
) -> np.ndarray:
    state = State(volume)
    state.context.networks[":w:"] = _Bright()
    orient(state, "LPS")
    if spacing:
        resample(state, list(spacing), smooth=False)
    tile(state, patch=[9, 8, deep])
    network(state, arch="", weights="w")
    restore(state, slab_slices=3)
    assert not state.has_logits  # they never existed as a whole
    assert state.label_map is not None
    return state.label_map


def lopsided(shape: tuple[int, int, int] = (13, 20, 17)) -> np.ndarray:
    """A bar of 1000 off the middle in every direction, with a corner of 2000."""
    voxels = np.zeros(shape, np.uint16)
    k, j, i = (n // 4 for n in shape)
    voxels[k : 2 * k + 1, j : 3 * j, i : 2 * i + 2] = 1000
    voxels[k, j : j + 2, i : i + 3] = 2000
    return voxels


def by_tags(folder: Path, least: int) -> np.ndarray:
    """Millimetres of the pixels from `least` on, by positions and orientations in the files."""
    found = []
    for path in folder.iterdir():
        image = pydicom.dcmread(path)
        along, down = np.array(image.ImageOrientationPatient, float).reshape(2, 3)
        row_mm, column_mm = map(float, image.PixelSpacing)
        rows, columns = np.nonzero(image.pixel_array >= least)
        start = np.array(image.ImagePositionPatient, float)
        found.append(start + np.outer(columns * column_mm, along) + np.outer(rows * row_mm, down))
    return np.concatenate(found)


def same(found: np.ndarray, expected: np.ndarray) -> None:
    def ordered(points: np.ndarray) -> np.ndarray:
        return points[np.lexsort(np.round(points, 2).T)]

    assert found.shape == expected.shape
    assert np.allclose(ordered(found), ordered(expected), atol=1e-3)


@pytest.mark.parametrize("way", WAYS)
def test_marked_voxels_lie_where_the_files_say(tmp_path, way):
    grid = Geometry(
        shape=(13, 20, 17), spacing=(0.8, 1.1, 2.5), origin=PatientPoint(-31, 42, 7), axes=WAYS[way]
    )
    folder = write_series(tmp_path / "s", lopsided(), grid)
    volume = load_volume(only_stack(folder)[1])
    labels = marked(volume)
    points = volume.geometry.to_patient_array(np.argwhere(labels > 0))
    same(points, by_tags(folder, 1000))
    same(volume.geometry.to_patient_array(np.argwhere(labels == 2)), by_tags(folder, 2000))


@pytest.mark.parametrize("way", WAYS)
def test_through_a_coarser_grid_the_middle_stays_where_it_is(tmp_path, way):
    grid = Geometry(shape=(26, 40, 34), spacing=(0.8, 0.9, 1.0), axes=WAYS[way])
    folder = write_series(tmp_path / "s", lopsided(grid.shape), grid)
    volume = load_volume(only_stack(folder)[1])
    labels = marked(volume, spacing=(1.5, 1.5, 1.5))
    middle = volume.geometry.to_patient_array(np.argwhere(labels > 0)).mean(axis=0)
    assert np.linalg.norm(middle - by_tags(folder, 1000).mean(axis=0)) < 0.5


@pytest.mark.parametrize("slices", [1, 2, 4000])
def test_any_number_of_slices_is_marked(slices):
    voxels = np.zeros((slices, 6, 8), np.uint16)
    voxels[:, 1:3, 2:7] = 1000
    voxels[-1, 5, 0] = 1000
    volume = as_volume(voxels, Geometry(shape=voxels.shape))
    assert np.array_equal(marked(volume, deep=500) > 0, voxels > 0)


def test_a_crop_changes_no_label_and_an_empty_image_is_refused():
    voxels = np.full((12, 40, 44), -1000, np.int16)
    voxels[3:9, 10:30, 9:25] = 700
    voxels[5, 20, 20] = 1800
    volume = as_volume(voxels, Geometry(shape=voxels.shape))
    state = State(volume)
    state.context.networks[":w:"] = _Bright()
    crop(state, "body", margin_mm=2.0)
    assert state.image.size < voxels.size / 2
    network(state, arch="", weights="w")
    restore(state)
    assert np.array_equal(state.label_map, marked(volume))
    with pytest.raises(InputRefused, match="no body"):
        crop(
            State(as_volume(np.full((4, 4, 4), -1000, np.int16), Geometry(shape=(4, 4, 4)))), "body"
        )

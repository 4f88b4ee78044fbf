"""The patch of a nodule, cut from series of any orientation and spacing."""

from __future__ import annotations

import numpy as np
import pytest

from medview.core.errors import InputRefused
from medview.core.geometry import Geometry, PatientPoint
from medview.core.volume import Volume
from medview.imaging.nodule_patch import PIXEL_MM, cut_patch, unpack

CENTRE = np.array([12.0, -20.0, 33.0])
RADIUS = 9.0
LPS = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def ball(geometry: Geometry) -> tuple[Volume, np.ndarray]:
    """A ball of 40 HU in lung with a slope towards left, back and head, and its mask."""
    places = geometry.to_patient_array(np.argwhere(np.ones(geometry.shape)))
    away = np.linalg.norm(places - CENTRE, axis=1).reshape(geometry.shape)
    slope = ((places - CENTRE) @ np.array([4.0, 2.0, 1.0])).reshape(geometry.shape)
    values = np.where(away <= RADIUS, 40.0, -850.0 + slope).astype(np.int16)
    volume = Volume(geometry=geometry, stored=values, modality="CT", unit="HU")
    return volume, away <= RADIUS


def around(spacing: tuple[float, float, float], axes: tuple = LPS) -> Geometry:
    """A grid of 100 mm cubed whose middle is the ball's."""
    sizes = [round(100 / s) for s in spacing]
    corner = CENTRE - sum(
        np.array(a) * s * (n - 1) / 2 for a, s, n in zip(axes, spacing, sizes, strict=True)
    )
    return Geometry(
        shape=(sizes[2], sizes[1], sizes[0]), spacing=spacing, axes=axes,
        origin=PatientPoint(*corner),
    )  # fmt: skip


@pytest.mark.parametrize("spacing", [(0.7, 0.7, 1.0), (0.9, 0.9, 2.5), (0.6, 0.6, 0.625)])
def test_a_ball_lies_in_the_middle_with_its_own_size(spacing: tuple[float, float, float]):
    volume, mask = ball(around(spacing))
    patch = cut_patch(volume, mask, (0, 0, 0))
    grey, outline = unpack(patch.stored)
    middle = np.argwhere(outline[2]).mean(0)
    np.testing.assert_allclose(middle, 31.5, atol=0.6)
    area = outline[2].sum() * PIXEL_MM**2
    assert area == pytest.approx(np.pi * RADIUS**2, rel=0.08)
    assert outline[0].sum() < outline[1].sum() < outline[2].sum()
    assert grey[outline].mean() > 230
    assert grey[~outline].mean() < 100
    np.testing.assert_allclose(patch.geometry.to_index(PatientPoint(*CENTRE))[1:], 31.5, atol=0.6)


def test_heights_are_those_of_the_training_patches():
    volume, mask = ball(around((0.7, 0.7, 1.0)))
    patch = cut_patch(volume, mask, (0, 0, 0))
    _, outline = unpack(patch.stored)
    levels = np.flatnonzero(mask.any((1, 2)))
    chosen = [levels[int(share * len(levels))] for share in (0.1, 0.3, 0.5, 0.7, 0.9)]
    areas = [mask[level].sum() * 0.7**2 for level in chosen]
    np.testing.assert_allclose(outline.sum((1, 2)) * PIXEL_MM**2, areas, rtol=0.1, atol=8)


@pytest.mark.parametrize(
    "axes",
    [
        ((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0)),
        ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)),  # coronal
        ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0), (1.0, 0.0, 0.0)),  # sagittal
    ],
)
def test_the_patch_is_the_same_however_the_series_is_stored(axes: tuple):
    volume, mask = ball(around((0.8, 0.8, 0.8)))
    wanted = cut_patch(volume, mask, (0, 0, 0))
    other, marked = ball(around((0.8, 0.8, 0.8), axes))
    found = cut_patch(other, marked, (0, 0, 0))
    grey, outline = unpack(wanted.stored)
    again, drawn = unpack(found.stored)
    assert np.mean(drawn != outline) < 0.01
    assert np.mean(np.abs(again.astype(int) - grey.astype(int))) < 4
    np.testing.assert_allclose(found.geometry.axes, LPS, atol=1e-9)


@pytest.mark.parametrize("spacing", [(0.7, 0.7, 1.0), (1.6, 1.6, 2.5)])
def test_a_mask_may_be_given_by_its_box(spacing: tuple[float, float, float]):
    volume, mask = ball(around(spacing))
    first = tuple(int(n) for n in np.argwhere(mask).min(0))
    last = np.argwhere(mask).max(0) + 1
    part = mask[first[0] : last[0], first[1] : last[1], first[2] : last[2]]
    whole = cut_patch(volume, mask, (0, 0, 0))
    np.testing.assert_array_equal(cut_patch(volume, part, first).stored, whole.stored)


def test_a_nodule_at_the_edge_of_the_series_is_cut_too():
    geometry = around((0.7, 0.7, 1.0))
    volume, mask = ball(geometry)
    part = Volume(
        geometry=Geometry(
            shape=(100, 60, 60), spacing=(0.7, 0.7, 1.0),
            origin=geometry.to_patient(type(geometry.to_index(geometry.origin))(0, 60, 60)),
        ),
        stored=np.ascontiguousarray(volume.stored[:, 60:120, 60:120]), modality="CT", unit="HU",
    )  # fmt: skip
    _, outline = unpack(cut_patch(part, mask[:, 60:120, 60:120], (0, 0, 0)).stored)
    assert outline.any()


def test_a_nodule_of_one_slice_repeats_it():
    volume, mask = ball(around((0.7, 0.7, 5.0)))
    one = np.zeros_like(mask)
    one[10] = mask[10]
    grey, outline = unpack(cut_patch(volume, one, (0, 0, 0)).stored)
    assert all(np.array_equal(grey[0], each) for each in grey)
    assert all(np.array_equal(outline[0], each) for each in outline)


def test_oblique_slices_and_empty_masks_are_refused():
    turn = np.deg2rad(40)
    axes = ((1.0, 0.0, 0.0), (0.0, np.cos(turn), np.sin(turn)), (0.0, -np.sin(turn), np.cos(turn)))
    volume, mask = ball(around((1.0, 1.0, 1.0), axes))
    with pytest.raises(InputRefused, match="axial"):
        cut_patch(volume, mask, (0, 0, 0))
    volume, mask = ball(around((1.0, 1.0, 1.0)))
    with pytest.raises(InputRefused, match="marked"):
        cut_patch(volume, mask & False, (0, 0, 0))

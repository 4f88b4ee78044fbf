"""Brushes, growing, shapes and sizes of masks, against plain numpy and analytic bodies."""

from __future__ import annotations

import numpy as np
import pytest

from medview.core.errors import Cancelled, InputRefused
from medview.core.geometry import Geometry, PatientPoint, VoxelIndex
from medview.core.progress import CancelToken
from medview.core.volume import Volume
from medview.imaging.segment.box import EMPTY, Box, LiveMask, bounds
from medview.imaging.segment.brush import in_window, stroke
from medview.imaging.segment.grow import grow_from_seed
from medview.imaging.segment.shape import fill_between, keep_largest, margin, remove_small, smooth
from medview.imaging.segment.size import mask_axes, statistics

TILTED = Geometry(
    shape=(24, 40, 50),
    spacing=(0.7, 0.9, 2.0),
    origin=PatientPoint(-30, 12, 400),
    axes=((0.0, 1.0, 0.0), (-1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
)


def centres(geometry: Geometry) -> np.ndarray:
    grid = np.stack(np.meshgrid(*map(np.arange, geometry.shape), indexing="ij"), axis=-1)
    return geometry.to_patient_array(grid.reshape(-1, 3)).reshape(*geometry.shape, 3)


def whole(geometry: Geometry, box: Box, inside: np.ndarray) -> np.ndarray:
    found = np.zeros(geometry.shape, bool)
    found[box.slices] = inside
    return found


def test_ball_covers_exactly_the_voxels_within_its_radius() -> None:
    place = TILTED.to_patient(VoxelIndex(11.3, 20.2, 24.9))
    box, inside = stroke(TILTED, (place, place), 6.5)
    distance = np.linalg.norm(centres(TILTED) - np.array(place), axis=-1)
    assert np.array_equal(whole(TILTED, box, inside), distance <= 6.5)


def test_flat_brush_stays_in_its_slice_and_covers_the_way_between() -> None:
    start = TILTED.to_patient(VoxelIndex(7, 12, 10))
    end = TILTED.to_patient(VoxelIndex(7, 25, 40))
    slab = (np.array([0.0, 0.0, 1.0]), 0.999)
    found = whole(TILTED, *stroke(TILTED, (start, end), 4.0, slab))
    assert set(np.flatnonzero(found.any(axis=(1, 2)))) == {7}
    points = centres(TILTED)[7]
    along = np.array(end) - np.array(start)
    share = np.clip((points - np.array(start)) @ along / (along @ along), 0, 1)
    gap = np.linalg.norm(points - np.array(start) - share[..., None] * along, axis=-1)
    assert np.array_equal(found[7], gap <= 4.0)


def test_thin_brush_still_covers_the_voxel_under_it_and_nothing_beyond_the_images() -> None:
    place = TILTED.to_patient(VoxelIndex(3.2, 4.4, 5.4))
    box, inside = stroke(TILTED, (place, place), 0.01)
    assert [tuple(v) for v in np.argwhere(whole(TILTED, box, inside))] == [(3, 4, 5)]
    far = PatientPoint(5000, 0, 0)
    assert stroke(TILTED, (far, far), 5.0)[0] == EMPTY


def test_threshold_brush_takes_modality_values() -> None:
    stored = np.arange(24 * 40 * 50, dtype=np.int16).reshape(24, 40, 50) % 1000
    volume = Volume(geometry=TILTED, stored=stored, slope=2.0, intercept=-1000.0, unit="HU")
    place = TILTED.to_patient(VoxelIndex(11, 20, 24))
    box, inside = stroke(TILTED, (place, place), 8.0)
    taken = whole(TILTED, box, in_window(volume, box, inside, (-200.0, 100.0)))
    values = stored.astype(float) * 2 - 1000
    expected = whole(TILTED, box, inside) & (values >= -200) & (values <= 100)
    assert np.array_equal(taken, expected)
    assert 0 < taken.sum() < inside.sum()


def test_live_mask_is_the_array_it_stands_for() -> None:
    rng = np.random.default_rng(4)
    grid = (30, 34, 38)
    live, plain = LiveMask(grid), np.zeros(grid, bool)
    for number in range(40):
        shape = rng.integers(1, 9, 3)
        first = [int(rng.integers(0, n - s + 1)) for n, s in zip(grid, shape, strict=True)]
        box = Box((first[0], first[1], first[2]), (int(shape[0]), int(shape[1]), int(shape[2])))
        bits = rng.random(box.shape) < 0.6
        if number % 3:
            live.paint(box, bits, on=bool(number % 2))
            plain[box.slices][bits] = bool(number % 2)
        else:
            live.write(box, bits)
            plain[box.slices] = bits
    everything = Box((0, 0, 0), grid)
    assert np.array_equal(live.read(everything), plain)
    assert live.count == plain.sum()
    assert live.box.cut(everything) == live.box


def test_growing_takes_what_hangs_together_and_no_more() -> None:
    geometry = Geometry(shape=(30, 60, 60), spacing=(1, 1, 2))
    stored = np.zeros(geometry.shape, np.int16)
    stored[10:20, 20:40, 20:30] = 100
    stored[10:20, 20:40, 40:50] = 100  # as bright, but apart
    stored[10:20, 20:40, 30:32] = 60
    volume = Volume(geometry=geometry, stored=stored, unit="HU")
    seed = geometry.to_patient(VoxelIndex(14, 30, 25))
    found = grow_from_seed(volume, seed, 20)
    assert found.box == Box((10, 20, 20), (10, 20, 10))
    assert found.bits.all()
    assert not found.is_cut
    wider = grow_from_seed(volume, seed, 45)
    assert wider.box == Box((10, 20, 20), (10, 20, 12))


def test_growing_is_bounded_and_says_so() -> None:
    geometry = Geometry(shape=(20, 300, 40), spacing=(1, 1, 5))
    volume = Volume(geometry=geometry, stored=np.zeros(geometry.shape, np.int16))
    found = grow_from_seed(volume, geometry.centre, 10)
    assert found.is_cut
    assert found.box.shape[1] <= 123
    with pytest.raises(InputRefused, match="outside"):
        grow_from_seed(volume, PatientPoint(0, 900, 0), 10)
    stopped = CancelToken()
    stopped.cancel()
    with pytest.raises(Cancelled):
        grow_from_seed(volume, geometry.centre, 10, stopped)


def test_shapes_between_slices_follow_a_slanting_cone() -> None:
    k, j, i = np.indices((21, 64, 64))
    radius, shift = 8 + 0.5 * k, 1.2 * k
    cone = np.hypot(j - 30, i - 15 - shift) <= radius
    drawn = cone.copy()
    drawn[np.arange(21) % 5 != 0] = False
    found = fill_between(drawn, 0, (2.0, 0.7, 0.7))
    both = 2 * (found & cone).sum() / (found.sum() + cone.sum())
    assert both > 0.985
    turned = fill_between(np.moveaxis(drawn, 0, 2), 2, (0.7, 0.7, 2.0))
    assert np.array_equal(np.moveaxis(turned, 2, 0), found)


def test_islands_smoothing_and_margins_do_what_they_say() -> None:
    k, j, i = np.indices((40, 60, 60))
    ball = (2.0 * (k - 20)) ** 2 + (j - 30) ** 2 + (i - 30) ** 2 <= 15**2
    dusty = ball.copy()
    dusty[2:4, 2:4, 2:4] = True
    dusty[35:39, 50:58, 50:58] = True
    assert np.array_equal(keep_largest(dusty), ball)
    kept = remove_small(dusty, 100.0, 2.0)
    assert kept[36, 52, 52]
    assert not kept[3, 3, 3]
    spiked = ball.copy()
    spiked[20, 30, 30:52] = True
    rounded = smooth(spiked, (2.0, 1.0, 1.0), 1.5)
    assert not rounded[20, 30, 50]
    assert rounded.sum() == pytest.approx(spiked.sum(), rel=0.02)
    larger = margin(ball, (2.0, 1.0, 1.0), 4.0)
    truth = (2.0 * (k - 20)) ** 2 + (j - 30) ** 2 + (i - 30) ** 2 <= 19**2
    assert larger.sum() == pytest.approx(truth.sum(), rel=0.04)
    assert margin(larger, (2.0, 1.0, 1.0), -4.0).sum() == pytest.approx(ball.sum(), rel=0.06)


def test_numbers_of_a_mask_are_those_of_numpy() -> None:
    stored = np.random.default_rng(2).integers(0, 2000, TILTED.shape).astype(np.int16)
    volume = Volume(
        geometry=TILTED, stored=stored, slope=0.5, intercept=-100.0, padding=(0.0, 20.0), unit="HU"
    )
    mask = np.random.default_rng(3).random(TILTED.shape) < 0.3
    found = statistics(volume, Box((0, 0, 0), TILTED.shape), mask)
    values = (stored[mask & (stored > 20)] * 0.5 - 100).astype(float)
    assert found.count == mask.sum()
    assert found.volume_mm3 == pytest.approx(mask.sum() * 0.7 * 0.9 * 2.0)
    assert found.mean == pytest.approx(values.mean())
    assert found.sd == pytest.approx(values.std(ddof=1))


def test_axes_of_an_ellipsoid_mask_lie_where_it_is_long() -> None:
    geometry = Geometry(shape=(40, 120, 120), spacing=(0.5, 0.5, 1.0))
    points = centres(geometry) - np.array(geometry.centre)
    turned = np.array([[0.8, 0.6, 0.0], [-0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    u = points @ turned.T
    mask = (u[..., 0] / 14) ** 2 + (u[..., 1] / 8) ** 2 + (u[..., 2] / 8) ** 2 <= 1
    box = bounds(mask)
    axes = mask_axes(geometry, box, mask[box.slices])
    assert axes is not None
    assert axes.long_mm == pytest.approx(28.0, abs=0.7)
    assert axes.short_mm == pytest.approx(16.0, abs=0.7)
    way = np.subtract(axes.long_ends[1], axes.long_ends[0]) / axes.long_mm
    assert abs(way @ np.array([0.8, 0.6, 0.0])) > 0.995
    assert mask_axes(geometry, EMPTY, np.zeros((0, 0, 0), bool)) is None

"""What a look shows lies in the part that is drawn, whatever the values round it."""

from __future__ import annotations

import numpy as np
import pytest

from medview.imaging.transfer import Look, TransferPoint, opacities
from medview.imaging.visible import ends_of, holds, visible_part, volume_of

_BONE = ((130.0, 0.0), (220.0, 0.06), (700.0, 0.6))
_LUNG = ((-1000.0, 0.04), (-600.0, 0.16), (-250.0, 0.0))
_TENT = ((-50.0, 0.0), (0.0, 0.5), (50.0, 0.0))
_LATE = ((-500.0, 0.0), (300.0, 0.0), (500.0, 1.0), (700.0, 0.0), (900.0, 0.0))
_GHOST = ((0.0, 0.0), (100.0, 0.0))


def _look(points: tuple[tuple[float, float], ...], blend: str = "composite") -> Look:
    made = tuple(TransferPoint(value, opacity, "#ffffff") for value, opacity in points)
    return Look(id="t", name="T", points=made, blend=blend)


def _scattered(background: float) -> np.ndarray:
    """[k, j, i] of one value with a few boxes of others in one corner of it."""
    generator = np.random.default_rng(3)
    values = np.full((30, 36, 42), background, np.int16)
    for _ in range(4):
        k, j, i = generator.integers(8, 16, 3)
        values[k : k + 3, j : j + 2, i : i + 4] = generator.integers(-1000, 1500)
    values[10, 10, 10:12] = 400
    return values


@pytest.mark.parametrize("points", [_BONE, _LUNG, _TENT, _LATE])
@pytest.mark.parametrize("background", [-1000, 40, 1400])
def test_no_cell_outside_the_part_holds_anything_that_shows(points, background: float) -> None:
    values, look = _scattered(background), _look(points)
    part = visible_part(ends_of(values), look)
    # A sample between eight voxels takes any value between the least and the largest of them.
    corners = np.stack(
        [values[a : 29 + a, b : 35 + b, c : 41 + c] for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    )
    low, high = corners.min(axis=0).astype(float), corners.max(axis=0).astype(float)
    most = np.maximum(opacities(look, low), opacities(look, high))
    for value, opacity in points:
        most = np.where((low <= value) & (value <= high), np.maximum(most, opacity), most)
    shows = np.argwhere(most > 0)
    for axis, each in enumerate(part):
        assert not len(shows) or each.start <= shows[:, axis].min()
        assert not len(shows) or shows[:, axis].max() + 1 < each.stop


def test_what_is_transparent_at_low_values_is_left_out_with_a_margin() -> None:
    values = np.full((40, 50, 60), -1000, np.int16)
    values[20, 30, 40] = 900
    part = visible_part(ends_of(values), _look(_BONE))
    assert part == (slice(15, 26), slice(25, 36), slice(35, 46))
    assert volume_of(part) == 11**3


def test_where_nothing_shows_only_a_corner_is_left() -> None:
    ends = ends_of(np.full((40, 50, 60), 40, np.int16))
    assert volume_of(visible_part(ends, _look(_BONE))) == 6**3
    assert volume_of(visible_part(ends, _look(_GHOST))) == 6**3


def test_a_projection_takes_everything() -> None:
    values = np.full((4, 5, 6), -1000, np.int16)
    part = visible_part(ends_of(values), _look(_BONE, "mip"))
    assert part == (slice(0, 4), slice(0, 5), slice(0, 6))


def test_one_part_holds_another_only_on_every_axis() -> None:
    whole = (slice(0, 9), slice(0, 9), slice(0, 9))
    inner = (slice(2, 9), slice(0, 5), slice(3, 4))
    assert holds(whole, inner)
    assert not holds(inner, whole)
    assert not holds((slice(0, 9), slice(0, 4), slice(0, 9)), inner)

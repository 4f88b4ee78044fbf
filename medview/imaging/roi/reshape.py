"""A measurement taken again: by a handle it changes, as a whole it moves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from medview.core.geometry import FloatArray, PatientPoint
from medview.imaging.roi.kinds import OUTLINES, SOLID
from medview.imaging.roi.shapes import handles

Points = tuple[PatientPoint, ...]
_LEAST = 1e-6  # mm: shorter ways have no direction


def moved(points: Sequence[PatientPoint], way: ArrayLike) -> Points:
    """All points, a way further."""
    return _as_points(np.array(points, float) + np.array(way, float))


def reshaped(
    kind: str,
    points: Sequence[PatientPoint],
    handle: int,
    to: PatientPoint,
    normal: tuple[float, float, float],
) -> Points:
    """The points after one of them (`handle`, its number among them) was put somewhere else.

    What belongs to the kind stays true: right angles, opposite corners, the other axis's length.
    """
    if kind == "ellipse":
        return _ellipse(points, handle, to, normal)
    if kind == "rectangle":
        return _rectangle(points, handle, to)
    if kind == "bidirectional":
        return _bidirectional(points, handle, to, normal)
    if kind in SOLID and handle == 0:
        return moved(points, np.subtract(to, points[0]))
    if kind in OUTLINES:
        return _pulled(kind, points, handle, to)
    return (*points[:handle], to, *points[handle + 1 :])


def short_axis(
    long: Sequence[PatientPoint], start: PatientPoint, to: PatientPoint, normal: Sequence[float]
) -> Points:
    """The two ends of a short axis that begins at a place and runs to another one's height,
    perpendicular to the long axis."""
    along = _unit(np.subtract(long[1], long[0]))
    aside = _unit(np.cross(np.array(normal, float), along))
    end = np.array(start) + float(np.subtract(to, start) @ aside) * aside
    return start, PatientPoint(*end)


def _ellipse(
    points: Sequence[PatientPoint],
    handle: int,
    to: PatientPoint,
    normal: tuple[float, float, float],
) -> Points:
    """The grabbed end moves, the opposite one stays; the other axis keeps its length."""
    corners = np.array(points, float)
    corners[handle] = to
    pair = (0, 1) if handle < 2 else (2, 3)
    other = (2, 3) if handle < 2 else (0, 1)
    along = corners[pair[1]] - corners[pair[0]]
    if np.linalg.norm(along) < _LEAST:
        return _as_points(corners)
    before = corners[other[1]] - corners[other[0]]
    aside = np.cross(normal, along)
    # Keep the other axis pointing as it did: its ends must not swap under the hand.
    aside = aside if float(aside @ before) >= 0 else -aside
    aside = aside / np.linalg.norm(aside) * np.linalg.norm(before) / 2
    middle = corners[list(pair)].mean(axis=0)
    corners[other[0]], corners[other[1]] = middle - aside, middle + aside
    lengths = [np.linalg.norm(corners[a + 1] - corners[a]) for a in (0, 2)]
    return _as_points(corners if lengths[0] >= lengths[1] else np.roll(corners, 2, axis=0))


def _rectangle(points: Sequence[PatientPoint], handle: int, to: PatientPoint) -> Points:
    """The opposite corner stays, edges keep their directions."""
    corners = np.array(points, float)
    opposite, before, after = ((handle + step) % 4 for step in (2, 3, 1))
    sides = [corners[n] - corners[opposite] for n in (before, after)]
    if min(np.linalg.norm(side) for side in sides) < _LEAST:
        return _as_points(corners)
    way = np.array(to) - corners[opposite]
    for n, side in zip((before, after), sides, strict=True):
        corners[n] = corners[opposite] + float(way @ _unit(side)) * _unit(side)
    corners[handle] = corners[before] + corners[after] - corners[opposite]
    return _as_points(corners)


def _bidirectional(
    points: Sequence[PatientPoint],
    handle: int,
    to: PatientPoint,
    normal: tuple[float, float, float],
) -> Points:
    """The short axis stays perpendicular: it turns with the long one, and slides along it."""
    corners = np.array(points, float)
    start, along = corners[0], corners[1] - corners[0]
    aside = _unit(np.cross(normal, along))
    size = float(np.linalg.norm(along))
    if size < _LEAST:
        return _as_points(corners)
    at = float((corners[2] - start) @ along) / size**2
    reach = [float((corners[n] - start) @ aside) for n in (2, 3)]
    if handle < 2:
        corners[handle] = to
        start, along = corners[0], corners[1] - corners[0]
        aside = _unit(np.cross(normal, along))
    else:
        at = float(np.subtract(to, start) @ along) / size**2
        reach[handle - 2] = float(np.subtract(to, start) @ aside)
    for n in (2, 3):
        corners[n] = start + at * along + reach[n - 2] * aside
    return _as_points(corners)


def _pulled(kind: str, points: Sequence[PatientPoint], handle: int, to: PatientPoint) -> Points:
    """An outline pulled at one place: its neighbours follow, less and less to the next handles."""
    corners = np.array(points, float)
    count = len(corners)
    others = [n for n in handles(kind, count) if n != handle]
    ahead = min((n - handle) % count for n in others)
    behind = min((handle - n) % count for n in others)
    way = np.array(to) - corners[handle]
    for step in range(-behind + 1, ahead):
        share = 1 - abs(step) / (ahead if step >= 0 else behind)
        corners[(handle + step) % count] += share * way
    return _as_points(corners)


def _unit(way: FloatArray) -> FloatArray:
    size = float(np.linalg.norm(way))
    return way / size if size > 0 else way


def _as_points(corners: FloatArray) -> Points:
    return tuple(PatientPoint(*(float(v) for v in corner)) for corner in corners)

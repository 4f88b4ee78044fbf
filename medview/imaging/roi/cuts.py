"""What of a measurement is seen on a slice: all of it where it lies there, else where it is cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medview.core.geometry import FloatArray, PatientPoint
from medview.imaging.roi.kinds import CLOSED, SOLID
from medview.imaging.roi.shapes import around, outline, pixels_of, polylines
from medview.imaging.slice_plane import SlicePlane

_HALF = 0.5 + 1e-6  # of a slice


@dataclass(frozen=True, eq=False)
class Cut:
    """Lines as (n, 2) [row, column] places of the slice, and which of them are closed.

    spots: (n, 2) places where a line goes through the slice. is_whole: whether the measurement
    lies on the slice, so that it can be taken by its handles.
    """

    lines: tuple[tuple[FloatArray, bool], ...]
    spots: FloatArray
    is_whole: bool


def cut(kind: str, points: Sequence[PatientPoint], plane: SlicePlane, index: int) -> Cut | None:
    """What is seen of a measurement on a slice of a plane; None for nothing."""
    if kind in SOLID:
        return _sphere(points, plane, index)
    lines = [(pixels_of(plane, line), is_closed) for line, is_closed in polylines(kind, points)]
    if all(bool((np.abs(line[:, 0] - index) <= _HALF).all()) for line, _ in lines):
        flat = tuple((line[:, 1:], is_closed) for line, is_closed in lines)
        return Cut(flat, np.empty((0, 2)), is_whole=True)
    if kind in CLOSED:
        return _across(pixels_of(plane, outline(kind, points)), index)
    spots = [_crossings(line, index, is_closed=is_closed) for line, is_closed in lines]
    found = np.concatenate(spots) if spots else np.empty((0, 2))
    return Cut((), found, is_whole=False) if len(found) else None


def _sphere(points: Sequence[PatientPoint], plane: SlicePlane, index: int) -> Cut | None:
    middle, rim = np.array(points, float)
    radius = float(np.linalg.norm(rim - middle))
    own = np.array(plane.to_patient(index, 0, 0))
    height = float((middle - own) @ plane.normal_vector)
    if abs(height) >= radius:
        return None
    size = float(np.sqrt(radius**2 - height**2))
    right = plane.step_right / np.linalg.norm(plane.step_right)
    down = np.cross(plane.normal_vector, right)
    circle = around(middle - height * plane.normal_vector, size * right, size * down)
    is_whole = abs(float(pixels_of(plane, middle[None])[0, 0]) - index) <= _HALF
    return Cut(((pixels_of(plane, circle)[:, 1:], True),), np.empty((0, 2)), is_whole=is_whole)


def _across(ring: FloatArray, index: int) -> Cut | None:
    """The pieces of a line that run through a plane outline which the slice cuts."""
    found = _crossings(ring, index, is_closed=True)
    if len(found) < 2:
        return None
    along = found[-1] - found[0] if len(found) == 2 else np.ptp(found, axis=0)
    order = np.argsort(found @ along, kind="stable")
    pairs = found[order][: len(found) // 2 * 2].reshape(-1, 2, 2)
    return Cut(tuple((pair, False) for pair in pairs), np.empty((0, 2)), is_whole=False)


def _crossings(line: FloatArray, index: int, *, is_closed: bool) -> FloatArray:
    """(n, 2) places where a line goes through the slice."""
    away = line[:, 0] - index
    start, end = (line, np.roll(line, -1, axis=0)) if is_closed else (line[:-1], line[1:])
    before, after = (away, np.roll(away, -1)) if is_closed else (away[:-1], away[1:])
    through = (before < 0) != (after < 0)
    share = before[through] / (before[through] - after[through])
    found: FloatArray = start[through, 1:] + share[:, None] * (end - start)[through, 1:]
    return found

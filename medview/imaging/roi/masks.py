"""Which pixels of a slice lie in a closed shape.

A pixel belongs to a shape when its centre does; centres on the very edge belong to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray, PatientPoint
from medview.imaging.roi.shapes import outline, pixels_of
from medview.imaging.slice_plane import SlicePlane

_EDGE = 1e-6  # of a pixel: rounding must not decide by chance

Box = tuple[int, NDArray[np.intp], NDArray[np.intp]]  # slice, rows, columns


@dataclass(frozen=True, eq=False)
class Inside:
    """mask: which pixel centres of a box lie in a shape; the box begins at a row and a column of
    the slice `index`."""

    index: int
    row: int
    column: int
    mask: NDArray[np.bool_]


def inside(plane: SlicePlane, kind: str, points: Sequence[PatientPoint]) -> Inside:
    """Which pixel centres lie in a closed shape, in the box around it."""
    if kind == "ellipse":
        return _in_ellipse(plane, points)
    places = pixels_of(plane, outline(kind, points))
    return _in_polygon(places[:, 1:], plane.shape, round(float(places[:, 0].mean())))


def mask_of(
    plane: SlicePlane, kind: str, points: Sequence[PatientPoint]
) -> tuple[NDArray[np.bool_], int]:
    """(rows, columns) which pixel centres of the slice lie in a shape, and which slice it is."""
    found = inside(plane, kind, points)
    mask = np.zeros(plane.shape, bool)
    rows, columns = found.mask.shape
    mask[found.row : found.row + rows, found.column : found.column + columns] = found.mask
    return mask, found.index


def _in_polygon(corners: FloatArray, shape: tuple[int, int], index: int) -> Inside:
    """For (n, 2) [row, column] corners; by the even-odd rule where it crosses itself."""
    low = np.maximum(np.ceil(corners.min(axis=0) - _EDGE), 0).astype(int)
    high = np.minimum(np.floor(corners.max(axis=0) + _EDGE), np.subtract(shape, 1)).astype(int)
    top, left = (int(v) for v in low)
    height, width = (int(v) for v in np.maximum(high - low + 1, 0))
    if not height or not width:
        return Inside(index, top, left, np.zeros((height, width), bool))
    start = corners - low
    end = np.roll(start, -1, axis=0)
    rows, columns = _crossings(start, end, height)
    # Left of a crossing a row is outside, right of it inside, and so on: what is odd is inside.
    first = np.clip(np.ceil(columns), 0, width).astype(np.intp)
    turns = np.bincount(rows * (width + 1) + first, minlength=height * (width + 1))
    parity = np.cumsum(turns.astype(np.uint8).reshape(height, width + 1), axis=1, dtype=np.uint8)
    mask = np.ascontiguousarray(parity[:, :width] & 1, bool)
    _add_edges(mask, start, end, (rows, columns))
    return Inside(index, top, left, mask)


def _crossings(
    start: FloatArray, end: FloatArray, height: int
) -> tuple[NDArray[np.intp], FloatArray]:
    """(m,) rows, and where in each an edge crosses it; an edge has its upper end, not its lower."""
    upper, lower = np.minimum(start[:, 0], end[:, 0]), np.maximum(start[:, 0], end[:, 0])
    first = np.clip(np.ceil(upper), 0, height).astype(np.intp)
    last = np.clip(np.ceil(lower), 0, height).astype(np.intp)
    count = last - first
    edge = np.repeat(np.arange(len(start)), count)
    rows = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + first[edge]
    a, b = start[edge], end[edge]
    share = (rows - a[:, 0]) / (b[:, 0] - a[:, 0])
    found: FloatArray = a[:, 1] + share * (b[:, 1] - a[:, 1])
    return rows, found


def _add_edges(
    mask: NDArray[np.bool_],
    start: FloatArray,
    end: FloatArray,
    crossings: tuple[NDArray[np.intp], FloatArray],
) -> None:
    """Pixels whose centres lie on an edge or a corner belong to the shape."""
    height, width = mask.shape
    rows, columns = crossings
    near = np.rint(columns)
    on = (np.abs(columns - near) <= _EDGE) & (near >= 0) & (near < width)
    mask[rows[on], near[on].astype(np.intp)] = True
    level = np.rint(start[:, 0])
    for n in np.flatnonzero(np.abs(start[:, 0] - level) <= _EDGE):
        row = int(level[n])
        if not 0 <= row < height:
            continue
        is_lying = abs(end[n, 0] - row) <= _EDGE
        ends = (start[n, 1], end[n, 1] if is_lying else start[n, 1])
        left = max(0, int(np.ceil(min(ends) - _EDGE)))
        mask[row, left : max(left, int(np.floor(max(ends) + _EDGE)) + 1)] = True


def _in_ellipse(plane: SlicePlane, points: Sequence[PatientPoint]) -> Inside:
    corners = np.array(points, float)
    middle = corners.mean(axis=0)
    axes = np.array([corners[1] - corners[0], corners[3] - corners[2]]) / 2.0
    index = round(plane.to_pixel(PatientPoint(*middle))[0])
    rows, columns = _bounds(plane, middle, axes)
    if min(np.linalg.norm(axes, axis=1)) <= 0 or not rows.size or not columns.size:
        return Inside(index, 0, 0, np.zeros((0, 0), bool))
    mask = _within(plane, middle, axes, (index, rows, columns))
    return Inside(index, int(rows[0]), int(columns[0]), mask)


def _bounds(
    plane: SlicePlane, middle: FloatArray, axes: FloatArray
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    corners = [middle + a * axes[0] + b * axes[1] for a in (-1, 1) for b in (-1, 1)]
    pixels = np.array([plane.to_pixel(PatientPoint(*corner))[1:] for corner in corners])
    low = np.maximum(np.floor(pixels.min(axis=0)), 0).astype(int)
    high = np.minimum(np.ceil(pixels.max(axis=0)) + 1, plane.shape).astype(int)
    return np.arange(low[0], high[0]), np.arange(low[1], high[1])


def _within(
    plane: SlicePlane, middle: FloatArray, axes: FloatArray, where: Box
) -> NDArray[np.bool_]:
    index, rows, columns = where
    start = np.array(plane.to_patient(index, 0, 0)) - middle
    reach = np.zeros((len(rows), len(columns)))
    for axis in axes:
        unit = axis / float(axis @ axis)
        along = (plane.step_down @ unit) * rows[:, None] + (plane.step_right @ unit) * columns
        reach += (along + start @ unit) ** 2
    return np.asarray(reach <= 1.0 + 1e-9, bool)

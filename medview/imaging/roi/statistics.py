"""Which pixels and voxels lie in a shape, and what their values are.

A pixel belongs to a shape when its centre does; centres on the very edge belong to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray, PatientPoint
from medview.core.volume import Volume
from medview.imaging.planes import Plane, is_padding
from medview.imaging.roi.shapes import outline, pixels_of
from medview.imaging.slice_plane import SlicePlane

_EDGE = 1e-6  # of a pixel: rounding must not decide by chance
_MOST_BINS = 64

Box = tuple[int, NDArray[np.intp], NDArray[np.intp]]  # slice, rows, columns
SphereSlice = tuple[Box, FloatArray, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Of the pixels in a region: sd is the sample's (n - 1), 0 for one pixel."""

    count: int
    mean: float
    sd: float
    minimum: float
    maximum: float
    median: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How often values occur: `counts` in even steps from `low` to `high`."""

    low: float
    high: float
    counts: tuple[int, ...]


def statistics_of(values: FloatArray) -> Statistics | None:
    """Of finite values; None where there are none."""
    if values.size == 0:
        return None
    return Statistics(
        count=int(values.size),
        mean=float(values.mean()),
        sd=float(values.std(ddof=1)) if values.size > 1 else 0.0,
        minimum=float(values.min()),
        maximum=float(values.max()),
        median=float(np.median(values)),
    )


def histogram_of(values: FloatArray) -> Histogram | None:
    """Steps by the square root of the count, 64 at most; one step where all values are alike."""
    if values.size == 0:
        return None
    low, high = float(values.min()), float(values.max())
    if low == high:
        return Histogram(low=low, high=high, counts=(int(values.size),))
    bins = int(np.clip(np.ceil(np.sqrt(values.size)), 4, _MOST_BINS))
    counts, _ = np.histogram(values, bins=bins, range=(low, high))
    return Histogram(low=low, high=high, counts=tuple(int(count) for count in counts))


def planar_values(
    volume: Volume, plane: SlicePlane, kind: str, points: Sequence[PatientPoint]
) -> FloatArray:
    """(n,) modality values of a slice inside a closed shape; without padding and what is missing.

    Empty for colour and where the shape lies outside of the volume.
    """
    mask, index = mask_of(plane, kind, points)
    if volume.is_colour or not 0 <= index < plane.count or not mask.any():
        return np.empty(0)
    if isinstance(plane, Plane):
        values = plane.values(volume, index)[mask].astype(np.float64)
    else:
        places = np.argwhere(mask)
        at = np.column_stack([np.full(len(places), index), places, np.ones(len(places))])
        values = between_voxels(volume, (at @ plane.matrix_at(index).T)[:, :3])
    return values[np.isfinite(values)]


def between_voxels(volume: Volume, points: FloatArray) -> FloatArray:
    """(n,) modality values at (n, 3) points, straight between voxel centres; NaN beyond the half
    voxel around the volume, where slices are missing, and beside padding."""
    geometry = volume.geometry
    kji, shape = geometry.to_index_array(points), np.array(geometry.shape)
    outside = ((kji < -0.5) | (kji > shape - 0.5)).any(axis=1)
    if not geometry.is_even:
        outside |= ~geometry.ladder.covered(kji[:, 0])
    kji = np.clip(kji, 0, shape - 1)
    low = np.minimum(np.floor(kji).astype(np.intp), np.maximum(shape - 2, 0))
    share = kji - low
    found = np.zeros(len(points))
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(corner, share, 1 - share), axis=1)
        k, j, i = np.minimum(low + corner, shape - 1).T
        stored = volume.stored[k, j, i]
        rescale = (volume.slope, volume.intercept)
        slope, intercept = rescale if volume.per_slice is None else volume.per_slice[k].T
        values = np.asarray(stored, np.float64) * slope + intercept
        if volume.padding is not None:
            values[is_padding(stored, volume.padding)] = np.nan
        found += np.where(weight > 0, weight * values, 0.0)
    found[outside] = np.nan
    return found


def mask_of(
    plane: SlicePlane, kind: str, points: Sequence[PatientPoint]
) -> tuple[NDArray[np.bool_], int]:
    """(rows, columns) which pixel centres lie in a closed shape, and the slice it lies on."""
    if kind == "ellipse":
        return ellipse_mask(plane, points)
    places = pixels_of(plane, outline(kind, points))
    return polygon_mask(places[:, 1:], plane.shape), round(float(places[:, 0].mean()))


def polygon_mask(corners: FloatArray, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """(rows, columns) which pixel centres lie in a polygon of (n, 2) [row, column] corners.

    By the even-odd rule where it crosses itself.
    """
    mask = np.zeros(shape, bool)
    start, end = corners, np.roll(corners, -1, axis=0)
    first = max(0, int(np.ceil(corners[:, 0].min() - _EDGE)))
    last = min(shape[0] - 1, int(np.floor(corners[:, 0].max() + _EDGE)))
    for row in range(first, last + 1):
        for low, high in _spans(start, end, row):
            left, right = max(0, int(np.ceil(low - _EDGE))), int(np.floor(high + _EDGE))
            mask[row, left : max(left, right + 1)] = True
    return mask


def _spans(start: FloatArray, end: FloatArray, row: int) -> list[tuple[float, float]]:
    """From where to where a row runs inside a polygon, edges along it included."""
    rises = (start[:, 0] <= row) != (end[:, 0] <= row)
    a, b = start[rises], end[rises]
    crossings = np.sort(a[:, 1] + (row - a[:, 0]) * (b[:, 1] - a[:, 1]) / (b[:, 0] - a[:, 0]))
    spans = [(float(x), float(y)) for x, y in crossings.reshape(-1, 2)]
    touching = np.abs(start[:, 0] - row) <= _EDGE
    spans += [(float(x), float(x)) for x in start[touching, 1]]
    lying = touching & (np.abs(end[:, 0] - row) <= _EDGE)
    pairs = np.sort(np.column_stack([start[lying, 1], end[lying, 1]]), axis=1)
    return spans + [(float(x), float(y)) for x, y in pairs]


def ellipse_mask(
    plane: SlicePlane, points: Sequence[PatientPoint]
) -> tuple[NDArray[np.bool_], int]:
    """(rows, columns) which pixel centres lie in the ellipse, and the slice it lies on."""
    corners = np.array(points, float)
    middle = corners.mean(axis=0)
    axes = np.array([corners[1] - corners[0], corners[3] - corners[2]]) / 2.0
    index = round(plane.to_pixel(PatientPoint(*middle))[0])
    mask = np.zeros(plane.shape, bool)
    if min(np.linalg.norm(axes, axis=1)) <= 0:
        return mask, index
    rows, columns = _bounds(plane, middle, axes)
    if rows.size and columns.size:
        mask[np.ix_(rows, columns)] = _inside(plane, middle, axes, (index, rows, columns))
    return mask, index


def _bounds(
    plane: SlicePlane, middle: FloatArray, axes: FloatArray
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    corners = [middle + a * axes[0] + b * axes[1] for a in (-1, 1) for b in (-1, 1)]
    pixels = np.array([plane.to_pixel(PatientPoint(*corner))[1:] for corner in corners])
    low = np.maximum(np.floor(pixels.min(axis=0)), 0).astype(int)
    high = np.minimum(np.ceil(pixels.max(axis=0)) + 1, plane.shape).astype(int)
    return np.arange(low[0], high[0]), np.arange(low[1], high[1])


def _inside(
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


def sphere_values(volume: Volume, middle: PatientPoint, radius: float) -> FloatArray:
    """(n,) modality values of the voxels whose centres lie in a sphere; without padding."""
    found = [values[inside] for _, values, inside in sphere_slices(volume, middle, radius)]
    values = np.concatenate(found) if found else np.empty(0)
    return values[np.isfinite(values)]


def sphere_slices(volume: Volume, middle: PatientPoint, radius: float) -> list[SphereSlice]:
    """Every slice that a sphere reaches: the box around it, its values (rows, columns) in float64
    with padding NaN, and which of the box's voxels lie in the sphere. Nothing for colour."""
    geometry = volume.geometry
    if volume.is_colour or radius <= 0:
        return []
    origins = geometry.to_patient_array([(k, 0, 0) for k in range(geometry.shape[0])])
    heights = (np.array(middle) - origins) @ np.array(geometry.normal)
    i_step, j_step = geometry.affine[:3, 0], geometry.affine[:3, 1]
    flat = np.linalg.pinv(np.column_stack([i_step, j_step]))
    reach = radius * np.linalg.norm(flat, axis=1) + _EDGE
    found = []
    for k in np.flatnonzero(np.abs(heights) <= radius):
        centre = flat @ (np.array(middle) - origins[k])
        columns, rows = (
            np.arange(max(0, int(np.ceil(c - r))), min(n - 1, int(np.floor(c + r))) + 1)
            for c, r, n in zip(centre, reach, geometry.shape[:0:-1], strict=True)
        )
        if not rows.size or not columns.size:
            continue
        away = (
            origins[k] - np.array(middle) + rows[:, None, None] * j_step + columns[:, None] * i_step
        )
        inside = np.einsum("rcx,rcx->rc", away, away) <= radius**2 * (1 + 1e-9)
        box = (int(k), rows, columns)
        found.append((box, box_values(volume, box), inside))
    return found


def box_values(volume: Volume, box: Box) -> FloatArray:
    """(rows, columns) modality values of a part of a slice, float64, padding NaN."""
    k, rows, columns = box
    stored = volume.stored[k, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    slope, intercept = (
        (volume.slope, volume.intercept) if volume.per_slice is None else volume.per_slice[k]
    )
    values: FloatArray = np.asarray(stored, np.float64) * float(slope) + float(intercept)
    if volume.padding is not None:
        values[is_padding(stored, volume.padding)] = np.nan
    return values


def probe(volume: Volume, point: PatientPoint) -> float | None:
    """Modality value of the voxel around a point; None outside, on padding and for colour."""
    if volume.is_colour or not volume.geometry.contains(point):
        return None
    place = volume.geometry.to_index(point)
    k, j, i = (
        min(max(round(v), 0), n - 1) for v, n in zip(place, volume.geometry.shape, strict=True)
    )
    return volume.value_at(k, j, i)

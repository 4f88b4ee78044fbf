"""Which pixels and voxels lie in a shape, and what their values are.

A pixel belongs to a shape when its centre does; centres on the very edge belong to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray, PatientPoint
from medview.core.volume import Volume
from medview.imaging.planes import Plane, is_padding
from medview.imaging.roi.masks import Box, Inside, inside
from medview.imaging.slice_plane import SlicePlane

_EDGE = 1e-6  # of a pixel: rounding must not decide by chance
_MOST_BINS = 64

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
    found = inside(plane, kind, points)
    if volume.is_colour or not 0 <= found.index < plane.count or not found.mask.any():
        return np.empty(0)
    if isinstance(plane, Plane):
        values = _part_of(volume, plane, found)[found.mask]
    else:
        places = np.add(np.argwhere(found.mask), (found.row, found.column))
        at = np.column_stack([np.full(len(places), found.index), places, np.ones(len(places))])
        values = between_voxels(volume, (at @ plane.matrix_at(found.index).T)[:, :3])
    return values[np.isfinite(values)]


def _part_of(volume: Volume, plane: Plane, found: Inside) -> FloatArray:
    """(rows, columns) modality values of the box around a shape, NaN where there is no image: a
    film of many millions of pixels is not turned into numbers for a small shape."""
    rows = slice(found.row, found.row + found.mask.shape[0])
    columns = slice(found.column, found.column + found.mask.shape[1])
    sample = plane.sample(replace(volume, padding=None), found.index)
    stored = sample.numbers[rows, columns]
    slope, intercept = (_cut(each, rows, columns) for each in (sample.slope, sample.intercept))
    values: FloatArray = np.asarray(stored, np.float64) * slope + intercept
    if volume.padding is not None:
        values[is_padding(stored, volume.padding)] = np.nan
    if sample.blank is not None:
        values[sample.blank[rows, columns]] = np.nan
    return values


def _cut(
    each: float | NDArray[np.float32], rows: slice, columns: slice
) -> float | NDArray[np.float32]:
    """A slope or an intercept of a part, where it differs by row or by column."""
    if not isinstance(each, np.ndarray):
        return each
    return each[
        rows if each.shape[0] > 1 else slice(None), columns if each.shape[1] > 1 else slice(None)
    ]


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

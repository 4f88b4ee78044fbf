"""What is measured of a mask: volume, mean value, long and short axis."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray, Geometry, PatientPoint
from medview.core.volume import Volume
from medview.imaging.segment.box import Bits, Box
from medview.imaging.segment.calcium import agatston
from medview.imaging.segment.extent import Axes

_SOFT_PX, _LONG_PIXELS, _COARSE = 0.7, 1.6, 0.85
_MOST = 400  # points of an outline that are paired


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskStatistics:
    """volume_mm3 by counting voxels; mean and sd of their values, None where they have none.

    agatston: of calcium, where it was asked for.
    """

    volume_mm3: float
    count: int
    mean: float | None
    sd: float | None
    agatston: float | None = None


def statistics(volume: Volume, box: Box, mask: Bits) -> MaskStatistics:
    """Of the voxels of a mask over a box; padding is left out of mean and sd."""
    count = int(mask.sum())
    size = count * volume.geometry.voxel_mm3
    if volume.is_colour or count == 0:
        return MaskStatistics(volume_mm3=size, count=count, mean=None, sd=None)
    total, squares, number = 0.0, 0.0, 0
    for k in range(box.shape[0]):  # slice by slice: a whole lung must not be copied as float
        if not mask[k].any():
            continue
        here = (box.first[0] + k, *box.slices[1:])
        stored = np.asarray(volume.stored[here][mask[k]], np.float64)
        slope, intercept = (
            (volume.slope, volume.intercept)
            if volume.per_slice is None
            else volume.per_slice[here[0]]
        )
        if volume.padding is not None:
            stored = stored[(stored < volume.padding[0]) | (stored > volume.padding[1])]
        values = stored * float(slope) + float(intercept)
        total, squares, number = (
            total + float(values.sum()),
            squares + float((values**2).sum()),
            number + values.size,
        )
    if number == 0:
        return MaskStatistics(volume_mm3=size, count=count, mean=None, sd=None)
    mean = total / number
    spread = max(0.0, squares - number * mean**2) / max(1, number - 1)
    return MaskStatistics(volume_mm3=size, count=count, mean=mean, sd=float(np.sqrt(spread)))


def with_calcium(volume: Volume, box: Box, mask: Bits) -> MaskStatistics:
    """As `statistics`, with the Agatston score."""
    return replace(statistics(volume, box, mask), agatston=agatston(volume, box, mask))


def mask_axes(geometry: Geometry, box: Box, mask: Bits) -> Axes | None:
    """Long and short axis in the slice of largest area among the grid's three directions.

    The outline runs between voxels inside and outside. Across thick slices steps make a mask
    look larger than it is: there it must be so by a sixth. None for an empty mask.
    """
    if not mask.any():
        return None
    best: tuple[float, int, int] | None = None
    for axis in range(3):
        fair = _COARSE if _is_coarse(geometry, axis) else 1.0
        areas = mask.sum(axis=tuple(a for a in range(3) if a != axis)) * _pixel_mm2(geometry, axis)
        number = int(areas.argmax())
        if areas[number] > 0 and (best is None or fair * areas[number] > best[0]):
            best = float(fair * areas[number]), axis, number
    if best is None:
        return None
    _, axis, number = best
    area = float(np.take(mask, number, axis=axis).sum() * _pixel_mm2(geometry, axis))
    outline = _outline(np.take(mask, number, axis=axis))
    places = np.insert(outline, axis, float(number), axis=1) + np.array(box.first)
    return _axes(geometry.to_patient_array(places), _normal(geometry, axis), area)


def _is_coarse(geometry: Geometry, axis: int) -> bool:
    """Whether the pixels of a cut across an axis are much longer than wide."""
    steps = np.linalg.norm(geometry.affine[:3, :3][:, ::-1], axis=0)
    sides = [steps[n] for n in range(3) if n != axis]
    return bool(max(sides) > _LONG_PIXELS * min(sides))


def _pixel_mm2(geometry: Geometry, axis: int) -> float:
    steps = geometry.affine[:3, :3][:, ::-1]  # columns k, j, i
    one, other = (steps[:, n] for n in range(3) if n != axis)
    return float(np.linalg.norm(np.cross(one, other)))


def _normal(geometry: Geometry, axis: int) -> FloatArray:
    steps = geometry.affine[:3, :3][:, ::-1]
    one, other = (steps[:, n] for n in range(3) if n != axis)
    normal = np.cross(one, other)
    return np.asarray(normal / np.linalg.norm(normal), np.float64)


def _outline(mask: Bits) -> NDArray[np.float64]:
    """(n, 2) places where the mask, smoothed by less than a pixel, falls through a half.

    Steps of whole pixels would lengthen every axis. What is too thin for that keeps its own edge.
    """
    from scipy import ndimage

    soft = np.pad(mask.astype(np.float64), 2)
    smooth = ndimage.gaussian_filter(soft, _SOFT_PX)
    soft = smooth if smooth.max() > 0.6 else soft
    points = []
    for axis in (0, 1):
        one, other = np.moveaxis(soft, axis, 0)[:-1], np.moveaxis(soft, axis, 0)[1:]
        where = (one >= 0.5) != (other >= 0.5)
        share = (one[where] - 0.5) / (one[where] - other[where])
        places = np.argwhere(where).astype(np.float64)
        places[:, 0] += share
        points.append(places if axis == 0 else places[:, ::-1])
    return np.concatenate(points) - 2.0


def _axes(points: FloatArray, normal: FloatArray, area: float) -> Axes:
    hull = _thinned(points, normal)
    apart = np.linalg.norm(hull[:, None] - hull[None], axis=2)
    a, b = np.unravel_index(int(apart.argmax()), apart.shape)
    unit = (hull[b] - hull[a]) / max(float(apart[a, b]), 1e-9)
    aside = np.cross(normal, unit)
    c, d = _widest(points, unit, aside)
    x, y, z = (float(part) for part in normal)
    return Axes(
        long_ends=(_point(hull[a]), _point(hull[b])),
        short_ends=(_point(c), _point(d)),
        long_mm=float(apart[a, b]),
        short_mm=float(np.linalg.norm(d - c)),
        normal=(x, y, z),
        area_mm2=area,
    )


def _thinned(points: FloatArray, normal: FloatArray) -> FloatArray:
    """The points that lie furthest out in some direction of the plane: those that can be ends."""
    first = points[1] - points[0] if len(points) > 1 else np.array([1.0, 0.0, 0.0])
    u = first / max(float(np.linalg.norm(first)), 1e-9)
    v = np.cross(normal, u)
    angle = np.linspace(0, 2 * np.pi, _MOST, endpoint=False)
    ways = np.cos(angle)[:, None] * u + np.sin(angle)[:, None] * v
    return np.asarray(points[np.unique((points @ ways.T).argmax(axis=0))])


def _widest(
    points: FloatArray, unit: FloatArray, aside: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Ends of the longest chord along `aside`."""
    along, over = points @ unit, points @ aside
    base = points.mean(axis=0)
    best, ends = -1.0, (base, base)
    width = max(0.35, float(np.ptp(along)) / 60)
    for place in np.linspace(along.min() + width, along.max() - width, 61):
        near = np.abs(along - place) <= width
        if not near.any():
            continue
        low, high = float(over[near].min()), float(over[near].max())
        if high - low > best:
            start = base + unit * (place - base @ unit) - aside * (base @ aside)
            best, ends = high - low, (start + aside * low, start + aside * high)
    return ends


def _point(place: FloatArray) -> PatientPoint:
    return PatientPoint(*(float(v) for v in place))

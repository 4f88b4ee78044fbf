"""Growing from a seed: what hangs together with a voxel and is as bright as it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medview.core.errors import InputRefused
from medview.core.geometry import PatientPoint
from medview.core.progress import CancelToken
from medview.core.volume import Volume
from medview.core.words import say
from medview.imaging.segment.box import Bits, Box, bounds
from medview.imaging.segment.rays import crop_around

REACH_MM = 60.0
_SLICES_A_LOOK = 8  # between two looks at the cancel token


@dataclass(frozen=True, eq=False)
class Grown:
    """The voxels; window: the values that were taken; is_cut: it went on beyond the reach."""

    box: Box
    bits: Bits
    window: tuple[float, float]
    is_cut: bool


def grow_from_seed(
    volume: Volume, point: PatientPoint, tolerance: float, cancel: CancelToken | None = None
) -> Grown:
    """Voxels within `tolerance` of the seed's mean that hang together with it by faces.

    The seed is the 3 x 3 pixels around the point in its slice. Bounded to REACH_MM around the
    point. Raises InputRefused outside the images or where the seed has no value, Cancelled.
    """
    from scipy import ndimage

    geometry, token = volume.geometry, cancel or CancelToken()
    if volume.is_colour or not geometry.contains(point):
        raise InputRefused(say("This place lies outside the images."))
    crop = crop_around(volume, point, REACH_MM)
    shape = crop.values.shape
    seed = np.round(geometry.to_index_array([point])[0]).astype(int) - np.array(crop.first)
    k, j, i = (int(np.clip(s, 0, n - 1)) for s, n in zip(seed, shape, strict=True))
    around = crop.values[k, max(0, j - 1) : j + 2, max(0, i - 1) : i + 2]
    if not np.isfinite(crop.values[k, j, i]):
        raise InputRefused(say("There is no image value at this place."))
    middle = float(np.nanmedian(around))
    if abs(float(crop.values[k, j, i]) - middle) > tolerance:
        middle = float(crop.values[k, j, i])
    window = (middle - tolerance, middle + tolerance)
    alike = np.zeros(shape, bool)
    for start in range(0, shape[0], _SLICES_A_LOOK):
        token.check()
        part = crop.values[start : start + _SLICES_A_LOOK]
        alike[start : start + _SLICES_A_LOOK] = (part >= window[0]) & (part <= window[1])
    token.check()
    labels, _ = ndimage.label(alike)
    token.check()
    grown = labels == labels[k, j, i]
    within = bounds(grown)
    first = tuple(f + c for f, c in zip(within.first, crop.first, strict=True))
    box = Box((first[0], first[1], first[2]), within.shape)
    return Grown(box, grown[within.slices], window, _is_cut(box, crop.first, shape, geometry.shape))


def _is_cut(
    box: Box,
    first: tuple[int, int, int],
    shape: tuple[int, ...],
    grid: tuple[int, int, int],
) -> bool:
    """Whether it touches a side of the crop that is no side of the images."""
    for axis in range(3):
        if box.first[axis] == first[axis] > 0:
            return True
        end = first[axis] + shape[axis]
        if box.first[axis] + box.shape[axis] == end < grid[axis]:
            return True
    return False

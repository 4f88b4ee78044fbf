"""What a second stack has over a slab: as thick as the slab below it, and in the same manner."""

from __future__ import annotations

import math

import numpy as np

from medview.core.geometry import FloatArray
from medview.core.volume import Volume
from medview.imaging.fusion import Values, resampled
from medview.imaging.oblique import ObliquePlane
from medview.imaging.slabs import SlabPlane
from medview.imaging.slice_plane import SlicePlane


def resampled_through(
    volume: Volume, plane: SlicePlane, index: int, to_upper: FloatArray | None, step: int
) -> Values:
    """`resampled`, for a slab the brightest, darkest or mean value of its slices.

    Where the upper stack's voxels are larger than the slices, fewer of these say the same.
    """
    places = _places(volume, plane, index)
    values = (resampled(volume, plane, place, to_upper, step) for place in places)
    best = next(values)
    if len(places) == 1 or not isinstance(plane, SlabPlane | ObliquePlane):
        return best
    if plane.slab.mode != "mean":
        choose = np.fmin if plane.slab.mode == "minip" else np.fmax  # they pass over NaN
        for found in values:
            best = choose(best, found)
        return best
    total, count = np.nan_to_num(best), np.isfinite(best).astype(np.float32)
    for found in values:
        total += np.nan_to_num(found)
        count += np.isfinite(found)
    return np.where(count > 0, total / np.maximum(count, 1), np.float32(np.nan))


def _places(volume: Volume, plane: SlicePlane, index: int) -> tuple[int, ...]:
    """The slices of a slab that are looked at, none beyond the lower stack."""
    if not isinstance(plane, SlabPlane | ObliquePlane):
        return (index,)
    most = math.ceil(plane.slab.mm / min(volume.geometry.spacing)) + 1
    offsets = plane.slab.offsets(plane.step_mm, most=max(3, most))
    found = {index + round(offset) for offset in offsets}
    return tuple(sorted(place for place in found if 0 <= place < plane.count)) or (index,)

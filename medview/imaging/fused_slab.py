"""What a second stack has over a slab: as thick as the slab below it, and in the same manner."""

from __future__ import annotations

import math

import numpy as np

from medview.core.geometry import FloatArray
from medview.core.volume import Volume
from medview.imaging.curved import CurvedPlane
from medview.imaging.fusion import Values, resampled
from medview.imaging.oblique import ObliquePlane
from medview.imaging.slabs import SlabPlane
from medview.imaging.slice_plane import SlicePlane

_FINE = 4  # samples a voxel: no peak between two of them is lower than seven eighths
_PARALLEL = 1e-6  # voxels a pixel that are rounding, not obliquity
_Thick = SlabPlane | ObliquePlane | CurvedPlane


def resampled_through(
    volume: Volume, plane: SlicePlane, index: int, to_upper: FloatArray | None, step: int
) -> Values:
    """`resampled`, for a slab the brightest, darkest or mean value through it."""
    if not isinstance(plane, _Thick) or plane.slab.mm <= 0:
        return resampled(volume, plane, index, to_upper, step)
    places = _places(volume, plane, index, to_upper)
    values = (resampled(volume, plane, place, to_upper, step) for place in places)
    best = next(values)
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


def _places(volume: Volume, plane: _Thick, index: int, to_upper: FloatArray | None) -> list[float]:
    """Where a slab is looked at, in slices of the lower stack and none beyond it."""
    finest, mm, is_mean = min(volume.geometry.spacing), plane.slab.mm, plane.slab.mode == "mean"
    a_voxel = 1 if is_mean else _FINE
    most = max(3, math.ceil(mm * a_voxel / finest) + 1)
    found = {index + offset for offset in plane.slab.offsets(plane.step_mm, most=most)}
    if isinstance(plane, CurvedPlane):  # its one picture has no neighbours to end at
        return sorted(found)
    inside = [place for place in sorted(found) if 0 <= place <= plane.count - 1]
    if is_mean or len(inside) < 2:
        return inside or [float(index)]
    own = _own_slices(volume, plane, index, to_upper, (inside[0], inside[-1]))
    return inside if own is None else own


def _own_slices(
    volume: Volume,
    plane: _Thick,
    index: int,
    to_upper: FloatArray | None,
    ends: tuple[float, float],
) -> list[float] | None:
    """Both ends of a slab, and between them the middles of the upper stack's own layers of voxels:
    values run straight from one to the next, so that no other place has a brighter or a darker one.

    None where the layers are not parallel to the slab.
    """
    if not plane.is_flat or not volume.geometry.is_even:
        return None
    to_grid = volume.geometry.inverse if to_upper is None else volume.geometry.inverse @ to_upper
    matrix = (to_grid @ plane.matrix_at(index))[:3]  # [index, row, column, 1] to [i, j, k]
    across = [line for line in matrix if np.abs(line[1:3]).max() < _PARALLEL]
    if len(across) != 1 or abs(across[0][0]) < _PARALLEL:
        return None
    rate, start = float(across[0][0]), float(across[0][3])
    low, high = sorted(start + rate * end for end in ends)
    layers = np.arange(math.ceil(low), math.floor(high) + 1)
    return [*ends, *((layers - start) / rate).tolist()]

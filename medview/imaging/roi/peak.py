"""The peak of a PET lesion: the highest mean over a sphere of 1 mL that is placed in it.

The sphere (radius 6.204 mm) is centred on every voxel whose centre lies in the reader's region; it
may reach beyond the region, not beyond the volume. A voxel counts as far as it lies in the sphere.
PERCIST (Wahl 2009, J Nucl Med 50 Suppl 1:122S) asks for a fixed 1 mL sphere; the placement with the
highest mean is "SUVpeak, max" of Vanderhoek 2012 (J Nucl Med 53:4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medview.core.geometry import FloatArray, Geometry, PatientPoint, VoxelIndex
from medview.core.volume import Volume
from medview.imaging.roi.statistics import SphereSlice, box_values, sphere_slices

RADIUS_MM = float((3 * 1000.0 / (4 * np.pi)) ** (1 / 3))  # of 1 mL
_PARTS = 7  # a voxel's edge is cut into so many when its share of the sphere is summed


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest mean and where its sphere is centred."""

    value: float
    centre: PatientPoint


def peak(volume: Volume, middle: PatientPoint, radius: float) -> Peak | None:
    """The peak inside a sphere of the reader's; None for colour, for slices that do not follow
    each other evenly, and where no sphere of 1 mL fits into the volume."""
    geometry = volume.geometry
    slices = sphere_slices(volume, middle, radius)
    if not geometry.is_even or not slices:
        return None
    weights = kernel(geometry)
    low, means = _means(volume, slices, weights)
    allowed = np.zeros(means.shape, bool)
    for (k, rows, columns), _, inside in slices:
        allowed[k - low[0]][np.ix_(rows - low[1], columns - low[2])] = inside
    means[~allowed] = np.nan
    if not np.isfinite(means).any():
        return None
    best = np.unravel_index(int(np.nanargmax(means)), means.shape)
    at = VoxelIndex(*(float(a + b) for a, b in zip(best, low, strict=True)))
    return Peak(float(means[best]), geometry.to_patient(at))


def kernel(geometry: Geometry) -> FloatArray:
    """[k, j, i] shares of the voxels around one in a sphere of 1 mL on its centre; sum 1."""
    linear = geometry.affine[:3, :3]
    reach = np.ceil(RADIUS_MM * np.linalg.norm(np.linalg.inv(linear), axis=1) + 0.5).astype(int)
    parts = (np.arange(_PARTS) + 0.5) / _PARTS - 0.5
    i, j, k = (
        (np.arange(-n, n + 1)[:, None] + parts[None, :]).reshape(-1) for n in reach
    )  # every part of every voxel along each axis
    plane = linear[:, 1][:, None, None] * j[None, :, None] + linear[:, 0][:, None, None] * i
    shares = np.zeros(tuple(2 * int(n) + 1 for n in reach[::-1]))
    for at, height in enumerate(k):
        away = ((plane + (linear[:, 2] * height)[:, None, None]) ** 2).sum(axis=0)
        inside = away <= RADIUS_MM**2
        cells = inside.reshape(shares.shape[1], _PARTS, shares.shape[2], _PARTS)
        shares[at // _PARTS] += cells.sum(axis=(1, 3))
    found: FloatArray = shares / shares.sum()
    return found


def _means(
    volume: Volume, slices: list[SphereSlice], weights: FloatArray
) -> tuple[tuple[int, int, int], FloatArray]:
    """The mean of the sphere around every voxel of a box, NaN where it reaches beyond the volume,
    padding or what is missing; and where the box begins."""
    from scipy import ndimage

    reach = [n // 2 for n in weights.shape]
    spans = [((k, k), (rows[0], rows[-1]), (cols[0], cols[-1])) for (k, rows, cols), _, _ in slices]
    low = [int(min(span[axis][0] for span in spans)) for axis in range(3)]
    high = [int(max(span[axis][1] for span in spans)) for axis in range(3)]
    begin = [a - r for a, r in zip(low, reach, strict=True)]
    values = np.full([h - a + 1 + 2 * r for a, h, r in zip(low, high, reach, strict=True)], np.nan)
    inner = [
        np.arange(max(0, b), min(n, b + size))
        for b, n, size in zip(begin, volume.geometry.shape, values.shape, strict=True)
    ]
    for k in inner[0]:
        part = box_values(volume, (int(k), inner[1], inner[2]))
        values[k - begin[0]][np.ix_(inner[1] - begin[1], inner[2] - begin[2])] = part
    holes = ~np.isfinite(values)
    sums = ndimage.correlate(np.where(holes, 0.0, values), weights, mode="constant")
    spoilt = ndimage.correlate(holes.astype(float), weights, mode="constant", cval=1.0) > 1e-12
    sums[spoilt] = np.nan
    cut = tuple(slice(r, n - r) for r, n in zip(reach, values.shape, strict=True))
    return (low[0], low[1], low[2]), sums[cut]

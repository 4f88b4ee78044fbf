"""Rays from a place inside a body: where they leave it, how far it reaches by partial volume."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray, PatientPoint
from medview.core.volume import Volume

RAYS = 642
STEP_MM = 0.25
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Crop:
    """Modality values around a place. values: float32 [k, j, i]; first: its first voxel (k, j, i).

    Voxels that are no image or not read yet are NaN.
    """

    volume: Volume
    values: NDArray[np.float32]
    first: tuple[int, int, int]

    def at(self, points: FloatArray) -> FloatArray:
        """Values at (n, 3) LPS points by straight lines between voxels; NaN outside."""
        from scipy.ndimage import map_coordinates

        places = self.volume.geometry.to_index_array(points) - np.array(self.first)
        found = map_coordinates(self.values, places.T, order=1, mode="constant", cval=np.nan)
        return np.asarray(found, np.float64)


def crop_around(volume: Volume, point: PatientPoint, reach_mm: float) -> Crop:
    """The box that holds every voxel within `reach_mm` of a place."""
    geometry = volume.geometry
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    indices = geometry.to_index_array(np.array(point) + corners * reach_mm)
    low = np.maximum(np.floor(indices.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(indices.max(axis=0)).astype(int) + 1, geometry.shape)
    high = np.maximum(high, low)
    box = tuple(slice(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True))
    stored = volume.stored[box]
    if volume.per_slice is None:
        values = np.asarray(stored, np.float32) * np.float32(volume.slope)
        values += np.float32(volume.intercept)
    else:
        rescale = volume.per_slice[box[0]].astype(np.float32)[:, :, None, None]
        values = np.asarray(stored, np.float32) * rescale[:, 0] + rescale[:, 1]
    if volume.padding is not None:
        numbers = np.asarray(stored, np.float64)
        values[(numbers >= volume.padding[0]) & (numbers <= volume.padding[1])] = np.nan
    return Crop(volume, values, (int(low[0]), int(low[1]), int(low[2])))


@cache
def directions() -> FloatArray:
    """(RAYS, 3) unit vectors, evenly over the sphere (Fibonacci's lattice)."""
    number = np.arange(RAYS) + 0.5
    z = 1.0 - 2.0 * number / RAYS
    turn = np.pi * (1.0 + 5.0**0.5) * number
    flat = np.sqrt(1.0 - z * z)
    found = np.stack([flat * np.cos(turn), flat * np.sin(turn), z], axis=1)
    found.flags.writeable = False
    return found


def radii(reach_mm: float) -> FloatArray:
    """Middles of the steps along a ray, mm."""
    return np.asarray((np.arange(int(reach_mm / STEP_MM)) + 0.5) * STEP_MM)


def profiles(crop: Crop, centre: FloatArray, reach_mm: float) -> FloatArray:
    """(RAYS, steps) values along the rays."""
    along = radii(reach_mm)
    points = centre + directions()[:, None, :] * along[None, :, None]
    return crop.at(points.reshape(-1, 3)).reshape(RAYS, len(along))


def smoothed(values: FloatArray, sigma_mm: float) -> FloatArray:
    """Profiles smoothed along the rays; what is missing is taken from the last value before."""
    from scipy.ndimage import gaussian_filter1d

    filled = np.where(np.isfinite(values), values, _last_finite(values))
    return np.asarray(gaussian_filter1d(filled, sigma_mm / STEP_MM, axis=1, mode="nearest"))


def _last_finite(values: FloatArray) -> FloatArray:
    number = np.where(np.isfinite(values), np.arange(values.shape[1]), 0)
    last = np.maximum.accumulate(number, axis=1)
    return np.nan_to_num(np.take_along_axis(values, last, axis=1), nan=-1000.0)


def leaving(values: FloatArray, threshold: float) -> FloatArray:
    """(RAYS,) mm where each ray first falls below a threshold, infinite where it never does.

    A ray that begins below it leaves at 0.
    """
    below = values < threshold
    first = np.argmax(below, axis=1)
    rows = np.arange(len(values))
    before = np.maximum(first - 1, 0)
    high, low = values[rows, before], values[rows, first]
    share = np.clip((high - threshold) / np.maximum(high - low, 1e-6), 0.0, 1.0)
    found = (before + share + 0.5) * STEP_MM
    found[first == 0] = 0.0
    found[~below.any(axis=1)] = np.inf
    return np.asarray(found, np.float64)

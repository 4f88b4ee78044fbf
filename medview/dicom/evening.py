"""Slices at odd places onto an even, rectangular grid: for files that can hold no other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import InvalidInput
from medview.core.geometry import FloatArray, Geometry, PatientPoint, Vector
from medview.core.volume import Volume
from medview.core.words import say

_MOST_STEPS = 4096
_SQUARE = 1e-3


def is_rectangular(geometry: Geometry) -> bool:
    """Whether the grid is one that volume files can hold: even, and not sheared."""
    axes = np.array(geometry.axes, float)
    return geometry.is_even and bool(np.abs(axes @ axes.T - np.eye(3)).max() <= _SQUARE)


def evened(volume: Volume) -> Volume:
    """Modality values (float32) on an even grid along the slices' normal.

    Steps are as long as the commonest step. Between two slices values are linear; in the plane
    they are linear too, where a gantry tilt has shifted the slices. What no slice covers, where
    slices are missing too, has the least value. Raises InvalidInput for colour.
    """
    if volume.is_colour:
        raise InvalidInput(say("Slices in colour cannot be resampled to even steps."))
    geometry = volume.geometry
    firsts = np.zeros((geometry.shape[0], 3))
    firsts[:, 0] = np.arange(geometry.shape[0])
    places = geometry.to_patient_array(firsts)
    normal = np.array(geometry.normal)
    along = (places - places[0]) @ normal
    step = geometry.slice_step
    count = min(_MOST_STEPS, int(np.floor(along[-1] / step + 1e-3)) + 1)
    numbers = np.interp(np.arange(count) * step, along, firsts[:, 0])
    covered = np.ones(count, bool) if geometry.is_even else geometry.ladder.covered(numbers)
    straight = [_straightened(volume, k, places) for k in range(len(places))]
    least = min(float(values.min()) for values in straight)
    out = np.empty((count, *geometry.shape[1:]), np.float32)
    for n in range(count):
        out[n] = _between(straight, along, n * step) if covered[n] else least
    even = replace(
        geometry,
        shape=out.shape,
        spacing=(geometry.spacing[0], geometry.spacing[1], step),
        axes=(geometry.axes[0], geometry.axes[1], _unit(normal)),
        origin=PatientPoint(*(float(v) for v in places[0])),
        places=None,
        gaps=(),
    )
    return Volume(geometry=even, stored=out, unit=volume.unit, modality=volume.modality)


def _unit(normal: FloatArray) -> Vector:
    return (float(normal[0]), float(normal[1]), float(normal[2]))


def _straightened(volume: Volume, k: int, places: FloatArray) -> NDArray[np.float32]:
    """Slice k as seen from the first slice's column of voxels: shifted in its own plane."""
    geometry: Geometry = volume.geometry
    offset = places[k] - places[0]
    columns = float(offset @ np.array(geometry.axes[0])) / geometry.spacing[0]
    rows = float(offset @ np.array(geometry.axes[1])) / geometry.spacing[1]
    values = volume.values(k)
    if abs(columns) < 1e-3 and abs(rows) < 1e-3:
        return values
    return _shifted(_shifted(values, rows, 0), columns, 1)


def _shifted(values: NDArray[np.float32], by: float, axis: int) -> NDArray[np.float32]:
    """values moved by a number of voxels, fractions linear; the least value comes in."""
    length = values.shape[axis]
    source = np.arange(length) - by
    low = np.floor(source).astype(int)
    share = (source - low).astype(np.float32)
    shape = [1, 1]
    shape[axis] = length
    lower = np.take(values, np.clip(low, 0, length - 1), axis=axis)
    upper = np.take(values, np.clip(low + 1, 0, length - 1), axis=axis)
    moved = lower + (upper - lower) * share.reshape(shape)
    outside = ((source < -0.5) | (source > length - 0.5)).reshape(shape)
    result: NDArray[np.float32] = np.where(outside, values.min(), moved).astype(np.float32)
    return result


def _between(
    slices: list[NDArray[np.float32]], along: FloatArray, place: float
) -> NDArray[np.float32]:
    upper = int(np.searchsorted(along, place))
    if upper == 0:
        return slices[0]
    if upper >= len(slices):
        return slices[-1]
    share = np.float32((place - along[upper - 1]) / (along[upper] - along[upper - 1]))
    mixed: NDArray[np.float32] = slices[upper - 1] * (1 - share) + slices[upper] * share
    return mixed

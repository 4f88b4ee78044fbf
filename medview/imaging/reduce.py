"""A smaller copy of a volume for drawing it in space."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import Geometry, VoxelIndex
from medview.core.volume import Volume


def reduced(volume: Volume, largest: int) -> tuple[NDArray[np.int16 | np.float32], Geometry]:
    """Modality values of at most `largest` voxels along each axis, and where they lie.

    Rows and columns are averaged in blocks, slices are left out. CT stays int16 (clipped to its
    range); numbers that need fractions become float32. Padding is the lowest value.
    """
    steps = [max(1, -(-size // largest)) for size in volume.geometry.shape]
    rows, columns = (
        size // step for size, step in zip(volume.geometry.shape[1:], steps[1:], strict=True)
    )
    count = -(-volume.geometry.shape[0] // steps[0])
    kind = np.int16 if volume.unit == "HU" else np.float32
    small = np.empty((count, rows, columns), kind)
    for place in range(count):
        small[place] = _slice(volume, place * steps[0], (steps[1], steps[2]), kind)
    return small, _geometry(volume.geometry, steps, small.shape)


def _slice(
    volume: Volume, k: int, steps: tuple[int, int], kind: type[np.int16 | np.float32]
) -> NDArray[np.int16 | np.float32]:
    values = volume.values(k)
    if volume.padding is not None:
        stored = np.asarray(volume.stored[k])
        outside = np.greater_equal(stored, volume.padding[0]) & np.less_equal(
            stored, volume.padding[1]
        )
        if not outside.all():
            values[outside] = values[~outside].min()
    down, across = steps
    rows, columns = values.shape[0] // down, values.shape[1] // across
    total = np.zeros((rows, columns), np.float32)
    for row in range(down):
        for column in range(across):
            total += values[row : rows * down : down, column : columns * across : across]
    means = total / np.float32(down * across)
    if kind is np.int16:
        return np.asarray(np.clip(np.rint(means), -32768, 32767), np.int16)
    return np.asarray(np.nan_to_num(means), np.float32)


def _geometry(geometry: Geometry, steps: list[int], shape: tuple[int, ...]) -> Geometry:
    k, j, i = steps
    x, y, z = geometry.spacing
    # The first block's middle; slices are taken, not averaged.
    origin = geometry.to_patient(VoxelIndex(0.0, (j - 1) / 2, (i - 1) / 2))
    return replace(
        geometry,
        shape=(shape[0], shape[1], shape[2]),
        spacing=(x * i, y * j, z * k),
        origin=origin,
    )

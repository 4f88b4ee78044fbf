"""A smaller copy of a volume for drawing it in space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import Geometry, VoxelIndex
from medview.core.volume import Volume
from medview.imaging.lines import even_lines


def space_of(geometry: Geometry) -> Geometry:
    """The even grid on which a volume is drawn in space."""
    return geometry if geometry.is_even else even_lines(geometry).geometry


def reduced(
    volume: Volume, largest: int, check: Callable[[], None] | None = None
) -> tuple[NDArray[np.int16 | np.float32], Geometry]:
    """Modality values of at most `largest` voxels along each axis, and where they lie.

    Rows and columns are averaged in blocks, slices are left out. CT stays int16 (clipped to its
    range); numbers that need fractions become float32. Padding, and what lies between uneven
    slices where some are missing, is the lowest value. check: called between slices; what it
    raises ends the work.
    """
    lines = None if volume.geometry.is_even else even_lines(volume.geometry)
    geometry = volume.geometry if lines is None else lines.geometry
    steps = [max(1, -(-size // largest)) for size in geometry.shape]
    rows, columns = (size // step for size, step in zip(geometry.shape[1:], steps[1:], strict=True))
    if steps == [1, 1, 1] and lines is None and _is_integer(volume):
        return _as_stored(volume, check), geometry
    count = -(-geometry.shape[0] // steps[0])
    kind = np.int16 if volume.unit == "HU" else np.float32
    small = np.empty((count, rows, columns), kind)
    for place in range(count):
        at = place * steps[0]
        if check is not None:
            check()
        values = _values(volume, at if lines is None else int(lines.slices[at]))
        if lines is not None:
            values = lines.slice_at(values, at, float(values.min()))
        small[place] = _averaged(values, (steps[1], steps[2]), kind)
    return small, _geometry(geometry, steps, small.shape)


def _is_integer(volume: Volume) -> bool:
    """Whether stored numbers and a whole offset are HU already, within 16 bits."""
    is_plain = volume.per_slice is None and volume.padding is None and volume.slope == 1.0
    kind = volume.stored.dtype
    return volume.unit == "HU" and is_plain and volume.intercept.is_integer() and kind == np.int16


def _as_stored(volume: Volume, check: Callable[[], None] | None) -> NDArray[np.int16]:
    """HU of every voxel, without a way through floating numbers."""
    values = np.empty(volume.stored.shape, np.int16)
    offset = int(volume.intercept)
    for k, stored in enumerate(np.asarray(volume.stored, np.int16)):
        if check is not None and k % 16 == 0:
            check()
        low, high = -32768 - min(offset, 0), 32767 - max(offset, 0)
        np.clip(stored, low, high, out=values[k])
        values[k] += offset
    return values


def _values(volume: Volume, k: int) -> NDArray[np.float32]:
    values = volume.values(k)
    if volume.padding is not None:
        stored = np.asarray(volume.stored[k])
        outside = np.greater_equal(stored, volume.padding[0]) & np.less_equal(
            stored, volume.padding[1]
        )
        if not outside.all():
            values[outside] = values[~outside].min()
    return values


def _averaged(
    values: NDArray[np.float32], steps: tuple[int, int], kind: type[np.int16 | np.float32]
) -> NDArray[np.int16 | np.float32]:
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

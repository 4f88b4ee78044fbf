"""Linear interpolation between two grids whose axes are parallel: one axis after the other.

Every grid that the input steps make is its input's with axes changed in order, turned round or
stretched, so this is the usual case, and some ten times quicker than a general transform. Beyond
the first and the last voxel edges repeat, as in `sample_at`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import Geometry

_STRAY = 1e-3  # voxels that a line may stray from its axis over its whole length


@dataclass(frozen=True, eq=False)
class Line:
    """One axis of the grid that is wanted: the axis of the other that it runs along (0 is k), and
    for each of its places the voxel before it and the share of the next."""

    axis: int
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    share: NDArray[np.float32]


Lines = tuple[Line, Line, Line]


def lines(own: Geometry, wanted: Geometry) -> Lines | None:
    """How the axes k, j, i of `wanted` run through `own`; None where they are oblique to it."""
    matrix = (own.inverse @ wanted.affine)[:3, :3][::-1, ::-1]
    offset = np.asarray(own.to_index(wanted.origin), float)
    found = []
    for out in range(3):
        column = np.abs(matrix[:, out])
        axis = int(column.argmax())
        if np.delete(column, axis).max() * wanted.shape[out] > _STRAY:
            return None
        at = matrix[axis, out] * np.arange(wanted.shape[out]) + offset[axis]
        found.append(_line(axis, at, own.shape[axis]))
    if sorted(line.axis for line in found) != [0, 1, 2]:
        return None
    return found[0], found[1], found[2]


def _line(axis: int, at: NDArray[np.float64], size: int) -> Line:
    inside = np.clip(at, 0, size - 1)
    low = np.minimum(inside.astype(np.int64), max(0, size - 2))
    return Line(axis, low, np.minimum(low + 1, size - 1), (inside - low).astype(np.float32))


def sample_lines(image: NDArray[Any], along: Lines) -> NDArray[np.float32]:
    """An image [k, j, i] at the places of the lines, float32, one plane after the other."""
    moved = image.transpose([line.axis for line in along])
    k, j, i = along
    found = np.empty([len(line.low) for line in along], np.float32)
    for n, (low, high, share) in enumerate(zip(k.low, k.high, k.share, strict=True)):
        plane = np.asarray(moved[low], np.float32)
        if share:
            plane = plane + share * (np.asarray(moved[high], np.float32) - plane)
        found[n] = _rows(_rows(plane.T, i).T, j)
    return found


def _rows(plane: NDArray[np.float32], line: Line) -> NDArray[np.float32]:
    """A plane [row, ...] at places along its rows."""
    first: NDArray[np.float32] = np.take(plane, line.low, axis=0)
    step = np.take(plane, line.high, axis=0)
    step -= first
    step *= line.share[:, None]
    first += step
    return first


def part(line: Line, places: slice | Sequence[int] | NDArray[np.int64], base: int = 0) -> Line:
    """Some places of a line, in an array that begins at voxel `base`."""
    return Line(line.axis, line.low[places] - base, line.high[places] - base, line.share[places])

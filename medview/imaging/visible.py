"""Which part of a volume a look shows at all: what is drawn in space need not be larger.

A ray caster computes a slope for every voxel that it is given, for its light; round the bones of
a chest that is most of the work for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medview.imaging.transfer import Look

# Voxels beyond the last one that may show: samples lie between two, and the slope of a voxel is
# taken from neighbours up to three away.
_MARGIN = 5

Values = NDArray[np.int16 | np.float32]
Line = NDArray[np.int16 | np.float32]
Part = tuple[slice, slice, slice]


@dataclass(frozen=True, eq=False, slots=True)
class Ends:
    """The least and the largest value at each place along k, j and i of an array [k, j, i]."""

    lows: tuple[Line, Line, Line]
    highs: tuple[Line, Line, Line]


def ends_of(values: Values) -> Ends:
    """One pass over the array, slice by slice so that each is read from memory once."""
    count, rows, columns = values.shape
    kind = values.dtype
    low_rows, high_rows = np.empty((count, rows), kind), np.empty((count, rows), kind)
    low_columns, high_columns = np.empty((count, columns), kind), np.empty((count, columns), kind)
    for k, plane in enumerate(values):
        plane.min(axis=1, out=low_rows[k])
        plane.max(axis=1, out=high_rows[k])
        plane.min(axis=0, out=low_columns[k])
        plane.max(axis=0, out=high_columns[k])
    return Ends(
        (low_rows.min(axis=1), low_rows.min(axis=0), low_columns.min(axis=0)),
        (high_rows.max(axis=1), high_rows.max(axis=0), high_columns.max(axis=0)),
    )


def visible_part(ends: Ends, look: Look) -> Part:
    """The box of what a composite look may show, with a margin; all of it for other looks.

    Low values that are transparent, and high ones, show only beside a voxel that is neither.
    """
    whole = [slice(0, len(line)) for line in ends.lows]
    if look.blend != "composite":
        return whole[0], whole[1], whole[2]
    low, high = _transparent_ends(look)
    found = []
    for lows, highs in zip(ends.lows, ends.highs, strict=True):
        seen = np.flatnonzero((highs > low) & (lows < high))
        first, last = (int(seen[0]), int(seen[-1])) if len(seen) else (0, 0)
        found.append(slice(max(0, first - _MARGIN), min(len(lows), last + 1 + _MARGIN)))
    return found[0], found[1], found[2]


def _transparent_ends(look: Look) -> tuple[float, float]:
    """The value up to which all is transparent, and the one from which it is again."""
    solid = [number for number, point in enumerate(look.points) if point.opacity > 0]
    if not solid:
        return np.inf, -np.inf
    low = look.points[solid[0] - 1].value if solid[0] > 0 else -np.inf
    last = solid[-1] + 1
    high = look.points[last].value if last < len(look.points) else np.inf
    return low, high


def volume_of(part: Part) -> int:
    """How many voxels a part holds."""
    return int(np.prod([each.stop - each.start for each in part]))


def holds(part: Part, other: Part) -> bool:
    """Whether a part covers another one."""
    return all(a.start <= b.start and b.stop <= a.stop for a, b in zip(part, other, strict=True))

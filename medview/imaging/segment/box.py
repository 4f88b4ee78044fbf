"""Boxes of a grid, and a mask that is changed in place inside the smallest box that holds it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.bool_]
Triple = tuple[int, int, int]
_MARGIN = 16  # voxels that a mask grows at least when it must


class Box(NamedTuple):
    """Some voxels of a grid: the first one (k, j, i) and how many along each axis."""

    first: Triple
    shape: Triple

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """For indexing an array of the whole grid."""
        k, j, i = (slice(f, f + n) for f, n in zip(self.first, self.shape, strict=True))
        return k, j, i

    @property
    def is_empty(self) -> bool:
        """Whether it holds no voxel."""
        return min(self.shape) <= 0

    def inside(self, other: Box) -> tuple[slice, slice, slice]:
        """For indexing an array over another box; this one lies inside it."""
        k, j, i = (
            slice(f - o, f - o + n)
            for f, o, n in zip(self.first, other.first, self.shape, strict=True)
        )
        return k, j, i

    def cut(self, other: Box) -> Box:
        """What both hold."""
        low = [max(a, b) for a, b in zip(self.first, other.first, strict=True)]
        ends = zip(self.first, self.shape, other.first, other.shape, strict=True)
        high = [min(a + n, b + m) for a, n, b, m in ends]
        return _box(low, [max(0, b - a) for a, b in zip(low, high, strict=True)])

    def joined(self, other: Box) -> Box:
        """The smallest box that holds both; an empty one adds nothing."""
        if self.is_empty or other.is_empty:
            return other if self.is_empty else self
        low = [min(a, b) for a, b in zip(self.first, other.first, strict=True)]
        ends = zip(self.first, self.shape, other.first, other.shape, strict=True)
        high = [max(a + n, b + m) for a, n, b, m in ends]
        return _box(low, [b - a for a, b in zip(low, high, strict=True)])

    def grown(self, by: Iterable[int], within: Triple) -> Box:
        """Larger by some voxels on every side, kept inside a grid of shape `within`."""
        steps = list(by)
        low = [f - s for f, s in zip(self.first, steps, strict=True)]
        wide = [n + 2 * s for n, s in zip(self.shape, steps, strict=True)]
        return _box(low, wide).cut(Box((0, 0, 0), within))


EMPTY = Box((0, 0, 0), (0, 0, 0))


def _box(first: list[int], shape: list[int]) -> Box:
    return Box((first[0], first[1], first[2]), (shape[0], shape[1], shape[2]))


def bounds(mask: NDArray[np.generic]) -> Box:
    """The smallest box around what is not 0; EMPTY where all is."""
    first, shape = [], []
    for axis in range(3):
        where = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        if where.size == 0:
            return EMPTY
        first.append(int(where[0]))
        shape.append(int(where[-1] - where[0]) + 1)
    return _box(first, shape)


class LiveMask:
    """One segment's voxels (uint8, 0 or 1) over a box of a grid; nothing lies outside it.

    Strokes change it in place; the box grows as they need.
    """

    def __init__(self, grid: Triple, box: Box = EMPTY, voxels: NDArray[np.uint8] | None = None):
        self.grid = grid
        self.box = box
        self.voxels = np.zeros(box.shape, np.uint8) if voxels is None else voxels

    @property
    def count(self) -> int:
        """How many voxels belong to it."""
        return int(np.count_nonzero(self.voxels))

    def read(self, box: Box) -> Bits:
        """A copy of a box (k, j, i), which may reach beyond its own."""
        found = np.zeros(box.shape, bool)
        both = box.cut(self.box)
        if not both.is_empty:
            found[both.inside(box)] = self.voxels[both.inside(self.box)]
        return found

    def write(self, box: Box, bits: Bits) -> None:
        """Make a box what `bits` (box.shape) say."""
        self._reach(box if bits.any() else box.cut(self.box))
        both = box.cut(self.box)
        if not both.is_empty:
            self.voxels[both.inside(self.box)] = bits[both.inside(box)]

    def paint(self, box: Box, inside: Bits, *, on: bool) -> None:
        """Add the voxels that `inside` (box.shape) marks, or take them away."""
        if on:
            self._reach(box)
        both = box.cut(self.box)
        if not both.is_empty:
            self.voxels[both.inside(self.box)][inside[both.inside(box)]] = int(on)

    def _reach(self, box: Box) -> None:
        if box.is_empty or box.cut(self.box) == box:
            return
        steps = [max(_MARGIN, n // 4) for n in self.box.shape] if self.box.shape[0] else [4] * 3
        wanted = self.box.joined(box).grown(steps, self.grid)
        larger = np.zeros(wanted.shape, np.uint8)
        if not self.box.is_empty:
            larger[self.box.inside(wanted)] = self.voxels
        self.box, self.voxels = wanted, larger

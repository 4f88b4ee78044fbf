"""The slices beside the one that is shown, where a slice lies across the array.

Along the array's last axis every pixel of a slice lies in another line of memory, which holds its
neighbours' pixels too: sixteen slices cost little more than one. While the reader goes through
them a thread cuts the next ones, so that the window finds them as they are to be shown.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import VoxelIndex
from medview.imaging.planes import Plane

_DEEP = 16  # slices a block
_LEAST = 150_000  # pixels of a slice that is worth it
_MOST_BYTES = 64 << 20  # of one block; three are kept at most
_ROWS = 4  # of the array at once: their lines stay in the second-level cache

Array = NDArray[np.generic]


class Beside(NamedTuple):
    """Slices beside each other: an array [k, j, i] of few i, the plane through it, and which."""

    array: Array
    plane: Plane
    at: int


@dataclass(eq=False)
class _Held:
    """The blocks of one array by their first slice. `owner` holds its id as long as they live."""

    owner: object
    plane: Plane
    last: int
    blocks: dict[int, Future[Array]] = field(default_factory=dict)
    thin: dict[int, Plane] = field(default_factory=dict)  # through the blocks

    def plane_through(self, first: int, count: int) -> Plane:
        """The same plane of the grid of one block; made once, its matrices are asked for often."""
        if first not in self.thin:
            self.thin[first] = _thin(self.plane, first, count)
        return self.thin[first]


class Neighbours:
    """Those of the arrays that one view shows."""

    def __init__(self) -> None:
        self._held: dict[int, _Held] = {}

    def forget(self) -> None:
        """Voxels have changed, or others are shown."""
        self._held = {}

    def keep(self, owners: tuple[object, ...]) -> None:
        """Let the blocks of all others go."""
        kept = set(map(id, owners))
        self._held = {key: held for key, held in self._held.items() if key in kept}

    def beside(self, owner: object, array: Array, plane: Plane, index: int) -> Beside | None:
        """Where a slice has been cut already; None where it must be looked up in the array.

        owner: whose array it is; another owner holds other voxels, though the array be the same.
        """
        if not _is_worth(array, plane):
            return None
        held = self._held.get(id(owner))
        if held is None or held.plane is not plane:
            self._held[id(owner)] = _Held(owner, plane, index)
            return None
        step, held.last = index - held.last, index
        first = index - index % _DEEP
        if 0 < abs(step) <= _DEEP:
            self._look_ahead(held, array, first, _DEEP if step > 0 else -_DEEP)
        block = held.blocks.get(first)
        if block is None or not block.done() or block.exception() is not None:
            return None
        found = block.result()
        thin = held.plane_through(first, len(found))
        return Beside(found.transpose(1, 2, 0), thin, index - first)

    def _look_ahead(self, held: _Held, array: Array, first: int, ahead: int) -> None:
        held.blocks = {at: block for at, block in held.blocks.items() if abs(at - first) <= _DEEP}
        for at in (first, first + ahead):
            if 0 <= at < array.shape[2] and at not in held.blocks:
                held.blocks[at] = _thread().submit(_cut, array, at)


def _is_worth(array: Array, plane: Plane) -> bool:
    if plane.normal != 2 or plane.lines is not None or array.shape != plane.geometry.shape:
        return False
    pixels = array.shape[0] * array.shape[1]
    return pixels >= _LEAST and pixels * _DEEP * array.itemsize <= _MOST_BYTES


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="medview-neighbours")


def _cut(array: Array, first: int) -> Array:
    """(n, k, j): the slices from `first` on, one after the other."""
    part = array[:, :, first : first + _DEEP]
    block = np.empty((part.shape[2], *part.shape[:2]), array.dtype)
    for row in range(0, len(part), _ROWS):
        block[:, row : row + _ROWS] = part[row : row + _ROWS].transpose(2, 0, 1)
    return block


def _thin(plane: Plane, first: int, count: int) -> Plane:
    """The same plane of a grid of some slices."""
    grid = plane.geometry
    shape = (grid.shape[0], grid.shape[1], count)
    origin = grid.to_patient(VoxelIndex(0.0, 0.0, float(first)))
    return replace(plane, geometry=replace(grid, shape=shape, origin=origin))

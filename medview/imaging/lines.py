"""Uneven slices as even lines: which slice stands where when a plane cuts across them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray, Geometry, PatientPoint

_MOST_LINES = 1536


@dataclass(frozen=True, eq=False, kw_only=True)
class EvenLines:
    """Even lines along k of a geometry with places, each from its nearest slice.

    source: the grid of the voxels. geometry: the even grid (n, j, i) that is shown, on the
    straight line from the first to the last slice. slices: (n,) the slice of each line; shifts:
    (n, 2) rows and columns to add where it does not lie on that straight line; covered: (n,)
    whether a slice lies there at all.
    """

    source: Geometry
    geometry: Geometry
    slices: NDArray[np.intp]
    shifts: NDArray[np.intp]
    covered: NDArray[np.bool_]

    def cut(self, array: NDArray[np.generic], normal: int, index: int) -> NDArray[np.generic]:
        """Lines by voxels of an array [k, j, i(, 3)], cut at `index` of its axis `normal`."""
        rows, columns, _ = self._voxels(normal, index)
        return array[self.slices[:, None], rows, columns]

    def missing(self, normal: int, index: int) -> NDArray[np.bool_]:
        """Lines by voxels: where `cut` had no voxel to take."""
        return self._voxels(normal, index)[2]

    def _voxels(
        self, normal: int, index: int
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
        along = np.arange(self.source.shape[3 - normal])[None, :]
        at = np.full((1, 1), index)
        rows, columns = (at, along) if normal == 1 else (along, at)
        rows, columns = rows + self.shifts[:, :1], columns + self.shifts[:, 1:]
        _, high, wide = self.source.shape
        inside = (rows >= 0) & (rows < high) & (columns >= 0) & (columns < wide)
        return (
            np.clip(rows, 0, high - 1),
            np.clip(columns, 0, wide - 1),
            ~(inside & self.covered[:, None]),
        )

    def slice_at(
        self, values: NDArray[np.float32], line: int, background: float
    ) -> NDArray[np.float32]:
        """A whole slice (rows, columns) moved to where its line stands; background comes in."""
        if not self.covered[line]:
            return np.full_like(values, background)
        down, right = (-int(v) for v in self.shifts[line])
        if not down and not right:
            return values
        moved = np.full_like(values, background)
        high, wide = values.shape
        to = (slice(max(0, down), high + min(0, down)), slice(max(0, right), wide + min(0, right)))
        come = (slice(max(0, -down), high + min(0, -down)),
                slice(max(0, -right), wide + min(0, -right)))  # fmt: skip
        moved[to] = values[come]
        return moved


@lru_cache(maxsize=8)
def even_lines(geometry: Geometry) -> EvenLines:
    """The even lines of a geometry with places.

    Lines lie a common step apart where all slices are on multiples of it, else half of the
    shortest step, so that every slice has its line.
    """
    ladder = geometry.ladder
    length = float(ladder.along[-1] - ladder.along[0])
    step = ladder.step_mm if ladder.is_stepped else float(ladder.steps.min()) / 2
    step = max(step, length / (_MOST_LINES - 1))
    count = round(length / step) + 1
    step = length / (count - 1) if count > 1 else step
    places = np.array(geometry.places, float)
    way = (places[-1] - places[0]) / length
    origins = places[0] + (np.arange(count) * step)[:, None] * way
    k = ladder.numbers(origins)
    nearest = _nearest(k, ladder.along, ladder.along[0] + np.arange(count) * step)
    even = replace(
        geometry,
        shape=(count, *geometry.shape[1:]),
        spacing=(*geometry.spacing[:2], step * float(np.linalg.norm(way))),
        axes=(*geometry.axes[:2], _unit(way)),
        origin=PatientPoint(*(float(v) for v in places[0])),
        places=None,
        gaps=(),
    )
    return EvenLines(
        source=geometry,
        geometry=even,
        slices=nearest,
        shifts=_shifts(geometry, places, way)[nearest],
        covered=ladder.covered(k),
    )


def _nearest(k: FloatArray, along: FloatArray, lines: FloatArray) -> NDArray[np.intp]:
    low = np.clip(np.floor(k), 0, len(along) - 2).astype(np.intp)
    is_upper = along[low + 1] - lines < lines - along[low]
    return np.asarray(low + is_upper, np.intp)


def _shifts(geometry: Geometry, places: FloatArray, way: FloatArray) -> NDArray[np.intp]:
    """(k, 2) rows and columns from a slice's own voxel to the one on the straight line."""
    along = (places - places[0]) @ np.array(geometry.normal)
    off = places[0] + along[:, None] * way - places
    rows = off @ np.array(geometry.axes[1]) / geometry.spacing[1]
    columns = off @ np.array(geometry.axes[0]) / geometry.spacing[0]
    return np.asarray(np.rint(np.column_stack([rows, columns])), np.intp)


def _unit(way: FloatArray) -> tuple[float, float, float]:
    x, y, z = way / np.linalg.norm(way)
    return (float(x), float(y), float(z))

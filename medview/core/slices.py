"""Slices that lie unevenly: where each one is, what lies between, where some are missing."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
_MULTIPLE = 0.02  # share of a step that positions may be off


class Ladder:
    """Uneven slices as rungs along their normal.

    places: (n, 3) millimetres of each slice's first voxel, ascending along the unit normal;
    step: (3,) what leads on beyond the first and the last one, the commonest step; gaps: numbers
    of the slices after which others are missing.
    """

    def __init__(
        self, places: FloatArray, normal: FloatArray, step: FloatArray, gaps: tuple[int, ...] = ()
    ) -> None:
        far = 10_000.0
        count = len(places)
        self.normal = normal
        self.step_mm = abs(float(step @ normal))
        self.along: FloatArray = places @ normal
        self.gaps = np.zeros(max(0, count - 1), bool)
        self.gaps[list(gaps)] = True
        towards = step if step @ normal > 0 else -step
        self._k = np.array([-far, *range(count), count - 1 + far])
        self._origins = np.vstack([places[0] - far * towards, places, places[-1] + far * towards])

    def origins(self, k: FloatArray) -> FloatArray:
        """(n, 3) first voxels of slice numbers, fractions on straight lines between neighbours."""
        columns = [np.interp(k, self._k, self._origins[:, axis]) for axis in range(3)]
        return np.stack(columns, axis=1)

    def numbers(self, points: FloatArray) -> FloatArray:
        """(n,) slice numbers of (n, 3) points, not rounded."""
        along = self._origins @ self.normal
        return np.asarray(np.interp(points @ self.normal, along, self._k), np.float64)

    @cached_property
    def steps(self) -> FloatArray:
        """(n - 1,) millimetres between neighbours along the normal."""
        return np.asarray(np.diff(self.along), np.float64)

    def covered(self, k: FloatArray) -> NDArray[np.bool_]:
        """Which slice numbers lie within half a common step of a slice, or where none misses."""
        low = np.clip(np.floor(k), 0, len(self.steps) - 1).astype(np.intp)
        share = np.clip(k - low, 0.0, 1.0)
        off = np.minimum(share, 1 - share) * self.steps[low]
        return np.asarray(~self.gaps[low] | (off <= 0.505 * self.step_mm), bool)

    @property
    def is_stepped(self) -> bool:
        """Whether every slice lies on a multiple of the commonest step."""
        off = (self.along - self.along[0]) / self.step_mm
        return bool((np.abs(off - np.rint(off)) <= _MULTIPLE).all())

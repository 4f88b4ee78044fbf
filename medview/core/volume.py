"""A volume: voxels in their stored type, where they lie, and what their numbers mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import Geometry
from medview.core.shared import SharedBlock


@dataclass(frozen=True, eq=False, kw_only=True)
class Volume:
    """Voxels of one stack.

    stored: [k, j, i] in the stored type, or [k, j, i, 3] uint8 for colour; never written to by
    readers. value = stored * slope + intercept, in `unit` (UCUM-like word: HU, SUV, "" when the
    numbers have none). per_slice: (k, 2) slopes and intercepts where they differ by slice (PET).
    padding: stored values (low, high) that are no image; shown as background, left out of sums.
    windows: (centre, width, name) as the file gives them, in modality units.
    block: the shared memory behind `stored`, None for arrays of this process alone.
    """

    geometry: Geometry
    stored: NDArray[np.generic]
    slope: float = 1.0
    intercept: float = 0.0
    per_slice: NDArray[np.float64] | None = None
    unit: str = ""
    padding: tuple[float, float] | None = None
    is_inverted: bool = False  # MONOCHROME1: the lowest value is white
    windows: tuple[tuple[float, float, str], ...] = ()
    modality: str = ""
    block: SharedBlock | None = None

    @property
    def is_colour(self) -> bool:
        """Whether a voxel is three 8-bit numbers (red, green, blue)."""
        return self.stored.ndim == 4

    def values(self, k: int | slice = slice(None)) -> NDArray[np.float32]:
        """Modality values (HU, SUV ...) of one slice or some slices, float32; a copy."""
        part = np.asarray(self.stored[k], np.float32)
        if self.per_slice is None:
            return part * np.float32(self.slope) + np.float32(self.intercept)
        rescale = self.per_slice[k].astype(np.float32)
        if isinstance(k, slice):
            rescale = rescale[:, :, None, None]
            scaled: NDArray[np.float32] = part * rescale[:, 0] + rescale[:, 1]
            return scaled
        return np.asarray(part * rescale[0] + rescale[1], np.float32)

    def value_at(self, k: int, j: int, i: int) -> float | None:
        """Modality value of one voxel, None for padding."""
        stored = float(self.stored[k, j, i])
        if self.padding is not None and self.padding[0] <= stored <= self.padding[1]:
            return None
        slope, intercept = (
            (self.slope, self.intercept) if self.per_slice is None else self.per_slice[k]
        )
        return float(stored * slope + intercept)

"""A volume: voxels in their stored type, where they lie, and what their numbers mean."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import Geometry
from medview.core.shared import SharedBlock

FileWindow = tuple[float, float, str]  # centre and width in modality units, name


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class VoiTable:
    """A VOI LUT: modality value `first` is shown as entries[0] of 2**bits - 1 (C.11.2.1.1)."""

    first: float
    entries: NDArray[np.uint16]
    bits: int
    name: str = ""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class GraphicPlane:
    """An overlay plane of one picture (PS3.3 C.9.2): bits packed along each row, lowest first.

    place: row and column of its first bit in the picture, possibly outside; size: (rows, columns).
    """

    packed: NDArray[np.uint8]
    size: tuple[int, int]
    place: tuple[int, int] = (0, 0)
    name: str = ""

    def mask(self, rows: int, columns: int) -> NDArray[np.bool_]:
        """Which pixels of a picture of this size it covers; what reaches beyond is cut off."""
        bits = np.unpackbits(self.packed, axis=1, count=self.size[1], bitorder="little")
        found = np.zeros((rows, columns), bool)
        top, left = self.place
        part = bits[max(0, -top) : max(0, rows - top), max(0, -left) : max(0, columns - left)]
        down, right = max(0, top), max(0, left)
        found[down : down + part.shape[0], right : right + part.shape[1]] = part
        return found


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Shutter:
    """What of a picture is not to be seen (PS3.3 C.7.6.11); pixels outside of all its parts.

    rectangle: first and last row, first and last column that are seen, from 0. circle: row,
    column, radius in pixels. polygon: its corners (row, column). bitmap: the pixels that are hid.
    """

    rectangle: tuple[float, float, float, float] | None = None
    circle: tuple[float, float, float] | None = None
    polygon: tuple[tuple[float, float], ...] = ()
    bitmap: GraphicPlane | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Volume:
    """Voxels of one stack.

    stored: [k, j, i] in the stored type, or [k, j, i, 3] uint8 for colour; never written to by
    readers. value = stored * slope + intercept, in `unit` (UCUM-like word: HU, SUV, "" when the
    numbers have none). per_slice: (k, 2) slopes and intercepts where they differ by slice (PET).
    padding: stored values (low, high) that are no image; shown as background, left out of sums.
    windows: (centre, width, name) as the file gives them, in modality units, for `voi_function`
    (VOI LUT Function, 0028,1056). tables: its VOI LUTs. Either may be empty.
    slice_windows: the windows of every slice, only where each slice is a picture of its own
    (multi-frame X-ray, ultrasound) and proposes others than its neighbours.
    graphics: overlay planes by slice, put there by the reader like the voxels.
    shutters: what is hidden, by slice; statistics and models see it all the same.
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
    windows: tuple[FileWindow, ...] = ()
    voi_function: str = "LINEAR"
    tables: tuple[VoiTable, ...] = ()
    slice_windows: tuple[tuple[FileWindow, ...], ...] = ()
    graphics: dict[int, tuple[GraphicPlane, ...]] = field(default_factory=dict)
    shutters: dict[int, Shutter] = field(default_factory=dict)
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

    def part(self, box: tuple[slice, slice, slice]) -> NDArray[np.float32]:
        """Modality values of a box [k, j, i], float32; a copy."""
        values = np.asarray(self.stored[box], np.float32)
        if self.per_slice is None:
            values *= np.float32(self.slope)
            values += np.float32(self.intercept)
            return values
        rescale = self.per_slice[box[0]].astype(np.float32)[:, :, None, None]
        scaled: NDArray[np.float32] = values * rescale[:, 0] + rescale[:, 1]
        return scaled

    def value_at(self, k: int, j: int, i: int) -> float | None:
        """Modality value of one voxel, None for padding."""
        stored = float(self.stored[k, j, i])
        if self.padding is not None and self.padding[0] <= stored <= self.padding[1]:
            return None
        slope, intercept = (
            (self.slope, self.intercept) if self.per_slice is None else self.per_slice[k]
        )
        return float(stored * slope + intercept)

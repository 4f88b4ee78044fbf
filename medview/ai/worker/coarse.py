"""A coarse copy of a volume for rules: block means on about equal millimetres, in LPS order.

The coarse grid is turned so that its axes run to the head, to the back and to the left (nearest to
S, P, L), so that rules can speak of above, behind and sides whatever way the slices were stored.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medview.core.progress import CancelToken
from medview.core.volume import Volume

FloatArray = NDArray[np.float32]
_SLAB_BYTES = 32 << 20
AIR_HU = -1024.0  # padding outside the field of view counts as air


@dataclass(frozen=True, eq=False)
class Coarse:
    """values: float32 [s, p, l] in modality units; spacing: millimetres along (s, p, l).

    factors: how many fine voxels one coarse voxel takes along [k, j, i]. order, flips: from the
    fine array's axes to (s, p, l).
    """

    values: FloatArray
    spacing: tuple[float, float, float]
    factors: tuple[int, int, int]
    order: tuple[int, int, int]
    flips: tuple[bool, bool, bool]

    @property
    def voxel_ml(self) -> float:
        """Volume of a coarse voxel."""
        return float(np.prod(self.spacing)) / 1000

    def to_fine_order(self, array: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A coarse array [s, p, l] in the axis order of the fine array [k, j, i]."""
        for axis, is_flipped in enumerate(self.flips):
            if is_flipped:
                array = np.flip(array, axis)
        return np.ascontiguousarray(np.transpose(array, np.argsort(self.order)))

    def fine_indices(self, shape: tuple[int, int, int]) -> tuple[NDArray[np.intp], ...]:
        """For each axis of the fine array the coarse index (fine order) of every position."""
        counts = np.array(self.values.shape)[np.argsort(self.order)]
        return tuple(
            np.minimum(np.arange(n) // factor, count - 1)
            for n, factor, count in zip(shape, self.factors, counts, strict=True)
        )


def slabs(shape: tuple[int, int, int], step: int) -> list[slice]:
    """Ranges of slices, each a multiple of `step` and of bounded size as float32."""
    per = max(1, _SLAB_BYTES // (4 * shape[1] * shape[2]) // step) * step
    return [slice(start, min(start + per, shape[0])) for start in range(0, shape[0], per)]


def hounsfield(volume: Volume, part: slice) -> FloatArray:
    """HU of some slices, padding and everything below air as air."""
    values = volume.values(part)
    if volume.padding is not None:
        stored = np.asarray(volume.stored[part])
        low, high = volume.padding
        values[np.greater_equal(stored, low) & np.less_equal(stored, high)] = AIR_HU
    np.maximum(values, AIR_HU, out=values)
    return values


def coarsen(volume: Volume, grid_mm: float, cancel: CancelToken) -> Coarse:
    """Block means over whole numbers of voxels, as near to `grid_mm` as these allow."""
    geometry = volume.geometry
    fine_mm = (geometry.slice_step, geometry.spacing[1], geometry.spacing[0])  # k, j, i
    k, j, i = (
        max(1, min(round(grid_mm / mm), n)) for mm, n in zip(fine_mm, geometry.shape, strict=True)
    )
    parts = []
    for part in slabs(geometry.shape, k):
        cancel.check()
        parts.append(_block_mean(hounsfield(volume, part), (k, j, i)))
    values = np.concatenate([part for part in parts if part.shape[0]])
    spacing = (fine_mm[0] * k, fine_mm[1] * j, fine_mm[2] * i)
    order, flips = _to_spl(np.array(geometry.axes, float)[::-1])
    values = np.transpose(values, order)
    for axis, is_flipped in enumerate(flips):
        if is_flipped:
            values = np.flip(values, axis)
    turned = (spacing[order[0]], spacing[order[1]], spacing[order[2]])
    return Coarse(np.ascontiguousarray(values), turned, (k, j, i), order, flips)


def _block_mean(values: FloatArray, factors: tuple[int, int, int]) -> FloatArray:
    counts = [n // factor for n, factor in zip(values.shape, factors, strict=True)]
    k, j, i = (count * factor for count, factor in zip(counts, factors, strict=True))
    blocks = values[:k, :j, :i].reshape(
        counts[0], factors[0], counts[1], factors[1], counts[2], factors[2]
    )
    # Innermost first: sums along memory.
    return np.asarray(blocks.mean(5).mean(3).mean(1), np.float32)


def _to_spl(
    axes: NDArray[np.float64],
) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
    """For each of S, P, L the fine axis (k, j, i) nearest to it, and whether it runs against it."""
    wanted = np.array([(0, 0, 1), (0, 1, 0), (1, 0, 0)], float)
    along = wanted @ axes.T
    best, chosen = -1.0, (0, 1, 2)
    for trial in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
        fit = sum(abs(along[n, own]) for n, own in enumerate(trial))
        if fit > best:
            best, chosen = fit, trial
    flips = tuple(bool(along[n, own] < 0) for n, own in enumerate(chosen))
    return chosen, (flips[0], flips[1], flips[2])

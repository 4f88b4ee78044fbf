"""What is left between two volumes that should lie on each other: details found in both.

Blocks of the one with much in them are looked for around the same place of the other by the
correlation of their values, to fractions of a voxel. How far they are off is what a reader would
see as misfit; breathing and growth are in it, as they are in the images.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray
from medview.core.progress import CancelToken
from medview.imaging.even_grid import EvenGrid

Block = NDArray[np.float32]

_HALF = 3  # of a block, in voxels
_REACH = 5  # how far it is looked for, in voxels
_APART = 4  # voxels between blocks that are tried
_MOST = 160  # blocks that are tried, the richest first
_LEAST_LIKENESS = 0.6  # correlation with the place where it is found
_SIZE = 2 * _HALF + 1


def landmark_shifts(
    still: EvenGrid, carried: EvenGrid, cancel: CancelToken | None = None
) -> FloatArray:
    """(n,) millimetres between each detail and where it is found; both on one even grid."""
    shared = still.inside & carried.inside
    found = []
    for centre in _rich_centres(still.values, shared):
        if cancel is not None:
            cancel.check()
        shift = _shift(still.values, carried.values, centre)
        if shift is not None:
            found.append(float(np.linalg.norm(shift * still.geometry.spacing[0])))
    return np.array(found, float)


def _rich_centres(values: Block, shared: NDArray[np.bool_]) -> NDArray[np.intp]:
    """(n, 3) middles of blocks that lie in both with room around, the richest in detail first."""
    from scipy.ndimage import minimum_filter, uniform_filter

    reach = [min(_HALF + _REACH, (n - 1) // 2) for n in values.shape]
    if min(reach) < _HALF + 1:
        return np.empty((0, 3), np.intp)
    mean = uniform_filter(values, _SIZE)
    spread = uniform_filter(values * values, _SIZE) - mean * mean
    whole = minimum_filter(shared.astype(np.uint8), _SIZE, mode="constant", cval=0).astype(bool)
    lattice = np.zeros(values.shape, bool)
    lattice[
        tuple(slice(edge, n - edge, _APART) for edge, n in zip(reach, values.shape, strict=True))
    ] = True
    places = np.argwhere(lattice & whole & (spread > 0))
    order = np.argsort(-spread[tuple(places.T)], kind="stable")
    return places[order[:_MOST]]


def _shift(still: Block, carried: Block, centre: NDArray[np.intp]) -> FloatArray | None:
    """(3,) voxels from a block to where the other volume has it, None where it is not clear."""
    block = still[tuple(slice(c - _HALF, c + _HALF + 1) for c in centre)]
    reach = [
        min(_REACH, int(c) - _HALF, n - 1 - int(c) - _HALF)
        for c, n in zip(centre, carried.shape, strict=True)
    ]
    around = carried[
        tuple(slice(c - _HALF - r, c + _HALF + 1 + r) for c, r in zip(centre, reach, strict=True))
    ]
    likeness = _likeness(block, around)
    peak = np.unravel_index(int(likeness.argmax()), likeness.shape)
    if likeness[peak] < _LEAST_LIKENESS:
        return None
    if any(p in (0, n - 1) for p, n in zip(peak, likeness.shape, strict=True)):
        return None  # it goes on beyond where it was looked for
    offsets = [
        int(p) - r + _between(likeness, peak, axis)
        for axis, (p, r) in enumerate(zip(peak, reach, strict=True))
    ]
    return np.array(offsets, float)


def _likeness(block: Block, around: Block) -> FloatArray:
    """Pearson's correlation of a block with every place around."""
    windows = np.lib.stride_tricks.sliding_window_view(around, block.shape)
    pattern = block - block.mean()
    products = np.einsum("abcijk,ijk->abc", windows, pattern, optimize=True)
    mean = windows.mean(axis=(3, 4, 5))
    squares = np.einsum("abcijk,abcijk->abc", windows, windows, optimize=True)
    spread = np.sqrt(np.maximum(squares - mean * mean * block.size, 1e-6))
    norm = float(np.sqrt((pattern * pattern).sum()))
    return np.asarray(products / (spread * max(norm, 1e-6)), np.float64)


def _between(likeness: FloatArray, peak: tuple[np.intp, ...], axis: int) -> float:
    """Where between voxels the peak lies: the vertex of the parabola through three values."""
    at = list(peak)
    before, here, after = (
        float(likeness[tuple(v + (d if a == axis else 0) for a, v in enumerate(at))])
        for d in (-1, 0, 1)
    )
    curve = before - 2 * here + after
    return 0.0 if curve >= 0 else float(np.clip(0.5 * (before - after) / curve, -0.5, 0.5))

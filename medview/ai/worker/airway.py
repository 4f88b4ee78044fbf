"""The airway from the windpipe to the main bronchi: a seed, and growth that stops at a leak."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medview.ai.worker.coarse import Coarse
from medview.ai.worker.morphology import Mask

# Cross-section of the adult windpipe: coronal 13-25 mm, sagittal 13-27 mm in men, less in women
# (Breatnach et al., AJR 1984); children and stenoses go below, hence the wide bounds.
_AREA_MM2 = (25.0, 900.0)
_MIDLINE_MM = 45.0
_TRACK_MM = 12.0
_SEARCH_ABOVE_MM, _SEARCH_BELOW_MM = 60.0, 50.0
_STEP_HU = 25
_BURST_ML = 25.0  # more in one step is a leak into the lung (explosion control, Mori et al. 1996)


def find_airway(coarse: Coarse, body: Mask, air: Mask, below_hu: float, max_ml: float) -> Mask:
    """Windpipe and main bronchi on the coarse grid, empty when no windpipe is seen.

    Grown from the windpipe with a threshold that rises from 50 below to 200 HU above `below_hu`;
    the last region before it bursts (more than `max_ml`, or 25 mL more than before) holds.
    """
    seed = _windpipe(coarse, body, air)
    best = np.zeros_like(body)
    if not seed.any():
        return best
    for limit in np.arange(below_hu - 50, below_hu + 201, _STEP_HU):
        parts, _ = ndimage.label((coarse.values < limit) & body | seed)
        inside = np.unique(parts[seed])
        grown = np.isin(parts, inside[inside > 0])
        before = max(best.sum(), seed.sum()) * coarse.voxel_ml
        volume = grown.sum() * coarse.voxel_ml
        if volume > max_ml or volume > before + _BURST_ML:
            break
        best = grown
    return best | seed


def _windpipe(coarse: Coarse, body: Mask, air: Mask) -> Mask:
    """Spots that follow one another over at least 12 mm near the top of the lungs."""
    step = coarse.spacing[0]
    area_ml = air.sum((1, 2)) * coarse.spacing[1] * coarse.spacing[2] / 100  # cm2
    with_lung = np.flatnonzero(area_ml > 15)
    seed = np.zeros_like(body)
    if with_lung.size == 0:
        return seed
    top = int(with_lung[-1])
    first = max(0, top - round(_SEARCH_BELOW_MM / step))
    last = min(len(air) - 1, top + round(_SEARCH_ABOVE_MM / step))
    track: list[tuple[int, Mask]] = []
    for s in range(last, first - 1, -1):
        spot = _spot(coarse, body[s], air[s], track[-1][1] if track else None)
        if spot is None:
            if len(track) * step >= _TRACK_MM:
                break
            track = []
            continue
        track.append((s, spot))
    if len(track) * step < min(_TRACK_MM, step * len(air)):
        return seed
    for s, spot in track:
        seed[s] = spot
    return seed


def _spot(coarse: Coarse, body: Mask, air: Mask, before: Mask | None) -> Mask | None:
    """The windpipe in one slice: the spot that continues the one before, or the most central."""
    parts, count = ndimage.label(air)
    if count == 0 or not body.any():
        return None
    pixel = coarse.spacing[1] * coarse.spacing[2]
    columns = np.flatnonzero(body.any(0))
    middle = (columns[0] + columns[-1]) / 2
    found: list[tuple[float, int]] = []
    sizes = np.bincount(parts.ravel(), minlength=count + 1) * pixel
    for label in range(1, count + 1):
        if not _AREA_MM2[0] <= sizes[label] <= _AREA_MM2[1]:
            continue
        mask = parts == label
        off = abs(mask.any(0).nonzero()[0].mean() - middle) * coarse.spacing[2]
        if off > _MIDLINE_MM or not _is_roundish(mask, coarse):
            continue
        overlap = 0 if before is None else int((mask & before).sum())
        found.append((off - 1000 * (overlap > 0), label))
    if not found or (before is not None and min(found)[0] >= 0):
        return None
    return np.asarray(parts == min(found)[1])


def _is_roundish(mask: NDArray[np.bool_], coarse: Coarse) -> bool:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    high = (rows[-1] - rows[0] + 1) * coarse.spacing[1]
    wide = (columns[-1] - columns[0] + 1) * coarse.spacing[2]
    fill = mask.sum() * coarse.spacing[1] * coarse.spacing[2] / (high * wide)
    return bool(max(high, wide) / min(high, wide) < 2.6 and fill > 0.45)

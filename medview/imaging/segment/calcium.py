"""The Agatston score of what was painted over coronary arteries on a plain gated CT."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medview.core.volume import Volume
from medview.imaging.segment.box import Bits, Box

_LOWEST_HU = 130.0
_WEIGHTS = ((400.0, 4), (300.0, 3), (200.0, 2), (130.0, 1))  # of a lesion by its peak, HU
_LEAST_MM2 = 1.0
_SLICE_MM = 3.0  # the score was made for slices of 3 mm


def agatston(volume: Volume, box: Box, mask: Bits) -> float | None:
    """Sum over slices of each lesion's area (mm2) times its weight; None where values are no HU.

    A lesion is what hangs together in a slice (8 neighbours) from 130 HU on inside the mask, 1 mm2
    and more; its weight is 1 to 4 by its peak (Agatston 1990, 10.1016/0735-1097(90)90282-T). Other
    slice distances than 3 mm are scaled, distance / 3, so that thin slices do not count for more.
    """
    if volume.unit != "HU":
        return None
    from scipy import ndimage

    geometry = volume.geometry
    pixel = geometry.voxel_mm3 / geometry.slice_step
    total = 0.0
    for k in range(box.shape[0]):
        if not mask[k].any():
            continue
        place = box.first[0] + k
        values = _values(volume, place, box)
        lesions, count = ndimage.label(mask[k] & (values >= _LOWEST_HU), np.ones((3, 3), int))
        for lesion in range(1, count + 1):
            inside = lesions == lesion
            area = float(inside.sum()) * pixel
            if area >= _LEAST_MM2:
                total += area * _weight(float(values[inside].max()))
    return total * geometry.slice_step / _SLICE_MM


def _weight(peak: float) -> int:
    return next(weight for limit, weight in _WEIGHTS if peak >= limit)


def _values(volume: Volume, place: int, box: Box) -> NDArray[np.float64]:
    slope, intercept = (
        (volume.slope, volume.intercept) if volume.per_slice is None else volume.per_slice[place]
    )
    stored = np.asarray(volume.stored[(place, *box.slices[1:])], np.float64)
    return np.asarray(stored * float(slope) + float(intercept), np.float64)

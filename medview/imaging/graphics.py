"""Overlay planes of the file (groups 60xx) on an acquired slice, in one colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from medview.core.volume import GraphicPlane
from medview.imaging.planes import Plane

COLOUR = (240, 228, 66)  # yellow of Okabe and Ito's set: seen on bone and on air
_STRENGTH = 0.9


def graphic_mask(planes: Sequence[GraphicPlane], plane: Plane, step: int = 1) -> NDArray[np.bool_]:
    """Which pixels of a slice any overlay plane covers, turned as the slice is.

    step: pixels along an edge that make one of the result; a line of one pixel is never lost.
    """
    _, rows, columns = plane.geometry.shape
    mask = np.zeros((rows, columns), bool)
    for each in planes:
        mask |= each.mask(rows, columns)
    turned = plane.cut(mask[None], 0)
    if step == 1:
        return np.ascontiguousarray(turned)
    missing = [(0, -size % step) for size in turned.shape]
    whole = np.pad(turned, missing)
    blocks = whole.reshape(whole.shape[0] // step, step, whole.shape[1] // step, step)
    return np.asarray(blocks.any(axis=(1, 3)), bool)


def graphic_colours(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Premultiplied RGBA (rows, columns, 4) of a mask."""
    ink = np.array([round(part * _STRENGTH) for part in (*COLOUR, 255)], np.uint8)
    return np.asarray(mask[..., None] * ink, np.uint8)

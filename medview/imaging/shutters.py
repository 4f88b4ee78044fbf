"""Which pixels a display shutter hides (PS3.3 C.7.6.11)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from medview.core.volume import Shutter
from medview.imaging.planes import Plane
from medview.imaging.slice_plane import SlicePlane

Mask = NDArray[np.bool_]


@lru_cache(maxsize=8)
def hidden_pixels(shutter: Shutter, rows: int, columns: int) -> Mask:
    """(rows, columns) what is hidden of a picture: everything outside of any of its parts.

    A pixel belongs to a circle or polygon when its centre does.
    """
    hidden = np.zeros((rows, columns), bool)
    if shutter.rectangle is not None:
        top, bottom, left, right = shutter.rectangle
        row, column = np.arange(rows), np.arange(columns)
        hidden |= ((row < top) | (row > bottom))[:, None]
        hidden |= ((column < left) | (column > right))[None, :]
    if shutter.circle is not None:
        middle, centre, radius = shutter.circle
        far = (np.arange(rows)[:, None] - middle) ** 2 + (np.arange(columns) - centre) ** 2
        hidden |= far > radius**2
    if shutter.polygon:
        hidden |= ~_inside(shutter.polygon, rows, columns)
    if shutter.bitmap is not None:
        hidden |= shutter.bitmap.mask(rows, columns)
    hidden.flags.writeable = False
    return hidden


def _inside(corners: tuple[tuple[float, float], ...], rows: int, columns: int) -> Mask:
    """Even-odd rule, line by line: an edge changes everything to the right of where it crosses."""
    changes = np.zeros((rows, columns + 1), bool)
    row = np.arange(rows)
    for (y, x), (end_y, end_x) in zip(corners, (*corners[1:], corners[0]), strict=True):
        if y == end_y:
            continue
        crossed = row[(row >= min(y, end_y)) & (row < max(y, end_y))]
        at = x + (crossed - y) * (end_x - x) / (end_y - y)
        column = np.clip(np.ceil(at), 0, columns).astype(np.intp)
        changes[crossed, column] ^= True
    return np.asarray(np.logical_xor.accumulate(changes, axis=1)[:, :columns], bool)


def hidden_on(shutters: dict[int, Shutter], plane: SlicePlane, index: int) -> Mask | None:
    """What is hidden of an acquired slice, turned as the slice is; None for other planes."""
    shutter = shutters.get(index) if plane.is_native else None
    if shutter is None or not isinstance(plane, Plane):
        return None
    _, rows, columns = plane.geometry.shape
    return np.asarray(plane.cut(hidden_pixels(shutter, rows, columns)[None], 0), bool)

"""Finished pictures of a slice: windowed, overlaid, in the right aspect; numpy alone.

For `render`, the key images of a report, and thumbnails. Square output pixels; the sheared rows
of a tilted acquisition are laid where they belong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medview.core.results import Heatmap, LabelMap
from medview.core.volume import Volume
from medview.imaging.graphics import graphic_colours, graphic_mask
from medview.imaging.grey import GreyLook, grey_slice
from medview.imaging.overlay import cut_heatmap, cut_labels, heat_colours, label_fill, rgb
from medview.imaging.planes import Plane, native_plane
from medview.imaging.presets import opening_window, opens_inverted
from medview.imaging.window import Window

_LARGEST = 4096  # pixels along an edge: more is a mistake in the header, not a picture
Picture = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class _Sampling:
    """Where output pixels lie in a slice: rows (h, 1), columns (h or 1, w), and which are in."""

    rows: NDArray[np.float64]
    columns: NDArray[np.float64]
    inside: NDArray[np.bool_]


def compose(
    volume: Volume,
    plane: Plane,
    index: int,
    window: Window,
    *,
    overlays: Sequence[LabelMap | Heatmap] = (),
    size: int | None = None,
) -> Picture:
    """One slice as the window would show it: (height, width, 3) uint8, square pixels.

    PET is dark on white, whatever its window.
    The file's own overlay planes lie over an acquired slice, overlays over them in their order.
    size: pixels of the longer edge; by default the
    finer of the two pixel spacings is kept.
    """
    sampling = _sampling(plane, size)
    look = GreyLook(is_turned=opens_inverted(volume))
    grey = grey_slice(volume, plane, index, window, look).astype(np.float32)
    if grey.ndim == 2:
        picture = np.repeat(_linear(grey, sampling)[..., None], 3, axis=2)
    else:
        picture = np.stack([_linear(grey[..., c], sampling) for c in range(3)], axis=2)
    if plane.normal == 0 and index in volume.graphics:
        mask = graphic_mask(volume.graphics[index], plane)
        picture = _blend(picture, graphic_colours(np.asarray(_picked(mask, sampling), bool)))
    for overlay in overlays:
        if isinstance(overlay, Heatmap):
            shares = _linear(cut_heatmap(overlay, plane, index), sampling)
            picture = _blend(picture, heat_colours(shares))
        else:
            picture = _with_labels(picture, overlay, _nearest(plane, index, overlay, sampling))
    return (picture + 0.5).astype(np.uint8)


def thumbnail(volume: Volume, size: int = 96, k: int | None = None) -> Picture:
    """A slice as acquired (the middle one by default), (size, size, 3), black around it."""
    plane = native_plane(volume.geometry)
    index = plane.count // 2 if k is None else k
    picture = compose(volume, plane, index, opening_window(volume, k=index), size=size)
    square = np.zeros((size, size, 3), np.uint8)
    height, width = picture.shape[:2]
    top, left = (size - height) // 2, (size - width) // 2
    square[top : top + height, left : left + width] = picture
    return square


def _sampling(plane: Plane, size: int | None) -> _Sampling:
    (across, shift), (_, down) = plane.in_plane
    rows, columns = plane.shape
    slant = shift * (rows - 1)
    width_mm, height_mm = columns * across + abs(slant), rows * down
    finest = max(min(across, down), max(width_mm, height_mm) / _LARGEST)
    pixel = finest if size is None else max(width_mm, height_mm) / size
    height, width = max(1, round(height_mm / pixel)), max(1, round(width_mm / pixel))
    y = (np.arange(height)[:, None] + 0.5) * (height_mm / height) - down / 2
    x = (np.arange(width)[None, :] + 0.5) * (width_mm / width) - across / 2 + min(0.0, slant)
    row = y / down
    column = (x - shift * row) / across if shift else x / across
    inside = (column >= -0.5) & (column <= columns - 0.5) & (row >= -0.5) & (row <= rows - 0.5)
    return _Sampling(row, column, np.broadcast_to(inside, (height, width)))


def _linear(image: NDArray[np.float32], sampling: _Sampling) -> NDArray[np.float32]:
    rows, columns = image.shape
    row = np.clip(sampling.rows, 0, rows - 1)
    column = np.clip(sampling.columns, 0, columns - 1)
    top, left = np.floor(row).astype(np.intp), np.floor(column).astype(np.intp)
    bottom, right = np.minimum(top + 1, rows - 1), np.minimum(left + 1, columns - 1)
    lower, further = (row - top).astype(np.float32), (column - left).astype(np.float32)
    upper_line = image[top, left] * (1 - further) + image[top, right] * further
    lower_line = image[bottom, left] * (1 - further) + image[bottom, right] * further
    mixed = upper_line * (1 - lower) + lower_line * lower
    return np.where(sampling.inside, mixed, np.float32(0))


def _nearest(
    plane: Plane, index: int, label_map: LabelMap, sampling: _Sampling
) -> NDArray[np.uint8]:
    return np.asarray(_picked(cut_labels(label_map, plane, index), sampling), np.uint8)


def _picked(values: NDArray[np.generic], sampling: _Sampling) -> NDArray[np.generic]:
    """The nearest pixel's value for every output pixel, 0 outside."""
    rows, columns = values.shape
    row = np.clip(np.round(sampling.rows).astype(np.intp), 0, rows - 1)
    column = np.clip(np.round(sampling.columns).astype(np.intp), 0, columns - 1)
    return np.where(sampling.inside, values[row, column], values.dtype.type(0))


def _blend(picture: NDArray[np.float32], colours: Picture) -> NDArray[np.float32]:
    """Premultiplied colours over a picture (PS3.3 knows no such thing; Porter and Duff's over)."""
    keep = 1.0 - colours[..., 3:].astype(np.float32) / 255.0
    return np.asarray(picture * keep + colours[..., :3], np.float32)


def _with_labels(
    picture: NDArray[np.float32], label_map: LabelMap, labels: NDArray[np.uint8]
) -> NDArray[np.float32]:
    picture = _blend(picture, label_fill(labels, label_map.labels))
    edge = _rim(labels)
    for label in label_map.labels:
        picture[edge & (labels == label.value)] = rgb(label.colour)
    return picture


def _rim(labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Labelled pixels with a neighbour of another label above, below, left or right."""
    padded = np.pad(labels, 1)
    here = padded[1:-1, 1:-1]
    around = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    differs = np.zeros(labels.shape, bool)
    for other in around:
        differs |= here != other
    return differs & (here > 0)

"""Masks and heatmaps on a slice: cut by geometry, coloured, outlined.

An overlay has its own grid; it is cut at the patient millimetres of the slice's pixels, never by
its index. Colours are premultiplied RGBA of 8 bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray, Geometry
from medview.core.results import Heatmap, Label, LabelMap
from medview.imaging.colour_maps import Colours, colour_map
from medview.imaging.curved import CurvedPlane
from medview.imaging.oblique import ObliquePlane
from medview.imaging.planes import Plane
from medview.imaging.sampling import Source
from medview.imaging.slabs import SlabPlane
from medview.imaging.slice_plane import SlicePlane

FILL = 0.25  # share of the label's colour over the picture
_STRONGEST = 0.85  # a heatmap never hides the picture altogether
# Okabe and Ito's set for every kind of colour vision, blue and green first as in lungs.
SAFE_COLOURS = ("#56b4e9", "#009e73", "#e69f00", "#cc79a7", "#f0e442", "#0072b2", "#d55e00")


Places = NDArray[np.intp]


class _Lookup(NamedTuple):
    """Where each pixel of a slice lies in another grid; None where axes are mixed."""

    k: NDArray[np.float64]
    j: NDArray[np.float64]
    i: NDArray[np.float64]


def cut_labels(label_map: LabelMap, plane: SlicePlane, index: int) -> NDArray[np.uint8]:
    """The labels (rows, columns) on the pixels of a slice, nearest voxel, 0 outside.

    Of a slab those that lie nearest to its middle. Labels that are hidden (measured, but no
    finding to look at) are 0.
    """
    labels, is_first = np.zeros(plane.shape, np.uint8), True
    for cut in _layers(label_map.voxels, label_map.geometry, plane, index):  # the middle comes last
        # Copied once: across the array every further look at it waits for memory again.
        own = np.array(cut, np.uint8, order="C")
        labels = own if is_first else np.where(own != 0, own, labels)
        is_first = False
    hidden = [label.value for label in label_map.labels if label.hidden]
    if hidden:
        shown = np.arange(256, dtype=np.uint8)
        shown[hidden] = 0
        labels = shown[labels]
    return labels


def cut_heatmap(heatmap: Heatmap, plane: SlicePlane, index: int) -> NDArray[np.float32]:
    """Shares 0 to 1 of the heatmap's maximum (rows, columns), of a slab the largest ones."""
    layers = _layers(heatmap.values, heatmap.geometry, plane, index)
    values = np.nan_to_num(np.asarray(next(layers), np.float32))
    for layer in layers:
        values = np.maximum(values, np.nan_to_num(np.asarray(layer, np.float32)))
    top = heatmap.maximum if heatmap.maximum > 0 else 1.0
    return np.asarray(np.clip(values / np.float32(top), 0.0, 1.0), np.float32)


def _layers(
    voxels: NDArray[np.generic], geometry: Geometry, plane: SlicePlane, index: int
) -> Iterator[NDArray[np.generic]]:
    """The slices that a plane shows there, the furthest from its middle first."""
    if isinstance(plane, ObliquePlane | CurvedPlane):
        source = Source(array=np.ascontiguousarray(voxels), geometry=geometry)
        for offset in plane.offsets:
            found = plane.find_nearest(source, index, offset)
            gone = found.outside
            yield found.numbers if gone is None else np.where(gone, 0, found.numbers)
        return
    offsets = plane.offsets if isinstance(plane, SlabPlane) else (0.0,)
    is_own = isinstance(plane, Plane) and plane.own_geometry.same_grid(geometry)
    for offset in offsets:
        at = index + round(offset)
        if offset and not 0 <= at < plane.count:
            continue
        if is_own and isinstance(plane, Plane):
            yield _cut(voxels, plane, at)
        else:
            yield _nearest(voxels, geometry, plane, at)


def _cut(voxels: NDArray[np.generic], plane: Plane, index: int) -> NDArray[np.generic]:
    """One slice of an array on the plane's own grid; nothing where slices are missing."""
    cut, missing = plane.cut(voxels, index), plane.missing(index)
    return cut if missing is None else np.where(missing, voxels.dtype.type(0), cut)


def _nearest(
    voxels: NDArray[np.generic], geometry: Geometry, plane: SlicePlane, index: int
) -> NDArray[np.generic]:
    lookup = _lookup(geometry, plane, index)
    inside = np.ones((1, 1), bool)
    rounded = []
    for place, size in zip(lookup, voxels.shape, strict=True):
        # Half a voxel beyond the last centre still belongs to the voxel.
        nearest = np.floor(place + 0.5).astype(np.intp)
        inside = inside & (nearest >= 0) & (nearest < size)
        rounded.append(np.clip(nearest, 0, size - 1))
    cut = _gather(voxels, rounded)
    if not inside.all():
        cut = np.where(inside, cut, voxels.dtype.type(0))
    return np.asarray(np.broadcast_to(cut, plane.shape))


def _lookup(geometry: Geometry, plane: SlicePlane, index: int) -> _Lookup:
    # index, row, column of the slice -> i, j, k of the other grid
    matrix = plane.matrix_at(index)
    if geometry.is_even:
        matrix = geometry.inverse @ matrix
        matrix[np.abs(matrix) < 1e-9] = 0.0
        return _Lookup(*(_coordinate(matrix[axis], plane, index) for axis in (2, 1, 0)))
    points = [np.broadcast_to(_coordinate(matrix[axis], plane, index), plane.shape)
              for axis in range(3)]  # fmt: skip
    kji = geometry.to_index_array(np.stack(points, axis=-1).reshape(-1, 3))
    return _Lookup(*(kji[:, axis].reshape(plane.shape) for axis in range(3)))


def _gather(voxels: NDArray[np.generic], places: list[NDArray[np.intp]]) -> NDArray[np.generic]:
    """voxels at broadcast places; axis by axis where each axis goes with rows or columns alone."""
    is_mixed = any(place.shape[0] > 1 and place.shape[1] > 1 for place in places)
    along_rows = [axis for axis, place in enumerate(places) if place.shape[0] > 1]
    along_columns = [axis for axis, place in enumerate(places) if place.shape[1] > 1]
    if is_mixed or len(along_rows) > 1 or len(along_columns) > 1:
        return np.asarray(voxels[tuple(np.broadcast_arrays(*places))])
    cut = voxels
    for axis in sorted(range(3), key=lambda axis: places[axis].size):
        cut = cut.take(places[axis].ravel(), axis=axis)
    upright = along_rows and along_columns and along_rows[0] > along_columns[0]
    cut = cut.squeeze(axis=tuple(a for a in range(3) if a not in along_rows + along_columns))
    if upright:
        cut = cut.T
    return cut.reshape(
        max(place.shape[0] for place in places), max(place.shape[1] for place in places)
    )


def _coordinate(line: FloatArray, plane: SlicePlane, index: int) -> NDArray[np.float64]:
    rows, columns = plane.shape
    place = np.full((1, 1), line[0] * index + line[3])
    # Left out when it changes nothing: straight grids then need no full-size arithmetic.
    if line[1] != 0:
        place = place + line[1] * np.arange(rows)[:, None]
    if line[2] != 0:
        place = place + line[2] * np.arange(columns)[None, :]
    return np.asarray(place, np.float64)


def rgb(colour: str) -> tuple[int, int, int]:
    """#rrggbb as three numbers; a broken colour becomes the first safe one."""
    text = colour.lstrip("#")
    try:
        red, green, blue = (int(text[at : at + 2], 16) for at in (0, 2, 4))
    except ValueError:
        return rgb(SAFE_COLOURS[0])
    return red, green, blue


def label_fill(labels: NDArray[np.uint8], legend: tuple[Label, ...]) -> Colours:
    """The fill of a cut label map: (rows, columns, 4), unknown labels transparent."""
    table = np.zeros((256, 4), np.uint8)
    for label in legend:
        if 0 < label.value < 256:
            table[label.value, :3] = [round(part * FILL) for part in rgb(label.colour)]
            table[label.value, 3] = round(255 * FILL)
    packed = table.view(np.uint32)[:, 0]
    return packed.take(labels).view(np.uint8).reshape(*labels.shape, 4)


def inferno() -> Colours:
    """(256, 3) the heatmap's colours from nothing to its maximum."""
    return colour_map("inferno")


@cache
def _heat_table() -> Colours:
    share = np.linspace(0.0, 1.0, 256)
    alpha = np.minimum(1.0, share * 1.8) * _STRONGEST
    table = np.empty((256, 4), np.uint8)
    table[:, :3] = np.round(inferno() * alpha[:, None])
    table[:, 3] = np.round(alpha * 255)
    table.flags.writeable = False
    return table


def heat_colours(shares: NDArray[np.float32]) -> Colours:
    """A cut heatmap as (rows, columns, 4); 0 is fully transparent."""
    levels = (shares * 255.0 + 0.5).astype(np.uint8)
    packed = _heat_table().view(np.uint32)[:, 0]
    return packed.take(levels).view(np.uint8).reshape(*levels.shape, 4)


def outline_segments(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n, 4) segments x0, y0, x1, y1 along the pixel edges around a mask.

    Corner convention: pixel (row, column) covers column to column + 1 and row to row + 1. Straight
    runs are one segment.
    """
    return label_outlines(mask.astype(np.uint8)).get(1, np.empty((0, 4)))


def label_outlines(labels: NDArray[np.uint8]) -> dict[int, NDArray[np.float64]]:
    """As `outline_segments`, of each label that is there but 0, all found in one pass."""
    rows, columns = labels.shape
    # A row of whole words of eight bytes: edges are few, and so eight pixels are passed at once.
    width = -(-(columns + 2) // 8) * 8
    framed = np.zeros((rows + 2, width), np.uint8)
    framed[1:-1, 1 : columns + 1] = labels
    pixels = framed.reshape(-1)
    height = rows + 2
    level = _edges(pixels, width)
    flat = _Edges(level, width, 0, pixels[level], pixels[level + width])
    line, at = np.divmod(_edges(pixels, 1), width)
    # Column by column, so that neighbours along an upright line follow each other.
    steep = np.sort(at * height + line)
    at, line = np.divmod(steep, height)
    upright = line * width + at
    both = flat, _Edges(steep, height, 1, pixels[upright], pixels[upright + 1])
    present = np.flatnonzero(np.bincount(np.concatenate([flat.before, flat.after])))
    return {
        value: np.concatenate([edges.segments(value) for edges in both])
        for value in present.tolist()
        if value
    }


class _Edges(NamedTuple):
    """Edges between pixels along one way of a grid with a rim of one pixel.

    places: ascending, neighbours on a line follow each other by one; stride: from one line to the
    next. axis: 0 where lines run along x, 1 along y. before, after: the labels on both sides.
    """

    places: Places
    stride: int
    axis: int
    before: NDArray[np.uint8]
    after: NDArray[np.uint8]

    def segments(self, value: int) -> NDArray[np.float64]:
        """(n, 4) straight runs of the edges of one label."""
        own = self.places[(self.before == value) | (self.after == value)]
        breaks = np.flatnonzero(own[1:] != own[:-1] + 1)
        segments = np.empty((len(breaks) + 1, 4))
        line, start = np.divmod(own[np.append(0, breaks + 1)], self.stride)
        segments[:, self.axis] = start - 1
        segments[:, 2 + self.axis] = own[np.append(breaks, -1)] - line * self.stride
        segments[:, 1 - self.axis] = segments[:, 3 - self.axis] = line
        return segments


def _edges(pixels: NDArray[np.uint8], step: int) -> Places:
    """Where a pixel differs from the one `step` further."""
    differs = np.zeros(pixels.size, np.uint8)
    np.bitwise_xor(pixels[step:], pixels[:-step], out=differs[:-step])
    words = differs.view(np.uint64)
    some = np.flatnonzero(words != 0)
    found = np.flatnonzero(words[some].view(np.bool_))
    return np.asarray(some[found >> 3] * 8 + (found & 7), np.intp)

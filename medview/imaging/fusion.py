"""A second stack over the first: resampled by geometry for the eye alone, never for numbers.

Values between voxel centres are trilinear, as those of SimpleITK's linear interpolator; beyond the
half voxel around the grid there is nothing. Statistics belong on the upper stack's own voxels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray, PatientPoint
from medview.core.study import Stack
from medview.core.volume import Volume
from medview.imaging import roi
from medview.imaging.colour_maps import Colours, colour_map
from medview.imaging.planes import is_padding
from medview.imaging.presets import opening_window
from medview.imaging.slice_plane import SlicePlane
from medview.imaging.window import Window, window_fractions

MAPS = ("hot-iron", "inferno", "viridis", "cividis", "grey")  # offered for an upper layer
_EDGE = 0.5 + 1e-6  # of a voxel beyond the last centre: rounding must not cut a row off
_STRAIGHT = 1e-7  # voxels a pixel; less is rounding, not obliquity
Values = NDArray[np.float32]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class UpperLayer:
    """What lies over a view's stack, and how it is shown.

    blend: 0 the lower picture alone, 1 the upper one alone. threshold: values below it are
    transparent, None for none. to_upper: (4, 4) from the lower stack's patient millimetres to the
    upper one's (a registration), None in one frame of reference. key: series UID and number of the
    upper stack. takes_window: the window tool moves its window; takes_measures: what is drawn is
    measured on its voxels.
    """

    volume: Volume
    stack: Stack
    window: Window
    key: tuple[str, int] = ("", 0)
    colour_map: str = "hot-iron"
    blend: float = 0.5
    threshold: float | None = None
    to_upper: FloatArray | None = None
    takes_window: bool = False
    takes_measures: bool = False

    def with_blend(self, blend: float) -> UpperLayer:
        """The same with another share, kept between nothing and all."""
        return replace(self, blend=float(np.clip(blend, 0.0, 1.0)))

    def value_at(self, point: PatientPoint) -> float | None:
        """The value of the upper stack's own voxel at a place of the lower one, None outside."""
        return roi.probe(self.volume, self.place(point))

    def place(self, point: PatientPoint) -> PatientPoint:
        """A place of the lower stack in the upper one's millimetres."""
        if self.to_upper is None:
            return point
        x, y, z, _ = self.to_upper @ (*point, 1.0)
        return PatientPoint(float(x), float(y), float(z))

    @property
    def ends(self) -> tuple[float, float]:
        """The values at the lower and the upper end of its colours."""
        half = self.window.width / 2.0
        return self.window.center - half, self.window.center + half


def upper_layer(volume: Volume, stack: Stack, to_upper: FloatArray | None = None) -> UpperLayer:
    """How a stack is laid over another at first: PET hot iron, anything else inferno."""
    is_pet = volume.modality in ("PT", "NM")
    return UpperLayer(
        volume=volume,
        stack=stack,
        window=opening_window(volume),
        colour_map="hot-iron" if is_pet else "inferno",
        to_upper=to_upper,
    )


def resampled(
    volume: Volume,
    plane: SlicePlane,
    index: float,
    to_upper: FloatArray | None = None,
    step: int = 1,
) -> Values:
    """Values of another volume on the pixels of a slice: (rows, columns), NaN where it has none.

    step: pixels along an edge that make one of the result, sampled in their middle.
    """
    rows, columns = (max(1, size // step) for size in plane.shape)
    if not plane.is_flat:
        return _bent(volume, plane, index, to_upper)
    matrix = plane.matrix_at(index)  # of this slice: those across a curve each lie their own way
    middle = (step - 1) / 2
    start = matrix[:3] @ (index, middle, middle, 1.0)
    steps = matrix[:3, 1:3] * step
    if to_upper is not None:
        start = to_upper[:3, :3] @ start + to_upper[:3, 3]
        steps = to_upper[:3, :3] @ steps
    if not volume.geometry.is_even:
        return _uneven(volume, start, steps, (rows, columns))
    inverse = volume.geometry.inverse
    first = (inverse[:3, :3] @ start + inverse[:3, 3])[::-1]  # k, j, i of the first pixel
    per_pixel = (inverse[:3, :3] @ steps)[::-1]  # (3, 2): a row further, a column further
    per_pixel[np.abs(per_pixel) < _STRAIGHT] = 0.0
    moves = per_pixel != 0
    if (moves.sum(axis=1) <= 1).all() and (moves.sum(axis=0) <= 1).all():
        return _along_axes(volume, first, per_pixel, (rows, columns))
    places = [
        first[axis] + per_pixel[axis, 0] * np.arange(rows)[:, None]
        + per_pixel[axis, 1] * np.arange(columns)[None, :]
        for axis in range(3)
    ]  # fmt: skip
    return _at_places(volume, [place.ravel() for place in places]).reshape(rows, columns)


def _along_axes(
    volume: Volume, first: FloatArray, per_pixel: FloatArray, shape: tuple[int, int]
) -> Values:
    """Every axis of the upper grid goes with rows, with columns or with neither: one by one."""
    of_rows = next((axis for axis in range(3) if per_pixel[axis, 0]), None)
    of_columns = next((axis for axis in range(3) if per_pixel[axis, 1]), None)
    lines = []
    for axis, size in enumerate(volume.geometry.shape):
        count, rate = 1, 0.0
        if axis in (of_rows, of_columns):
            which = 0 if axis == of_rows else 1
            count, rate = shape[which], per_pixel[axis, which]
        lines.append(_line(first[axis] + rate * np.arange(count), size))
    box = tuple(slice(line.low, line.high) for line in lines)
    cut = _values(volume, box)
    for axis in sorted(range(3), key=lambda axis: len(lines[axis].floor)):
        cut = lines[axis].blended(cut, axis)
    ends = [axis for axis in (of_rows, of_columns) if axis is not None]
    rest = tuple(axis for axis in range(3) if axis not in ends)
    cut = cut.transpose(*rest, *ends).reshape([cut.shape[axis] for axis in ends] or (1, 1))
    if of_rows is None or of_columns is None:  # a slice of the upper grid one voxel thick
        cut = np.broadcast_to(cut.reshape(-1, 1) if of_columns is None else cut, shape)
    return np.ascontiguousarray(cut, np.float32)


@dataclass(frozen=True, eq=False)
class _Line:
    """Places along one axis: voxels below them (from `low`), shares of the next, which are in."""

    low: int
    high: int
    floor: NDArray[np.intp]
    share: Values
    inside: NDArray[np.bool_]

    def blended(self, values: Values, axis: int) -> Values:
        """values interpolated along one axis; NaN outside."""
        below = values.take(self.floor, axis=axis)
        above = values.take(np.minimum(self.floor + 1, values.shape[axis] - 1), axis=axis)
        form = [1, 1, 1]
        form[axis] = -1
        share = self.share.reshape(form)
        # Where the next voxel has no part, one that is no image must not spoil the value.
        mixed = np.where(share > 0, below + (above - below) * share, below)
        return np.where(self.inside.reshape(form), mixed, np.float32(np.nan))


def _line(places: FloatArray, size: int) -> _Line:
    inside = (places >= -_EDGE) & (places <= size - 1 + _EDGE)
    clipped = np.clip(places, 0, size - 1)
    floor = np.floor(clipped + 1e-9).astype(np.intp)
    share = np.clip(clipped - floor, 0, 1)
    share[share < 1e-6] = 0.0
    low, high = int(floor.min()), min(size, int(floor.max()) + 2)
    return _Line(low, high, floor - low, share.astype(np.float32), inside)


def _values(volume: Volume, box: tuple[slice, ...]) -> Values:
    """Modality values of a box, NaN on padding."""
    stored = volume.stored[box]
    values = np.asarray(stored, np.float32)
    if volume.per_slice is None:
        values = values * np.float32(volume.slope) + np.float32(volume.intercept)
    else:
        rescale = volume.per_slice[box[0]].astype(np.float32)[:, :, None, None]
        values = values * rescale[:, 0] + rescale[:, 1]
    if volume.padding is not None:
        values[is_padding(stored, volume.padding)] = np.nan
    return values


def _at_places(volume: Volume, places: list[FloatArray]) -> Values:
    """Trilinear values at (n,) k, j, i; NaN outside and beside padding."""
    inside = np.ones(places[0].shape, bool)
    for place, size in zip(places, volume.geometry.shape, strict=True):
        inside &= (place >= -_EDGE) & (place <= size - 1 + _EDGE)
    found = np.full(places[0].shape, np.nan, np.float32)
    if inside.any():
        shape = volume.geometry.shape
        lines = [_line(p[inside], size) for p, size in zip(places, shape, strict=True)]
        found[inside] = _corners(volume, lines)
    return found


def _corners(volume: Volume, lines: list[_Line]) -> Values:
    """The eight voxels around each place, mixed along i, then j, then k."""
    in_k, in_j, in_i = lines
    _, rows, columns = volume.geometry.shape
    flat = volume.stored.reshape(-1)
    low = [line.floor + line.low for line in lines]
    first = (low[0] * rows + low[1]) * columns + low[2]
    # Where the next voxel would lie outside, its share is nothing: the same one will do.
    steps = [
        np.where(line.share > 0, width, 0)
        for line, width in zip(lines, (rows * columns, columns, 1), strict=True)
    ]
    planes = []
    for upper in (0, 1):
        at = first + steps[0] if upper else first
        line = [_mixed(_part(volume, flat, at), _part(volume, flat, at + steps[2]), in_i)]
        at = at + steps[1]
        line.append(_mixed(_part(volume, flat, at), _part(volume, flat, at + steps[2]), in_i))
        plane = _mixed(line[0], line[1], in_j)
        planes.append(_rescaled(volume, plane, low[0] + (in_k.share > 0 if upper else 0)))
    return _mixed(planes[0], planes[1], in_k)


def _part(volume: Volume, flat: NDArray[np.generic], at: NDArray[np.intp]) -> Values:
    """Stored numbers by their place in the whole volume, NaN on padding."""
    stored = flat.take(at)
    values = np.asarray(stored, np.float32)
    if volume.padding is not None:
        values[is_padding(stored, volume.padding)] = np.nan
    return values


def _rescaled(volume: Volume, values: Values, k: NDArray[np.intp]) -> Values:
    if volume.per_slice is None:
        return values * np.float32(volume.slope) + np.float32(volume.intercept)
    slope, intercept = volume.per_slice.astype(np.float32).T
    return np.asarray(values * slope.take(k) + intercept.take(k), np.float32)


def _mixed(below: Values, above: Values, line: _Line) -> Values:
    """Between two voxels; one that is no image and has no share does not spoil the other."""
    mixed = below + (above - below) * line.share
    return np.where(line.share > 0, mixed, below)


def _uneven(volume: Volume, start: FloatArray, steps: FloatArray, shape: tuple[int, int]) -> Values:
    """Across slices that lie unevenly: every pixel by its own place, nothing in the gaps."""
    row, column = np.indices(shape).reshape(2, -1)
    points = start + row[:, None] * steps[:, 0] + column[:, None] * steps[:, 1]
    return _at_points(volume, points).reshape(shape)


def _bent(volume: Volume, plane: SlicePlane, index: float, to_upper: FloatArray | None) -> Values:
    """Along a curve: every row is a line of its own, from its first pixel to its last."""
    rows, columns = plane.shape
    ends = np.array(
        [[plane.to_patient(index, row, at) for row in range(rows)] for at in (0, columns - 1)]
    )
    share = np.linspace(0.0, 1.0, columns)[None, :, None]
    points = (ends[0][:, None] + (ends[1] - ends[0])[:, None] * share).reshape(-1, 3)
    if to_upper is not None:
        points = points @ to_upper[:3, :3].T + to_upper[:3, 3]
    return _at_points(volume, points).reshape(rows, columns)


def _at_points(volume: Volume, points: FloatArray) -> Values:
    """Values at (n, 3) millimetres of the upper stack, nothing where slices are missing."""
    kji = volume.geometry.to_index_array(points)
    values = _at_places(volume, [kji[:, axis] for axis in range(3)])
    if not volume.geometry.is_even:
        values[~volume.geometry.ladder.covered(kji[:, 0])] = np.nan
    return values


def fitting_step(volume: Volume, plane: SlicePlane) -> int:
    """Pixels of a slice that lie on two thirds of an upper voxel: no finer look is needed."""
    if not plane.is_flat:
        return 1
    finest = min(volume.geometry.spacing)
    pixel = min(float(np.linalg.norm(step)) for step in (plane.step_down, plane.step_right))
    most = max(1, min(plane.shape) // 64)
    return int(np.clip(finest / (1.5 * pixel), 1, most))


def layer_colours(values: Values, layer: UpperLayer) -> Colours:
    """Premultiplied RGBA (rows, columns, 4) of resampled values.

    Nothing where there is no value or it lies below the threshold; else the blend's share, the
    same for every value (as Relative Opacity of a blending presentation state, PS3.3 C.11.14).
    """
    levels, shown = _levels(values, layer.window)
    alpha = round(255 * layer.blend)
    table = np.empty((256, 4), np.uint8)
    table[:, :3] = np.round(colour_map(layer.colour_map) * (alpha / 255.0))
    table[:, 3] = alpha
    if layer.threshold is not None:
        shown &= np.greater_equal(values, layer.threshold)
    packed = table.view(np.uint32)[:, 0]
    colours = np.where(shown, packed[levels], np.uint32(0))
    return np.ascontiguousarray(colours).view(np.uint8).reshape(*levels.shape, 4)


def _levels(values: Values, window: Window) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """0 to 255 through a window, and where there is a value at all."""
    shown = values == values  # noqa: PLR0124 - false for NaN alone, in one pass
    if window.function in ("SIGMOID", "TABLE") or window.width == 1.0:
        fractions = np.nan_to_num(window_fractions(values, window))
        return (fractions * 255.0 + 0.5).astype(np.uint8), shown
    slope, offset = window.ramp
    work = values * np.float32(slope * 255.0)
    work += np.float32(offset * 255.0 + 0.5)
    np.clip(work, 0.0, 255.0, out=work)
    work[~shown] = 0
    return work.astype(np.uint8), shown

"""What a view shows and how: values without Qt, changed by replacing them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray, PatientPoint
from medview.core.volume import Volume
from medview.imaging.colour_maps import GREY
from medview.imaging.mpr import STRAIGHT, Mpr
from medview.imaging.slice_plane import SlicePlane
from medview.imaging.window import Window

_LEAST_ZOOM, _MOST_ZOOM = 0.1, 64.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewState:
    """How one view stands.

    point: the place in the patient that all linked views show. zoom: times the size that fits;
    pan: screen pixels from where it rests. turns: quarter turns clockwise. edge: `left` or `right`
    where it rests against that edge of its view, else it rests in the middle. fit: screen pixels a
    millimetre at zoom 1, one scale for several views; None where the picture fits its view.
    mpr: how the planes of a reconstruction are turned and thickened, for all linked views.
    """

    point: PatientPoint
    window: Window
    zoom: float = 1.0
    pan: tuple[float, float] = (0.0, 0.0)
    is_inverted: bool = False
    flip_h: bool = False
    flip_v: bool = False
    turns: int = 0
    colour_map: str = GREY
    edge: str = ""
    fit: float | None = None
    mpr: Mpr = STRAIGHT

    @property
    def standing(self) -> tuple[object, ...]:
        """What says where on the screen a slice lies, whichever slice it is."""
        return (self.zoom, self.pan, self.flip_h, self.flip_v, self.turns, self.edge, self.fit)

    def reset(self) -> ViewState:
        """Place, window and planes stay, and what it hangs by; everything else as at first."""
        return ViewState(
            point=self.point, window=self.window, edge=self.edge, fit=self.fit, mpr=self.mpr
        )

    def flipped(self, *, across: bool) -> ViewState:
        """Mirrored on the screen, left to right (across) or upside down."""
        # The turn comes after the flip: half-turned pictures mirror along their other axis.
        if across != bool(self.turns % 2):
            return replace(self, flip_h=not self.flip_h)
        return replace(self, flip_v=not self.flip_v)

    def turned(self, quarters: int) -> ViewState:
        """Turned clockwise by quarters."""
        return replace(self, turns=(self.turns + quarters) % 4)


@dataclass(frozen=True, eq=False)
class ScreenMap:
    """From pixels of a slice (column, row; whole numbers are centres) to screen pixels and back."""

    matrix: FloatArray  # (2, 3)
    scale: float  # screen pixels a millimetre

    @cached_property
    def _numbers(self) -> tuple[float, ...]:
        return tuple(self.matrix.ravel().tolist())

    def to_screen(self, row: float, column: float) -> tuple[float, float]:
        """Where a place of the slice is drawn."""
        a, b, c, d, e, f = self._numbers
        return a * column + b * row + c, d * column + e * row + f

    def to_pixel(self, x: float, y: float) -> tuple[float, float]:
        """(row, column) under a place of the screen, not rounded."""
        column, row = np.linalg.solve(self.matrix[:, :2], (x, y) - self.matrix[:, 2])
        return float(row), float(column)


def screen_map(plane: SlicePlane, state: ViewState, size: tuple[float, float]) -> ScreenMap:
    """The map of a view of `size` (width, height); pixels keep their true aspect."""
    in_mm = _orientation(state) @ plane.in_plane
    row, column = plane.rest
    scale = _fitting_scale(plane, state, size) * state.zoom
    linear = in_mm * scale
    away = resting_place(plane, state, size)
    middle = np.array([size[0] / 2 + away + state.pan[0], size[1] / 2 + state.pan[1]])
    shift = middle - linear @ np.array([column, row])
    return ScreenMap(np.column_stack([linear, shift]), float(scale))


def resting_place(plane: SlicePlane, state: ViewState, size: tuple[float, float]) -> float:
    """Pixels to the right of the view's middle where the picture's middle rests."""
    if not state.edge:
        return 0.0
    width, _ = _extent(plane, state)
    free = max(0.0, size[0] - width * _fitting_scale(plane, state, size)) / 2
    return free if state.edge == "right" else -free


def _fitting_scale(plane: SlicePlane, state: ViewState, size: tuple[float, float]) -> float:
    """Screen pixels a millimetre at zoom 1."""
    if state.fit is not None:
        return state.fit
    width, height = _extent(plane, state)
    return min(size[0] / width, size[1] / height)


def _extent(plane: SlicePlane, state: ViewState) -> tuple[float, float]:
    """Width and height in millimetres as the picture stands on the screen."""
    rows, columns = plane.framed
    in_mm = _orientation(state) @ plane.in_plane
    corners = in_mm @ np.array([[0, columns, 0, columns], [0, 0, rows, rows]], float)
    width, height = np.ptp(corners, axis=1)
    return float(width), float(height)


def _orientation(state: ViewState) -> FloatArray:
    return _turned(state.flip_h, state.flip_v, state.turns % 4)


@cache
def _turned(flip_h: bool, flip_v: bool, turns: int) -> FloatArray:
    """(2, 2), the same for every picture that stands so."""
    flip = np.diag([-1.0 if flip_h else 1.0, -1.0 if flip_v else 1.0])
    quarter = np.array([[0.0, -1.0], [1.0, 0.0]])  # clockwise on a screen whose y grows downwards
    return np.asarray(np.linalg.matrix_power(quarter, turns) @ flip, np.float64)


def directions(plane: SlicePlane, state: ViewState) -> tuple[FloatArray, FloatArray]:
    """Which way of the patient the screen's right and down point: two (3,) vectors, LPS."""
    standing = (state.flip_h, state.flip_v, state.turns % 4)
    return _directions(plane.step_right.tobytes(), plane.normal_vector.tobytes(), standing)


@lru_cache(maxsize=64)  # the same from frame to frame
def _directions(
    step: bytes, normal: bytes, standing: tuple[bool, bool, int]
) -> tuple[FloatArray, FloatArray]:
    # Perpendicular to right, so that a sheared grid does not bend the letters.
    right = np.frombuffer(step) / np.linalg.norm(np.frombuffer(step))
    down = np.cross(np.frombuffer(normal), right)
    turn = _turned(*standing)
    return turn[0, 0] * right + turn[0, 1] * down, turn[1, 0] * right + turn[1, 1] * down


def zoomed(state: ViewState, factor: float, at: tuple[float, float]) -> ViewState:
    """Zoomed so that the place `at` (pixels from the view's middle) stays where it is."""
    zoom = float(np.clip(state.zoom * factor, _LEAST_ZOOM, _MOST_ZOOM))
    real = zoom / state.zoom
    pan = (at[0] - (at[0] - state.pan[0]) * real, at[1] - (at[1] - state.pan[1]) * real)
    return replace(state, zoom=zoom, pan=pan)


def middle_point(plane: SlicePlane, state: ViewState, size: tuple[float, float]) -> PatientPoint:
    """The place of the shown slice in the middle of the view."""
    row, column = screen_map(plane, state, size).to_pixel(size[0] / 2, size[1] / 2)
    return plane.to_patient(slice_index(plane, state.point), row, column)


def centred(
    plane: SlicePlane,
    state: ViewState,
    size: tuple[float, float],
    scale: float,
    point: PatientPoint | None,
) -> ViewState:
    """Zoomed to `scale` screen pixels a millimetre; `point`, where given, comes to the middle."""
    now = screen_map(plane, state, size)
    zoom = float(np.clip(state.zoom * scale / now.scale, _LEAST_ZOOM, _MOST_ZOOM))
    state = replace(state, zoom=zoom)
    if point is None:
        return state
    _, row, column = plane.to_pixel(point)
    x, y = screen_map(plane, state, size).to_screen(row, column)
    return replace(state, pan=(state.pan[0] + size[0] / 2 - x, state.pan[1] + size[1] / 2 - y))


def slice_index(plane: SlicePlane, point: PatientPoint) -> int:
    """The slice that holds a point; the first or last one for points outside."""
    return max(0, min(round(plane.to_pixel(point)[0]), plane.count - 1))


def moved_along(plane: SlicePlane, point: PatientPoint, steps: int) -> PatientPoint:
    """The point some slices further as they are read, kept inside the volume."""
    index = slice_index(plane, point)
    _, row, column = plane.to_pixel(point)
    target = int(np.clip(index + steps * plane.reading_step, 0, plane.count - 1))
    return plane.to_patient(target, row, column)


def slice_number(plane: SlicePlane, index: int) -> int:
    """1 for the first slice as they are read."""
    return index + 1 if plane.reading_step > 0 else plane.count - index


def is_slice_ready(plane: SlicePlane, index: int, ready: NDArray[np.bool_] | None) -> bool:
    """Whether all voxels of an acquired slice are there; other planes show what there is."""
    return ready is None or not plane.is_native or bool(ready[index])


def window_step(state: ViewState) -> float:
    """Modality units that a dragged pixel is worth: finer in narrow windows, never quite still."""
    return max(state.window.width, 1e-3) / 250.0


def volume_middle(volume: Volume) -> PatientPoint:
    """The voxel nearest to the middle: planes through it show whole pixels."""
    k, j, i = volume.geometry.shape
    index = volume.geometry.to_index(volume.geometry.centre)
    return volume.geometry.to_patient(type(index)(k // 2, j // 2, i // 2))

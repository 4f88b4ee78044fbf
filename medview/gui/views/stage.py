"""One view's stack, plane and state, and where on it tools stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from medview.core.geometry import ORIGIN, PatientPoint
from medview.core.presentation import PresentationState
from medview.core.results import Heatmap, LabelMap
from medview.core.words import Sentence
from medview.gui.tools.base import Pointer
from medview.gui.views.corners import Shown
from medview.gui.views.curving import Curving
from medview.gui.views.kept import Kept
from medview.gui.views.measuring import Measuring
from medview.gui.views.painting import Painting
from medview.gui.views.state import (
    ScreenMap,
    ViewState,
    moved_along,
    resting_place,
    screen_map,
    slice_index,
    volume_middle,
)
from medview.gui.views.windowing import Windowing, own_window
from medview.imaging.curved import CURVED, ROLL, CurvedPlane, curved_plane
from medview.imaging.fusion import UpperLayer
from medview.imaging.mpr import STRAIGHT, Mpr, mpr_planes
from medview.imaging.planes import native_plane
from medview.imaging.presets import opens_inverted
from medview.imaging.slice_plane import SlicePlane
from medview.imaging.window import Window, auto_window

_START = ViewState(point=ORIGIN, window=Window(center=128, width=256))


class SliceStage(QObject):
    """The stage of one slice view; `wanted` is the plane's name, a film keeps its own.

    windowing chooses its window, measuring holds what is drawn on it,
    painting what changes segments.
    """

    crosshair_moved = Signal(object)
    window_changed = Signal(object)
    upper_changed = Signal(object)  # UpperLayer
    mpr_changed = Signal(object)
    repaint_wanted = Signal()

    def __init__(self, wanted: str, parent: QObject) -> None:
        super().__init__(parent)
        self.wanted = wanted
        self.shown: Shown | None = None
        self.plane: SlicePlane | None = None
        self.planes: Mapping[str, SlicePlane] = {}  # of a reconstruction, by name
        self.ready: NDArray[np.bool_] | None = None
        self.failed: dict[int, Sentence] = {}
        self.overlays: tuple[LabelMap | Heatmap, ...] = ()
        self.is_confirmed = False  # whether the reader has accepted all that models drew
        self.upper: UpperLayer | None = None  # another stack over this one
        self.presented: PresentationState | None = None  # whose drawings lie over it
        self.size = (1.0, 1.0)
        self._mapped: Kept[ScreenMap] = Kept()
        self._indexed: tuple[SlicePlane | None, PatientPoint | None, int] = (None, None, 0)
        self.windowing = Windowing()
        self.measuring = Measuring(self)
        self.painting = Painting(self)
        self.curving = Curving(self)
        self.curving.bent.connect(self._bend)
        self._state = _START
        self._laid: tuple[object, ...] | None = None  # what the planes were made for
        self._before = (False, True)  # whether it was a single picture, with a window of ours

    # -- what is shown -----------------------------------------------------------------

    def show(self, shown: Shown | None) -> None:
        """Another stack, or none; the view begins at its middle with its own window."""
        is_single = self.shown is not None and len(self.shown.stack.frames) == 1
        self._before = (is_single, self.windowing.is_ours)
        self.shown = shown
        self.plane, self.planes, self._laid = None, {}, None
        self.ready, self.failed = None, {}
        self.overlays, self.upper, self.presented = (), None, None
        self.is_confirmed = False
        self.measuring.clear()
        self._state = _START
        if shown is None:
            return
        self._lay_planes()
        self._state = replace(_START, point=volume_middle(shown.volume))
        self._state = replace(
            self._state,
            window=self.windowing.opening(shown.volume, self.acquired, _START.window),
            is_inverted=opens_inverted(shown.volume),
        )

    def kept_state(self) -> ViewState | None:
        """How the view stands, to be taken up by the same stack with more slices."""
        return None if self.shown is None else self._state

    def take_up(self, state: ViewState | None) -> None:
        """Stand as before. From a single picture the view goes to the middle of the stack."""
        if state is None or self.shown is None:
            return
        was_single, was_ours = self._before
        window = self.windowing.taken_up(state.window, self._state.window, was_ours=was_ours)
        point = self._state.point if was_single else state.point
        self._state = replace(state, window=window, point=point)
        self._lay_planes()

    def show_ready(self, ready: NDArray[np.bool_]) -> None:
        """Which slices hold voxels; an automatic window follows the first and the last of them."""
        before = None if self.ready is None else int(self.ready.sum())
        self.ready = ready.copy()
        self._lay_planes()
        count = int(ready.sum())
        is_first_or_last = (not before and count) or (count == len(ready) and before != count)
        if self.shown is not None and self.windowing.is_ours and is_first_or_last:
            window = auto_window(self.shown.volume, ready)
            self._state = replace(self._state, window=window)

    @property
    def index(self) -> int:
        """Which slice of the plane is shown."""
        if self.plane is None:
            return 0
        # Asked dozens of times a frame.
        plane, point, index = self._indexed
        if plane is not self.plane or point is not self._state.point:
            index = slice_index(self.plane, self._state.point)
            self._indexed = (self.plane, self._state.point, index)
        return index

    @property
    def acquired(self) -> int:
        """The number of the acquired slice that is shown; the first on a reconstruction."""
        return self.index if self.plane is not None and self.plane.is_native else 0

    def map(self) -> ScreenMap:
        """From slice to screen, for the view's present size. Needs a stack."""
        if self.plane is None:
            return ScreenMap(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), 1.0)
        values = (self.size, *self._state.standing)
        make = partial(screen_map, self.plane, self._state, self.size)
        return self._mapped.get((self.plane,), values, make)

    # -- what tools ask ----------------------------------------------------------------

    @property
    def state(self) -> ViewState:
        """How the view stands."""
        return self._state

    def change(self, state: ViewState) -> None:
        """Show another state and say what changed."""
        before = self._state
        if state.point != before.point and state.window == before.window:
            self._state = self._with_own_window(state, self.acquired)
        else:
            self._state = state
        if state.window != before.window:
            self.windowing.touched()
            self.window_changed.emit(state.window)
        if state.mpr != before.mpr:
            self._lay_planes()
            self.mpr_changed.emit(state.mpr)
        if state.point != before.point:
            self.crosshair_moved.emit(state.point)
        self.repaint_wanted.emit()

    def place(
        self,
        *,
        point: PatientPoint | None = None,
        window: Window | None = None,
        mpr: Mpr | None = None,
    ) -> None:
        """Follow another view, without saying so again."""
        if mpr is not None and mpr != self._state.mpr:
            self._state = replace(self._state, mpr=mpr)
            self._lay_planes()
        if point is not None:
            moved = replace(self._state, point=point)
            self._state = self._with_own_window(moved, self.acquired)
        if window is not None:
            self.windowing.touched()
            self._state = replace(self._state, window=window)
        self.repaint_wanted.emit()

    def scroll(self, steps: int) -> None:
        """Go some slices further as they are read."""
        if isinstance(self.plane, CurvedPlane):  # one picture: it is turned about the curve
            mpr = self._state.mpr
            self.change(replace(self._state, mpr=replace(mpr, roll=mpr.roll + steps * ROLL)))
        elif self.plane is not None:
            point = moved_along(self.plane, self._state.point, steps)
            self.change(replace(self._state, point=point))

    def lay_over(self, layer: UpperLayer | None, *, tell: bool = False) -> None:
        """Another upper layer, or another look of it; `tell`: the views beside this one follow."""
        self.upper = layer
        if tell:
            self.upper_changed.emit(layer)
        self.repaint_wanted.emit()

    def from_middle(self, pointer: Pointer) -> tuple[float, float]:
        """Pixels from where the picture's middle rests, that of the view as a rule."""
        away = 0.0
        if self.plane is not None:
            away = resting_place(self.plane, self._state, self.size)
        return pointer.x - self.size[0] / 2 - away, pointer.y - self.size[1] / 2

    def patient_at(self, x: float, y: float) -> PatientPoint:
        """The place of the shown slice under a screen place."""
        if self.plane is None:
            return ORIGIN
        row, column = self.map().to_pixel(x, y)
        return self.plane.to_patient(self.index, row, column)

    def slice_height(self) -> float:
        """Pixels to drag for a slice; 2 at least, or a tremor would scroll."""
        count = 1 if self.plane is None else self.plane.count
        return max(2.0, self.size[1] / max(1, count))

    def _lay_planes(self) -> None:
        """The planes as the state has them; turned ones wait until all slices are there."""
        if self.shown is None:
            return
        geometry = self.shown.volume.geometry
        is_whole = self.ready is None or bool(self.ready.all())
        mpr = self._state.mpr if is_whole else STRAIGHT
        curve = self.curving.curve if self.wanted in CURVED and is_whole else None
        laid = (self.shown, mpr, self.wanted, curve)
        if laid == self._laid:
            return
        self._laid = laid
        is_in_space = self.shown.stack.is_in_space and geometry.is_spatial
        self.planes = mpr_planes(geometry, mpr) if is_in_space else {}
        is_deep = is_in_space and geometry.shape[0] > 1
        if self.wanted in CURVED:
            self.plane = curved_plane(self.wanted, geometry, curve, mpr) if is_deep else None
            return
        asked = self.planes.get(self.wanted) if is_deep else None
        self.plane = asked or native_plane(geometry)

    def _bend(self) -> None:
        """The curve in use runs otherwise."""
        self._lay_planes()
        self.repaint_wanted.emit()

    def _with_own_window(self, state: ViewState, before: int) -> ViewState:
        """The same choice among the file's windows for another slice, where slices differ."""
        if self.shown is None or self.plane is None:
            return state
        slices = (before, slice_index(self.plane, state.point))
        return replace(state, window=own_window(self.shown.volume, state.window, slices))

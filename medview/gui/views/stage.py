"""One view's stack, plane, state and marks, and what tools may do with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from medview.core.geometry import ORIGIN, PatientPoint
from medview.core.results import Heatmap, LabelMap, Measurement
from medview.core.study import ValueScale
from medview.core.words import Sentence
from medview.gui.tools.base import Pointer
from medview.gui.views.corners import Shown
from medview.gui.views.marks import Mark, mark
from medview.gui.views.state import (
    ScreenMap,
    ViewState,
    is_slice_ready,
    moved_along,
    reading_step,
    screen_map,
    slice_index,
    slice_number,
    volume_middle,
)
from medview.imaging import roi
from medview.imaging.planes import Plane, native_plane, plane_named
from medview.imaging.presets import (
    has_opening_window,
    opening_window,
    opens_inverted,
    presets_for,
)
from medview.imaging.window import Window, auto_window, file_windows

_START = ViewState(point=ORIGIN, window=Window(center=128, width=256))


@dataclass(frozen=True, slots=True)
class ProbeReading:
    """What lies under the mouse: a place and its value, None where there is no value."""

    point: PatientPoint
    value: float | None
    unit: str
    scales: tuple[ValueScale, ...] = ()

    def text(self) -> str:
        """The value with its unit, and in the stack's other units, as in the corner."""
        if self.value is None:
            return ""
        shown = [(self.value, self.unit)]
        shown += [(other, s.unit) for s in self.scales if (other := s.of(self.value)) is not None]
        return " · ".join(f"{roi.number(value)} {unit}".strip() for value, unit in shown)


class SliceStage(QObject):
    """The stage of one slice view; `wanted` is the plane's name, a film keeps its own."""

    crosshair_moved = Signal(object)
    window_changed = Signal(object)
    measurement_made = Signal(object)
    measurement_changed = Signal(object)
    repaint_wanted = Signal()

    def __init__(self, wanted: str, parent: QObject) -> None:
        super().__init__(parent)
        self.wanted = wanted
        self.shown: Shown | None = None
        self.plane: Plane | None = None
        self.ready: NDArray[np.bool_] | None = None
        self.failed: dict[int, Sentence] = {}
        self.overlays: tuple[LabelMap | Heatmap, ...] = ()
        self.measurements: tuple[Measurement, ...] = ()
        self.sketched: Measurement | None = None
        self.selected = ""
        self.size = (1.0, 1.0)
        self._state = _START
        self._window_is_ours = True
        self._before = (False, True)  # whether it was a single picture, with a window of ours

    # -- what is shown -----------------------------------------------------------------

    def show(self, shown: Shown | None) -> None:
        """Another stack, or none; the view begins at its middle with its own window."""
        is_single = self.shown is not None and len(self.shown.stack.frames) == 1
        self._before = (is_single, self._window_is_ours)
        self.shown = shown
        self.plane, self.ready, self.failed = None, None, {}
        self.overlays, self.measurements = (), ()
        self.sketched, self.selected = None, ""
        self._state = _START
        if shown is None:
            return
        geometry = shown.volume.geometry
        is_deep = shown.stack.is_in_space and geometry.shape[0] > 1
        self.plane = plane_named(geometry, self.wanted) if is_deep else native_plane(geometry)
        self._state = replace(_START, point=volume_middle(shown.volume))
        self._window_is_ours = not (
            shown.volume.is_colour or has_opening_window(shown.volume, self.acquired)
        )
        window = _START.window
        if not shown.volume.is_colour:
            window = opening_window(shown.volume, k=self.acquired)
        is_inverted = opens_inverted(shown.volume)
        self._state = replace(self._state, window=window, is_inverted=is_inverted)

    def kept_state(self) -> ViewState | None:
        """How the view stands, to be taken up by the same stack with more slices."""
        return None if self.shown is None else self._state

    def take_up(self, state: ViewState | None) -> None:
        """Stand as before. From a single picture the view goes to the middle of the stack."""
        if state is None or self.shown is None:
            return
        was_single, was_ours = self._before
        window = self._state.window if was_ours else state.window
        self._window_is_ours = self._window_is_ours and was_ours
        point = self._state.point if was_single else state.point
        self._state = replace(state, window=window, point=point)

    def show_ready(self, ready: NDArray[np.bool_]) -> None:
        """Which slices hold voxels; an automatic window follows until someone touches it."""
        before = None if self.ready is None else int(self.ready.sum())
        self.ready = ready.copy()
        count = int(ready.sum())
        is_first_or_last = (not before and count) or (count == len(ready) and before != count)
        if self.shown is not None and self._window_is_ours and is_first_or_last:
            window = auto_window(self.shown.volume, ready)
            self._state = replace(self._state, window=window)

    def window_for(self, number: int) -> Window | None:
        """0 automatic, 1 as in the file (again: its next one), 2 and more the presets."""
        if self.shown is None:
            return None
        volume = self.shown.volume
        if number == 0:
            return auto_window(volume, self.ready)
        if number == 1:
            windows = file_windows(volume, self.acquired)
            if not windows:
                return auto_window(volume, self.ready)
            current = self._state.window
            at = windows.index(current) + 1 if current in windows else 0
            return windows[at % len(windows)]
        presets = presets_for(volume.modality, volume.unit)
        return presets[number - 2].window if number - 2 < len(presets) else None

    @property
    def index(self) -> int:
        """Which slice of the plane is shown."""
        return 0 if self.plane is None else slice_index(self.plane, self._state.point)

    @property
    def why_dark(self) -> Sentence | None:
        """Why the shown slice has no picture and never will; None where it has or may get one."""
        if self.plane is None or self.plane.normal != 0:
            return None
        return self.failed.get(self.index)

    @property
    def number(self) -> int:
        """Which slice is shown, 0 for the first one as they are read."""
        return 0 if self.plane is None else slice_number(self.plane, self.index) - 1

    def is_number_ready(self, number: int) -> bool:
        """Whether a slice, counted as they are read, can be shown."""
        if self.plane is None:
            return False
        index = self.index + (number - self.number) * reading_step(self.plane)
        return is_slice_ready(self.plane, index, self.ready)

    def go_to_number(self, number: int) -> None:
        """Show a slice, counted as they are read."""
        self.scroll(number - self.number)

    @property
    def acquired(self) -> int:
        """The number of the acquired slice that is shown; the first on a reconstruction."""
        return self.index if self.plane is not None and self.plane.normal == 0 else 0

    def _with_own_window(self, state: ViewState, before: int) -> ViewState:
        """The same choice among the file's windows for another slice, where slices differ."""
        if self.shown is None or not self.shown.volume.slice_windows or self.plane is None:
            return state
        known = file_windows(self.shown.volume, before)
        if state.window not in known:
            return state
        own = file_windows(self.shown.volume, slice_index(self.plane, state.point))
        number = known.index(state.window)
        return replace(state, window=own[number]) if number < len(own) else state

    def map(self) -> ScreenMap:
        """From slice to screen, for the view's present size. Needs a stack."""
        if self.plane is None:
            return ScreenMap(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), 1.0)
        return screen_map(self.plane, self._state, self.size)

    def marks(self) -> list[Mark]:
        """The measurements that lie on the shown slice, where they are drawn."""
        if self.plane is None or self.shown is None:
            return []
        where = self.map()
        sketched = () if self.sketched is None else (self.sketched,)
        replaced = "" if self.sketched is None else self.sketched.id
        kept = (m for m in self.measurements if m.id != replaced)
        found = (mark(m, self.plane, self.index, where) for m in (*kept, *sketched))
        return [each for each in found if each is not None]

    def reading(self, x: float, y: float) -> ProbeReading | None:
        """What lies under a screen place, None without a stack."""
        if self.shown is None:
            return None
        volume = self.shown.volume
        point = self.patient_at(x, y)
        value = roi.probe(volume, point) if self._is_there(point) else None
        return ProbeReading(point, value, volume.unit, self.shown.stack.scales)

    def _is_there(self, point: PatientPoint) -> bool:
        if self.ready is None or self.shown is None:
            return True
        k = round(self.shown.volume.geometry.to_index(point).k)
        return 0 <= k < len(self.ready) and bool(self.ready[k])

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
            self._window_is_ours = False
            self.window_changed.emit(state.window)
        if state.point != before.point:
            self.crosshair_moved.emit(state.point)
        self.repaint_wanted.emit()

    def place(self, *, point: PatientPoint | None = None, window: Window | None = None) -> None:
        """Follow another view, without saying so again."""
        if point is not None:
            moved = replace(self._state, point=point)
            self._state = self._with_own_window(moved, self.acquired)
        if window is not None:
            self._window_is_ours = False
            self._state = replace(self._state, window=window)
        self.repaint_wanted.emit()

    def scroll(self, steps: int) -> None:
        """Go some slices further as they are read."""
        if self.plane is not None:
            point = moved_along(self.plane, self._state.point, steps)
            self.change(replace(self._state, point=point))

    def from_middle(self, pointer: Pointer) -> tuple[float, float]:
        """Pixels from the view's middle."""
        return pointer.x - self.size[0] / 2, pointer.y - self.size[1] / 2

    def patient_at(self, x: float, y: float) -> PatientPoint:
        """The place of the shown slice under a screen place."""
        if self.plane is None:
            return ORIGIN
        row, column = self.map().to_pixel(x, y)
        return self.plane.to_patient(self.index, row, column)

    def window_step(self) -> float:
        """Modality units a pixel: finer in narrow windows, never quite still."""
        return max(self._state.window.width, 1e-3) / 250.0

    def slice_height(self) -> float:
        """Pixels to drag for a slice; 2 at least, or a tremor would scroll."""
        count = 1 if self.plane is None else self.plane.count
        return max(2.0, self.size[1] / max(1, count))

    def measured(
        self, kind: str, points: tuple[PatientPoint, ...], like: Measurement | None = None
    ) -> Measurement:
        """A measurement of the shown slice with its numbers."""
        if self.shown is None or self.plane is None:
            return Measurement(
                id="", kind=kind, series_uid="", stack=0, points=points, normal=(0.0, 0.0, 1.0)
            )
        shown = self.shown
        calibration, plane, places = shown.stack.calibration, self.plane, points
        if calibration == "US" and kind != "probe":  # a probe has no length
            found = roi.in_region(plane, points, shown.stack.regions)
            calibration = "none" if found is None else "US"
            plane, places = found or (plane, points)
        quantities = roi.quantities(kind, shown.volume, plane, places, calibration)
        if like is not None:
            return replace(like, points=points, quantities=quantities, calibration=calibration)
        x, y, z = (float(part) for part in self.plane.normal_vector)
        return Measurement(
            id=uuid4().hex,
            kind=kind,
            series_uid=shown.series.uid,
            stack=_number_of(shown),
            points=points,
            normal=(x, y, z),
            quantities=quantities,
            calibration=calibration,
        )

    def sketch(self, measurement: Measurement | None) -> None:
        """Draw what is not finished, or none."""
        self.sketched = measurement
        self.repaint_wanted.emit()

    def finish(self, measurement: Measurement) -> None:
        """Hand a drawn or changed measurement on; it shows when it comes back."""
        self.selected = measurement.id
        known = any(each.id == measurement.id for each in self.measurements)
        (self.measurement_changed if known else self.measurement_made).emit(measurement)
        self.repaint_wanted.emit()

    def heatmaps(self) -> Sequence[Heatmap]:
        """The heatmaps among the overlays, for the colour bar."""
        return [overlay for overlay in self.overlays if isinstance(overlay, Heatmap)]


def _number_of(shown: Shown) -> int:
    stacks = shown.series.stacks
    return next(
        (number for number, stack in enumerate(stacks) if stack.frames is shown.stack.frames), 0
    )

"""What the actions of the image views do in one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from medview.gui.tools.table import TOOL_NAMES
from medview.gui.views.hands import Hands
from medview.gui.views.state import zoomed
from medview.imaging.curved import CURVED
from medview.imaging.presets import opening_window, opens_inverted
from medview.imaging.slabs import MODES, THIN, Slab
from medview.imaging.window import dragged

if TYPE_CHECKING:
    from medview.gui.views.slice_view import SliceView


_SLAB_MM = 10.0
_ZOOM, _PAN, _WINDOW = 1.15, 40.0, 0.05  # a key's factor, pixels, share of the width


class ViewCommands:
    """A view's answers to the actions that are about one view."""

    def __init__(self, view: SliceView, hands: Hands) -> None:
        self._view = view
        self._hands = hands
        self._stage = view.stage

    def perform(self, action_id: str) -> bool:
        """Do an action of this view; False for one that is no view's."""
        does = _DOES.get(action_id)
        if does is not None:
            does(self)
        return does is not None

    def scroll_by(self, steps: int) -> None:
        """Some slices further."""
        self._stage.scroll(steps)

    def scroll_to_end(self, *, is_last: bool) -> None:
        """The first or the last slice."""
        count = 0 if self._stage.plane is None else self._stage.plane.count
        self._stage.scroll(count if is_last else -count)

    def step_series(self, steps: int) -> None:
        """Another series: the window knows which."""
        self._view.series_step.emit(steps)

    def apply_preset(self, number: int) -> None:
        """A window by number."""
        self._view.apply_preset(number)

    def toggle(self, what: str) -> None:
        """Switch something over."""
        stage = self._stage
        if what == "invert":
            stage.change(replace(stage.state, is_inverted=not stage.state.is_inverted))
        elif what in ("flip-h", "flip-v"):
            stage.change(stage.state.flipped(across=what == "flip-h"))
        elif what == "text":
            is_shown = not self._view.look.has_text
            self._view.set_corner_text(is_shown)
            self._view.corner_text_toggled.emit(is_shown)
        else:
            is_shown = not self._view.look.has_overlay
            self._view.set_overlay_visible(is_shown)
            self._view.overlay_toggled.emit(is_shown)

    def turn(self, quarters: int) -> None:
        """A quarter turn."""
        self._stage.change(self._stage.state.turned(quarters))

    def reset(self, *, window: bool) -> None:
        """The view, or its window as it opened."""
        stage = self._stage
        if stage.shown is None:
            return
        if not window:
            is_inverted = opens_inverted(stage.shown.volume)
            stage.change(replace(stage.state.reset(), is_inverted=is_inverted))
        else:
            first = opening_window(stage.shown.volume, stage.ready, stage.acquired)
            stage.change(replace(stage.state, window=first))

    def zoom(self, factor: float) -> None:
        """Larger or smaller around the view's middle."""
        self._stage.change(zoomed(self._stage.state, factor, (0.0, 0.0)))

    def pan(self, across: int, down: int) -> None:
        """Move the picture by steps of a key."""
        x, y = self._stage.state.pan
        pan = (x + across * _PAN, y + down * _PAN)
        self._stage.change(replace(self._stage.state, pan=pan))

    def shift_window(self, *, width: int = 0, level: int = 0) -> None:
        """Widen or raise the window by steps of a twentieth of its width."""
        stage, window = self._stage, self._stage.state.window
        if stage.shown is None or stage.shown.volume.is_colour:
            return
        step = _WINDOW * window.width
        self.set_window(window.width + width * step, window.center + level * step)

    def set_window(self, width: float, level: float) -> None:
        """A window by its numbers, of the function that is in use."""
        now = self._stage.state.window
        changed = dragged(now, width - now.width, level - now.center)
        self._stage.change(replace(self._stage.state, window=changed))

    def choose_tool(self, name: str) -> None:
        """Another tool. Only the crosshair goes at its own key: a letter that is pressed before
        each measurement must not turn the next drag into one of the window."""
        name = "window" if name == self._view.tool_name == "crosshair" else name
        self._view.set_tool(name)
        self._view.tool_chosen.emit(name)

    def thicken(self, notches: int) -> None:
        """Make this plane's slab thicker or thinner by a slice on either side, 1 mm at least."""
        plane, state = self._stage.plane, self._stage.state
        if plane is None or not self._can_thicken():
            return
        slab = state.mpr.slab(plane.name).thicker(notches * max(1.0, 2 * plane.step_mm))
        self._set_slab(slab)

    def next_slab_mode(self) -> None:
        """Maximum, minimum, mean, and again; a single slice becomes a slab of 10 mm first."""
        plane, state = self._stage.plane, self._stage.state
        if plane is None or not self._can_thicken():
            return
        slab = state.mpr.slab(plane.name)
        if slab.mm <= 0:
            self._set_slab(replace(slab, mm=_SLAB_MM))
        else:
            at = (MODES.index(slab.mode) + 1) % len(MODES)
            self._set_slab(replace(slab, mode=MODES[at]))

    def single_slice(self) -> None:
        """No slab in this view."""
        self._set_slab(THIN)

    def _can_thicken(self) -> bool:
        plane = self._stage.plane
        return plane is not None and (plane.name in self._stage.planes or plane.name in CURVED)

    def _set_slab(self, slab: Slab) -> None:
        plane, state = self._stage.plane, self._stage.state
        if plane is not None and self._can_thicken():
            self._stage.change(replace(state, mpr=state.mpr.with_slab(plane.name, slab)))

    def straighten(self) -> None:
        """All planes along the volume's own axes again."""
        state = self._stage.state
        self._stage.change(replace(state, mpr=state.mpr.straightened()))

    def switch_smoothing(self) -> None:
        """Pixels drawn as they are, or interpolated."""
        state = self._stage.state
        mpr = replace(state.mpr, is_smooth=not state.mpr.is_smooth)
        self._stage.change(replace(state, mpr=mpr))

    def cine(self, what: str) -> None:
        """Begin or end a cine, or change how it plays."""
        self._view.cine_asked.emit(what)

    def escape(self) -> None:
        """End a cine, give up a drawing, then the tool."""
        self._view.cine_asked.emit("stop")
        measuring = self._stage.measuring
        if self._hands.cancel():
            return
        if measuring.handle is not None:
            measuring.select(measuring.selected)
            self._view.update()
        elif self._view.tool_name != "window":
            self.choose_tool("window")

    def delete_selected(self) -> None:
        """The selected measurement, if it is still there."""
        measuring = self._stage.measuring
        chosen = measuring.selected
        measuring.select("")
        if any(each.id == chosen for each in measuring.measurements):
            self._view.measurement_deleted.emit(chosen)

    def maximise(self) -> None:
        """This view alone, and back; while an outline is drawn its end."""
        if not self._hands.close():
            self._view.maximise_requested.emit()

    def next_handle(self) -> None:
        """Choose the next handle on the slice for the arrow keys."""
        self._stage.measuring.next_handle()

    def nudge(self, across: int, down: int) -> None:
        """Move the chosen handle by a pixel of the picture."""
        self._stage.measuring.nudge(across, down)


def _toggles(what: str) -> Callable[[ViewCommands], None]:
    return lambda to: to.toggle(what)


def _chooses(tool: str) -> Callable[[ViewCommands], None]:
    return lambda to: to.choose_tool(tool)


def _preset(number: int) -> Callable[[ViewCommands], None]:
    return lambda to: to.apply_preset(number)


_DOES: dict[str, Callable[[ViewCommands], None]] = {
    "series.next_slice": lambda to: to.scroll_by(1),
    "series.previous_slice": lambda to: to.scroll_by(-1),
    "series.ten_on": lambda to: to.scroll_by(10),
    "series.ten_back": lambda to: to.scroll_by(-10),
    "series.first_slice": lambda to: to.scroll_to_end(is_last=False),
    "series.last_slice": lambda to: to.scroll_to_end(is_last=True),
    "series.next": lambda to: to.step_series(1),
    "series.previous": lambda to: to.step_series(-1),
    "layout.maximise": lambda to: to.maximise(),
    "view.invert": _toggles("invert"),
    "view.flip_h": _toggles("flip-h"),
    "view.flip_v": _toggles("flip-v"),
    "view.overlay": _toggles("overlay"),
    "view.corner_text": _toggles("text"),
    "view.rotate_left": lambda to: to.turn(-1),
    "view.rotate_right": lambda to: to.turn(1),
    "view.zoom_in": lambda to: to.zoom(_ZOOM),
    "view.zoom_out": lambda to: to.zoom(1 / _ZOOM),
    "view.pan_left": lambda to: to.pan(-1, 0),
    "view.pan_right": lambda to: to.pan(1, 0),
    "view.pan_up": lambda to: to.pan(0, -1),
    "view.pan_down": lambda to: to.pan(0, 1),
    "view.reset": lambda to: to.reset(window=False),
    "window.reset": lambda to: to.reset(window=True),
    "window.automatic": _preset(0),
    "window.from_file": _preset(1),
    **{f"window.preset_{number}": _preset(number) for number in range(2, 10)},
    "window.wider": lambda to: to.shift_window(width=1),
    "window.narrower": lambda to: to.shift_window(width=-1),
    "window.higher": lambda to: to.shift_window(level=1),
    "window.lower": lambda to: to.shift_window(level=-1),
    **{f"tool.{name}": _chooses(name) for name in TOOL_NAMES},
    "planes.reset": lambda to: to.straighten(),
    "planes.thicker": lambda to: to.thicken(1),
    "planes.thinner": lambda to: to.thicken(-1),
    "planes.slab_mode": lambda to: to.next_slab_mode(),
    "planes.single_slice": lambda to: to.single_slice(),
    "planes.smoothing": lambda to: to.switch_smoothing(),
    "cine.toggle": lambda to: to.cine("toggle"),
    "cine.bounce": lambda to: to.cine("bounce"),
    "cine.faster": lambda to: to.cine("faster"),
    "cine.slower": lambda to: to.cine("slower"),
    "edit.escape": lambda to: to.escape(),
    "edit.delete": lambda to: to.delete_selected(),
    "measure.next_handle": lambda to: to.next_handle(),
    "measure.nudge_left": lambda to: to.nudge(-1, 0),
    "measure.nudge_right": lambda to: to.nudge(1, 0),
    "measure.nudge_up": lambda to: to.nudge(0, -1),
    "measure.nudge_down": lambda to: to.nudge(0, 1),
}
VIEW_ACTIONS = frozenset(_DOES)

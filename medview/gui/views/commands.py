"""What the keys of a slice view do; `keys.py` says which key asks for what."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from medview.gui.views.hands import Hands
from medview.imaging.presets import opening_window, opens_inverted

if TYPE_CHECKING:
    from medview.gui.views.slice_view import SliceView


class ViewCommands:
    """What the keys ask for; see `keys.KeyTarget`."""

    def __init__(self, view: SliceView, hands: Hands) -> None:
        self._view = view
        self._hands = hands
        self._stage = view.stage

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

    def choose_tool(self, name: str) -> None:
        """Another tool; the same one again goes back to the window tool."""
        name = "window" if self._view.tool_name == name else name
        self._view.set_tool(name)
        self._view.tool_chosen.emit(name)

    def cine(self, what: str) -> None:
        """Begin or end a cine, or change how it plays."""
        self._view.cine_asked.emit(what)

    def escape(self) -> None:
        """End a cine, give up a drawing, then the tool."""
        self._view.cine_asked.emit("stop")
        if not self._hands.cancel() and self._view.tool_name != "window":
            self.choose_tool("window")

    def delete_selected(self) -> None:
        """The selected measurement, if it is still there."""
        measuring = self._stage.measuring
        chosen, measuring.selected = measuring.selected, ""
        if any(each.id == chosen for each in measuring.measurements):
            self._view.measurement_deleted.emit(chosen)

    def maximise(self) -> None:
        """This view alone, and back."""
        self._view.maximise_requested.emit()

"""Scroll: dragging down goes through the slices, the whole stack in one height of the view."""

from __future__ import annotations

from medview.gui.tools.base import Pointer, Stage, Tool


class ScrollTool(Tool):
    """Also the left and the right button's together."""

    name = "scroll"
    cursor = "vertical"

    def __init__(self) -> None:
        self._last: float | None = None

    def press(self, stage: Stage, pointer: Pointer) -> None:
        """Remember the height."""
        self._last = pointer.y

    def move(self, stage: Stage, pointer: Pointer) -> None:
        """Go as many slices as the mouse passed."""
        if self._last is None:
            return
        height = stage.slice_height()
        steps = int((pointer.y - self._last) / height)
        if steps:
            self._last += steps * height
            stage.scroll(steps)

    def release(self, stage: Stage, pointer: Pointer) -> None:
        """The drag is over."""
        self._last = None

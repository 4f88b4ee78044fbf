"""Crosshair: the place under the mouse becomes the place of all linked views."""

from __future__ import annotations

from dataclasses import replace

from medview.gui.tools.base import Pointer, Stage, Tool


class CrosshairTool(Tool):
    """Also Shift with the left button."""

    name = "crosshair"
    cursor = "cross"

    def __init__(self) -> None:
        self._is_down = False

    def press(self, stage: Stage, pointer: Pointer) -> None:
        """Go there."""
        self._is_down = True
        self.move(stage, pointer)

    def move(self, stage: Stage, pointer: Pointer) -> None:
        """Follow the mouse while the button is down."""
        if self._is_down:
            point = stage.patient_at(pointer.x, pointer.y)
            stage.change(replace(stage.state, point=point))

    def release(self, stage: Stage, pointer: Pointer) -> None:
        """Stay there."""
        self._is_down = False

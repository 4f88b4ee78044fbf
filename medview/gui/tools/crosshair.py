"""Crosshair: the place under the mouse becomes the place of all linked views."""

from __future__ import annotations

from dataclasses import replace

from medview.gui.tools.base import Pointer, PointTool, Stage


class CrosshairTool(PointTool):
    """Also Shift with the left button."""

    name = "crosshair"

    def move(self, stage: Stage, pointer: Pointer) -> None:
        """Follow the mouse while the button is down."""
        if self._is_down:
            point = stage.patient_at(pointer.x, pointer.y)
            stage.change(replace(stage.state, point=point))

    def release(self, stage: Stage, pointer: Pointer) -> None:
        """Stay there."""
        self._is_down = False

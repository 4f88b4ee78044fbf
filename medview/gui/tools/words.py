"""Text: words at a place."""

from __future__ import annotations

from medview.gui.tools.base import Pointer, PointTool, Stage


class TextTool(PointTool):
    """One place; the words are asked for when the button comes up."""

    name = "text"
    kind = "text"

    def release(self, stage: Stage, pointer: Pointer) -> None:
        """Here."""
        if self._is_down:
            self._is_down = False
            here = stage.patient_at(pointer.x, pointer.y)
            stage.measuring.finish(stage.measuring.measured("text", (here,)))

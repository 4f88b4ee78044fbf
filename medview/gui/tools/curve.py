"""A curve through clicked places, on any slice of any plane; its points can be taken again."""

from __future__ import annotations

from dataclasses import replace

from medview.core.results import CurvePath
from medview.gui.tools.base import Pointer, Stage, Tool


class CurveTool(Tool):
    """A click adds a point to the end of the curve in use; a point under the mouse is dragged."""

    name = "curve"
    cursor = "cross"

    def __init__(self) -> None:
        self._taken: tuple[int, CurvePath] | None = None
        self._is_down = False

    def press(self, stage: Stage, pointer: Pointer) -> None:
        """Take the point that lies here, if one does."""
        path, number = stage.curving.path, stage.curving.handle_at(pointer.x, pointer.y)
        self._taken = None if path is None or number is None else (number, path)
        self._is_down = True

    def move(self, stage: Stage, pointer: Pointer) -> None:
        """The point follows the mouse."""
        if self._taken is not None:
            number, path = self._taken
            points = list(path.points)
            points[number] = stage.patient_at(pointer.x, pointer.y)
            stage.curving.sketch(replace(path, points=tuple(points)))

    def release(self, stage: Stage, pointer: Pointer) -> None:
        """Keep where it was let go; without one, add a point here."""
        if self._taken is not None:
            stage.curving.finish()
        elif self._is_down:
            stage.curving.add(stage.patient_at(pointer.x, pointer.y))
        self._taken, self._is_down = None, False

    def cancel(self, stage: Stage) -> bool:
        """Leave the curve as it was."""
        was_taken, self._taken, self._is_down = self._taken is not None, None, False
        if was_taken:
            stage.curving.sketch(None)
        return was_taken

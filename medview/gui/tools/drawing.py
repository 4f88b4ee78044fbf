"""Drawing between two places: drag and let go, or click, move and click again."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

from medview.core.geometry import PatientPoint
from medview.gui.tools.base import Pointer, Stage, Tool

_LEAST_PX = 4.0  # a shorter drag is a click


def has_size(stage: Stage, points: Sequence[PatientPoint]) -> bool:
    """Whether every axis (two points each) is long enough on the screen to be seen."""
    pixel_mm = math.dist(stage.patient_at(0, 0), stage.patient_at(1, 0))
    axes = zip(points[::2], points[1::2], strict=False)
    return all(math.dist(a, b) >= 0.99 * _LEAST_PX * pixel_mm for a, b in axes)


class DrawingTool(Tool, ABC):
    """The shape grows from where the first press was to where the mouse is."""

    cursor = "cross"

    def __init__(self) -> None:
        self._start: Pointer | None = None

    @abstractmethod
    def points(self, stage: Stage, a: Pointer, b: Pointer) -> tuple[PatientPoint, ...]:
        """The measurement's points for two places of the screen."""

    def press(self, stage: Stage, pointer: Pointer) -> None:
        """Begin here, unless a first click already did."""
        if self._start is None:
            self._start = pointer

    def move(self, stage: Stage, pointer: Pointer) -> None:
        """Show what it would be."""
        if self._start is not None and self._is_long(pointer):
            points = self.points(stage, self._start, pointer)
            stage.measuring.sketch(stage.measuring.measured(self.kind, points))

    def hover(self, stage: Stage, pointer: Pointer) -> None:
        """After a first click the shape follows without a button."""
        self.move(stage, pointer)

    def release(self, stage: Stage, pointer: Pointer) -> None:
        """Done, if it has a size; otherwise wait for the second click."""
        if self._start is None or not self._is_long(pointer):
            return
        points = self.points(stage, self._start, pointer)
        self._start = None
        stage.measuring.sketch(None)
        if has_size(stage, points):
            stage.measuring.finish(stage.measuring.measured(self.kind, points))

    def cancel(self, stage: Stage) -> bool:
        """Forget the first place."""
        if self._start is None:
            return False
        self._start = None
        stage.measuring.sketch(None)
        return True

    @property
    def is_drawing(self) -> bool:
        """After a first click, until the second."""
        return self._start is not None

    def _is_long(self, pointer: Pointer) -> bool:
        start = self._start or pointer
        return math.hypot(pointer.x - start.x, pointer.y - start.y) >= _LEAST_PX

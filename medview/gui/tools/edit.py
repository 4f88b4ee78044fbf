"""Grabbing a measurement again: by a handle it changes, by its line it moves."""

from __future__ import annotations

import numpy as np

from medview.core.geometry import PatientPoint
from medview.core.results import Measurement
from medview.gui.tools.base import Pointer, Stage, Tool
from medview.gui.tools.drawing import has_size


class EditTool(Tool):
    """Lives for one drag; handle is the point that was grabbed, None for the line."""

    name = "edit"
    cursor = "cross"

    def __init__(self, measurement: Measurement, handle: int | None) -> None:
        self._before = measurement
        self._handle = handle
        self._start: PatientPoint | None = None
        self._now: Measurement | None = None

    def press(self, stage: Stage, pointer: Pointer) -> None:
        """Remember where it was grabbed."""
        self._start = stage.patient_at(pointer.x, pointer.y)

    def move(self, stage: Stage, pointer: Pointer) -> None:
        """Show it as it would be."""
        if self._start is None:
            return
        at = stage.patient_at(pointer.x, pointer.y)
        points = self._moved(at) if self._handle is None else self._reshaped(self._handle, at)
        self._now = stage.measuring.measured(self._before.kind, points, like=self._before)
        stage.measuring.sketch(self._now)

    def release(self, stage: Stage, pointer: Pointer) -> None:
        """Keep it, if anything changed and both ends are not put on one place."""
        stage.measuring.sketch(None)
        if self._now is not None and self._now.points != self._before.points:
            at = stage.patient_at(pointer.x, pointer.y)
            if self._opposite is None or has_size(stage, (at, self._opposite)):
                stage.measuring.finish(self._now)
        self._start = self._now = None

    def cancel(self, stage: Stage) -> bool:
        """Leave it as it was."""
        self._start = self._now = None
        stage.measuring.sketch(None)
        return True

    @property
    def _opposite(self) -> PatientPoint | None:
        """The other end of the axis whose handle was grabbed."""
        points = self._before.points
        return None if self._handle is None or len(points) < 2 else points[self._handle ^ 1]

    def _moved(self, at: PatientPoint) -> tuple[PatientPoint, ...]:
        way = np.subtract(at, self._start or at)
        return tuple(PatientPoint(*(np.array(point) + way)) for point in self._before.points)

    def _reshaped(self, handle: int, at: PatientPoint) -> tuple[PatientPoint, ...]:
        points = list(self._before.points)
        points[handle] = at
        if len(points) == 4:
            return _ellipse_through(points, handle, self._before.normal)
        return tuple(points)


def _ellipse_through(
    points: list[PatientPoint], handle: int, normal: tuple[float, float, float]
) -> tuple[PatientPoint, ...]:
    """The grabbed end moves, the opposite one stays; the other axis keeps its length."""
    pair = (0, 1) if handle < 2 else (2, 3)
    other = (2, 3) if handle < 2 else (0, 1)
    ends = np.array([points[pair[0]], points[pair[1]]])
    along = ends[1] - ends[0]
    if np.linalg.norm(along) < 1e-6:
        return tuple(points)
    half = np.linalg.norm(np.subtract(points[other[1]], points[other[0]])) / 2
    aside = np.cross(normal, along)
    # Keep the other axis pointing as it did: its ends must not swap under the hand.
    if float(aside @ np.subtract(points[other[1]], points[other[0]])) < 0:
        aside = -aside
    aside = aside / np.linalg.norm(aside) * half
    middle = ends.mean(axis=0)
    points[other[0]] = PatientPoint(*(middle - aside))
    points[other[1]] = PatientPoint(*(middle + aside))
    lengths = [np.linalg.norm(np.subtract(points[a + 1], points[a])) for a in (0, 2)]
    return tuple(points if lengths[0] >= lengths[1] else points[2:] + points[:2])

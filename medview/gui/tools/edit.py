"""Grabbing a measurement again: by a handle it changes, by its line it moves."""

from __future__ import annotations

import math

import numpy as np

from medview.core.geometry import PatientPoint
from medview.core.results import Measurement
from medview.gui.tools.base import Pointer, Stage, Tool
from medview.gui.tools.drawing import has_size
from medview.gui.views.marks import Mark
from medview.imaging import roi

_LEAST_PX = 3.0  # a shorter drag is a click


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
        at, before = stage.patient_at(pointer.x, pointer.y), self._before
        if self._handle is None:
            points = roi.moved(before.points, np.subtract(at, self._start))
        else:
            points = roi.reshaped(before.kind, before.points, self._handle, at, before.normal)
        self._now = stage.measuring.measured(before.kind, points, like=before)
        stage.measuring.sketch(self._now)

    def release(self, stage: Stage, pointer: Pointer) -> None:
        """Keep it, if anything changed and no two ends of a line are put on one place."""
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
        """The place that the grabbed handle must not be put on."""
        points, handle = self._before.points, self._handle
        if handle is None or len(points) < 2 or self._before.kind in roi.LEAST:
            return None
        if self._before.kind == "rectangle":
            return points[(handle + 2) % 4]
        if self._before.kind == "angle":
            return points[0 if handle == 1 else 1]
        return None if self._before.kind in roi.SOLID and handle == 0 else points[handle ^ 1]


class LabelTool(Tool):
    """Moves the words of a measurement; lives for one drag."""

    name = "label"
    cursor = "hand"

    def __init__(self, mark: Mark, middle: tuple[float, float]) -> None:
        self._mark, self._middle = mark, middle
        self._start: Pointer | None = None
        self._now: Measurement | None = None

    def press(self, stage: Stage, pointer: Pointer) -> None:
        """Remember where it was grabbed."""
        self._start = pointer

    def move(self, stage: Stage, pointer: Pointer) -> None:
        """Show the words where they would be."""
        start = self._start
        if start is None:
            return
        x, y = self._middle[0] + pointer.x - start.x, self._middle[1] + pointer.y - start.y
        if self._now is not None or math.dist((x, y), self._middle) >= _LEAST_PX:
            self._now = stage.measuring.with_label_at(self._mark, x, y)
            stage.measuring.sketch(self._now)

    def release(self, stage: Stage, pointer: Pointer) -> None:
        """Keep them there."""
        now = self._now
        self.cancel(stage)
        if now is not None:
            stage.measuring.finish(now)

    def cancel(self, stage: Stage) -> bool:
        """Leave them where they were."""
        self._start = self._now = None
        stage.measuring.sketch(None)
        return True

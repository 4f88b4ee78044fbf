"""Shapes that one drag gives: rectangle, sphere, SUV peak, arrow, and a line of known length."""

from __future__ import annotations

import math

from medview.core.geometry import PatientPoint
from medview.gui.tools.base import Pointer, Stage
from medview.gui.tools.drawing import DrawingTool


class RectangleTool(DrawingTool):
    """Between two corners, aligned with the screen; Shift makes a square."""

    name = "rectangle"
    kind = "rectangle"

    def points(self, stage: Stage, a: Pointer, b: Pointer) -> tuple[PatientPoint, ...]:
        """Four corners around."""
        width, height = b.x - a.x, b.y - a.y
        if b.is_shift:
            side = max(abs(width), abs(height))
            width, height = math.copysign(side, width), math.copysign(side, height)
        corners = ((0.0, 0.0), (width, 0.0), (width, height), (0.0, height))
        return tuple(stage.patient_at(a.x + x, a.y + y) for x, y in corners)


class SphereTool(DrawingTool):
    """From its middle outwards; it reaches through the slices."""

    name = "sphere"
    kind = "sphere"

    def points(self, stage: Stage, a: Pointer, b: Pointer) -> tuple[PatientPoint, ...]:
        """The middle and a place on the surface."""
        return stage.patient_at(a.x, a.y), stage.patient_at(b.x, b.y)


class PeakTool(SphereTool):
    """A sphere around a lesion of a PET; the highest mean over 1 mL in it is its peak."""

    name = "suv_peak"
    kind = "suv_peak"


class ArrowTool(DrawingTool):
    """From the tip to the tail; words may be added."""

    name = "arrow"
    kind = "arrow"

    def points(self, stage: Stage, a: Pointer, b: Pointer) -> tuple[PatientPoint, ...]:
        """Tip and tail."""
        return stage.patient_at(a.x, a.y), stage.patient_at(b.x, b.y)


class CalibrateTool(ArrowTool):
    """A line over something whose length the reader knows."""

    name = "calibrate"
    kind = "calibrate"

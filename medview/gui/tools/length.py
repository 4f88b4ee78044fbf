"""Length: a ruler between two places."""

from __future__ import annotations

from medview.core.geometry import PatientPoint
from medview.gui.tools.base import Pointer, Stage
from medview.gui.tools.drawing import DrawingTool


class LengthTool(DrawingTool):
    """Its points are the ruler's ends."""

    name = "length"
    kind = "length"

    def points(self, stage: Stage, a: Pointer, b: Pointer) -> tuple[PatientPoint, ...]:
        """The two ends."""
        return stage.patient_at(a.x, a.y), stage.patient_at(b.x, b.y)

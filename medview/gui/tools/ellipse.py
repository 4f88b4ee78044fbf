"""Ellipse: inside the box between two places; its points are the ends of its axes."""

from __future__ import annotations

from medview.core.geometry import PatientPoint
from medview.gui.tools.base import Pointer, Stage
from medview.gui.tools.drawing import DrawingTool


class EllipseTool(DrawingTool):
    """Ends of the longer axis first, as in SCOORD3D (PS3.3 C.18.9.1.2)."""

    name = "ellipse"
    kind = "ellipse"

    def points(self, stage: Stage, a: Pointer, b: Pointer) -> tuple[PatientPoint, ...]:
        """The four ends; Shift makes a circle."""
        width, height = b.x - a.x, b.y - a.y
        if b.is_shift:
            side = max(abs(width), abs(height))
            width, height = _signed(side, width), _signed(side, height)
        x, y = a.x + width / 2, a.y + height / 2
        across = (stage.patient_at(a.x, y), stage.patient_at(a.x + width, y))
        upright = (stage.patient_at(x, a.y), stage.patient_at(x, a.y + height))
        return (*across, *upright) if abs(width) >= abs(height) else (*upright, *across)


def _signed(size: float, like: float) -> float:
    return -size if like < 0 else size

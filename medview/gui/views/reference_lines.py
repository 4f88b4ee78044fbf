"""Where slices of another view cut the one that is shown (IHE BIR: localizer lines)."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter

from medview.gui.views import ink
from medview.gui.views.state import ScreenMap
from medview.imaging.linked import Ends


@dataclass(frozen=True, slots=True)
class ReferenceLine:
    """A line between two places (row, column) of the shown slice.

    plane: whose colour it has. is_edge: it stands for the first or last slice of the other view,
    else for the one that is shown there.
    """

    ends: Ends
    plane: str
    is_edge: bool = False


def paint_reference_lines(
    painter: QPainter, lines: tuple[ReferenceLine, ...], where: ScreenMap
) -> None:
    """The lines in their planes' colours; those of the ends are thin and dashed."""
    if not lines:
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for line in lines:
        shade = ink.plane_colour(line.plane, 0.55 if line.is_edge else 0.95)
        pen = ink.pen(shade, 1.0 if line.is_edge else 1.5)
        if line.is_edge:
            pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        start, end = (QPointF(*where.to_screen(*place)) for place in line.ends)
        painter.drawLine(start, end)
    painter.restore()

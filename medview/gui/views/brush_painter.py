"""The circle of a brush under the mouse, as large as what it covers."""

from __future__ import annotations

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QPainter, QPen

from medview.gui.style import colour
from medview.gui.views import ink
from medview.gui.views.stage import SliceStage
from medview.gui.views.state import ScreenMap


def paint_brush(stage: SliceStage, painter: QPainter, where: ScreenMap) -> None:
    """Nothing where no brush hovers."""
    painting = stage.painting
    if painting.cursor is None or painting.diameter_mm <= 0:
        return
    radius = painting.diameter_mm / 2.0 * where.scale
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for pen in (QPen(colour(ink.INK.canvas, 0.6), 3.0), QPen(QColor(ink.INK.accent), 1.0)):
        painter.setPen(pen)
        painter.drawEllipse(QPointF(*painting.cursor), radius, radius)
    painter.restore()

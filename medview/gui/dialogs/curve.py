"""The curve of a value over the phases of a 4-D series, beside the views."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from medview.core.numbers import unit_text
from medview.core.words import tr
from medview.gui.cards import label
from medview.gui.style import FONT_SMALL, GRID, base_font, tokens
from medview.gui.views.corners import figure
from medview.imaging.phases import Curve, curve_points
from medview.imaging.roi import number

_LEFT, _TOP, _RIGHT, _BOTTOM = 56.0, 12.0, 12.0, 28.0  # margins of the plot


class CurvePlot(QWidget):
    """A line over time with a mark for the phase that is shown."""

    def __init__(self, curve: Curve, parent: QWidget) -> None:
        super().__init__(parent)
        self._curve, self._shown = curve, 0
        self.setMinimumSize(360, 200)
        self.setAccessibleName(tr("Curve over the phases"))
        self.setAccessibleDescription(curve_words(curve))

    def show_phase(self, phase: int) -> None:
        """Mark another phase."""
        self._shown = phase
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Axes, line, points."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(base_font(FONT_SMALL))
        box = QRectF(_LEFT, _TOP, self.width() - _LEFT - _RIGHT, self.height() - _TOP - _BOTTOM)
        painter.setPen(QPen(QColor(tokens().line), 1))
        painter.drawLine(box.bottomLeft(), box.bottomRight())
        painter.drawLine(box.topLeft(), box.bottomLeft())
        points, (low, high) = curve_points(self._curve, box.width(), box.height())
        self._paint_scale(painter, box, (low, high))
        places = [box.topLeft() + QPointF(x, y) for x, y in points.tolist()]
        painter.setPen(QPen(QColor(tokens().accent), 1.5))
        painter.drawPolyline(QPolygonF(places))
        painter.setBrush(QColor(tokens().accent))
        for number_, place in enumerate(places):
            reach = 5.0 if number_ == self._shown else 2.5
            painter.drawEllipse(place, reach, reach)
        painter.end()

    def _paint_scale(self, painter: QPainter, box: QRectF, ends: tuple[float, float]) -> None:
        painter.setPen(QColor(tokens().muted))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for value, y in ((ends[1], box.top()), (ends[0], box.bottom())):
            room = QRectF(0, y - 8, _LEFT - 6, 16)
            painter.drawText(room, int(right), number(value))
        seconds = self._curve.seconds
        unit = " s" if self._curve.is_timed else ""
        below = QRectF(box.left(), box.bottom() + 6, box.width(), 16)
        painter.drawText(below, int(Qt.AlignmentFlag.AlignLeft), figure(seconds[0]) + unit)
        painter.drawText(below, int(Qt.AlignmentFlag.AlignRight), figure(seconds[-1]) + unit)


class CurveDialog(QDialog):
    """Stands beside the window; closes with it."""

    def __init__(self, curve: Curve, parent: QWidget) -> None:
        super().__init__(parent)
        self._curve = curve
        self.plot = CurvePlot(curve, self)
        self._words = label("", "small")
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 3 * GRID)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self._words)
        self._say()

    def changeEvent(self, event: QEvent) -> None:
        """Another language."""
        if event.type() == QEvent.Type.LanguageChange:
            self._say()
        super().changeEvent(event)

    def _say(self) -> None:
        self.setWindowTitle(tr("Curve over the phases"))
        self._words.setText(curve_words(self._curve))


def curve_words(curve: Curve) -> str:
    """Every value with its time or the number of its phase."""
    unit = unit_text(curve.unit)
    parts = []
    for place, value in zip(curve.seconds, curve.values, strict=True):
        when = f"{place:g} s" if curve.is_timed else tr("phase {number}", number=f"{place:g}")
        parts.append(f"{when}: {number(value) if value == value else '–'} {unit}".strip())  # noqa: PLR0124 - NaN
    return " · ".join(parts)

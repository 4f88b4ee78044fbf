"""A small histogram of a region's values."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QWidget

from medview.core.words import tr
from medview.gui.style import FONT_SMALL, GRID, base_font, colour, tokens
from medview.imaging.roi import Histogram, number

_PLOT = 12 * GRID


class HistogramPlot(QWidget):
    """Counts as a filled outline, the lowest and the highest value below its ends."""

    def __init__(self, histogram: Histogram, unit: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._histogram, self._unit = histogram, unit
        self.setFixedHeight(_PLOT + 5 * GRID)
        ends = (number(histogram.low), number(histogram.high))
        words = tr("Histogram from {low} to {high} {unit}", low=ends[0], high=ends[1], unit=unit)
        self.setToolTip(words)
        self.setAccessibleName(words)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The outline of the counts, and the two ends."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        counts, width = self._histogram.counts, float(self.width())
        step, most = width / len(counts), max(counts)
        corners = [QPointF(0.0, _PLOT)]
        for n, count in enumerate(counts):
            top = _PLOT - (_PLOT - 1.0) * count / most
            corners += [QPointF(n * step, top), QPointF((n + 1) * step, top)]
        corners.append(QPointF(width, _PLOT))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(tokens().accent, 0.55))
        painter.drawPolygon(QPolygonF(corners))
        painter.fillRect(QRectF(0, _PLOT, width, 1), colour(tokens().line))
        painter.setFont(base_font(FONT_SMALL))
        painter.setPen(colour(tokens().muted))
        metrics = QFontMetricsF(painter.font())
        base = _PLOT + metrics.ascent() + 2
        high = f"{number(self._histogram.high)} {self._unit}".strip()
        painter.drawText(QPointF(0, base), number(self._histogram.low))
        painter.drawText(QPointF(width - metrics.horizontalAdvance(high), base), high)
        painter.end()

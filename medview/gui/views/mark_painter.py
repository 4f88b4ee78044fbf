"""How a measurement is drawn: its shape, its handles, its numbers beside it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from medview.gui.style import colour
from medview.gui.views import ink
from medview.gui.views.marks import Mark
from medview.gui.views.words_painter import paint_words
from medview.imaging import roi

_HANDLE = 3.0


def paint_mark(painter: QPainter, each: Mark, *, is_selected: bool) -> None:
    """A measurement at its place, into a painter in logical pixels."""
    ink_colour = ink.INK.accent if is_selected else ink.INK.warn
    places = [QPointF(*place) for place in each.places]
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for pen in (QPen(colour(ink.INK.canvas, 0.6), 3.0), QPen(QColor(ink_colour), 1.5)):
        painter.setPen(pen)
        _paint_shape(painter, places)
    painter.setPen(QPen(QColor(ink_colour), 1.0))
    painter.setBrush(QColor(ink.INK.canvas))
    for place in places:
        painter.drawEllipse(place, _HANDLE, _HANDLE)
    painter.restore()
    painter.setFont(ink.corner_font())
    # Beside the end that is further right, so that the line does not run through the words.
    anchor = max(places, key=lambda place: place.x())
    step = QFontMetricsF(painter.font()).height()
    for number, text in enumerate(roi.lines(each.measurement)):
        place = anchor + QPointF(9, 4 + number * step)
        paint_words(painter, text, place, Qt.AlignmentFlag.AlignLeft, ink_colour=ink_colour)


def _paint_shape(painter: QPainter, places: list[QPointF]) -> None:
    if len(places) == 1:
        x, y = places[0].x(), places[0].y()
        painter.drawLine(QPointF(x - 7, y), QPointF(x + 7, y))
        painter.drawLine(QPointF(x, y - 7), QPointF(x, y + 7))
    elif len(places) == 2:
        painter.drawLine(places[0], places[1])
    else:
        middle = (places[0] + places[1]) / 2
        across, upright = (places[1] - places[0]) / 2, (places[3] - places[2]) / 2
        around = np.linspace(0, 2 * np.pi, 65).tolist()
        points = [middle + across * np.cos(t) + upright * np.sin(t) for t in around]
        painter.drawPolyline(QPolygonF(points))

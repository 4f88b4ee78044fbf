"""How a measurement is drawn: its shape, its handles, its numbers beside it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from medview.core.geometry import FloatArray
from medview.gui.style import colour
from medview.gui.views import ink
from medview.gui.views.labels import Label
from medview.gui.views.marks import Mark
from medview.gui.views.measuring import Measuring
from medview.gui.views.words_painter import paint_words

_HANDLE, _SPOT, _HEAD = 3.0, 4.0, 11.0


def paint_mark(painter: QPainter, each: Mark, measuring: Measuring) -> None:
    """The shape of a measurement at its place, into a painter in logical pixels.

    What a slice only cuts is thin and without numbers; what another series holds is dashed.
    """
    is_selected = each.measurement.id == measuring.selected
    ink_colour = ink.INK.accent if is_selected else ink.INK.warn
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    own = QPen(QColor(ink_colour), 1.5 if each.is_whole else 1.0)
    if measuring.is_of_another(each.measurement):
        own.setStyle(Qt.PenStyle.DashLine)
    for pen in (QPen(colour(ink.INK.canvas, 0.6), 3.0), own):
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        _paint_shape(painter, each)
    painter.setPen(QPen(QColor(ink_colour), 1.0))
    for place, point in zip(each.places, each.points, strict=True):
        is_held = is_selected and measuring.handle == point
        painter.setBrush(QColor(ink_colour if is_held else ink.INK.canvas))
        painter.drawEllipse(QPointF(*place), _HANDLE, _HANDLE)
    painter.restore()


def paint_label(painter: QPainter, label: Label, measuring: Measuring) -> None:
    """The words of a measurement in their box, and the line from there to its shape."""
    is_selected = label.mark.measurement.id == measuring.selected
    ink_colour = ink.INK.accent if is_selected else ink.INK.warn
    if label.leader is not None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for pen in (QPen(colour(ink.INK.canvas, 0.6), 3.0), QPen(QColor(ink_colour), 1.0)):
            painter.setPen(pen)
            painter.drawLine(*label.leader)
        painter.restore()
    face = ink.corner_face(ink_colour)
    metrics = ink.metrics_of(face)
    for number, text in enumerate(label.lines):
        down = number * metrics.height() + metrics.ascent()
        place = label.box.topLeft() + QPointF(2, down)
        paint_words(painter, text, place, Qt.AlignmentFlag.AlignLeft, face=face)


def _paint_shape(painter: QPainter, each: Mark) -> None:
    for line, is_closed in each.lines:
        shape = QPolygonF([QPointF(x, y) for x, y in line.tolist()])
        if is_closed:
            painter.drawPolygon(shape)
        elif len(line) > 1:
            painter.drawPolyline(shape)
    for x, y in each.spots:
        painter.drawLine(QPointF(x - _SPOT, y - _SPOT), QPointF(x + _SPOT, y + _SPOT))
        painter.drawLine(QPointF(x - _SPOT, y + _SPOT), QPointF(x + _SPOT, y - _SPOT))
    if each.measurement.kind == "arrow" and each.is_whole:
        _paint_head(painter, each.lines[0][0])
    elif len(each.places) == 1 and each.measurement.kind != "text":
        x, y = each.places[0]
        painter.drawLine(QPointF(x - 7, y), QPointF(x + 7, y))
        painter.drawLine(QPointF(x, y - 7), QPointF(x, y + 7))


def _paint_head(painter: QPainter, line: FloatArray) -> None:
    """The head of an arrow, at its first point."""
    tip, tail = line[0], line[-1]
    size = float(np.hypot(*(tail - tip)))
    if size < 1.0:
        return
    along = (tail - tip) / size * _HEAD
    for turn in (-0.42, 0.42):
        x = along[0] * np.cos(turn) - along[1] * np.sin(turn)
        y = along[0] * np.sin(turn) + along[1] * np.cos(turn)
        painter.drawLine(QPointF(*tip), QPointF(float(tip[0] + x), float(tip[1] + y)))

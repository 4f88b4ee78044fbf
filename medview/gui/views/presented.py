"""What a presentation state draws on a picture: its shutter, lines, shapes and words."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPen, QPolygonF

from medview.core.geometry import VoxelIndex
from medview.core.presentation import Graphic, GraphicText, PixelPlace, concerns
from medview.core.study import FrameRef
from medview.core.volume import Shutter
from medview.gui.style import colour
from medview.gui.views import ink
from medview.gui.views.stage import SliceStage
from medview.gui.views.words_painter import paint_words

_POINT = 5.0
_AROUND = np.linspace(0.0, 2 * math.pi, 65)


def shown_frame(stage: SliceStage) -> FrameRef | None:
    """The acquired picture that a view shows, None on reconstructions."""
    if stage.shown is None or stage.plane is None or not stage.plane.is_native:
        return None
    frames = stage.shown.stack.frames
    return frames[stage.index] if stage.index < len(frames) else None


def paint_presented(stage: SliceStage, painter: QPainter) -> None:
    """Everything that the state has for the picture that is shown."""
    state, frame = stage.presented, shown_frame(stage)
    if state is None or frame is None or not state.is_for(frame):
        return
    drawing = _Drawing(stage, painter)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if state.shutter is not None:
        drawing.shutter(state.shutter)
    for pen in (QPen(colour(ink.INK.canvas, 0.6), 3.0), QPen(QColor(ink.INK.sagittal), 1.5)):
        painter.setPen(pen)
        for graphic in state.graphics:
            if concerns(graphic.of, frame):
                drawing.graphic(graphic)
    painter.restore()
    painter.setFont(ink.corner_font())
    for text in state.texts:
        if concerns(text.of, frame):
            drawing.text(text)


class _Drawing:
    """Draws in pixels of the picture as stored, wherever these are on the screen."""

    def __init__(self, stage: SliceStage, painter: QPainter) -> None:
        self._stage, self._painter, self._map = stage, painter, stage.map()

    def _at(self, place: PixelPlace) -> QPointF:
        stage = self._stage
        if stage.plane is None:
            return QPointF()
        point = stage.plane.own_geometry.to_patient(VoxelIndex(stage.index, *place))
        _, row, column = stage.plane.to_pixel(point)
        return QPointF(*self._map.to_screen(row, column))

    def graphic(self, graphic: Graphic) -> None:
        """A point, a line, a circle (centre and rim) or an ellipse (ends of its axes)."""
        places = graphic.places
        painter = self._painter
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if graphic.is_filled:
            painter.setBrush(colour(ink.INK.sagittal, 0.25))
        if graphic.kind == "POINT":
            middle = self._at(places[0])
            painter.drawEllipse(middle, _POINT, _POINT)
        elif graphic.kind == "CIRCLE":
            (row, column), rim = places[0], places[1]
            radius = math.hypot(rim[0] - row, rim[1] - column)
            self._oval((row, column), (radius, 0.0), (0.0, radius))
        elif graphic.kind == "ELLIPSE":
            ends = np.array(places[:4])
            middle_ = ends[:2].mean(axis=0)
            self._oval(
                (float(middle_[0]), float(middle_[1])),
                tuple(((ends[1] - ends[0]) / 2).tolist()),
                tuple(((ends[3] - ends[2]) / 2).tolist()),
            )
        else:
            self._line(graphic)

    def _line(self, graphic: Graphic) -> None:
        points = [self._at(place) for place in graphic.places]
        is_closed = graphic.places[0] == graphic.places[-1] and len(points) > 2
        if graphic.kind == "INTERPOLATED":
            self._painter.drawPath(_smooth(points, is_closed=is_closed))
        elif is_closed:
            self._painter.drawPolygon(QPolygonF(points))
        else:
            self._painter.drawPolyline(QPolygonF(points))

    def _oval(self, middle: PixelPlace, one: PixelPlace, other: PixelPlace) -> None:
        places = [
            (
                middle[0] + one[0] * math.cos(t) + other[0] * math.sin(t),
                middle[1] + one[1] * math.cos(t) + other[1] * math.sin(t),
            )
            for t in _AROUND.tolist()
        ]
        self._painter.drawPolygon(QPolygonF([self._at(place) for place in places]))

    def text(self, text: GraphicText) -> None:
        """Words, line by line, with a line to what they speak of."""
        place = self._at(text.place)
        if text.anchor is not None and text.anchor != text.place:
            self._painter.setPen(QPen(QColor(ink.INK.sagittal), 1.0))
            self._painter.drawLine(place, self._at(text.anchor))
        height = QFontMetricsF(self._painter.font()).height()
        for number, line in enumerate(text.text.splitlines()):
            below = place + QPointF(0, height * (number + 1))
            left = Qt.AlignmentFlag.AlignLeft
            paint_words(self._painter, line, below, left, face=ink.corner_face(ink.INK.sagittal))

    def shutter(self, shutter: Shutter) -> None:
        """Black outside of each of its parts."""
        width, height = self._stage.size
        for part in self._parts(shutter):
            around = QPainterPath()
            around.addRect(QRectF(0, 0, width, height))
            around.addPolygon(part)
            around.closeSubpath()
            around.setFillRule(Qt.FillRule.OddEvenFill)
            self._painter.fillPath(around, QColor(ink.INK.canvas))

    def _parts(self, shutter: Shutter) -> list[QPolygonF]:
        found = []
        if shutter.rectangle is not None:
            top, bottom, left, right = shutter.rectangle
            box = ((top, left), (top, right), (bottom, right), (bottom, left))
            half = ((-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5))
            corners = [(r + dr, c + dc) for (r, c), (dr, dc) in zip(box, half, strict=True)]
            found.append(QPolygonF([self._at(corner) for corner in corners]))
        if shutter.circle is not None:
            row, column, radius = shutter.circle
            rim = [(row + radius * math.sin(t), column + radius * math.cos(t))
                   for t in _AROUND.tolist()]  # fmt: skip
            found.append(QPolygonF([self._at(place) for place in rim]))
        if shutter.polygon:
            found.append(QPolygonF([self._at(corner) for corner in shutter.polygon]))
        return found


def _smooth(points: list[QPointF], *, is_closed: bool) -> QPainterPath:
    """A curve through all points (Catmull-Rom as cubic Bezier pieces)."""
    path = QPainterPath(points[0])
    count = len(points)
    for number in range(count - 1):
        before = points[number - 1] if number else (points[-2] if is_closed else points[0])
        after = points[number + 2] if number + 2 < count else (
            points[1] if is_closed else points[-1])  # fmt: skip
        start, end = points[number], points[number + 1]
        path.cubicTo(start + (end - before) / 6, end - (after - start) / 6, end)
    return path

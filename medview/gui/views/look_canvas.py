"""The curve of a look over the histogram of a volume: points by mouse and by keys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QWidget

from medview.core.words import tr
from medview.gui.style import colour
from medview.gui.views.ink import INK, corner_font
from medview.imaging.transfer import Look, moved_point, with_point, without_point

_MARGIN, _STRIP = 8.0, 8.0  # pixels round the curve, and of the colours below it
_GRAB, _RADIUS = 9.0, 4.5
_VALUE_STEP, _OPACITY_STEP = 0.01, 0.02  # of the span, of 1, for a key press


@dataclass(frozen=True, eq=False, slots=True)
class Axis:
    """The values that the curve spans; how often (0 to 1) those between `counted` occur."""

    low: float
    high: float
    counts: NDArray[np.float32]
    counted: tuple[float, float]

    def share(self, value: float) -> float:
        """Where a value lies, 0 at the low end and 1 at the high one."""
        return (value - self.low) / (self.high - self.low)


class LookCanvas(QWidget):
    """Shows a look and says what the reader makes of it; it keeps nothing but the chosen point.

    Left and Right choose a point, with Shift they move it; Up and Down change its opacity; Insert
    adds one, Delete takes it away, Enter asks for its colour.
    """

    edited = Signal(object, bool)  # Look; whether the change goes on (a drag)
    settled = Signal()  # a drag has ended
    chosen = Signal(int)
    colour_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look: Look | None = None
        self._axis: Axis | None = None
        self.number = 0  # of the chosen point
        self._is_held = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(160, 72)
        self.retranslate()

    def sizeHint(self) -> QSize:
        """Wide and low."""
        return QSize(320, 96)

    def retranslate(self) -> None:
        """Its name and what it answers to, in the current language."""
        self.setAccessibleName(tr("Curve of the look"))
        self.setToolTip(
            tr("Points: arrows choose, Shift and arrows move, Ins adds, Del takes away, Enter "
               "colours; or drag, click and double click.")
        )  # fmt: skip

    def show_look(self, look: Look, axis: Axis) -> None:
        """Another look, or another volume."""
        self._look, self._axis = look, axis
        self.number = min(self.number, len(look.points) - 1)
        self.update()

    def choose(self, number: int) -> None:
        """Another point."""
        if self._look is not None:
            self.number = max(0, min(number, len(self._look.points) - 1))
            self.chosen.emit(self.number)
            self.update()

    def add(self) -> None:
        """A point halfway to the next one."""
        if self._look is None:
            return
        points = self._look.points
        at = min(self.number, len(points) - 2)
        middle = (points[at].value + points[at + 1].value) / 2
        self.edited.emit(with_point(self._look, middle), False)
        self.choose(at + 1)

    def remove(self) -> None:
        """The chosen point goes; two always stay."""
        if self._look is not None:
            self.edited.emit(without_point(self._look, self.number), False)
            self.choose(self.number)

    # -- places ----------------------------------------------------------------------------

    def _box(self) -> QRectF:
        inside = QRectF(self.rect()).adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        return inside.adjusted(0, 0, 0, -_STRIP)

    def place_of(self, number: int) -> QPointF:
        """Where a point is drawn."""
        if self._look is None or self._axis is None:
            return QPointF()
        box, point = self._box(), self._look.points[number]
        share = self._axis.share(point.value)
        return QPointF(
            box.left() + share * box.width(), box.bottom() - point.opacity * box.height()
        )

    def _value_at(self, place: QPointF) -> tuple[float, float]:
        box, axis = self._box(), self._axis
        if axis is None:
            return 0.0, 0.0
        share = (place.x() - box.left()) / max(box.width(), 1.0)
        opacity = (box.bottom() - place.y()) / max(box.height(), 1.0)
        return axis.low + share * (axis.high - axis.low), opacity

    def _at(self, place: QPointF) -> int | None:
        if self._look is None:
            return None
        away = [(self.place_of(n) - place).manhattanLength() for n in range(len(self._look.points))]
        number = int(np.argmin(away))
        return number if away[number] <= _GRAB else None

    # -- mouse and keys ----------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take a point, or make one; the right button takes it away."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        number = self._at(event.position())
        if self._look is None:
            return
        if event.button() == Qt.MouseButton.RightButton:
            if number is not None:
                self.choose(number)
                self.remove()
            return
        self._is_held = True
        if number is None:
            value, _ = self._value_at(event.position())
            look = with_point(self._look, value)
            if look is self._look:
                return
            number = [p.value for p in look.points].index(value)
            self.edited.emit(look, True)
        self.choose(number)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The point follows."""
        if self._is_held and self._look is not None and event.buttons():
            value, opacity = self._value_at(event.position())
            self.edited.emit(moved_point(self._look, self.number, value, opacity), True)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The drag is over."""
        if self._is_held:
            self._is_held = False
            self.settled.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Another colour for the point."""
        number = self._at(event.position())
        if number is not None:
            self.choose(number)
            self.colour_asked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """See the class."""
        is_shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        key = Qt.Key(event.key())
        across = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(key, 0)
        up = {Qt.Key.Key_Down: -1, Qt.Key.Key_Up: 1}.get(key, 0)
        if across and not is_shift:
            self.choose(self.number + across)
        elif across or up:
            self._nudge(across, up)
        elif key == Qt.Key.Key_Insert:
            self.add()
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.remove()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.colour_asked.emit()
        else:
            super().keyPressEvent(event)

    def _nudge(self, across: int, up: int) -> None:
        if self._look is None or self._axis is None:
            return
        point = self._look.points[self.number]
        value = point.value + across * _VALUE_STEP * (self._axis.high - self._axis.low)
        look = moved_point(self._look, self.number, value, point.opacity + up * _OPACITY_STEP)
        self.edited.emit(look, False)

    # -- picture -----------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Histogram, colours, curve, points."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._look is not None and self._axis is not None:
            self._paint_histogram(painter, self._axis)
            self._paint_colours(painter, self._look)
            self._paint_curve(painter, self._look)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(INK.accent), 1.0))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.end()

    def _paint_histogram(self, painter: QPainter, axis: Axis) -> None:
        box = self._box()
        left, right = (box.left() + axis.share(v) * box.width() for v in axis.counted)
        wide = (right - left) / len(axis.counts)
        outline = [QPointF(left, box.bottom())]
        for number, height in enumerate(axis.counts):
            y = box.bottom() - float(height) * box.height()
            outline += [QPointF(left + number * wide, y),
                        QPointF(left + (number + 1) * wide, y)]  # fmt: skip
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(INK.faint, 0.45))
        painter.drawPolygon(QPolygonF([*outline, QPointF(right, box.bottom())]))

    def _paint_colours(self, painter: QPainter, look: Look) -> None:
        box = self._box()
        strip = QRectF(box.left(), box.bottom() + 3, box.width(), _STRIP - 3)
        gradient = QLinearGradient(strip.topLeft(), strip.topRight())
        for number, point in enumerate(look.points):
            share = (self.place_of(number).x() - box.left()) / max(box.width(), 1.0)
            gradient.setColorAt(min(1.0, max(0.0, share)), QColor(point.colour))
        painter.fillRect(strip, gradient)

    def _paint_curve(self, painter: QPainter, look: Look) -> None:
        box = self._box()
        places = [self.place_of(number) for number in range(len(look.points))]
        line = [QPointF(box.left(), places[0].y()), *places, QPointF(box.right(), places[-1].y())]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(INK.text), 1.5))
        painter.drawPolyline(QPolygonF(line))
        for number, place in enumerate(places):
            is_chosen = number == self.number
            painter.setBrush(QColor(look.points[number].colour))
            painter.setPen(
                QPen(QColor(INK.accent if is_chosen else INK.text), 2 if is_chosen else 1)
            )
            painter.drawEllipse(place, _RADIUS + is_chosen, _RADIUS + is_chosen)
        painter.setFont(corner_font())

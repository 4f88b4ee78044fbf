"""The timeline of the record panel: four lanes of marks, and what stands at the chosen one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QToolTip, QVBoxLayout, QWidget

from medview.core.words import tr
from medview.gui.cards import Card, ElidedLink, chip, clear_layout, label, row
from medview.gui.growing import Growing
from medview.gui.style import GRID, base_font, tokens
from medview.session.timeline import LANES, Axis, Happening, Mark, axis_of, marks_of_lane

_LANE, _AXIS, _LEFT, _RIGHT = 28, 22, 8, 12
_NEAR = 9  # pixels around a mark that are the mark's
_AT_ONCE = 40
_LINES_AT_ONCE = 1  # the others follow between the reader's events


class TimelineCard(Card):
    """The strip, and below it the happenings of the chosen mark, or all of them."""

    source_asked = Signal(str)

    def __init__(self, found: Sequence[Happening]) -> None:
        super().__init__()
        self._found = found
        self.setAccessibleName(tr("Timeline"))
        self.strip = TimelineStrip(found)
        self.strip.chosen.connect(self.show_mark)
        self.strip.opened.connect(self.source_asked)
        self.add(self.strip)
        self._head = label("", "small")
        self._all = chip(tr("Show all"), "", lambda: self.show_mark(None))
        self.add(row(self._head, None, self._all))
        self._lines = QVBoxLayout()
        self._lines.setSpacing(GRID + 2)
        self.body.addLayout(self._lines)
        self._rest = label("", "small")
        self.add(self._rest)
        self._growing = Growing(self, _LINES_AT_ONCE)
        self.show_mark(None)

    def show_mark(self, mark: Mark | None) -> None:
        """List the happenings of a mark; all of them, newest first, without one."""
        clear_layout(self._lines)
        shown = list(reversed(self._found if mark is None else mark.happenings))
        self._head.setText(tr("{count} {count:entry|entries}", count=len(shown)))
        self._all.setHidden(mark is None)
        self._rest.setText(
            tr("Choose a mark above to see the other {count}.", count=len(shown) - _AT_ONCE)
        )
        self._rest.setHidden(len(shown) <= _AT_ONCE)
        self._growing.begin([partial(self._add, one) for one in shown[:_AT_ONCE]])

    def _add(self, one: Happening) -> None:
        self._lines.addWidget(self._line(one))

    def _line(self, one: Happening) -> QWidget:
        when = label(one.day.isoformat(), "small", wrap=False)
        title = ElidedLink(one.title)
        title.setAccessibleName(f"{lane_name(one.kind)} {one.day.isoformat()} {one.title}")
        title.clicked.connect(lambda: self.source_asked.emit(one.locator))
        made = row(when, title, label(lane_name(one.kind), "faint", wrap=False))
        layout = made.layout()
        if isinstance(layout, QHBoxLayout):
            layout.setStretch(1, 1)
        return made


class TimelineStrip(QWidget):
    """Four lanes over the years. Arrows go from mark to mark, Enter opens what stands there."""

    chosen = Signal(object)  # Mark
    opened = Signal(str)

    def __init__(self, found: Sequence[Happening]) -> None:
        super().__init__()
        self._found = found
        self._axis: Axis | None = None
        self.marks: list[Mark] = []
        self._number = -1
        self.setFixedHeight(len(LANES) * _LANE + _AXIS)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Timeline"))
        self.setAccessibleDescription(tr("Arrows go from mark to mark, Enter opens one."))
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def place_of(self, mark: Mark) -> QPointF:
        """Where a mark stands in the widget."""
        lane = LANES.index(mark.kind)
        return QPointF(_LEFT + mark.x, lane * _LANE + _LANE - 8)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width has another axis."""
        super().resizeEvent(event)
        self._axis = axis_of(self._found, self.width() - _LEFT - _RIGHT)
        self.marks = []
        if self._axis is not None:
            lanes = (marks_of_lane(self._found, self._axis, kind) for kind in LANES)
            self.marks = [mark for lane in lanes for mark in lane]

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Lanes with their names, marks, the axis below."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(base_font(10))
        for number, kind in enumerate(LANES):
            y = number * _LANE + _LANE - 8
            painter.setPen(QPen(QColor(tokens().line), 1))
            painter.drawLine(QPointF(_LEFT, y), QPointF(self.width() - _RIGHT, y))
            painter.setPen(QColor(tokens().muted))
            painter.drawText(QPointF(0, y - 9), lane_name(kind))
        for mark in self.marks:
            self._paint_mark(painter, mark)
        if self._axis is not None:
            self._paint_axis(painter, self._axis)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click chooses the mark; one that is a single thing is opened."""
        number = self._mark_at(event.position())
        if number is None:
            return
        self._choose(number)
        self._open()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right along the days, Enter opens."""
        steps = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}
        if event.key() in steps and self.marks:
            order = sorted(range(len(self.marks)), key=lambda n: self.marks[n].x)
            step = steps[Qt.Key(event.key())]
            place = order.index(self._number) + step if self._number >= 0 else 0
            self._choose(order[max(0, min(place, len(order) - 1))])
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._open()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """What stands at a mark while the pointer rests on it."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            number = self._mark_at(QPointF(event.pos()))
            said = "" if number is None else _said(self.marks[number])
            QToolTip.showText(event.globalPos(), said, self)
            return True
        return super().event(event)

    def _choose(self, number: int) -> None:
        self._number = number
        self.setAccessibleDescription(_said(self.marks[number]))
        self.update()
        self.chosen.emit(self.marks[number])

    def _open(self) -> None:
        if self._number >= 0 and len(self.marks[self._number].happenings) == 1:
            self.opened.emit(self.marks[self._number].happenings[0].locator)

    def _mark_at(self, place: QPointF) -> int | None:
        def distance(number: int) -> float:
            gap = self.place_of(self.marks[number]) - place
            return abs(gap.x()) + abs(gap.y())

        nearest = min(range(len(self.marks)), key=distance, default=None)
        return nearest if nearest is not None and distance(nearest) <= 2 * _NEAR else None

    def _paint_mark(self, painter: QPainter, mark: Mark) -> None:
        at = self.place_of(mark)
        is_chosen = 0 <= self._number < len(self.marks) and self.marks[self._number] is mark
        painter.setPen(QPen(QColor(tokens().text if is_chosen else tokens().surface_2), 1.5))
        painter.setBrush(QColor(_tint(mark.kind)))
        size = 4.0 + min(2.0, 0.5 * (len(mark.happenings) - 1))
        if mark.kind in ("study", "document"):
            painter.drawRoundedRect(QRectF(at.x() - size, at.y() - size, 2 * size, 2 * size), 2, 2)
        else:
            painter.drawEllipse(at, size, size)
        if len(mark.happenings) > 1:
            painter.setPen(QColor(tokens().muted))
            painter.drawText(at + QPointF(size + 1, -4), str(len(mark.happenings)))

    def _paint_axis(self, painter: QPainter, axis: Axis) -> None:
        y = len(LANES) * _LANE
        painter.setPen(QColor(tokens().muted))
        ticks = axis.ticks or ((axis.x(axis.first), axis.first.isoformat()),)
        for x, said in ticks:
            width = painter.fontMetrics().horizontalAdvance(said)
            left = min(max(0.0, _LEFT + x - width / 2), self.width() - width)
            painter.drawText(QPointF(left, y + 14), said)
            painter.drawLine(QPointF(_LEFT + x, y - 4), QPointF(_LEFT + x, y))


def lane_name(kind: str) -> str:
    """The name of a lane."""
    names = {
        "study": tr("Studies"),
        "document": tr("Documents"),
        "lab": tr("Labs"),
        "finding": tr("Findings"),
    }
    return names[kind]


def _tint(kind: str) -> str:
    t = tokens()
    return {"study": t.accent, "document": t.muted, "lab": t.sagittal, "finding": t.bad}[kind]


def _said(mark: Mark) -> str:
    lines = [f"{one.day.isoformat()}  {one.title}" for one in mark.happenings[:8]]
    return "\n".join((lane_name(mark.kind), *lines)) + ("\n…" if len(mark.happenings) > 8 else "")

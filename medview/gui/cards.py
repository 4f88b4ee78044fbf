"""The few building blocks that every panel is made of: card, chip, row, meter, empty state."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from medview.gui.style import GRID, colour, tokens


def label(text: str = "", role: str = "", *, wrap: bool = True) -> QLabel:
    """A line of text in a role of the style sheet (title, number, muted, small, faint, warn …)."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(wrap)
    if role:
        made.setProperty("role", role)
    return made


def reading_direction(text: str) -> Qt.LayoutDirection:
    """From the right where the first letter is of such a script (Unicode's rule P2)."""
    kinds = (unicodedata.bidirectional(letter) for letter in text)
    first = next((kind for kind in kinds if kind in ("L", "R", "AL")), "L")
    return Qt.LayoutDirection.LeftToRight if first == "L" else Qt.LayoutDirection.RightToLeft


class ElidedLabel(QLabel):
    """One line that gives way: it ends in an ellipsis where the room does, whole in the tip."""

    def __init__(self, text: str = "", role: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setMinimumWidth(1)
        self.setProperty("role", role)
        self.setText(text)
        self.setToolTip(text)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The text as far as it goes; from the right in scripts that are read so."""
        room = self.contentsRect()
        words = self.fontMetrics().elidedText(
            self.text(), Qt.TextElideMode.ElideRight, room.width()
        )
        painter = QPainter(self)
        painter.setLayoutDirection(reading_direction(self.text()))
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), words)
        painter.end()


def button(text: str, role: str = "", on_click: Callable[[], object] | None = None) -> QPushButton:
    """A push button: role primary, link or plain."""
    made = QPushButton(text)
    made.setAccessibleName(text)
    if role:
        made.setProperty("role", role)
    if on_click is not None:
        made.clicked.connect(lambda _checked=False: on_click())
    return made


class ElidedLink(QPushButton):
    """A link that gives way: its text ends in an ellipsis where the room does, whole in the tip."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.setProperty("role", "link")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.show_text(text)

    def show_text(self, text: str) -> None:
        """Another text, cut to the width there is."""
        self._full = text
        self.setToolTip(text)
        self.setAccessibleName(text)
        self._cut()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut the text to the new width."""
        self._cut()
        super().resizeEvent(event)

    def _cut(self) -> None:
        self.setText(
            self.fontMetrics().elidedText(self._full, Qt.TextElideMode.ElideRight, self.width() - 2)
        )


def chip(text: str, tooltip: str = "", on_click: Callable[[], object] | None = None) -> QPushButton:
    """A small source chip; without a reaction it is only a mark."""
    made = button(text, "chip", on_click)
    made.setToolTip(tooltip)
    if on_click is None:
        made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    else:
        made.setCursor(Qt.CursorShape.PointingHandCursor)
    return made


def row(*items: QWidget | int | None, spacing: int = 2 * GRID) -> QWidget:
    """Widgets side by side; None stretches, a number is a gap in pixels."""
    made = QWidget()
    layout = QHBoxLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    for item in items:
        if item is None:
            layout.addStretch(1)
        elif isinstance(item, int):
            layout.addSpacing(item)
        else:
            layout.addWidget(item)
    return made


def swap(owner: QWidget, before: QWidget, now: QWidget) -> None:
    """Put a widget in the place of another one of the owner's layout, and let that one go."""
    layout = owner.layout()
    if layout is not None:
        layout.replaceWidget(before, now)
    before.hide()
    before.deleteLater()  # not at once: what asked for it may be a part of it


def clear_layout(layout: QVBoxLayout | QHBoxLayout) -> None:
    """Take every widget out of a layout and let it go."""
    while layout.count():
        item = layout.takeAt(0)
        widget = item.widget() if item is not None else None
        if widget is not None:
            widget.hide()
            widget.deleteLater()


class Card(QFrame):
    """A card; a click anywhere that is no control is `clicked`. `open` frames it in accent."""

    clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setProperty("open", False)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(3 * GRID, 2 * GRID + 2, 3 * GRID, 2 * GRID + 2)
        self.body.setSpacing(GRID + 2)

    def add(self, *widgets: QWidget) -> None:
        """Put widgets below what is there."""
        for widget in widgets:
            self.body.addWidget(widget)

    def set_open(self, is_open: bool) -> None:
        """Frame the card as the open one."""
        self.setProperty("open", is_open)
        self.style().unpolish(self)
        self.style().polish(self)

    def make_button(self, name: str) -> None:
        """Let the keyboard reach the card: Enter or space clicks it."""
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter and space are a click where the card is a button."""
        keys = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)
        if event.key() in keys and self.focusPolicy() != Qt.FocusPolicy.NoFocus:
            self.clicked.emit()
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click on the card itself."""
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(
            event.position().toPoint()
        ):
            self.clicked.emit()
        super().mouseReleaseEvent(event)


class Meter(QWidget):
    """A thin bar from 0 to 1, with an interval shaded around the value."""

    def __init__(
        self,
        value: float,
        interval: tuple[float, float] | None = None,
        tint: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._value, self._interval, self._tint = value, interval, tint
        self.setFixedHeight(6)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Track, interval, value."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        tint = self._tint or tokens().accent
        self._bar(painter, 0.0, 1.0, colour(tokens().line), 4)
        self._bar(painter, 0.0, self._value, colour(tint), 4)
        if self._interval is not None:
            self._bar(painter, *self._interval, colour(tint, 0.45), 6)
        painter.end()

    def _bar(self, painter: QPainter, low: float, high: float, fill: object, height: int) -> None:
        low, high = max(0.0, low), min(1.0, high)
        painter.setBrush(fill)
        top = (self.height() - height) / 2
        painter.drawRoundedRect(
            QRectF(low * self.width(), top, max(0.0, high - low) * self.width(), height), 2, 2
        )


class CardColumn(QScrollArea):
    """A scrolling column of cards and captions; `fill` replaces what stands in it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._inner = QWidget()
        # What stands in it takes the panel's width; what does not fit gives way, not the panel.
        self._inner.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.column = QVBoxLayout(self._inner)
        self.column.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 3 * GRID)
        self.column.setSpacing(2 * GRID)
        self.setWidget(self._inner)

    def fill(self, widgets: list[QWidget]) -> None:
        """Show these widgets from the top; the place that was scrolled to is kept.

        Those that stand in it already stay what they are.
        """
        bar = self.verticalScrollBar()
        place = bar.value()
        for widget in widgets:
            if widget.parent() is self._inner:
                self.column.removeWidget(widget)
        clear_layout(self.column)
        for widget in widgets:
            self.column.addWidget(widget)
        self.column.addStretch(1)
        bar.setValue(place)

    def insert(self, place: int, widget: QWidget) -> None:
        """Put one more widget before the one that stands at a place."""
        self.column.insertWidget(place, widget)

    def scroll_to(self, widget: QWidget) -> None:
        """Bring the top of a widget of the column to the top of what is seen."""
        self._inner.adjustSize()
        self.verticalScrollBar().setValue(max(0, widget.y() - 2 * GRID))


def empty_state(title: str, *lines: str) -> QWidget:
    """What to drop here, which command, which key."""
    made = QWidget()
    layout = QVBoxLayout(made)
    layout.setContentsMargins(2 * GRID, 8 * GRID, 2 * GRID, 2 * GRID)
    layout.setSpacing(2 * GRID)
    head = label(title, "title")
    head.setAlignment(Qt.AlignmentFlag.AlignHCenter)
    layout.addWidget(head)
    for line in lines:
        text = label(line, "muted")
        text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(text)
    return made

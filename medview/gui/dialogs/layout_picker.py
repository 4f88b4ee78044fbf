"""A matrix of 4 x 4 to choose rows and columns from, with the mouse or the arrow keys."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QMenu, QWidget, QWidgetAction

from medview.core.layout import MOST_LINES
from medview.core.words import tr
from medview.gui.style import GRID, colour, tokens

_CELL, _GAP = 24, GRID
_WORDS = 20  # pixels below for the words
_STEPS = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}


class LayoutPicker(QWidget):
    """Hover or move with the arrows; click, Enter or Space chooses."""

    chosen = Signal(int, int)  # rows, columns

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.point_at(2, 2)

    def point_at(self, rows: int, columns: int) -> None:
        """Mark so many rows and columns."""
        self.rows = min(max(rows, 1), MOST_LINES)
        self.columns = min(max(columns, 1), MOST_LINES)
        self.setAccessibleName(self._words())
        self.update()

    def sizeHint(self) -> QSize:
        """As large as its cells and the words below them."""
        side = MOST_LINES * (_CELL + _GAP) + 3 * _GAP
        return QSize(side, side + _WORDS)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The cells, those that are marked in the accent colour."""
        painter = QPainter(self)
        for row in range(MOST_LINES):
            for column in range(MOST_LINES):
                is_marked = row < self.rows and column < self.columns
                shade = colour(tokens().accent, 0.55) if is_marked else QColor(tokens().line)
                painter.fillRect(self._cell(row, column), shade)
        painter.setPen(QColor(tokens().text))
        words = QRect(0, self.height() - _WORDS - _GAP, self.width(), _WORDS)
        painter.drawText(words, Qt.AlignmentFlag.AlignCenter, self._words())
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Mark up to the cell under the mouse."""
        self.point_at(*self._lines_at(event.position().toPoint()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose what is marked."""
        self.point_at(*self._lines_at(event.position().toPoint()))
        self.chosen.emit(self.rows, self.columns)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows mark, Enter and Space choose; other keys belong to the menu around."""
        key = Qt.Key(event.key())
        if key in _STEPS:
            rows, columns = _STEPS[key]
            self.point_at(self.rows + rows, self.columns + columns)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(self.rows, self.columns)
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Another language."""
        if event.type() == QEvent.Type.LanguageChange:
            self.point_at(self.rows, self.columns)
        super().changeEvent(event)

    def _words(self) -> str:
        return tr("{rows} × {columns} views", rows=self.rows, columns=self.columns)

    def _cell(self, row: int, column: int) -> QRect:
        left, top = (2 * _GAP + number * (_CELL + _GAP) for number in (column, row))
        return QRect(left, top, _CELL, _CELL)

    def _lines_at(self, place: QPoint) -> tuple[int, int]:
        column, row = ((v - 2 * _GAP) // (_CELL + _GAP) + 1 for v in (place.x(), place.y()))
        return row, column


class LayoutMenu(QMenu):
    """The matrix, and below it what else is about the grid."""

    chosen = Signal(int, int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.picker = LayoutPicker()
        self.picker.chosen.connect(self._choose)
        holder = QWidgetAction(self)
        holder.setDefaultWidget(self.picker)
        self.addAction(holder)
        self.addSeparator()
        self.aboutToShow.connect(self.picker.setFocus)

    def _choose(self, rows: int, columns: int) -> None:
        self.close()
        self.chosen.emit(rows, columns)

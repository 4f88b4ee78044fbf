"""Chips that choose what is underlined; they wrap like words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtWidgets import QLayout, QLayoutItem, QPushButton, QWidget

from medview.core.words import current_language, tr
from medview.gui.cards import chip
from medview.gui.panels.record_lines import legend_of
from medview.gui.style import GRID, tokens

ALL = "all"


class WrapLayout(QLayout):
    """Widgets side by side, in as many rows as the width needs."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        """Take one more item in."""
        self._items.append(item)

    def count(self) -> int:
        """How many items there are."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        """The item at a place, None outside."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        """Give an item away."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def hasHeightForWidth(self) -> bool:
        """Narrow is high."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Height of all rows."""
        return self._arrange(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        """Put every item in its place."""
        super().setGeometry(rect)
        self._arrange(rect, move=True)

    def sizeHint(self) -> QSize:
        """The width is given from outside."""
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        """The widest item."""
        size = QSize()
        for item in self._items:
            size = size.expandedTo(item.minimumSize())
        return size

    def _arrange(self, rect: QRect, *, move: bool) -> int:
        x, y, row_height, gap = rect.x(), rect.y(), 0, GRID + 2
        for item in self._items:
            size = item.sizeHint()
            if x > rect.x() and x + size.width() > rect.right() + 1:
                x, y, row_height = rect.x(), y + row_height + gap, 0
            if move:
                item.setGeometry(QRect(QPoint(x, y), size))
            x += size.width() + gap
            row_height = max(row_height, size.height())
        return y + row_height - rect.y()


def wrapped(widgets: Sequence[QWidget]) -> QWidget:
    """Widgets side by side, in as many rows as the width needs."""
    made = QWidget()
    layout = WrapLayout(made)
    for widget in widgets:
        layout.addWidget(widget)
    return made


class FilterChips(QWidget):
    """One chip a group with its count; one is chosen."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._layout = WrapLayout(self)
        self.chips: dict[str, QPushButton] = {}
        self._state: object = None  # what the chips say

    def fill(self, counts: Mapping[str, int], current: str) -> None:
        """Show `all` and every group that has something; only the choice changes where it can."""
        state = (tuple(counts.items()), current_language(), tokens())
        if state == self._state:
            for name, made in self.chips.items():
                made.setChecked(name == current)
            return
        self._state = state
        while (item := self._layout.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self.chips = {}
        for name in (ALL, *(group for group, count in counts.items() if count)):
            text = tr(name) + (f" {counts[name]}" if name != ALL else "")
            made = chip(text, "", partial(self.chosen.emit, name))
            made.setIcon(legend_of(name))
            made.setIconSize(QSize(16, 10))
            made.setCheckable(True)
            made.setChecked(name == current)
            made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            self._layout.addWidget(made)
            made.show()
            self.chips[name] = made
        self.updateGeometry()

"""Ctrl+K: every action and every open series, found by a few letters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from medview.core.words import tr
from medview.gui.style import GRID


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the palette."""

    text: str
    keys: str
    run: Callable[[], object]


class Palette(QDialog):
    """A list that narrows as one types; Enter does the first, arrows choose."""

    def __init__(self, entries: Sequence[Entry], parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._entries = entries
        self.setMinimumWidth(460)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search actions and studies"))
        self.search.setAccessibleName(tr("Search actions and studies"))
        self.list = QListWidget()
        self.list.setMinimumHeight(320)
        layout.addWidget(self.search)
        layout.addWidget(self.list)
        self.search.textChanged.connect(self._narrow)
        self.search.returnPressed.connect(self._do)
        self.search.installEventFilter(self)
        self.list.itemClicked.connect(lambda _item: self._do())
        self._narrow("")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows in the search line move through the list."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if step is not None:
                line = min(max(self.list.currentRow() + step, 0), self.list.count() - 1)
                self.list.setCurrentRow(line)
                return True
        return super().eventFilter(watched, event)

    def _narrow(self, typed: str) -> None:
        words = typed.casefold().split()
        self.list.clear()
        for number, entry in enumerate(self._entries):
            if all(word in entry.text.casefold() for word in words):
                item = QListWidgetItem(f"{entry.text}    {entry.keys}".rstrip())
                item.setData(Qt.ItemDataRole.UserRole, number)
                self.list.addItem(item)
        self.list.setCurrentRow(0)

    def _do(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            entry = self._entries[int(item.data(Qt.ItemDataRole.UserRole))]
            self.accept()
            entry.run()

"""Ctrl+K: every action and every open series, found by a few letters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QHeaderView,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from medview.core.study import shown_name
from medview.core.words import tr
from medview.gui.actions import GROUPS, ROWS
from medview.gui.dialogs.matching import mismatch
from medview.gui.style import GRID

if TYPE_CHECKING:
    from medview.gui.window import MainWindow


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the palette. also: other words that find it, the English ones in Chinese."""

    text: str
    keys: str
    run: Callable[[], object]
    also: str = ""


def entries_of(window: MainWindow) -> list[Entry]:
    """Every action with its keys and its menu, and every open series."""
    actions = window.actions_
    found = [
        Entry(
            f"{tr(GROUPS[row.group])} · {actions[row.id].iconText()}",
            actions.keys_of(actions[row.id]),
            actions[row.id].trigger,
            also=f"{GROUPS[row.group]} {row.title}",
        )
        for row in ROWS
        if row.is_listed
    ]
    for place in window.session.studies.places():
        words = (
            place.study.date,
            place.series.description or place.series.modality,
            shown_name(place.patient.name),
        )
        text = " · ".join(word for word in words if word)
        found.append(Entry(text, "", partial(window.show_series, place.key)))
    found += [
        Entry(tr("Hang: {rule}", rule=tr(rule.name)), "", partial(window.hanging.choose, rule))
        for rule in window.hanging.fitting()
    ]
    return found


class Palette(QDialog):
    """A list that narrows as one types; Enter does the first, arrows choose."""

    def __init__(self, entries: Sequence[Entry], parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._entries = entries
        self.setMinimumWidth(520)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search actions and studies"))
        self.search.setAccessibleName(tr("Search actions and studies"))
        self.list = QTreeWidget()
        self.list.setColumnCount(2)
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.header().setStretchLastSection(False)
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.list.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.list.setAccessibleName(tr("Actions"))
        self.list.setMinimumHeight(320)
        layout.addWidget(self.search)
        layout.addWidget(self.list)
        self.search.textChanged.connect(self._narrow)
        self.search.returnPressed.connect(self._do)
        self.search.installEventFilter(self)
        self.list.itemClicked.connect(lambda _item, _column: self._do())
        self.list.itemActivated.connect(lambda _item, _column: self._do())
        self._narrow("")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows in the search line move through the list."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if step is not None:
                item = self.list.currentItem()
                now = 0 if item is None else self.list.indexOfTopLevelItem(item)
                self._choose(min(max(now + step, 0), self.list.topLevelItemCount() - 1))
                return True
        return super().eventFilter(watched, event)

    def _narrow(self, typed: str) -> None:
        ranked = []
        for number, entry in enumerate(self._entries):
            found = (mismatch(typed, text) for text in (entry.text, entry.also) if text)
            fits = [each for each in found if each is not None]
            if fits:
                ranked.append((min(fits), number))
        self.list.clear()
        for _, number in sorted(ranked):
            entry = self._entries[number]
            item = QTreeWidgetItem([entry.text, entry.keys])
            item.setData(0, Qt.ItemDataRole.UserRole, number)
            self.list.addTopLevelItem(item)
        self._choose(0)

    def _choose(self, line: int) -> None:
        item = self.list.topLevelItem(line)
        if item is not None:
            self.list.setCurrentItem(item)

    def _do(self) -> None:
        item = self.list.currentItem()
        if item is not None and self.isVisible():
            entry = self._entries[int(item.data(0, Qt.ItemDataRole.UserRole))]
            self.accept()
            entry.run()

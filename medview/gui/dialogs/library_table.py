"""The worklist's table: one line a study, sorted by a click on a heading."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from medview.core.study import shown_name
from medview.core.words import tr

if TYPE_CHECKING:
    from medview.library import StudyEntry

_Index = QModelIndex | QPersistentModelIndex
_WIDTHS = (160, 110, 92, 100, 76, 200, 64, 120)
COLUMNS, _IMAGES = 9, 6


class WorklistModel(QAbstractTableModel):
    """Studies as text."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._entries: list[StudyEntry] = []
        self._order = (3, Qt.SortOrder.DescendingOrder)

    def fill(self, entries: Sequence[StudyEntry]) -> None:
        """Show these."""
        self.beginResetModel()
        self._entries = list(entries)
        self._sort()
        self.endResetModel()

    def entry(self, line: int) -> StudyEntry | None:
        """The study of a line."""
        return self._entries[line] if 0 <= line < len(self._entries) else None

    def line_of(self, study: int) -> int:
        """The line of a study's row id, -1 where it is not shown."""
        return next((line for line, e in enumerate(self._entries) if e.id == study), -1)

    def rowCount(self, parent: _Index | None = None) -> int:
        """How many studies."""
        return 0 if parent is not None and parent.isValid() else len(self._entries)

    def columnCount(self, _parent: _Index | None = None) -> int:
        """How many columns."""
        return COLUMNS

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """The names of the columns."""
        if role == Qt.ItemDataRole.TextAlignmentRole and section == _IMAGES:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role != Qt.ItemDataRole.DisplayRole or orientation != Qt.Orientation.Horizontal:
            return None
        return _names()[section]

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text, and whole in the tip; numbers stand on the right."""
        entry = self.entry(index.row())
        if entry is None:
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return _cells(entry)[index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() == _IMAGES:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{_names()[index.column()]}: {_cells(entry)[index.column()]}"
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """By one column, the newest first within it."""
        self._order = (column, order)
        self.layoutAboutToBeChanged.emit()
        self._sort()
        self.layoutChanged.emit()

    def _sort(self) -> None:
        column, order = self._order
        self._entries.sort(key=lambda e: (e.date, e.time), reverse=True)
        self._entries.sort(
            key=lambda e: e.images if column == _IMAGES else _cells(e)[column].casefold(),
            reverse=order == Qt.SortOrder.DescendingOrder,
        )


def _names() -> tuple[str, ...]:
    return (
        tr("Patient"),
        tr("Patient ID"),
        tr("Born"),
        tr("Study date"),
        tr("Modality"),
        tr("Description"),
        tr("Images"),
        tr("Tags"),
        tr("Place"),
    )


def _cells(entry: StudyEntry) -> tuple[str, ...]:
    return (
        shown_name(entry.patient.name).replace("^", " ") or tr("No name"),
        entry.patient.id,
        entry.patient.birth_date,
        entry.date,
        "/".join(entry.modalities),
        entry.description or ", ".join(entry.body_parts),
        str(entry.images),
        ", ".join(entry.tags),
        tr("in the library") if entry.is_copy else entry.place,
    )


def make_table(model: WorklistModel) -> QTableView:
    """A table that is walked by lines."""
    table = QTableView()
    table.setModel(model)
    table.setAccessibleName(tr("Studies in the library"))
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setTabKeyNavigation(False)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(28)
    header = table.horizontalHeader()
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    header.setHighlightSections(False)
    for column, width in enumerate(_WIDTHS):
        header.resizeSection(column, width)
    header.setSectionResizeMode(COLUMNS - 1, QHeaderView.ResizeMode.Stretch)
    header.setSortIndicator(3, Qt.SortOrder.DescendingOrder)
    table.setSortingEnabled(True)
    return table


def first_and_last_day(typed: str) -> tuple[str, str] | None:
    """The ISO days that a day, month or year spans, empty for none; None for no date at all."""
    typed = typed.strip()
    if not re.fullmatch(r"(\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?)?", typed):
        return None
    # Compared as text: a month's last day may stand past its end.
    first, last = {4: ("-01-01", "-12-31"), 7: ("-01", "-31")}.get(len(typed), ("", ""))
    return typed + first, typed + last

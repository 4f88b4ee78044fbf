"""Window presets in the settings: name, width and level, for each modality and unit."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from medview.core.errors import InvalidInput
from medview.core.words import tr
from medview.gui.cards import button, label, row
from medview.gui.style import GRID
from medview.gui.views.corners import figure
from medview.imaging.preset_files import Groups, Preset, checked_preset, shipped_groups

_NEW = (400.0, 40.0)  # width and level of a row that was just added


class PresetsPage(QWidget):
    """The order is that of the keys 2 to 9; every change that makes sense holds at once."""

    changed = Signal(object)  # Groups

    def __init__(self, groups: Groups, parent: QWidget) -> None:
        super().__init__(parent)
        self._groups = dict(groups)
        self._is_filling = False
        self.group = QComboBox()
        for key in self._groups:
            self.group.addItem(" · ".join(part for part in key if part), "|".join(key))
        self.group.setAccessibleName(tr("Modality and unit"))
        self.table = QTableWidget(0, 4)
        self.table.setHorizontalHeaderLabels([tr("Key"), tr("Preset"), tr("Width"), tr("Level")])
        self.table.setAccessibleName(tr("Window presets"))
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.table.setMinimumHeight(260)
        self.said = label("", "warn")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 3 * GRID)
        layout.setSpacing(2 * GRID)
        layout.addWidget(self.group)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.said)
        layout.addWidget(
            row(
                button(tr("Add"), "", self.add),
                button(tr("Remove"), "", self.remove),
                button(tr("Up"), "", lambda: self.shift(-1)),
                button(tr("Down"), "", lambda: self.shift(1)),
                None,
                button(tr("Reset"), "", self.reset),
            )
        )
        self.group.currentIndexChanged.connect(self._fill)
        self.table.itemChanged.connect(self._edited)
        self._fill()

    # -- what the reader does --------------------------------------------------------------

    def add(self) -> None:
        """A further preset, below the others."""
        self._use((*self._presets(), checked_preset(tr("New"), *_NEW)), len(self._presets()))

    def remove(self) -> None:
        """Without the chosen one."""
        at = self.table.currentRow()
        if at >= 0:
            kept = self._presets()
            self._use(kept[:at] + kept[at + 1 :], min(at, len(kept) - 2))

    def shift(self, step: int) -> None:
        """The chosen one a place up or down: its key changes with it."""
        at, rows = self.table.currentRow(), list(self._presets())
        if at >= 0 and 0 <= at + step < len(rows):
            rows.insert(at + step, rows.pop(at))
            self._use(tuple(rows), at + step)

    def reset(self) -> None:
        """This modality's presets as MedView has them."""
        self._use(shipped_groups().get(self._key, ()), 0)

    # -- how it stands ------------------------------------------------------------------------

    @property
    def _key(self) -> tuple[str, str]:
        modality, _, unit = str(self.group.currentData()).partition("|")
        return modality, unit

    def _presets(self) -> tuple[Preset, ...]:
        return self._groups[self._key]

    def _use(self, presets: tuple[Preset, ...], chosen: int) -> None:
        self._groups[self._key] = presets
        self._fill()
        self.table.setCurrentCell(chosen, 1)
        self.changed.emit(dict(self._groups))

    def _fill(self) -> None:
        self._is_filling = True
        self.said.setText("")
        self.table.setRowCount(len(self._presets()))
        for at, preset in enumerate(self._presets()):
            key = str(at + 2) if at < 8 else ""
            numbers = (figure(preset.window.width), figure(preset.window.center))
            for column, words in enumerate((key, tr(preset.name), *numbers)):
                item = QTableWidgetItem(words)
                if column == 0:
                    item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
                self.table.setItem(at, column, item)
        self._is_filling = False

    def _edited(self, item: QTableWidgetItem) -> None:
        if self._is_filling:
            return
        before = self._presets()[item.row()]
        name, width, level = (self._words(item.row(), column) for column in (1, 2, 3))
        try:
            made = checked_preset(
                before.name if name == tr(before.name) else name,
                _number(width),
                _number(level),
                function=before.window.function,
            )
        except InvalidInput as error:
            self.said.setText(str(error.what))
            return
        rows = list(self._presets())
        rows[item.row()] = made
        self._use(tuple(rows), item.row())

    def _words(self, at: int, column: int) -> str:
        item = self.table.item(at, column)
        return "" if item is None else item.text().strip()


def _number(words: str) -> float:
    try:
        return float(words.replace("−", "-").replace(",", "."))
    except ValueError:
        return float("nan")

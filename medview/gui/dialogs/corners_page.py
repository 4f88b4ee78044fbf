"""Corner texts in the settings: a template per corner, with the fields there are."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QPlainTextEdit, QVBoxLayout, QWidget

from medview.core.words import tr
from medview.gui.cards import button, label, row
from medview.gui.style import GRID
from medview.gui.views.corner_templates import CORNERS, FIELDS, fault_of


class CornersPage(QWidget):
    """Each change that makes sense holds at once; what does not is said and waits."""

    changed = Signal(object)  # dict of templates by corner

    def __init__(self, templates: Mapping[str, str], parent: QWidget) -> None:
        super().__init__(parent)
        self.edits: dict[str, QPlainTextEdit] = {}
        self.said = label("", "warn")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 3 * GRID)
        layout.setSpacing(2 * GRID)
        layout.addWidget(
            label(tr("What stands in the corners; an empty one stands as MedView has it."), "muted")
        )
        grid = QGridLayout()
        grid.setSpacing(2 * GRID)
        for number, corner in enumerate(CORNERS):
            grid.addWidget(self._corner(corner, templates.get(corner, "")), number // 2, number % 2)
        layout.addLayout(grid)
        names = "  ".join(f"{{{name}}}" for name in FIELDS)
        layout.addWidget(label(f"{tr('Fields')}: {names}", "small"))
        layout.addWidget(self.said)
        layout.addStretch(1)
        layout.addWidget(row(None, button(tr("Reset all"), "", self.reset)))

    def reset(self) -> None:
        """Every corner as MedView has it."""
        for edit in self.edits.values():
            edit.clear()

    def _corner(self, corner: str, template: str) -> QWidget:
        titles = {
            "upper_left": tr("Upper left"),
            "upper_right": tr("Upper right"),
            "lower_left": tr("Lower left"),
            "lower_right": tr("Lower right"),
        }
        place = QWidget()
        column = QVBoxLayout(place)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        edit = QPlainTextEdit(template)
        edit.setAccessibleName(titles[corner])
        edit.setTabChangesFocus(True)
        edit.setMaximumHeight(84)
        edit.textChanged.connect(self._tell)
        column.addWidget(label(titles[corner], "muted"))
        column.addWidget(edit)
        self.edits[corner] = edit
        return place

    def _tell(self) -> None:
        texts = {corner: edit.toPlainText().strip() for corner, edit in self.edits.items()}
        faults = [fault for fault in map(fault_of, texts.values()) if fault is not None]
        self.said.setText(str(faults[0]) if faults else "")
        if not faults:
            self.changed.emit(texts)

"""What the library asks before it changes something: tags, and whether to forget a patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QLineEdit, QVBoxLayout, QWidget

from medview.core.study import shown_name
from medview.core.words import tr
from medview.gui.cards import button, label, row
from medview.gui.style import GRID

if TYPE_CHECKING:
    from medview.session.forgetting import Forgettable


class TagsDialog(QDialog):
    """One line of tags, commas between."""

    chosen = Signal(object)  # tuple of tags

    def __init__(self, tags: tuple[str, ...], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Tags"))
        self.setMinimumWidth(380)
        layout = _layout(self)
        self.line = QLineEdit(", ".join(tags))
        self.line.setAccessibleName(tr("Tags, with commas between"))
        self.line.setPlaceholderText(tr("Tags, with commas between"))
        layout.addWidget(self.line)
        keep = button(tr("Keep"), "primary", self._keep)
        layout.addWidget(row(None, button(tr("Cancel"), "", self.reject), keep))
        keep.setDefault(True)  # only now: a button outside its dialog is the default of none

    def _keep(self) -> None:
        parts = self.line.text().replace("，", ",").split(",")
        self.accept()
        self.chosen.emit(tuple(part.strip() for part in parts if part.strip()))


class ForgetDialog(QDialog):
    """Says what goes and what stays; Enter does not confirm, forgetting cannot be undone."""

    confirmed = Signal()

    def __init__(self, item: Forgettable, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Forget this patient"))
        self.setMinimumWidth(460)
        layout = _layout(self)
        patient = item.patient
        layout.addWidget(
            label(shown_name(patient.name).replace("^", " ") or tr("No name"), "title")
        )
        facts = (f"ID {patient.id}" if patient.id else "", patient.birth_date)
        layout.addWidget(label(" · ".join(fact for fact in facts if fact), "muted"))
        layout.addWidget(label(tr("These go, and cannot be brought back:")))
        for sentence in item.words():
            layout.addWidget(label(f"•  {sentence}"))
        if item.known is not None and item.known.files:
            stays = tr(
                "Image files outside the library ({count}) are yours: they stay where they are.",
                count=item.known.files,
            )
            layout.addWidget(label(stays, "muted"))
        cancel = button(tr("Cancel"), "", self.reject)
        self.confirm = button(tr("Forget this patient"), "danger", self._confirm)
        self.confirm.setAutoDefault(False)
        layout.addWidget(row(None, cancel, self.confirm))
        cancel.setDefault(True)
        cancel.setFocus()

    def _confirm(self) -> None:
        self.accept()
        self.confirmed.emit()


def _layout(dialog: QDialog) -> QVBoxLayout:
    layout = QVBoxLayout(dialog)
    layout.setContentsMargins(4 * GRID, 4 * GRID, 4 * GRID, 3 * GRID)
    layout.setSpacing(2 * GRID)
    return layout

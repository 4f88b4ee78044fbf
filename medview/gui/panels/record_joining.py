"""Whose a document is: both identities side by side, the reader's word, and how to take it back."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QGridLayout, QVBoxLayout, QWidget

from medview.core.words import tr
from medview.gui.cards import Card, button, label, row
from medview.gui.style import GRID
from medview.record import Belonging
from medview.session.documents import OpenDocument


def identity_grid(match: Belonging) -> QWidget:
    """What the document says and what the study says, a row each; differences are marked."""
    grid = QWidget()
    cells = QGridLayout(grid)
    cells.setContentsMargins(0, 0, 0, 0)
    cells.setHorizontalSpacing(3 * GRID)
    cells.setColumnStretch(1, 1)
    cells.setColumnStretch(2, 1)
    for column, said in enumerate(("", tr("Document"), tr("Open study"))):
        cells.addWidget(label(said, "small"), 0, column)
    for number, (what, theirs, ours, differs) in enumerate(match.rows, 1):
        cells.addWidget(label(str(what), "muted"), number, 0)
        mark, kind = ("≠ ", "warn") if differs else ("", "")
        cells.addWidget(label(mark + (theirs or "—"), kind), number, 1)
        cells.addWidget(label(ours or "—"), number, 2)
    return grid


class RefusedCard(Card):
    """A document of somebody else or of nobody, kept apart until the reader says otherwise."""

    asked = Signal(str)

    def __init__(self, item: OpenDocument) -> None:
        super().__init__()
        self.document_id = item.document.id
        name = item.document.title or Path(item.document.path).name
        self.setAccessibleName(name)
        self.add(label(name, "title"))
        if item.match is None:
            return
        self.add(label(str(item.match.sentence), "warn"))
        self.add(identity_grid(item.match))
        self.join = button(
            tr("Use it for this patient…"), "", lambda: self.asked.emit(self.document_id)
        )
        self.join.setToolTip(tr("Asks once more, with both identities side by side."))
        self.add(self.join)


class JoinedMark(QWidget):
    """Stands on a document that the reader took for this patient."""

    parted = Signal(str)

    def __init__(self, item: OpenDocument) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        said = tr("You took this document for this patient. {said}", said=_said(item))
        self.apart = button(
            tr("Keep it apart again"), "link", lambda: self.parted.emit(item.document.id)
        )
        layout.addWidget(label(said, "warn"))
        layout.addWidget(row(self.apart, None))


def _said(item: OpenDocument) -> str:
    return str(item.match.sentence) if item.match is not None else ""


class JoinDialog(QDialog):
    """Asks whether a document belongs to the open patient; "no" is the answer of Enter and Esc."""

    def __init__(self, item: OpenDocument, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        name = item.document.title or Path(item.document.path).name
        self.setWindowTitle(tr("Whose document is this?"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4 * GRID, 4 * GRID, 4 * GRID, 4 * GRID)
        layout.setSpacing(3 * GRID)
        layout.addWidget(label(name, "title"))
        layout.addWidget(label(_said(item), "warn"))
        if item.match is not None:
            layout.addWidget(identity_grid(item.match))
        layout.addWidget(
            label(
                tr(
                    "What it says would count for the open patient, in the lists and in the "
                    "risks. It can be undone."
                ),
                "muted",
            )
        )
        self.yes = button(tr("Use it for this patient"), "", self.accept)
        self.no = button(tr("Keep it apart"), "primary", self.reject)
        self.yes.setAutoDefault(False)
        layout.addWidget(row(None, self.yes, self.no))
        self.no.setDefault(True)
        self.setMinimumWidth(480)

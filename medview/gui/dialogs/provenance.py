"""Where a result comes from: every fact in one text that can be copied."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QVBoxLayout, QWidget

from medview.core.results import ModelRun
from medview.core.words import tr
from medview.gui.cards import button, label, row
from medview.gui.style import GRID
from medview.session.provenance_text import provenance_text
from medview.session.work import Work


class ProvenanceDialog(QDialog):
    """The provenance of one run; nothing in it can be changed."""

    def __init__(self, run: ModelRun, work: Work, parent: QWidget) -> None:
        super().__init__(parent)
        self._run, self._work = run, work
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(180 * GRID, 130 * GRID)
        self._title = label("", "title")
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.copy = button("", "primary", self._copy)
        self._close = button("", "", self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4 * GRID, 4 * GRID, 4 * GRID, 4 * GRID)
        layout.setSpacing(3 * GRID)
        layout.addWidget(self._title)
        layout.addWidget(self.text, 1)
        layout.addWidget(row(self.copy, None, self._close))
        self._retranslate()

    def changeEvent(self, event: QEvent) -> None:
        """Another language: the same facts in its words."""
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _retranslate(self) -> None:
        self.setWindowTitle(tr("How this result was made"))
        self._title.setText(tr(self._run.model.title or self._run.model.name))
        self.text.setPlainText(provenance_text(self._run, self._work))
        self.text.setAccessibleName(tr("How this result was made"))
        for made, words in ((self.copy, tr("Copy")), (self._close, tr("Close"))):
            made.setText(words)
            made.setAccessibleName(words)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())
        self.copy.setText(tr("Copied"))

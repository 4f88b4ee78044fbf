"""Which models run by themselves when a study opens: by modality and words of its description."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QCheckBox, QDialog, QGridLayout, QLineEdit, QVBoxLayout, QWidget
from shiboken6 import isValid

from medview.core.settings import save_settings
from medview.core.words import tr
from medview.gui.cards import button, label, row
from medview.gui.operations import Operations
from medview.gui.style import GRID
from medview.session import Session
from medview.session.offers import RunRule

if TYPE_CHECKING:
    from medview.ai.folder import ModelFolder


class RunRulesDialog(QDialog):
    """One row a model; what is changed holds at once and is kept in the settings."""

    def __init__(self, session: Session, operations: Operations, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._operations = session, operations
        self._models: tuple[ModelFolder, ...] | None = None
        self.rows: dict[str, tuple[QCheckBox, QLineEdit, QLineEdit]] = {}
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(170 * GRID, 100 * GRID)
        self._about = label("", "muted")
        self._table = QGridLayout()
        self._table.setHorizontalSpacing(3 * GRID)
        self._table.setVerticalSpacing(2 * GRID)
        self._close = button("", "primary", self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4 * GRID, 4 * GRID, 4 * GRID, 4 * GRID)
        layout.setSpacing(3 * GRID)
        layout.addWidget(self._about)
        layout.addLayout(self._table)
        layout.addStretch(1)
        layout.addWidget(row(None, self._close))
        self._retranslate()
        operations.start(self._read())

    async def _read(self) -> None:
        def models() -> tuple[ModelFolder, ...]:
            from medview.ai.catalogue import read_catalogue
            from medview.ai.gate import needs_lesion

            return tuple(m for m in read_catalogue().for_images if not needs_lesion(m))

        self._models = await self._operations.call(models)
        if isValid(self):  # it may have been closed meanwhile
            self._fill()

    def changeEvent(self, event: QEvent) -> None:
        """Another language."""
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _retranslate(self) -> None:
        self.setWindowTitle(tr("Models that run by themselves"))
        self._about.setText(
            tr(
                "A model that is chosen here runs when a study opens, on series that it is made "
                "for. Leave the fields empty for all of them."
            )
        )
        self._close.setText(tr("Close"))
        self._close.setAccessibleName(tr("Close"))
        self._fill()

    def _fill(self) -> None:
        while self._table.count():
            item = self._table.takeAt(0)
            widget = None if item is None else item.widget()
            if widget is not None:
                widget.deleteLater()
        self.rows = {}
        if self._models is None:
            self._table.addWidget(label(tr("Reading the models …"), "muted"), 0, 0)
            return
        heads = (tr("Model"), tr("Modality"), tr("Words of the description"))
        for column, words in enumerate(heads):
            self._table.addWidget(label(words, "caption"), 0, column)
        for number, model in enumerate(self._models, start=1):
            self._add(number, model)

    def _add(self, number: int, model: ModelFolder) -> None:
        stored = self._session.settings.run_rules.get(model.name)
        rule = RunRule.read(stored or "")
        box = QCheckBox(tr(model.title))
        box.setChecked(stored is not None)
        modality, words = QLineEdit(rule.modality), QLineEdit(rule.words)
        modality.setMaximumWidth(24 * GRID)
        modality.setPlaceholderText(tr("any"))
        words.setPlaceholderText(tr("any"))
        for field, name in ((modality, tr("Modality")), (words, tr("Words of the description"))):
            field.setAccessibleName(f"{tr(model.title)}: {name}")
            field.setEnabled(stored is not None)
            field.editingFinished.connect(self._keep)
        box.toggled.connect(self._keep)
        self.rows[model.name] = (box, modality, words)
        for column, widget in enumerate((box, modality, words)):
            self._table.addWidget(widget, number, column)

    def _keep(self, _on: bool = False) -> None:
        rules = {}
        for name, (box, modality, words) in self.rows.items():
            modality.setEnabled(box.isChecked())
            words.setEnabled(box.isChecked())
            if box.isChecked():
                rule = RunRule(modality=modality.text().strip().upper(), words=words.text().strip())
                rules[name] = rule.write()
        self._session.settings = replace(self._session.settings, run_rules=rules)
        save_settings(self._session.settings)

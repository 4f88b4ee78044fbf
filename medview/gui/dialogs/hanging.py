"""The hanging rules: a list, the text of the chosen one, what is wrong in it, what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QTimer
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QListWidget,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from medview.core.errors import MedViewError
from medview.core.paths import from_home
from medview.core.words import tr
from medview.gui.cards import button, label, row, swap
from medview.gui.style import GRID
from medview.session.hanging import Rule
from medview.session.hanging_book import RuleBook, text_of
from medview.session.hanging_files import own_folder, read_text, said_of

if TYPE_CHECKING:
    from medview.gui.hanging_work import HangingWork

_CHECK_MS = 250


class HangingDialog(QDialog):
    """Double click hangs; the text may be changed, and is checked while one types."""

    def __init__(self, work: HangingWork, book: RuleBook, parent: QWidget) -> None:
        super().__init__(parent)
        self._work = work
        self._book = book
        self._shown: list[Rule] = []
        self.setMinimumSize(760, 480)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        self._body = QWidget()
        outer.addWidget(self._body)
        self._later = QTimer(self, singleShot=True, interval=_CHECK_MS)
        self._later.timeout.connect(self._check)
        self._build()

    def changeEvent(self, event: QEvent) -> None:
        """Another language: everything in its words."""
        if event.type() == QEvent.Type.LanguageChange:
            self._build()
        super().changeEvent(event)

    # -- how it looks ----------------------------------------------------------------------

    def _build(self) -> None:
        self.setWindowTitle(tr("Hanging rules"))
        before, self._body = self._body, QWidget()
        layout = QVBoxLayout(self._body)
        layout.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 3 * GRID)
        layout.setSpacing(2 * GRID)
        self.list = QListWidget()
        self.list.setFixedWidth(280)
        self.list.setAccessibleName(tr("Hanging rules"))
        self.list.currentItemChanged.connect(self._show_text)
        self.list.itemActivated.connect(self._hang)
        self.text = QPlainTextEdit()
        self.text.setAccessibleName(tr("Text of the rule"))
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.textChanged.connect(self._later.start)
        columns = QHBoxLayout()
        columns.setSpacing(2 * GRID)
        columns.addWidget(self.list)
        columns.addWidget(self.text, 1)
        layout.addLayout(columns, 1)
        self.said = label("", "muted")
        layout.addWidget(self.said)
        self.hang_button = button(tr("Hang"), "primary", self._hang)
        self.keep_button = button(tr("Save"), "", self._keep)
        self.delete_button = button(tr("Delete"), "", self._delete)
        self.undo_button = button(tr("Undo"), "", self._undo)
        close = button(tr("Close"), "", self.accept)
        parts = (self.hang_button, self.keep_button, self.delete_button, self.undo_button)
        for part in (*parts, close):
            part.setAutoDefault(False)
        layout.addWidget(row(*parts, None, close))
        swap(self, before, self._body)
        self.fill()

    def fill(self, chosen: str = "") -> None:
        """The rules as they are now: those that fit first, then the others."""
        rules = self._book.read_again()
        fitting = self._work.fitting()
        others = [rule for rule in rules.rules if rule not in fitting]
        now = self._work.rule
        chosen = chosen or ("" if now is None else now.id)
        self.list.clear()
        self._shown = [*fitting, *others]
        for rule in self._shown:
            self.list.addItem(self._title(rule, fits=rule in fitting))
        ids = [rule.id for rule in self._shown]
        self.list.setCurrentRow(ids.index(chosen) if chosen in ids else 0)
        notes = [str(said_of(note)) for note in rules.notes]
        folder = tr("Rules of your own lie in {folder}.", folder=from_home(own_folder()))
        self.said.setText("\n".join([*notes, folder]))
        name = self._book.undo_name
        self.undo_button.setEnabled(name is not None)
        self.undo_button.setToolTip("" if name is None else tr("Undo: {name}", name=name))

    def _title(self, rule: Rule, *, fits: bool) -> str:
        marks = [tr("mine")] if rule.is_own else []
        marks += [tr("in use")] if rule == self._work.rule else []
        marks += [tr("fits")] if fits and rule != self._work.rule else []
        return " · ".join([tr(rule.name), *marks])

    @property
    def chosen(self) -> Rule | None:
        """The rule that is marked in the list."""
        number = self.list.currentRow()
        return self._shown[number] if 0 <= number < len(self._shown) else None

    # -- what the reader does ----------------------------------------------------------------

    def _show_text(self) -> None:
        rule = self.chosen
        self.text.setPlainText("" if rule is None else text_of(rule))
        self._later.stop()
        self.keep_button.setEnabled(False)
        self.delete_button.setEnabled(rule is not None and rule.is_own)
        self.hang_button.setEnabled(rule is not None and rule in self._work.fitting())

    def _check(self) -> None:
        """What is wrong in the text, or that it may be saved."""
        rule = self.chosen
        if rule is None:
            return
        text = self.text.toPlainText()
        try:
            read_text(text, rule.file)
        except MedViewError as error:
            self.said.setText(str(error.what))
            self.keep_button.setEnabled(False)
            return
        is_changed = text != text_of(rule)
        self.keep_button.setEnabled(is_changed)
        if is_changed:
            words = tr("Saved, this is your own rule.") if not rule.is_own else ""
            self.said.setText(words)

    def _hang(self) -> None:
        rule = self.chosen
        if rule is not None and self.hang_button.isEnabled():
            self._work.choose(rule)
            self.fill(rule.id)

    def _keep(self) -> None:
        rule = self.chosen
        if rule is not None:
            self._change(lambda: self._book.rewrite(rule, self.text.toPlainText()), rule.id)

    def _delete(self) -> None:
        rule = self.chosen
        if rule is not None and rule.is_own:
            self._change(lambda: self._book.delete(rule), "")

    def _undo(self) -> None:
        rule = self.chosen
        self._change(self._book.undo, "" if rule is None else rule.id)

    def _change(self, work: Callable[[], object], chosen: str) -> None:
        try:
            work()
        except MedViewError as error:
            self.said.setText(str(error.what))
            return
        self.fill(chosen)

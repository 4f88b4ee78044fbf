"""The model manager: which models there are, what for, who vouches for each, its self-test."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from medview.ai.signature import badge
from medview.core.errors import MedViewError
from medview.core.progress import CancelToken
from medview.core.words import say, tr
from medview.gui.cards import button, label, row
from medview.gui.dialogs.files import ask_file, ask_folder
from medview.gui.operations import Operations
from medview.gui.style import GRID
from medview.session import model_manager
from medview.session.model_manager import Candidate, ShownModel

T = TypeVar("T")
_LIST_WIDTH = 300
_KINDS = {
    "segmentation": say("outlines"), "classification": say("a class with its probability"),
    "detection": say("places of findings"), "rules": say("rules, no net"),
    "tabular": say("risk from values"), "text": say("names in texts"),
    "router": say("which kind of picture it is"),
}  # fmt: skip


class ModelsDialog(QDialog):
    """A list, and the card of the one that is chosen; a new one is looked at before it is added."""

    changed = Signal()  # a model was added, allowed or removed

    def __init__(self, operations: Operations, parent: QWidget) -> None:
        super().__init__(parent)
        self._operations = operations
        self._cancel = CancelToken()
        self._models: tuple[ShownModel, ...] = ()
        self._candidate: Candidate | None = None
        self._is_left = False
        self.is_busy = self.is_refused = False
        self.resize(940, 660)
        self.list = QListWidget()
        self.list.setFixedWidth(_LIST_WIDTH)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.currentRowChanged.connect(lambda _row: self._show())
        self.head, self.about = label("", "title"), label("", "muted")
        self.vouched, self.said = label("", "warn"), label("", "")
        self.card = QTextBrowser()
        self.card.setOpenLinks(False)
        self.agreed = QCheckBox()
        self.agreed.toggled.connect(lambda _on: self._show_buttons())
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, 0)
        self.folder = button("", "", self._choose_folder)
        self.archive = button("", "", self._choose_archive)
        self.stop = button("", "", self._stop)
        self.test = button("", "", self._test)
        self.remove = button("", "", self._remove)
        self.allow = button("", "primary", self._allow)
        self.discard = button("", "", self._discard)
        self.keep = button("", "primary", self._keep)
        self.shut = button("", "", self.close)
        self._lay_out()
        self.finished.connect(self._leave)
        self._retranslate()
        self._refresh("")

    def look_at(self, path: Path) -> None:
        """Check and test what lies at a path; the reader then adds or leaves it."""
        self._discard()

        async def action() -> None:
            found = await self._called(model_manager.look_at, path, self._cancel)
            if found is not None and self._is_left:
                await self._operations.call(found.discard)
            elif found is not None:
                self._candidate = found
                self.agreed.setChecked(found.shown.signature == "known")
                self._show()

        self._start(tr("Looking at the model and running its self-test"), action)

    def closeEvent(self, event: QCloseEvent) -> None:
        """What was not added is left."""
        self._leave()
        super().closeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Another language: what is shown is said in it."""
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
            self._fill(self._current_name())
        super().changeEvent(event)

    # -- how it looks ------------------------------------------------------------------------

    def _lay_out(self) -> None:
        right = QVBoxLayout()
        right.setSpacing(2 * GRID)
        for widget in (self.head, self.about, self.vouched, self.said, self._bar):
            right.addWidget(widget)
        right.addWidget(self.card, 1)
        right.addWidget(self.agreed)
        columns = QHBoxLayout()
        columns.setSpacing(3 * GRID)
        columns.addWidget(self.list)
        columns.addLayout(right, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 3 * GRID)
        layout.addLayout(columns, 1)
        layout.addWidget(row(self.folder, self.archive, None, self.stop, self.test, self.remove,
                             self.allow, self.discard, self.keep, self.shut))  # fmt: skip

    def _retranslate(self) -> None:
        self.setWindowTitle(tr("Models"))
        self.list.setAccessibleName(tr("Models"))
        self.card.setAccessibleName(tr("Card of the model"))
        self._bar.setAccessibleName(tr("Progress"))
        for control, words, tip in (
            (self.folder, tr("Add a folder…"), tr("A model folder, or one of nnU-Net v2")),
            (self.archive, tr("Add an archive…"), tr("A model as zip or tar archive")),
            (self.stop, tr("Stop"), ""),
            (
                self.test,
                tr("Run the self-test"),
                tr("In a process of its own, with time and memory"),
            ),
            (self.remove, tr("Remove"), tr("Deletes the model that you added")),
            (self.allow, tr("Use it"), tr("Your consent holds for these very bytes")),
            (self.discard, tr("Leave it"), tr("Nothing of it stays")),
            (self.keep, tr("Add it"), ""),
            (self.shut, tr("Close"), ""),
        ):
            control.setText(words)
            control.setAccessibleName(words)
            control.setToolTip(tip)
        self.agreed.setText(
            tr("I have read what it is for, and use it although no known key signed it")
        )

    def _show(self) -> None:
        model = self._candidate.shown if self._candidate is not None else self._current()
        if model is None:
            self.head.setText(tr("No models"))
            self._show_buttons()
            return
        self.head.setText(tr(model.title) if model.title else model.name)
        self.about.setText(" · ".join(_facts(model)))
        mark = badge(model.signature)
        self.vouched.setText(str(model.signed or ""))
        self.vouched.setVisible(mark is not None)
        self.said.setText(self._saying(model))
        self.card.setMarkdown(model.card)
        self._show_buttons()

    def _saying(self, model: ShownModel) -> str:
        if self._candidate is not None:
            return tr("Not added yet: {outcome}.", outcome=self._candidate.test.said)
        if model.fault:
            return model.fault
        if model.waits:
            return tr("It waits: nobody agreed to use it yet.")
        return str(model.signed) if model.signature == "known" else ""

    def _show_buttons(self) -> None:
        model, candidate, idle = self._current(), self._candidate, not self.is_busy
        chosen = None if candidate is not None or not idle else model
        is_new = candidate is not None and idle
        needs_word = is_new and candidate is not None and candidate.shown.signature != "known"
        for widget, is_shown in (
            (self._bar, not idle), (self.stop, not idle),
            (self.folder, candidate is None and idle), (self.archive, candidate is None and idle),
            (self.test, chosen is not None and not chosen.fault),
            (self.remove, chosen is not None and chosen.own),
            (self.allow, chosen is not None and chosen.waits),
            (self.discard, is_new), (self.agreed, needs_word),
            (self.keep, is_new and (self.agreed.isChecked() or not needs_word)),
        ):  # fmt: skip
            widget.setVisible(bool(is_shown))
        self.list.setEnabled(candidate is None and idle)

    # -- what is done ------------------------------------------------------------------------

    def _refresh(self, name: str) -> None:
        async def action() -> None:
            found = await self._called(model_manager.list_models)
            if found is not None and not self._is_left:
                self._models = found
                self._fill(name)

        self._start("", action)

    def _fill(self, name: str) -> None:
        self.list.blockSignals(True)
        self.list.clear()
        for model in self._models:
            title = tr(model.title) if model.title else model.name
            item = QListWidgetItem(f"{title}\n{model.name} {model.version}".rstrip())
            item.setData(Qt.ItemDataRole.UserRole, model.name)
            item.setToolTip(str(badge(model.signature) or model.signed or model.fault))
            self.list.addItem(item)
        names = [model.name for model in self._models]
        self.list.setCurrentRow(names.index(name) if name in names else 0)
        self.list.blockSignals(False)
        self._show()

    def _current(self) -> ShownModel | None:
        at = self.list.currentRow()
        return self._models[at] if 0 <= at < len(self._models) else None

    def _current_name(self) -> str:
        model = self._current()
        return "" if model is None else model.name

    def _choose_folder(self) -> None:
        ask_folder(self, tr("The folder of a model"), self.look_at)

    def _choose_archive(self) -> None:
        kinds = tr("Archives") + " (*.zip *.tar *.tar.gz *.tgz *.tar.xz *.onnx)"
        ask_file(self, tr("The archive of a model"), "", kinds, self.look_at)

    def _keep(self) -> None:
        candidate, self._candidate = self._candidate, None
        if candidate is not None:
            self._change(candidate.keep, candidate.shown.name)

    def _discard(self) -> None:
        candidate, self._candidate = self._candidate, None
        if candidate is not None:
            self._change(candidate.discard, self._current_name())

    def _allow(self) -> None:
        name = self._current_name()
        self._change(lambda: model_manager.allow(name), name)

    def _remove(self) -> None:
        name = self._current_name()
        self._change(lambda: model_manager.drop(name), "")

    def _change(self, function: Callable[[], object], name: str) -> None:
        """A change of the models, then the list anew with `name` chosen."""

        async def action() -> None:
            await self._called(function)
            refusal = self.said.text() if self.is_refused else ""
            self.changed.emit()
            found = await self._called(model_manager.list_models)
            if found is not None and not self._is_left:
                self._models = found
                self._fill(name)
                self.said.setText(refusal or self.said.text())

        self._start("", action)

    def _test(self) -> None:
        name = self._current_name()

        async def action() -> None:
            said = await self._called(model_manager.test_model, name, self._cancel)
            if said is not None and not self._is_left:
                words = str(said)
                self.said.setText(words[:1].upper() + words[1:])

        self._start(tr("Running the self-test"), action)

    async def _called(self, function: Callable[..., T], *args: Any) -> T | None:
        """The result, or None where it was stopped or refused: then the reason stands here."""
        self.is_refused = False
        try:
            return await self._operations.call(function, *args)
        except MedViewError as error:
            self.is_refused = True
            if not self._is_left:
                self.said.setText(error.sentence())
            return None

    def _start(self, what: str, action: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async def whole() -> None:
            try:
                await action()
            finally:
                self.is_busy = False
                if not self._is_left:
                    self._show_buttons()

        self._cancel = CancelToken()
        self.is_busy, self.is_refused = True, False
        self.said.setText(what)
        self._show_buttons()
        self._operations.start(whole())

    def _stop(self) -> None:
        self._cancel.cancel()

    def _leave(self) -> None:
        self._is_left = True
        self._cancel.cancel()
        candidate, self._candidate = self._candidate, None
        if candidate is not None:
            candidate.discard()


def _facts(model: ShownModel) -> list[str]:
    if model.fault:
        return [model.name]
    facts = [
        f"{model.name} {model.version}",
        str(_KINDS.get(model.kind, model.kind)),
        tr("Licence: {licence}", licence=model.licence),
    ]
    return [*facts, tr("made for: {use}", use=model.use),
            tr("not for: {what}", what="; ".join(model.not_for))]  # fmt: skip

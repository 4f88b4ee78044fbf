"""The record panel in the window: its keys, its slow work in threads, its way to the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog

from medview.core.words import Sentence, say, tr
from medview.gui.bridge import SessionBridge
from medview.gui.panels.record_top import VIEWS
from medview.session.events import DocumentsChanged, Event
from medview.session.record_export import write_fhir, write_notes

if TYPE_CHECKING:
    from medview.gui.panels.record import RecordPanel
    from medview.gui.window import MainWindow
    from medview.session import Session
    from medview.session.documents import OpenDocument


class RecordWork(QObject):
    """Joins the panel with the window's actions and operations."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        window.sidebar.record_made.connect(self._join)
        window.actions_.connect("record.search", self.search)
        for view in VIEWS:
            window.actions_.connect(f"record.{view}", partial(self.show_view, view))
        window.actions_.connect("record.export_fhir", self._ask_fhir)
        window.actions_.connect("record.export_notes", self._ask_notes)
        self._had_documents = False
        SessionBridge(window.session, self).heard.connect(self._hear)

    @property
    def _panel(self) -> RecordPanel:
        return self._window.sidebar.record

    def _join(self, panel: RecordPanel) -> None:
        library = self._window.library
        library.priors_found.connect(panel.show_priors)
        panel.show_priors(library.priors)
        panel.study_asked.connect(library.open_beside)
        panel.report_asked.connect(partial(self._window.sidebar.show_tab, "report"))
        panel.top.action_asked.connect(self._window.actions_.perform)

    def _hear(self, event: Event) -> None:
        """Documents without any images: the record is what there is to see."""
        if not isinstance(event, DocumentsChanged):
            return
        session, sidebar = self._window.session, self._window.sidebar
        has_documents = bool(session.documents.opened or session.documents.unread)
        is_first = has_documents and not self._had_documents
        self._had_documents = has_documents
        if is_first:
            sidebar.make_record()  # what is known in them is reckoned before anybody looks
        if is_first and session.patient is None and sidebar.tab == "findings":
            sidebar.show_tab("record")

    def search(self) -> None:
        """The cursor into the field of the record's search."""
        self._bring_forward()
        self._panel.searching.focus()

    def show_view(self, view: str) -> None:
        """One part of the record, in front."""
        self._bring_forward()
        self._panel.show_view(view)
        self._panel.top.views[view].setFocus()

    def save_fhir(self, path: Path) -> None:
        """Write the record that is shown as a bundle of FHIR, and say what is in it."""

        def done(count: int) -> Sentence:
            return say(
                "Saved {count} {count:FHIR resource|FHIR resources} as {name}.",
                count=count,
                name=path.name,
            )

        self._save(write_fhir, path, done)

    def save_notes(self, path: Path) -> None:
        """Write the corrected notes of the record that is shown, one a line."""

        def done(count: int) -> Sentence:
            return say(
                "Saved {count} {count:corrected note|corrected notes} as {name}.",
                count=count,
                name=path.name,
            )

        self._save(write_notes, path, done)

    def _save(
        self,
        write: Callable[[Session, Sequence[OpenDocument], Path], int],
        path: Path,
        done: Callable[[int], Sentence],
    ) -> None:
        session, documents = self._window.session, self._panel.documents

        async def action() -> None:
            count = await self._window.operations.call(write, session, documents, path)
            self._window.reactions.say(done(count))

        self._window.operations.start(action())

    def _ask_fhir(self) -> None:
        self._ask_path(tr("Save the record as FHIR…"), "record.fhir.json", self.save_fhir)

    def _ask_notes(self) -> None:
        self._ask_path(tr("Save the corrected notes…"), "notes.jsonl", self.save_notes)

    def _ask_path(self, title: str, name: str, then: Callable[[Path], None]) -> None:
        dialog = QFileDialog(self._window, title)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile(name)
        dialog.fileSelected.connect(lambda chosen: then(Path(chosen)))
        dialog.open()

    def _bring_forward(self) -> None:
        self._window.sidebar.setVisible(True)
        self._window.sidebar.show_tab("record")

"""The report panel: the page as it will be printed, the reader's words, and the ways out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QStandardPaths, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from medview.core.errors import MedViewError
from medview.core.words import Sentence, say, tr
from medview.gui.bridge import SessionBridge
from medview.gui.cards import CardColumn, button, empty_state, row
from medview.gui.dialogs.files import ask_folder, ask_save
from medview.gui.panels.report_page import ReportPage
from medview.gui.panels.report_work import ReportWork
from medview.gui.style import GRID
from medview.report import ReportContent, text_of
from medview.session import Session
from medview.session.events import (
    ActiveChanged,
    DocumentsChanged,
    Event,
    KnowledgeChanged,
    Message,
    WorkChanged,
)
from medview.session.reporting import session_subject

_PAUSE_MS = 250  # several events come together; one page is made of them
_TYPING_MS = 1500


class ImpressionEdit(QPlainTextEdit):
    """The reader's own words; `left` when the cursor goes elsewhere."""

    left = Signal()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Typing has ended."""
        super().focusOutEvent(event)
        self.left.emit()


class ReportPanel(QWidget):
    """Shows the report of the active study; saves it as PDF or text, and results as DICOM."""

    page_shown = Signal()
    saved = Signal(Path)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._work = ReportWork(self)
        self._empty = CardColumn()
        self._content: ReportContent | None = None
        self._is_stale = True
        self._typed = ""
        self._pause = self._timer(_PAUSE_MS, self._make)
        self._typing = self._timer(_TYPING_MS, self._keep_impression)
        self._lay_out()
        SessionBridge(session, self).heard.connect(self._hear)
        self._work.content_made.connect(self._show_content)
        self._work.ended.connect(self._end_saving)
        self._work.progressed.connect(self._show_progress)
        self.retranslate()

    # -- what the reader asks for --------------------------------------------------------

    def save_pdf(self) -> None:
        """Ask for a name and save the report there, PDF or text by the name's ending."""
        documents = QStandardPaths.StandardLocation.DocumentsLocation
        ask_save(
            self,
            tr("Save report"),
            str(Path(QStandardPaths.writableLocation(documents)) / "report.pdf"),
            f"{tr('PDF document')} (*.pdf);;{tr('Text')} (*.txt)",
            lambda path: self.save_to(path if path.suffix else path.with_suffix(".pdf")),
        )

    def save_to(self, path: Path) -> None:
        """Save the report in the background; `saved` follows, or a message with the reason."""
        self._keep_impression()
        subject = session_subject(self._session)
        if subject is None:
            self._say(say("Open a study first."), "warn")
            return
        self._work.save_report(subject, path)
        self._show_progress(0, 0)

    def copy_text(self) -> None:
        """Put the report as text on the clipboard, for pasting into another system."""
        if self._content is not None:
            QGuiApplication.clipboard().setText(text_of(self._content))
            self._say(say("The report was copied."))

    def save_objects(self) -> None:
        """Ask for a folder and write results and measurements there as DICOM."""
        ask_folder(self, tr("Folder for DICOM results"), self.save_objects_to)

    def save_objects_to(self, folder: Path) -> None:
        """Write SEG, SR and heatmaps in the background; `saved` follows, or a message."""
        subject = session_subject(self._session)
        if subject is None:
            self._say(say("Open a study first."), "warn")
            return
        self._work.save_objects(subject, folder)
        self._show_progress(0, 0)

    @property
    def content(self) -> ReportContent | None:
        """What the page shows."""
        return self._content

    @property
    def is_busy(self) -> bool:
        """Whether a page is being made or something saved."""
        return bool(self._work.making or self._work.saving or self._pause.isActive())

    def retranslate(self) -> None:
        """Every word in the current language; the page is made again."""
        self._empty.setAccessibleName(tr("Report"))
        for made, text, hint in (
            (self._save_button, tr("Save PDF"), tr("Save the report as PDF or text")),
            (self._copy_button, tr("Copy text"), tr("Copy the report as plain text")),
            (self._objects_button, tr("Save objects"), tr("Save results as DICOM SEG and SR")),
        ):
            made.setText(text)
            made.setAccessibleName(text)
            made.setToolTip(hint)
        self._impression.setPlaceholderText(tr("Impression: your own words"))
        self._impression.setAccessibleName(tr("Impression"))
        self._page.setAccessibleName(tr("Report"))
        self._empty.fill(
            [
                empty_state(
                    tr("No report yet"),
                    tr("Open a study: its report is written here as you accept findings."),
                )
            ]
        )
        self._take_impression()
        self._renew()

    # -- Qt ------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """A page that no one sees is not made."""
        super().showEvent(event)
        if self._is_stale:
            self._make()

    def hideEvent(self, event: QHideEvent) -> None:
        """What was typed is kept before the panel goes."""
        self._keep_impression()
        super().hideEvent(event)

    # -- inside --------------------------------------------------------------------------

    def _timer(self, milliseconds: int, reaction: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(reaction)
        return timer

    def _lay_out(self) -> None:
        self._page = ReportPage()
        self._views = QStackedWidget()
        self._views.addWidget(self._page)
        self._views.addWidget(self._empty)
        self._impression: ImpressionEdit = ImpressionEdit()
        self._impression.setFixedHeight(18 * GRID)
        self._impression.setTabChangesFocus(True)
        self._impression.textChanged.connect(self._typing.start)
        self._impression.left.connect(self._keep_impression)
        self._save_button: QPushButton = button("", "primary", self.save_pdf)
        self._copy_button: QPushButton = button("", "", self.copy_text)
        self._objects_button: QPushButton = button("", "", self.save_objects)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(GRID)
        policy = self._bar.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # nothing moves under the pointer
        self._bar.setSizePolicy(policy)
        self._bar.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(2 * GRID)
        layout.addWidget(self._views, 1)
        layout.addWidget(self._impression)
        layout.addWidget(
            row(self._save_button, self._copy_button, self._objects_button, None, spacing=6)
        )
        layout.addWidget(self._bar)

    def _hear(self, event: Event) -> None:
        if isinstance(event, ActiveChanged):
            self._keep_impression()
        if isinstance(event, ActiveChanged | WorkChanged | KnowledgeChanged | DocumentsChanged):
            self._take_impression()
            self._renew()

    def _take_impression(self) -> None:
        """Show the words that are kept, unless the reader is in the middle of new ones."""
        kept = self._session.work.impression
        if kept == self._typed:
            return
        self._typed = kept
        if self._impression.toPlainText() != kept:
            self._impression.blockSignals(True)
            self._impression.setPlainText(kept)
            self._impression.blockSignals(False)

    def _keep_impression(self) -> None:
        self._typing.stop()
        text, book = self._impression.toPlainText(), self._session.book
        if book is None or text == self._typed:
            return
        self._typed = text
        book.change(say("Edit the impression"), impression=text)

    def _renew(self) -> None:
        self._is_stale = True
        has_study = self._session.active is not None
        self._views.setCurrentIndex(0 if has_study else 1)
        for widget in (
            self._save_button, self._copy_button, self._objects_button, self._impression,
        ):  # fmt: skip
            widget.setVisible(has_study)
        if self.isVisible():
            self._pause.start()

    def _make(self) -> None:
        subject = session_subject(self._session)
        self._is_stale = False
        if subject is None:
            self._content = None
            return
        self._work.make_content(subject)

    def _show_content(self, made: object) -> None:
        if isinstance(made, MedViewError):
            self._say(made.what, "bad")
        if isinstance(made, ReportContent) and not self._work.making:
            self._content = made
            self._page.show_content(made)
            self.page_shown.emit()

    def _end_saving(self, done: object) -> None:
        self._bar.setVisible(bool(self._work.saving))
        if isinstance(done, tuple):
            sentence, path = done
            self._say(sentence, where=str(path))
            self.saved.emit(path)
        elif isinstance(done, MedViewError):
            todo = done.what_to_do
            said = done.what if todo is None else say("{what} {todo}", what=done.what, todo=todo)
            self._say(said, "bad", done.where)

    def _show_progress(self, done: int, total: int) -> None:
        self._bar.setRange(0, total)
        self._bar.setValue(done)
        self._bar.show()

    def _say(self, sentence: Sentence, level: str = "info", where: str = "") -> None:
        self._session.events.send(Message(sentence, level, where))

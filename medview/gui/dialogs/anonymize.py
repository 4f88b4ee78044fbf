"""De-identified copies, step by step: settings, pictures that may show names, result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QDialog,
    QProgressBar,
    QStackedWidget,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from medview.core.errors import Cancelled, MedViewError
from medview.core.progress import CancelToken
from medview.core.words import Sentence, say, tr
from medview.dicom.anonymize import Export, Outcome, Survey, check_target, export, survey
from medview.gui.cards import button, label, row
from medview.gui.dialogs.anonymize_pictures import PicturesPage
from medview.gui.dialogs.anonymize_result import result_html
from medview.gui.dialogs.anonymize_settings import SettingsPage
from medview.gui.operations import Operations
from medview.gui.style import GRID
from medview.session.anonymizing import picture_of, secret_for

_SETTINGS, _PICTURES, _RESULT = range(3)


class AnonymizeDialog(QDialog):
    """Makes copies of what is open, or of another folder; runs beside the window."""

    progressed = Signal(int, int, str)
    finished_copies = Signal(object)

    def __init__(self, sources: Sequence[Path], operations: Operations, parent: QWidget) -> None:
        super().__init__(parent)
        self._operations = operations
        self._cancel = CancelToken()
        self._survey: Survey | None = None
        self._outcome: Outcome | None = None
        self._error: MedViewError | Sentence | None = None
        self._is_running = False
        self.resize(900, 620)
        self.settings = SettingsPage(sources)
        self.pictures = PicturesPage()
        self.account = QTextBrowser()
        self.pages = QStackedWidget()
        for page in (self.settings, self.pictures, self.account):
            self.pages.addWidget(page)
        self._title = label("", "title")
        self._said = label("", "bad")
        self._missing = label("", "muted")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._doing = label("", "small", wrap=False)
        self.back = button("", "", self._go_back)
        self.next = button("", "primary", self.go_on)
        self.stop = button("", "", self.cancel)
        self.quit = button("", "", self.close)
        self._lay_out()
        self.progressed.connect(self._show_progress)
        self._connect_pages()
        self._retranslate()

    # -- what the reader asks for --------------------------------------------------------

    def go_on(self) -> None:
        """Look through the files, then write the copies."""
        if self._is_running:
            return
        if self.pages.currentIndex() == _SETTINGS:
            if self.settings.is_complete:
                self._run(self._look)
            else:
                self.settings.show_missing()
        elif self.pages.currentIndex() == _PICTURES:
            self._run(self._write)
        else:
            self.close()

    def cancel(self) -> None:
        """Stop what is running; nothing half-made stays."""
        self._cancel.cancel()

    @property
    def is_running(self) -> bool:
        """Whether files are looked through or written."""
        return self._is_running

    @property
    def said(self) -> str:
        """What went wrong, in words; empty where nothing did."""
        return self._said.text()

    @property
    def missing(self) -> str:
        """What has to be named before it can go on, in words; empty where nothing has."""
        return self._missing.text()

    def done(self, result: int) -> None:
        """However it is closed, what is running is stopped."""
        self.cancel()
        super().done(result)

    def changeEvent(self, event: QEvent) -> None:
        """Another language: the pages are made anew with what was given and decided in them."""
        if event.type() == QEvent.Type.LanguageChange:
            self._rebuild()
        super().changeEvent(event)

    # -- inside --------------------------------------------------------------------------

    def _rebuild(self) -> None:
        page = self.pages.currentIndex()
        before = (self.settings, self.pictures)
        self.settings, self.pictures = self.settings.anew(), PicturesPage()
        self._connect_pages()
        self.pictures.take_over(before[1])
        for number, made in enumerate((self.settings, self.pictures)):
            self.pages.removeWidget(before[number])
            before[number].deleteLater()
            self.pages.insertWidget(number, made)
        self.pages.setCurrentIndex(page)
        self._retranslate()

    def _connect_pages(self) -> None:
        self.pictures.picture_wanted.connect(self._fetch_picture)
        self.settings.changed.connect(self._show_state)

    def _retranslate(self) -> None:
        self.setWindowTitle(tr("Copies without identity"))
        self.account.setAccessibleName(tr("Result"))
        for control, words in (
            (self.back, tr("Back")),
            (self.stop, tr("Stop")),
            (self.quit, tr("Close")),
        ):
            control.setText(words)
            control.setAccessibleName(words)
        if self._outcome is not None:
            self.account.setHtml(result_html(self._outcome))
        self._show_page(self.pages.currentIndex())

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4 * GRID, 4 * GRID, 4 * GRID, 3 * GRID)
        layout.setSpacing(3 * GRID)
        layout.addWidget(self._title)
        layout.addWidget(self.pages, 1)
        layout.addWidget(self._said)
        layout.addWidget(self._missing)
        layout.addWidget(self._bar)
        layout.addWidget(row(self._doing, None, self.stop, self.back, self.next, self.quit))
        self.next.setDefault(True)

    def _run(self, work: Callable[[], Any]) -> None:
        self._cancel = CancelToken()
        self._is_running = True
        self._error = None
        self._show_state()

        async def action() -> None:
            try:
                await work()
            except Cancelled:
                self._error = say("Stopped; nothing was written.")
            except MedViewError as error:
                self._error = error
            finally:
                self._is_running = False
                self._show_state()

        self._operations.start(action())

    async def _look(self) -> None:
        check_target(
            self.settings.sources,
            self.settings.path_of(self.settings.target) or Path(),
            self.settings.path_of(self.settings.mapping),
        )
        found: Survey = await self._operations.call(
            survey, list(self.settings.sources), self.progressed.emit, self._cancel
        )
        self._survey = found
        if not found.sources:
            self._error = say("There is no DICOM file here that could be copied.")
            return
        self.pictures.show_suspicions(tuple(found.suspicions))
        if found.suspicions:
            self._show_page(_PICTURES)
        else:
            await self._write()

    async def _write(self) -> None:
        if self._survey is None:
            return
        done: Outcome = await self._operations.call(self._export, self._survey)
        self._outcome = done
        self.account.setHtml(result_html(done))
        self._survey = None  # it knows names; they are not needed any more
        self._show_page(_RESULT)
        self.finished_copies.emit(done)

    def _export(self, found: Survey) -> Outcome:
        folder = self.settings.path_of(self.settings.target) or Path()
        how = Export(
            options=self.settings.options,
            secret=secret_for(self.settings.path_of(self.settings.key), folder),
            decisions=self.pictures.decisions,
            boxes=self.pictures.boxes,
            mapping=self.settings.path_of(self.settings.mapping),
        )
        return export(found, folder, how, self.progressed.emit, self._cancel)

    def _fetch_picture(self, path: str) -> None:
        async def action() -> None:
            picture = await self._operations.call(picture_of, path)
            image = None
            if picture is not None:
                height, width = picture.shape[:2]
                is_colour = picture.ndim == 3
                kind = QImage.Format.Format_RGB888 if is_colour else QImage.Format.Format_Grayscale8
                step = width * (3 if is_colour else 1)
                image = QImage(picture.tobytes(), width, height, step, kind).copy()
            self.pictures.show_picture(path, image)

        self._operations.start(action())

    def _go_back(self) -> None:
        self._show_page(_SETTINGS)

    def _show_page(self, page: int) -> None:
        self.pages.setCurrentIndex(page)
        self._title.setText(
            (
                tr("Copies without identity"),
                tr("Pictures that may show names"),
                tr("The copies are written"),
            )[page]
        )
        self._show_state()

    def _show_state(self) -> None:
        page = self.pages.currentIndex()
        words = tr("Write copies") if page == _PICTURES else tr("Next")
        self.next.setText(words)
        self.next.setAccessibleName(words)
        error = self._error
        self._said.setText(
            error.sentence() if isinstance(error, MedViewError) else str(error or "")
        )
        self.next.setVisible(not self._is_running and page != _RESULT)
        missing = self.settings.missing if page == _SETTINGS and not self._is_running else ""
        self._missing.setText(missing)
        self._missing.setVisible(bool(missing))
        self.next.setAccessibleDescription(missing)
        self.back.setVisible(page == _PICTURES and not self._is_running)
        self.stop.setVisible(self._is_running)
        self.pages.setEnabled(not self._is_running)
        self._bar.setVisible(self._is_running)
        self._said.setVisible(bool(self._said.text()))
        if not self._is_running:
            self._doing.setText("")

    def _show_progress(self, done: int, total: int, what: str) -> None:
        self._bar.setRange(0, total)
        self._bar.setValue(done)
        self._doing.setText(f"{what} {done} / {total}" if self._is_running else "")

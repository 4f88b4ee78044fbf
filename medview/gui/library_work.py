"""What the window does with the library: shows it, remembers, offers priors, keeps thumbnails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from medview.core.progress import CancelToken, Progress
from medview.core.study import Patient, Study
from medview.core.words import tr
from medview.gui.bridge import SessionBridge
from medview.gui.operations import Operations
from medview.session.events import ActiveChanged, Event, HoldingsChanged, LibraryChanged

if TYPE_CHECKING:
    from medview.gui.dialogs.library import LibraryDialog
    from medview.gui.window import MainWindow
    from medview.library import StudyEntry

T = TypeVar("T")
_START_MS = 2000  # watching begins after the window has settled
_SLOW_MS = 700


class LibraryWork(QObject):
    """Listens for what is opened and asks the library for earlier studies of the patient."""

    progressed = Signal(int, int)  # done and total; total 0: nobody knows; done -1: at its end
    priors_found = Signal(object)  # tuple of StudyEntry of the active patient, not open

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._session = window.session
        self._running: list[CancelToken] = []
        self._slow = QTimer(self)  # work that has not said in time how far it is
        self._slow.setSingleShot(True)
        self._slow.timeout.connect(lambda: self.progressed.emit(0, 0))
        self._asked_for: tuple[Patient, tuple[str, ...]] | None = None
        self.priors: tuple[StudyEntry, ...] = ()  # of the active patient, found last
        self._is_new = False  # the library changed since priors were asked for
        self._remembered: set[str] = set()  # paths that were indexed since they were opened
        window.actions_.connect("file.library", self.show)
        window.actions_.connect("models.cancel", self.cancel)
        window.status.cancel_asked.connect(self.cancel)
        window.studies.prior_chosen.connect(self.open_beside)
        self.progressed.connect(self._show_progress)
        SessionBridge(self._session, self).heard.connect(self._hear)
        QTimer.singleShot(_START_MS, self, self._session.library.watch.start)

    def show(self) -> LibraryDialog:
        """The worklist."""
        from medview.gui.dialogs.library import LibraryDialog

        dialog = LibraryDialog(self._session, self, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open_asked.connect(self._window.open_paths)
        dialog.show()
        dialog.search.setFocus()
        return dialog

    @property
    def operations(self) -> Operations:
        """The window's own."""
        return self._window.operations

    def run(
        self,
        work: Callable[..., T],
        *args: object,
        then: Callable[[T], None] = lambda _result: None,
    ) -> None:
        """Work that lasts and takes progress and cancel last; shown in the bar at the bottom."""
        cancel = CancelToken()

        def report(done: int, total: int, _what: str) -> None:
            if not cancel.is_cancelled:
                self.progressed.emit(done, total)

        self._begin(partial(work, *args, report, cancel), cancel, then)

    def do(self, work: Callable[..., T], *args: object) -> None:
        """Work that may have to wait for a drive and cannot say how far it is."""
        self._begin(partial(work, *args), CancelToken(), lambda _result: None)

    def _begin(self, work: Callable[[], T], cancel: CancelToken, then: Callable[[T], None]) -> None:
        """In a thread of its own, which is left behind where a drive never answers."""
        self._running.append(cancel)
        self._slow.start(_SLOW_MS)

        async def action() -> None:
            try:
                found = await self.operations.call_or_leave(cancel, work)
            finally:
                self._running.remove(cancel)
                if not self._running:
                    self._slow.stop()
                    self.progressed.emit(-1, 0)
            then(found)

        self.operations.start(action())

    def cancel(self) -> None:
        """Stop all that `run` began; what was written stays."""
        for cancel in self._running:
            cancel.cancel()

    def _show_progress(self, done: int, total: int) -> None:
        self._slow.stop()
        self._window.status.show_progress(tr("Library") if done >= 0 else "", max(done, 0), total)

    def _remember(self) -> None:
        """Index what is open and was not indexed yet, if the reader has set so."""
        if not self._session.settings.remember_opened:
            return
        opened = set(self._session.studies.opened_paths)
        fresh = sorted(opened - self._remembered)
        self._remembered = opened
        if fresh:
            self.run(self._session.library.add, [Path(path) for path in fresh])

    def _hear(self, event: Event) -> None:
        if isinstance(event, LibraryChanged):
            self._is_new = True
        if isinstance(event, HoldingsChanged):
            self._remember()
        if isinstance(event, LibraryChanged | HoldingsChanged | ActiveChanged):
            self._look_for_priors()

    def _look_for_priors(self) -> None:
        patient = self._session.patient
        if patient is None:
            self._asked_for, self.priors = None, ()
            self._window.studies.set_priors(())
            return
        wanted = (patient, tuple(study.uid for study in patient.studies))
        if wanted == self._asked_for and not self._is_new:
            return
        self._asked_for, self._is_new, self.priors = wanted, False, ()

        async def action() -> None:
            current = self._session.study
            studies: Sequence[Study] = patient.studies if current is None else (current,)
            found = await self._window.operations.call(
                self._session.library.priors, patient, studies
            )
            if self._asked_for == wanted:
                self.priors = found
                self._window.studies.set_priors(found)
                self.priors_found.emit(found)

        self._window.operations.start(action())

    def open_beside(self, entry: StudyEntry) -> None:
        """Open a study beside what is open; the series that is looked at stays in view."""

        def work(progress: Progress, cancel: CancelToken) -> None:
            paths = self._session.library.paths_of(entry)
            self._session.open(paths, progress, cancel, is_beside=True)

        self.run(work)

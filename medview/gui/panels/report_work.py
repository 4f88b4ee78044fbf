"""What the report panel does outside the window's thread: making the content, writing files."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PySide6.QtCore import QEventLoop, QObject, Signal, SignalInstance

from medview.core.errors import MedViewError
from medview.core.words import Sentence, say
from medview.report import write_pdf, write_text
from medview.session.objects import remember_taken, save_objects
from medview.session.reporting import ReportSubject, report_content

_log = logging.getLogger("medview.gui")


class ReportWork(QObject):
    """One thread, first come first served; every end is a signal in the window's thread.

    content_made: a ReportContent or a MedViewError. ended: (sentence, path) or a MedViewError.
    """

    content_made = Signal(object)
    ended = Signal(object)
    progressed = Signal(int, int)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        # Qt lays a long text out by timers: the thread needs what runs them, and a loop brings it.
        self._pool = ThreadPoolExecutor(
            1, thread_name_prefix="medview-report", initializer=QEventLoop
        )
        self.making = self.saving = 0
        self.content_made.connect(self._one_made)
        self.ended.connect(self._one_ended)
        pool = self._pool
        self.destroyed.connect(lambda: pool.shutdown(wait=False, cancel_futures=True))

    def make_content(self, subject: ReportSubject) -> None:
        """Begin to make the content of a page."""
        self.making += 1
        self._begin(lambda: report_content(subject), self.content_made)

    def save_report(self, subject: ReportSubject, path: Path) -> None:
        """Begin to write the report, PDF or text by the name's ending."""

        def work() -> tuple[Sentence, Path]:
            content = report_content(subject)
            write = write_text if path.suffix.lower() == ".txt" else write_pdf
            write(content, path)
            return say("The report was saved."), path

        self.saving += 1
        self._begin(work, self.ended)

    def save_objects(self, subject: ReportSubject, folder: Path) -> None:
        """Begin to write results and measurements as DICOM."""

        def work() -> tuple[Sentence, Path]:
            done = save_objects(subject, folder, lambda n, of, _: self.progressed.emit(n, of))
            remember_taken(subject, done)
            said = say(
                "{count} {count:DICOM object was|DICOM objects were} saved.", count=done.objects
            )
            if done.notes:
                said = say("{what} {todo}", what=said, todo=done.notes[0])
            return said, folder

        self.saving += 1
        self._begin(work, self.ended)

    def _begin(self, work: Callable[[], object], end: SignalInstance) -> None:
        def guarded() -> None:
            done: object
            try:
                done = work()
            except MedViewError as error:
                done = error
            except Exception as error:  # noqa: BLE001 - the top of an operation: log and show
                _log.exception("work on the report failed")
                done = MedViewError(
                    say("Something failed inside MedView ({kind}).", kind=type(error).__name__)
                )
            try:
                end.emit(done)
            except RuntimeError:
                _log.info("the panel was gone before its work ended")

        self._pool.submit(guarded)

    def _one_made(self, _: object) -> None:
        self.making -= 1

    def _one_ended(self, _: object) -> None:
        self.saving -= 1

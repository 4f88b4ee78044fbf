"""What was made of each patient: the reader's work and the runs of models, kept on the disk."""

from __future__ import annotations

import datetime as dt
import getpass
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from medview.core.errors import MedViewError
from medview.core.observation import Observation, Source
from medview.core.results import Finding, ModelRun
from medview.core.study import Patient
from medview.core.words import say
from medview.session.events import Events, KnowledgeChanged, Message, WorkChanged
from medview.session.first_look import seen_series
from medview.session.journal import Journal, Unkept, is_kept, patient_folder, work_key
from medview.session.operating import at_threshold
from medview.session.provenance import tracked
from medview.session.runs import load_runs, past_run, remove_run, save_run
from medview.session.studies import Place
from medview.session.work import Decision, Reminder, WorkBook

_log = logging.getLogger("medview.session")


@dataclass(frozen=True, slots=True)
class FoundFinding:
    """A finding with the run that made it and the reader's word on it."""

    finding: Finding
    run: ModelRun
    decision: Decision | None


class Made:
    """Work and runs of every patient that is open; `active` gives the stack that is looked at.

    Methods may be called from any thread; the first call for a patient reads files.
    """

    def __init__(
        self,
        events: Events,
        active: Callable[[], Place | None],
        reader: Callable[[], str] = str,
    ) -> None:
        """reader: the name under which findings are decided."""
        self.is_hiding: Callable[[], bool] = bool  # results wait for the reader's first look
        self._events = events
        self._reader = reader
        self._active = active
        self._books: dict[str, WorkBook] = {}
        self._runs: dict[str, tuple[ModelRun, ...]] = {}
        self._is_unkept = False  # the reader was told that nothing can be kept
        self._lock = threading.RLock()

    def book_of(self, place: Place) -> WorkBook:
        """The work of a place's patient, read from the journal on first use."""
        return self._open_book(_filed_under(place))

    def book_under(self, key: str, *, is_made: bool) -> WorkBook | None:
        """The work that is filed under a key of `work_key`; None where there is none yet.

        is_made: one that is not there is begun.
        """
        if key not in self._books and not is_made and not is_kept(key):
            return None
        return self._open_book(key)

    def _open_book(self, key: str) -> WorkBook:
        with self._lock:
            if key in self._books:
                return self._books[key]
            is_news = False
            try:
                folder = patient_folder(key)
                book = WorkBook(Journal(folder), self._work_changed, self._in_trouble)
                runs = load_runs(folder)
            except OSError as error:
                _log.error("no place for work", extra={"detail": str(error.errno)})
                book, runs = WorkBook(Unkept(), self._work_changed, self._in_trouble), ()
                is_news, self._is_unkept = not self._is_unkept, True
            self._books[key], self._runs[key] = book, runs
        if is_news:
            self._events.send(
                Message(
                    say(
                        "Your work cannot be stored on this computer; it is lost when MedView ends."
                    ),
                    "bad",
                )
            )
        return book

    def folder_of(self, place: Place) -> Path | None:
        """Where a patient's work lies; None where nothing can be kept."""
        try:
            return patient_folder(_filed_under(place))
        except OSError:
            return None

    def runs_of(self, place: Place) -> tuple[ModelRun, ...]:
        """Every run on a patient's images that the reader did not take away, newest last.

        A run about a measurement goes and comes back with it.
        """
        work = self.book_of(place).work
        there = {"", *(m.id for m in work.measurements)}
        seen = seen_series(place.patient, work) if self.is_hiding() else None
        return tuple(
            at_threshold(run, work)
            for run in self._runs[_filed_under(place)]
            if run.id not in work.hidden_runs
            and run.subject in there
            and (seen is None or run.series_uid in seen)
        )

    def hides(self, place: Place) -> bool:
        """Whether what models say of a stack waits for the reader's first look."""
        work = self.book_of(place).work
        return self.is_hiding() and place.series.uid not in seen_series(place.patient, work)

    def all_runs_of(self, place: Place) -> tuple[ModelRun, ...]:
        """Every run that is kept, whole, whatever is shown of it."""
        self.book_of(place)
        return self._runs[_filed_under(place)]

    @property
    def findings(self) -> tuple[FoundFinding, ...]:
        """Findings on the active patient's images, with decisions."""
        place = self._active()
        if place is None:
            return ()
        work = self.book_of(place).work
        return tuple(
            FoundFinding(finding, run, work.decision_on(finding.id))
            for run in self.runs_of(place)
            for finding in run.findings
        )

    def decide(self, finding_id: str, decision: str) -> None:
        """Accept or reject a finding ("suggested" takes the word back); undoable."""
        self.decide_all((finding_id,), decision)

    def decide_all(self, finding_ids: Sequence[str], decision: str) -> None:
        """As `decide`, several findings in one command."""
        book = self._book()
        if book is None:
            return
        others = tuple(d for d in book.work.decisions if d.finding_id not in finding_ids)
        names = {
            "accepted": say("Accept finding"),
            "rejected": say("Reject finding"),
            "suggested": say("Take the decision back"),
        }
        if decision != "suggested":
            others = (*others, *(self.decision(each, decision) for each in finding_ids))
        book.change(names[decision], decisions=others)

    def decision(self, finding_id: str, decision: str) -> Decision:
        """A word on a finding, in the reader's name and of this moment."""
        name = self._reader() or account_name()
        return Decision(finding_id=finding_id, decision=decision, at=_now(), by=name)

    def enter(self, concept: str, value: float | bool | str | None, unit: str = "") -> None:
        """A value from the reader (None takes it away); undoable, outranks every other source."""
        book = self._book()
        place = self._active()
        if book is None or place is None:
            return
        entered = tuple(o for o in book.work.entered if o.concept != concept)
        if value is not None:
            entered += (
                Observation(
                    patient_id=place.patient.id,
                    concept=concept,
                    value=value,
                    unit=unit,
                    time=_now()[:10],
                    source=Source(kind="reader", where=_now()[:16].replace("T", " ")),
                ),
            )
        book.change(say("Enter a value"), entered=entered)

    def remind(self, reminder: Reminder) -> None:
        """A score's advice is to stand in the report, or no longer; undoable."""
        book = self._book()
        if book is None:
            return
        others = tuple(r for r in book.work.reminders if r.score != reminder.score)
        if reminder in book.work.reminders:
            book.change(say("Take the reminder away"), reminders=others)
        else:
            book.change(say("Remind of the follow-up"), reminders=(*others, reminder))

    def keep_run(self, place: Place, run: ModelRun) -> None:
        """A run has ended: it is shown, and stored if the disk allows."""
        key = _filed_under(place)
        work = self.book_of(place).work
        run = tracked(run, place, work, self._before(key, run))
        is_stored = False
        try:
            save_run(run, patient_folder(key))
            is_stored = True
        except OSError as error:
            self._in_trouble(
                MedViewError(
                    say("The result is shown but could not be stored."),
                    what_to_do=say("Make room on the disk and run it again."),
                    detail=str(error.errno),
                )
            )
        self._replace_runs(key, run, is_stored=is_stored)
        self._work_changed()

    def _before(self, key: str, run: ModelRun) -> ModelRun | None:
        """The run whose place this one will take."""
        return next((r for r in self._runs[key] if _slot(r) == _slot(run)), None)

    def _replace_runs(self, key: str, run: ModelRun, *, is_stored: bool) -> None:
        """A newer run of a model on the same stack or lesion takes the place of the older one."""
        with self._lock:
            runs = self._runs[key]
            old = [r for r in runs if _slot(r) == _slot(run)]
            self._runs[key] = (*(r for r in runs if r not in old), run)
        decided = {d.finding_id for d in self._books[key].work.decisions}
        for gone in (r for r in old if is_stored and r.id != run.id):
            with suppress(OSError):
                # What the reader said of an older run still counts in what became of findings.
                has_words = any(finding.id in decided for finding in gone.findings)
                (past_run if has_words else remove_run)(gone.id, patient_folder(key))

    def let_go(self, patient: Patient) -> None:
        """Take a patient's work and runs out of memory, unsaved."""
        with self._lock:
            for study in patient.studies:
                key = work_key(patient, study.uid)
                self._books.pop(key, None)
                self._runs.pop(key, None)

    def _book(self) -> WorkBook | None:
        place = self._active()
        return None if place is None else self.book_of(place)

    def _work_changed(self) -> None:
        self._events.send(WorkChanged())
        self._events.send(KnowledgeChanged())

    def _in_trouble(self, error: MedViewError) -> None:
        _log.error("work not stored", extra={"detail": error.detail})
        self._events.send(
            Message(say("{what} {todo}", what=error.what, todo=error.what_to_do), "bad")
        )


def account_name() -> str:
    """Who uses this computer; "" for an account without a name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def _filed_under(place: Place) -> str:
    """What the work is filed under: the patient, or the study where the patient has no id."""
    return work_key(place.patient, place.study.uid)


def _slot(run: ModelRun) -> tuple[str, str, int, str]:
    """What there is one run of: a model on a stack, or on a lesion of it."""
    return run.model.name, run.series_uid, run.stack, run.subject


def _now() -> str:
    return dt.datetime.now().astimezone().isoformat(timespec="seconds")

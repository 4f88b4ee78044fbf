"""The session: one place that owns what is open and what was made."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medview.core.archive import is_there
from medview.core.errors import MedViewError
from medview.core.geometry import PatientPoint
from medview.core.observation import Observation, Source
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.results import Finding, ModelRun
from medview.core.settings import Settings, load_settings
from medview.core.shared import sweep_stale_blocks
from medview.core.study import Holdings, Patient, Study
from medview.core.words import say
from medview.session.analysis import Analyses
from medview.session.documents import Documents, worth_reading
from medview.session.events import (
    ActiveChanged,
    Events,
    KnowledgeChanged,
    Message,
    WorkChanged,
)
from medview.session.journal import Journal, Unkept, patient_folder, work_key
from medview.session.knowledge import gather, risks
from medview.session.library import LibraryDesk
from medview.session.memory import Budget
from medview.session.prefetch import Prefetcher
from medview.session.remembered import LeftOpen, Remembered, left_by_the_dead
from medview.session.runs import load_runs, remove_run, save_run
from medview.session.studies import Key, Place, Studies
from medview.session.work import Decision, Work, WorkBook

if TYPE_CHECKING:
    from medview.risk import RiskResult

_log = logging.getLogger("medview.session")


@dataclass(frozen=True, slots=True)
class FoundFinding:
    """A finding with the run that made it and the reader's word on it."""

    finding: Finding
    run: ModelRun
    decision: Decision | None


@dataclass(slots=True)
class _Opening:
    """How far the window has followed what is being opened."""

    is_shown: bool = False


class Session:
    """What is open (`studies`, `documents`), what was made (`book`), what runs (`analyses`).

    Methods may be called from any thread; those that read files or wait say that they block.
    Listeners hear of changes through `events`, on whichever thread made them.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or load_settings()
        self.events = Events()
        self.studies = Studies(self.events, Budget(self.settings.volume_budget_mb << 20))
        self.prefetch = Prefetcher(self.studies, lambda: self.settings.prefetch)
        self.documents = Documents(self.events)
        self.library = LibraryDesk(self.events, self.let_go)
        self.analyses = Analyses(self.events, self.studies, self._keep_run, self.settings.device)
        self._active: Place | None = None
        self._is_chosen = False  # whether the reader has looked at, not only been shown, `active`
        self._books: dict[str, WorkBook] = {}
        self._runs: dict[str, tuple[ModelRun, ...]] = {}
        self._remembered = Remembered()
        self._is_unkept = False  # the reader was told that nothing can be kept
        self._lock = threading.RLock()
        sweep_stale_blocks()

    # -- what is open ------------------------------------------------------------------

    def open(
        self,
        paths: Sequence[Path],
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> None:
        """Open files and folders: images into `studies`, documents into `documents`. Blocks.

        Raises InvalidInput for a path that does not exist, Cancelled.
        """
        before, self._is_chosen = self._active, False
        opening = _Opening()
        try:
            found = self.studies.open(
                paths, progress, cancel, lambda sketch: self._show_sketch(sketch, opening)
            )
        except MedViewError:
            self._active = None if before is None else self.studies.place(before.key)
            self.events.send(ActiveChanged())
            raise
        self._show_opened(found)
        self._remember_open()
        documents = worth_reading(found.documents, paths)
        self._say_what_is_missing(found, len(documents))
        patients = self.studies.holdings.patients
        self.documents.rejoin(patients, self.patient)
        self.documents.open(documents, patients, self.patient, found.patients, progress, cancel)

    def _show_sketch(self, sketch: Holdings, opening: _Opening) -> None:
        """Something of what is being opened is there: the first time, look at it."""
        if not opening.is_shown and not self._is_chosen:
            opening.is_shown = True
            self._look_at_best(sketch)
        elif self._active is not None:
            self._active = self.studies.place(self._active.key)
        self.events.send(ActiveChanged())

    def _show_opened(self, found: Holdings) -> None:
        """Look at what was just opened; documents alone leave the images as they are.

        What the reader turned to meanwhile stays what is looked at.
        """
        is_ours = not self._is_chosen or self._active is None
        if is_ours and any(s.stacks for p in found.patients for t in p.studies for s in t.series):
            self._look_at_best(found)
        elif self._active is not None:
            self._active = self.studies.place(self._active.key)
        self.events.send(ActiveChanged())
        self.events.send(KnowledgeChanged())

    def _look_at_best(self, found: Holdings) -> None:
        series = {s.uid for p in found.patients for study in p.studies for s in study.series}
        fresh = first_place(p for p in self.studies.places() if p.series.uid in series)
        if fresh is not None:
            self._active = fresh

    def _say_what_is_missing(self, found: Holdings, documents: int) -> None:
        studies = [study for patient in found.patients for study in patient.studies]
        if found.seen == 0:
            said = say("The folder is empty.")
        elif not studies and documents == 0:
            said = say("There is no DICOM image among the {count} files.", count=found.seen)
        elif studies and not any(series.stacks for study in studies for series in study.series):
            count = sum(len(study.objects) for study in studies)
            said = say("No image was found, but 1 object: it is listed at the left.")
            if count != 1:
                said = say(
                    "No image was found, but {count} objects: they are listed at the left.",
                    count=count,
                )
        else:
            return
        self.events.send(Message(said, "warn"))

    def select(self, key: Key) -> None:
        """Look at another stack; its patient becomes the active one."""
        place = self.studies.place(key)
        if place is not None:
            self._is_chosen = True
            self._active = place
            self.events.send(ActiveChanged())
            self.events.send(KnowledgeChanged())
            self._remember_open()

    def look_at(self, key: Key, point: PatientPoint) -> None:
        """The reader turned to a place of a stack: it is read next, and nothing leads away."""
        place = self.studies.place(key)
        if place is not None:
            self._is_chosen = True
            self.studies.volumes.look_at(key, round(place.stack.geometry.to_index(point).k))

    def close_patient(self, patient: Patient | None = None) -> None:
        """Close a patient: reading ends, images and documents are given back.

        Without one the active patient, else the first who is open without images, else what
        could not be read.
        """
        patient = patient or self.patient or next(iter(self.studies.holdings.patients), None)
        self.prefetch.yield_to(None)
        if patient is not None:
            self.documents.close_of(patient)
        self._active = None
        self.studies.close_patient(patient)
        self._active = first_place(self.studies.places())
        self.events.send(ActiveChanged())
        self.events.send(KnowledgeChanged())
        self._remember_open()

    def let_go(self, patient: Patient) -> None:
        """Close a patient who is to be forgotten, and their work with them, unsaved."""
        for one in self.studies.holdings.patients:
            if (one.id, one.birth_date, one.sex) == (patient.id, patient.birth_date, patient.sex):
                if not one.id and one.name != patient.name:
                    continue
                self.close_patient(one)
                keys = {work_key(one, study.uid) for study in one.studies}
                with self._lock:
                    for key in keys:
                        self._books.pop(key, None)
                        self._runs.pop(key, None)

    @property
    def active(self) -> Place | None:
        """The stack that is being looked at."""
        return self._active

    @property
    def patient(self) -> Patient | None:
        """The active patient, as all that is open knows them."""
        if self._active is None:
            patients = self.studies.holdings.patients
            return patients[0] if len(patients) == 1 else None
        return self._active.patient

    @property
    def study(self) -> Study | None:
        """The active study."""
        return None if self._active is None else self._active.study

    # -- what was made -----------------------------------------------------------------

    @property
    def book(self) -> WorkBook | None:
        """The active patient's work."""
        return None if self._active is None else self.book_of(self._active)

    @property
    def work(self) -> Work:
        """The active patient's work as it is now; empty when nothing is open."""
        book = self.book
        return Work() if book is None else book.work

    def book_of(self, place: Place) -> WorkBook:
        """The work of a place's patient, read from the journal on first use."""
        key = patient_key(place)
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
            self.events.send(
                Message(
                    say(
                        "Your work cannot be stored on this computer; it is lost when MedView ends."
                    ),
                    "bad",
                )
            )
        return book

    def runs_of(self, place: Place) -> tuple[ModelRun, ...]:
        """Every run on a patient's images that the reader did not take away, newest last."""
        book = self.book_of(place)
        hidden = book.work.hidden_runs
        return tuple(r for r in self._runs[patient_key(place)] if r.id not in hidden)

    @property
    def findings(self) -> tuple[FoundFinding, ...]:
        """Findings on the active patient's images, with decisions."""
        if self._active is None:
            return ()
        work = self.work
        return tuple(
            FoundFinding(finding, run, work.decision_on(finding.id))
            for run in self.runs_of(self._active)
            for finding in run.findings
        )

    def decide(self, finding_id: str, decision: str) -> None:
        """Accept or reject a finding ("suggested" takes the word back); undoable."""
        book = self.book
        if book is None:
            return
        others = tuple(d for d in book.work.decisions if d.finding_id != finding_id)
        names = {
            "accepted": say("Accept finding"),
            "rejected": say("Reject finding"),
            "suggested": say("Take the decision back"),
        }
        if decision != "suggested":
            others = (*others, Decision(finding_id=finding_id, decision=decision, at=_now()))
        book.change(names[decision], decisions=others)

    def enter(self, concept: str, value: float | bool | str | None, unit: str = "") -> None:
        """A value from the reader (None takes it away); undoable, outranks every other source."""
        book = self.book
        if book is None or self.patient is None:
            return
        entered = tuple(o for o in book.work.entered if o.concept != concept)
        if value is not None:
            entered += (
                Observation(
                    patient_id=self.patient.id,
                    concept=concept,
                    value=value,
                    unit=unit,
                    time=_now()[:10],
                    source=Source(kind="reader", where=_now()[:16].replace("T", " ")),
                ),
            )
        book.change(say("Enter a value"), entered=entered)

    def _keep_run(self, place: Place, run: ModelRun) -> None:
        self.book_of(place)
        key = patient_key(place)
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

    def _replace_runs(self, key: str, run: ModelRun, *, is_stored: bool) -> None:
        """A newer run of the same model on the same stack takes the place of the older one."""
        slot = (run.model.name, run.series_uid, run.stack)
        with self._lock:
            runs = self._runs[key]
            old = [r for r in runs if (r.model.name, r.series_uid, r.stack) == slot]
            self._runs[key] = (*(r for r in runs if r not in old), run)
        for gone in old if is_stored else ():
            with suppress(OSError):
                remove_run(gone.id, patient_folder(key))

    # -- what is known -----------------------------------------------------------------

    def observations(self) -> tuple[Observation, ...]:
        """Everything that is known of the active patient. Cheap; reads no file."""
        if self._active is None or self.patient is None:
            return ()
        return gather(
            self.patient,
            self._active.study,
            self.documents.of(self.patient),
            self.runs_of(self._active),
            self.work,
        )

    def risks(self) -> tuple[RiskResult, ...]:
        """The scores of the active patient, computed now."""
        if self.patient is None:
            return ()
        return risks(self.patient, self.study, self.observations())

    # -- safety ------------------------------------------------------------------------

    def restore(self, progress: Progress = no_progress) -> bool:
        """After a crash, open again what was open; True when there was something. Blocks."""
        with left_by_the_dead() as left:
            paths = [Path(p) for p in left.paths if is_there(p)]
            if not paths:
                return False
            self.open(paths, progress)
        if left.active is not None:
            self.select(left.active)
        return True

    def settings_changed(self) -> None:
        """Take up `settings` where they concern what is in memory."""
        self.studies.volumes.set_budget(Budget(self.settings.volume_budget_mb << 20))
        if not self.settings.prefetch:
            self.prefetch.yield_to(None)

    def close(self) -> None:
        """End the worker, give memory back, note that this session ended well."""
        self._remember_open(clean=True)
        self.library.close()
        self.analyses.close()
        self.prefetch.stop()
        self.studies.close()

    def _remember_open(self, *, clean: bool = False) -> None:
        paths = (str(Path(p).absolute()) for p in self.studies.opened_paths)
        active = None if self._active is None else self._active.key
        with suppress(OSError):
            if clean:
                self._remembered.forget()
            else:
                self._remembered.write(LeftOpen(paths=tuple(paths), active=active))

    def _work_changed(self) -> None:
        self.events.send(WorkChanged())
        self.events.send(KnowledgeChanged())

    def _in_trouble(self, error: MedViewError) -> None:
        _log.error("work not stored", extra={"detail": error.detail})
        self.events.send(
            Message(say("{what} {todo}", what=error.what, todo=error.what_to_do), "bad")
        )


def patient_key(place: Place) -> str:
    """What the work is filed under: the patient, or the study where the patient has no id."""
    return work_key(place.patient, place.study.uid)


def first_place(candidates: Iterable[Place]) -> Place | None:
    """The stack to look at first: the newest study's largest volume, else its first picture."""
    places = list(candidates)
    if not places:
        return None
    newest = max(place.study.date for place in places)
    return max(
        (place for place in places if place.study.date == newest),
        key=lambda place: place.stack.geometry.shape[0],
    )


def _now() -> str:
    return dt.datetime.now().astimezone().isoformat(timespec="seconds")

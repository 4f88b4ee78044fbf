"""The session: one place that owns what is open and what was made."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medview.core.archive import is_there
from medview.core.errors import MedViewError
from medview.core.geometry import PatientPoint
from medview.core.observation import Observation
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.settings import Settings, load_settings
from medview.core.shared import sweep_stale_blocks
from medview.core.study import Holdings, Patient, Study
from medview.core.words import say
from medview.session.analysis import Analyses
from medview.session.corrections import Corrections
from medview.session.documents import Documents, document_objects, worth_reading
from medview.session.events import (
    ActiveChanged,
    Events,
    KnowledgeChanged,
    Message,
    StudiesOpened,
)
from medview.session.hanging_book import RuleBook
from medview.session.joining import Joining
from medview.session.judging import Judging
from medview.session.knowledge import Knowledge, risks
from medview.session.library import LibraryDesk
from medview.session.links import Links
from medview.session.made import Made
from medview.session.memory import Budget
from medview.session.missing import said_of_missing
from medview.session.prefetch import Prefetcher
from medview.session.remembered import LeftOpen, Remembered, left_by_the_dead
from medview.session.segment_values import segment_observations
from medview.session.segmenting import Segmenting
from medview.session.stack_values import stack_observations
from medview.session.studies import Key, Place, Studies
from medview.session.work import Work, WorkBook

if TYPE_CHECKING:
    from medview.risk import RiskResult

_log = logging.getLogger("medview.session")
_NAMED = 5  # paths that a message names


@dataclass(slots=True)
class _Opening:
    """How far the window has followed what is being opened."""

    is_shown: bool = False


class Session:
    """What is open (`studies`, `documents`), what was made (`made`), what runs (`analyses`).

    Methods may be called from any thread; those that read files or wait say that they block.
    Listeners hear of changes through `events`, on whichever thread made them.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or load_settings()
        self.events = Events()
        self.studies = Studies(self.events, Budget(self.settings.volume_budget_mb << 20))
        self.prefetch = Prefetcher(self.studies, lambda: self.settings.prefetch)
        self.links = Links(self.events, lambda: self.book)
        self.hanging = RuleBook()
        self.library = LibraryDesk(self.events, self._let_go)
        self.made = Made(self.events, lambda: self._active, lambda: self.settings.reader_name)
        self.made.is_hiding = lambda: self.settings.look_first
        self.corrections = Corrections(
            self.made, self.studies.places, lambda: self.settings.reader_name
        )
        joining = Joining(self.made, self.studies.places, lambda: self.settings.reader_name)
        self.documents = Documents(self.events, self.corrections.corrected, joining)
        self.analyses = Analyses(
            self.events,
            self.studies,
            self.made.keep_run,
            self.settings.device,
            self.made.all_runs_of,
        )
        self.segmenting = Segmenting(self.events, self.made, lambda: self._active)
        self._active: Place | None = None
        self._is_chosen = False  # whether the reader has looked at, not only been shown, `active`
        self._remembered = Remembered()
        self._knowledge = Knowledge()
        sweep_stale_blocks()

    # -- what is open ------------------------------------------------------------------

    def open(
        self,
        paths: Sequence[Path],
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
        *,
        is_beside: bool = False,
    ) -> None:
        """Open files and folders: images into `studies`, documents into `documents`. Blocks.

        is_beside: what is looked at stays. A path that does not exist is named and the others
        are opened. Raises InvalidInput where none exists, Cancelled.
        """
        there = [path for path in paths if is_there(str(path))]
        gone = [path for path in paths if path not in there]
        # Where none is there, reading refuses the first of them.
        self._is_chosen = is_beside and self._active is not None
        self._open_there(there or paths, progress, cancel)
        if gone and there:
            self.events.send(_said_of_gone(gone))

    def _open_there(
        self, paths: Sequence[Path], progress: Progress, cancel: CancelToken | None
    ) -> None:
        before, opening = self._active, _Opening()
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
        self._take_in(found)
        documents = worth_reading(found.documents, paths) + document_objects(found.patients)
        patients = self.studies.holdings.patients
        missing = said_of_missing(found, len(documents), patients)
        if missing is not None:
            self.events.send(Message(missing, "warn"))
        self.documents.rejoin(patients, self.patient)
        apart = len(self.documents.refused)
        self.documents.open(documents, patients, self.patient, found.patients, progress, cancel)
        if patients and (count := len(self.documents.refused) - apart) > 0:
            self.events.send(_said_of_apart(count))

    def _take_in(self, found: Holdings) -> None:
        """Measurements and key images that the opened folders hold go into the work."""
        from medview.session.returning import take_in

        studies = [study for p in found.patients for study in p.studies]
        if any(study.objects for study in studies):
            uids = {study.uid for study in studies}
            fresh = [p for p in self.studies.places() if p.study.uid in uids]
            take_in(fresh, self.made, self.segmenting, self.events)

    def _show_sketch(self, sketch: Holdings, opening: _Opening) -> None:
        """Something of what is being opened is there: the first time, look at it."""
        if not opening.is_shown and not self._is_chosen:
            opening.is_shown = True
            self._look_at_best(sketch)
        elif (active := self._active) is not None:
            self._active = self.studies.place(active.key)
        self.events.send(ActiveChanged())

    def _show_opened(self, found: Holdings) -> None:
        """Look at what was just opened; documents alone leave the images as they are.

        What the reader turned to meanwhile stays what is looked at.
        """
        is_ours = not self._is_chosen or self._active is None
        if is_ours and any(s.stacks for p in found.patients for t in p.studies for s in t.series):
            self._look_at_best(found)
        elif (active := self._active) is not None:
            self._active = self.studies.place(active.key)
        self.events.send(ActiveChanged())
        self.events.send(KnowledgeChanged())
        self.events.send(StudiesOpened(tuple(s.uid for p in found.patients for s in p.studies)))

    def _look_at_best(self, found: Holdings) -> None:
        series = {s.uid for p in found.patients for study in p.studies for s in study.series}
        fresh = first_place(p for p in self.studies.places() if p.series.uid in series)
        if fresh is not None:
            self._active = fresh

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
        if patient is not None:
            self.segmenting.let_go(patient)
        self._active = first_place(self.studies.places())
        self.events.send(ActiveChanged())
        self.events.send(KnowledgeChanged())
        self._remember_open()

    def _let_go(self, patient: Patient) -> None:
        """Close a patient who is to be forgotten, and their work with them, unsaved."""
        for one in self.studies.holdings.patients:
            if (one.id, one.birth_date, one.sex) == (patient.id, patient.birth_date, patient.sex):
                if not one.id and one.name != patient.name:
                    continue
                self.close_patient(one)
                self.made.let_go(one)

    @property
    def active(self) -> Place | None:
        """The stack that is being looked at."""
        return self._active

    @property
    def patient(self) -> Patient | None:
        """The active patient, as all that is open knows them."""
        place = self._active
        if place is None:
            patients = self.studies.holdings.patients
            return patients[0] if len(patients) == 1 else None
        return place.patient

    @property
    def study(self) -> Study | None:
        """The active study."""
        place = self._active
        return None if place is None else place.study

    # -- what was made -----------------------------------------------------------------

    @property
    def book(self) -> WorkBook | None:
        """The active patient's work; without images what a document was corrected in last."""
        place = self._active  # once: another thread may be opening
        return self.corrections.last_book if place is None else self.made.book_of(place)

    @property
    def work(self) -> Work:
        """The active patient's work as it is now; empty when nothing is open."""
        book = self.book
        return Work() if book is None else book.work

    # -- what is known -----------------------------------------------------------------

    def observations(self, place: Place | None = None) -> tuple[Observation, ...]:
        """Everything that is known of a place's patient, or of the active one. Cheap; reads no
        file."""
        place = place or self._active
        if place is None:
            return ()
        return self._knowledge.gather(
            place.patient,
            place.study,
            self.documents.of(place.patient),
            self.made.runs_of(place),
            self.made.book_of(place).work,
            [*self._painted(place), *self._stacked(place)],
        )

    def _stacked(self, place: Place) -> list[Observation]:
        opened = self.studies.volume(place.key)
        if opened is None:
            return []
        return stack_observations(opened.volume.geometry, place.patient.id, place.study.date)

    def _painted(self, place: Place) -> list[Observation]:
        here = {series.uid for series in place.study.series}
        counted = [
            (segment, self.segmenting.statistics(segment))
            for segment in self.made.book_of(place).work.segments
            if segment.series_uid in here
        ]
        return segment_observations(counted, place.patient.id, place.study.date)

    def risks(self) -> tuple[RiskResult, ...]:
        """The scores of the active patient, computed now."""
        patient, study, known = self._asked()
        return () if patient is None else risks(patient, study, known)

    def judging(self) -> Judging | None:
        """What is known of the active patient now, to be asked by many scores; None: nobody."""
        patient, study, known = self._asked()
        return None if patient is None else Judging(patient, study, known)

    def _asked(self) -> tuple[Patient | None, Study | None, tuple[Observation, ...]]:
        """Who is looked at, and what is known of them: all of one moment."""
        place = self._active
        if place is None:
            return self.patient, None, ()
        return place.patient, place.study, self.observations(place)

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
        self.library.watch.close()
        self.analyses.close()
        self.prefetch.stop()
        self.studies.close()

    def _remember_open(self, *, clean: bool = False) -> None:
        paths = (str(Path(p).absolute()) for p in self.studies.opened_paths)
        place = self._active
        active = None if place is None else place.key
        with suppress(OSError):
            if clean:
                self._remembered.forget()
            else:
                self._remembered.write(LeftOpen(paths=tuple(paths), active=active))


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


def _said_of_apart(count: int) -> Message:
    one = say("A document names another patient or nobody: it waits in the record panel.")
    many = say(
        "{count} {count:document names|documents name} another patient or nobody: "
        "{count:it waits|they wait} in the record panel.",
        count=count,
    )
    return Message(one if count == 1 else many, "warn")


def _said_of_gone(gone: Sequence[Path]) -> Message:
    """Which of the paths that were to be opened do not exist; the first few by name."""
    where = ", ".join(map(str, gone[:_NAMED])) + (", …" if len(gone) > _NAMED else "")
    said = say("There is no such file or folder; everything else was opened.")
    if len(gone) > 1:
        said = say(
            "{count} {count:file or folder does|files or folders do} not exist; "
            "everything else was opened.",
            count=len(gone),
        )
    return Message(said, "bad", where)

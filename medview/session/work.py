"""What the reader makes, as one value per patient: every change is a named, undoable command."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

from medview.core.correction import SpanCorrection
from medview.core.errors import MedViewError
from medview.core.observation import Observation
from medview.core.results import CurvePath, Measurement
from medview.core.words import Sentence, say
from medview.imaging.roi import is_drawable
from medview.session.carvings import CarvedStack
from medview.session.journal import Journal
from medview.session.links import Registration
from medview.session.merging import merge
from medview.session.offsets import LinkedStack
from medview.session.segments import Segment

_UNDO_DEPTH = 200
ITEMS = {
    "measurements": "id",
    "decisions": "finding_id",
    "entered": "concept",
    "hidden_runs": "",
    "hidden_measurements": "",
    "explained": "",
    "known_lengths": "key",
    "key_pictures": "id",
    "taken": "uid",
    "segments": "id",
    "pairs": "id",
    "curves": "id",
    "carvings": "key",
    "corrections": "id",
    "joined": "id",
    "reminders": "score",
    "linked": "key",
    "registrations": "id",
    "first_looks": "study_uid",
    "thresholds": "run_id",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the reader said of one finding: accepted, rejected or edited; when (ISO, local), and by
    which name."""

    finding_id: str
    decision: str
    at: str
    by: str = ""

    @property
    def is_for(self) -> bool:
        """Whether the finding holds, as it was or as the reader corrected it."""
        return self.decision in ("accepted", "edited")

    @property
    def moment(self) -> dt.datetime:
        """`at` as a moment, to be compared over zones; the earliest for what is no time."""
        return moment_of(self.at)


def moment_of(time: str) -> dt.datetime:
    """An ISO time as a moment; the earliest there is for what is no time."""
    try:
        return dt.datetime.fromisoformat(time).astimezone(dt.UTC)
    except (ValueError, OverflowError, OSError):
        return dt.datetime.min.replace(tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionPair:
    """Two measurements that the reader took for one lesion at two dates (ISO, of the studies)."""

    id: str
    earlier: str
    later: str
    earlier_date: str
    later_date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLength:
    """The reader knows how long something on a stack is: its lengths are multiplied by `factor`."""

    series_uid: str
    stack: int
    factor: float

    @property
    def key(self) -> tuple[str, int]:
        """Which stack it is about."""
        return self.series_uid, self.stack


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPicture:
    """An image that the reader marked as one to be shown first; frame counts from 0."""

    series_uid: str
    sop_uid: str
    frame: int = 0

    @property
    def id(self) -> str:
        """Which picture it is."""
        return f"{self.sop_uid} {self.frame}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """A score's advice that is to stand in the report: its band, and when the next look is due.

    first, last: ISO days, "" where the guideline names none.
    """

    score: str
    band: str
    first: str = ""
    last: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLook:
    """A reader's first opinion of a study, before any model's result was shown.

    opinion: nothing, something or unsure; by whom, when (ISO).
    """

    study_uid: str
    opinion: str
    by: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """From which score on the detections of a run are shown."""

    run_id: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenReport:
    """A DICOM object whose measurements or key images are part of the work: `ids` are theirs."""

    uid: str
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedDocument:
    """A document that names another patient or nobody, taken for this one: by whom, when (ISO)."""

    id: str
    by: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Everything a reader made for one patient.

    entered: values typed into the risk or record panel. impression: the report's free text.
    hidden_runs: runs that the reader took away. hidden_measurements: ids of those that the views
    leave out for now. explained: findings whose reasons were opened.
    segments: masks that were drawn or corrected.
    pairs: measurements of one lesion at two dates.
    taken: reports and key object selections that were read into it or written from it.
    corrections: mentions of documents that were put right, in the order in which they were.
    joined: documents of somebody else or of nobody that the reader took for this patient.
    reminders: advice of scores that is to stand in the report.
    linked: stacks whose slices the reader said belong together. registrations: what was found when
    series were registered, so that it need not be found again.
    first_looks: first opinions; undo leaves them alone, for what was seen cannot be unseen.
    thresholds: of runs that detect, where the reader chose another than the model's.
    carvings: what is cut away from pictures of volumes.
    """

    measurements: tuple[Measurement, ...] = ()
    decisions: tuple[Decision, ...] = ()
    entered: tuple[Observation, ...] = ()
    impression: str = ""
    hidden_runs: tuple[str, ...] = ()
    hidden_measurements: tuple[str, ...] = ()
    explained: tuple[str, ...] = ()
    segments: tuple[Segment, ...] = ()
    pairs: tuple[LesionPair, ...] = ()
    known_lengths: tuple[KnownLength, ...] = ()
    key_pictures: tuple[KeyPicture, ...] = ()
    curves: tuple[CurvePath, ...] = ()
    taken: tuple[TakenReport, ...] = ()
    corrections: tuple[SpanCorrection, ...] = ()
    joined: tuple[JoinedDocument, ...] = ()
    reminders: tuple[Reminder, ...] = ()
    linked: tuple[LinkedStack, ...] = ()
    registrations: tuple[Registration, ...] = ()
    first_looks: tuple[FirstLook, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    carvings: tuple[CarvedStack, ...] = ()

    def decision_on(self, finding_id: str) -> Decision | None:
        """The reader's word on a finding, None while it is only suggested."""
        return next((d for d in self.decisions if d.finding_id == finding_id), None)


def _drawable(work: Work) -> Work:
    """Without what has not the places of its kind: the journal's file is open to every hand."""
    kept = tuple(each for each in work.measurements if is_drawable(each))
    return work if len(kept) == len(work.measurements) else replace(work, measurements=kept)


class WorkBook:
    """The work of one patient with its undo and its journal.

    Safe to use from several threads; `on_change` hears of every new state, `on_trouble` of a
    journal that could not be written (the work stays, and is written with the next change).
    """

    def __init__(
        self,
        journal: Journal,
        on_change: Callable[[], None],
        on_trouble: Callable[[MedViewError], None],
    ) -> None:
        self._journal = journal
        self._on_change = on_change
        self._on_trouble = on_trouble
        self._lock = threading.RLock()
        journal.make_short()
        self._work = _drawable(journal.read(Work))
        self._saved = self._work
        self._is_in_trouble = False
        self._undo: list[tuple[Sentence, Work]] = []
        self._redo: list[tuple[Sentence, Work]] = []

    @property
    def work(self) -> Work:
        """The state now."""
        return self._work

    def change(self, name: Sentence, **values: object) -> None:
        """One command: replace some fields of the work. Unchanged values make no command."""
        with self._lock:
            new = replace(self._work, **values)  # type: ignore[arg-type]
            if new == self._work:
                return
            self._undo = [*self._undo[-_UNDO_DEPTH:], (name, self._work)]
            self._redo = []
            self._set(new, name)
        self._on_change()

    def amend(self, **values: object) -> None:
        """Replace what follows from the rest (numbers that were measured again): no command."""
        with self._lock:
            new = replace(self._work, **values)  # type: ignore[arg-type]
            if new == self._work:
                return
            self._take_everywhere([each for each in new.taken if each not in self._work.taken])
            self._set(new, say("Measure again"))
        self._on_change()

    def undo(self) -> Sentence | None:
        """Take the last command back; its name, or None when there is nothing."""
        return self._step(self._undo, self._redo)

    def redo(self) -> Sentence | None:
        """Do the last undone command again; its name, or None when there is nothing."""
        return self._step(self._redo, self._undo)

    @property
    def undo_name(self) -> Sentence | None:
        """What undo would take back."""
        return self._undo[-1][0] if self._undo else None

    @property
    def work_before(self) -> Work | None:
        """The work that undo would go back to."""
        return self._undo[-1][1] if self._undo else None

    @property
    def work_after(self) -> Work | None:
        """The work that redo would go on to."""
        return self._redo[-1][1] if self._redo else None

    def _step(
        self, source: list[tuple[Sentence, Work]], target: list[tuple[Sentence, Work]]
    ) -> Sentence | None:
        with self._lock:
            if not source:
                return None
            name, work = source.pop()
            target.append((name, self._work))
            # No command made how series lie to each other, and a first look cannot be unseen.
            now = self._work
            kept = replace(work, registrations=now.registrations, first_looks=now.first_looks)
            self._set(kept, name)
        self._on_change()
        return name

    def _take_everywhere(self, taken: list[TakenReport]) -> None:
        """Each object is taken in once: no undo makes one that was written or read new again."""
        for steps in (self._undo, self._redo):
            steps[:] = [(name, replace(work, taken=(*work.taken, *taken))) for name, work in steps]

    def _set(self, work: Work, name: Sentence) -> None:
        self._work = work
        try:
            with self._journal.alone():
                self._take_in_others()
                self._journal.write(name, self._unsaved())
        except OSError as error:
            self._complain(error)
        else:
            self._saved = self._work
            self._is_in_trouble = False

    def _unsaved(self) -> dict[str, object]:
        mine = {f.name: getattr(self._work, f.name) for f in fields(Work)}
        return {n: value for n, value in mine.items() if value != getattr(self._saved, n)}

    def _take_in_others(self) -> None:
        """What another window wrote meanwhile joins the work, and each state that undo knows."""
        if self._journal.is_as_seen:
            return
        if not self._journal.is_there:  # taken off the disk: write everything again
            self._saved = Work()
            return
        base, theirs = self._saved, self._journal.read(Work)
        self._work = merge(base, self._work, theirs, ITEMS)
        self._undo = [(name, merge(base, work, theirs, ITEMS)) for name, work in self._undo]
        self._redo = [(name, merge(base, work, theirs, ITEMS)) for name, work in self._redo]
        self._saved = theirs

    def _complain(self, error: OSError) -> None:
        if self._is_in_trouble:  # said already, and still true
            return
        self._is_in_trouble = True
        self._on_trouble(
            MedViewError(
                say("Your last change could not be saved on disk yet."),
                what_to_do=say("Make room on the disk; it is saved with the next change."),
                detail=str(error.errno),
            )
        )

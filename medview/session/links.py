"""How places of two series answer to each other: one frame of reference, or a registration."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from medview.core.geometry import FloatArray, PatientPoint
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.study import Series, Stack
from medview.core.words import Sentence, say
from medview.session.events import Events, LinksChanged
from medview.session.places import Place

if TYPE_CHECKING:
    from medview.session.studies import Studies
    from medview.session.work import WorkBook

Matrix = tuple[tuple[float, float, float, float], ...]

IDENTITY: Matrix = (
    (1.0, 0.0, 0.0, 0.0),
    (0.0, 1.0, 0.0, 0.0),
    (0.0, 0.0, 1.0, 0.0),
    (0.0, 0.0, 0.0, 1.0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of two that are linked: a series and the frame of reference its places are told in.

    frame: Frame of Reference UID, "" where the files name none; then the series stands for itself.
    """

    series_uid: str
    frame: str = ""

    def speaks_for(self, other: Side) -> bool:
        """Whether places of `other` are told in the same millimetres."""
        if self.series_uid == other.series_uid:
            return True
        return bool(self.frame) and self.frame == other.frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A rigid map from places of `fixed` to the places of `moving` that show the same anatomy.

    matrix: 4 x 4, LPS millimetres of `fixed` to LPS millimetres of `moving`; its last row is
    0 0 0 1. residual_mm: median distance that is left between details found in both, None where
    too few were found. overlap: share of the smaller volume that lies in both (0 to 1).
    is_good: whether it may lead a view; one that is not is kept to say that it was tried.
    at: when it was made (ISO, local).
    """

    fixed: Side
    moving: Side
    matrix: Matrix
    residual_mm: float | None = None
    landmarks: int = 0
    overlap: float = 0.0
    is_good: bool = True
    at: str = ""

    @property
    def id(self) -> tuple[str, str]:
        """Which pair of series it joins."""
        return self.fixed.series_uid, self.moving.series_uid

    @property
    def array(self) -> FloatArray:
        """The matrix, (4, 4)."""
        return np.array(self.matrix, float)

    @property
    def inverse(self) -> FloatArray:
        """(4, 4): the way back."""
        return np.asarray(np.linalg.inv(self.array), np.float64)

    def to_moving(self, point: PatientPoint) -> PatientPoint:
        """The place in `moving` that answers to a place in `fixed`."""
        return _applied(self.array, point)

    def to_fixed(self, point: PatientPoint) -> PatientPoint:
        """The place in `fixed` that answers to a place in `moving`."""
        return _applied(self.inverse, point)

    def turned(self) -> Registration:
        """The same link told the other way round."""
        return replace(
            self,
            fixed=self.moving,
            moving=self.fixed,
            matrix=as_matrix(self.inverse),
        )


def as_matrix(array: FloatArray) -> Matrix:
    """A (4, 4) array as a frozen value."""
    return tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in array)


def side_of(series: Series, stack: Stack) -> Side:
    """What a stack's places are told in."""
    return Side(series_uid=series.uid, frame=stack.frame_of_reference_uid)


def link_between(
    one: Side, other: Side, registrations: Iterable[Registration]
) -> Registration | None:
    """The map from places of `one` to places of `other`, None where nothing says how they lie.

    Of one frame of reference: the identity. Else the newest good registration that joins the two
    series, or series of the same frames of reference, in either direction.
    """
    if one.speaks_for(other):
        return Registration(fixed=one, moving=other, matrix=IDENTITY, overlap=1.0)
    found = [r for r in registrations if r.is_good]
    both = [*found, *(r.turned() for r in found)]
    fitting = [r for r in both if r.fixed.speaks_for(one) and r.moving.speaks_for(other)]
    if not fitting:
        return None
    own = (one.series_uid, other.series_uid)
    best = max(fitting, key=lambda r: (r.id == own, r.at))
    return replace(best, fixed=one, moving=other)


def _applied(matrix: FloatArray, point: PatientPoint) -> PatientPoint:
    x, y, z, _ = matrix @ (*point, 1.0)
    return PatientPoint(float(x), float(y), float(z))


class Links:
    """The registrations of what is open: those of this session, then those that the patient's work
    kept (`book`); safe to use from several threads."""

    def __init__(self, events: Events, book: Callable[[], WorkBook | None] = lambda: None) -> None:
        self._events = events
        self._book = book
        self._found: tuple[Registration, ...] = ()
        self._lock = threading.Lock()

    @property
    def registrations(self) -> tuple[Registration, ...]:
        """All of them, good or not, the oldest first."""
        book = self._book()
        if book is None or not book.work.registrations:
            return self._found
        known = {frozenset(each.id) for each in self._found}
        kept = (each for each in book.work.registrations if frozenset(each.id) not in known)
        return (*kept, *self._found)

    def between(self, one: Place, other: Place) -> Registration | None:
        """The map from places of one stack to places of another, None where nothing gives it.

        Of two patients there is none, whatever their frames of reference say.
        """
        if not one.is_of_patient_with(other):
            return None
        here, there = (side_of(place.series, place.stack) for place in (one, other))
        return link_between(here, there, self.registrations)

    def tried(self, one: Place, other: Place) -> Registration | None:
        """The last registration of these two series, good or not; None where there is none."""
        keys = {one.series.uid, other.series.uid}
        return next((r for r in reversed(self.registrations) if set(r.id) == keys), None)

    def keep(self, registration: Registration, book: WorkBook | None) -> None:
        """Take up a registration in the place of an older one of the same two series.

        book: the work of their patient, who may not be looked at any more; None keeps it for this
        session alone.
        """
        with self._lock:
            others = (r for r in self._found if set(r.id) != set(registration.id))
            self._found = (*others, registration)
            if book is not None:
                pair = set(registration.id)
                before = (each for each in book.work.registrations if set(each.id) != pair)
                book.amend(registrations=(*before, registration))
        self._events.send(LinksChanged())


def register_places(
    studies: Studies,
    fixed: Place,
    moving: Place,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Registration:
    """Read two stacks and register them. Blocks for seconds, other threads go on meanwhile.

    Raises MedViewError where one cannot be read, has no depth or is in colour; Cancelled.
    """
    from medview.imaging.registration import register

    cancel = cancel or CancelToken()
    kept = frozenset((fixed.key, moving.key))
    volumes = [studies.load(place, cancel=cancel, spare=kept).volume for place in (fixed, moving)]
    sides = [side_of(place.series, place.stack) for place in (fixed, moving)]
    fit = register(
        *volumes, is_same_frame=sides[0].speaks_for(sides[1]), progress=progress, cancel=cancel
    )
    return Registration(
        fixed=sides[0],
        moving=sides[1],
        matrix=as_matrix(fit.matrix),
        residual_mm=fit.residual_mm,
        landmarks=fit.landmarks,
        overlap=fit.overlap,
        is_good=fit.is_good,
        at=dt.datetime.now().astimezone().isoformat(timespec="seconds"),
    )


def said_of(registration: Registration) -> Sentence:
    """How good a registration is, in words and millimetres."""
    from medview.imaging.registration import LEAST_OVERLAP

    if not registration.is_good:
        if registration.overlap < LEAST_OVERLAP:
            return say(
                "Not registered: the two share {percent} % only.",
                percent=round(100 * registration.overlap),
            )
        return say("Not registered: too little of the one is found in the other.")
    residual = registration.residual_mm
    if residual is None:
        return say("Linked by the scanner's own coordinates.")
    words = say("closely") if residual <= 2.0 else say("roughly")
    return say(
        "Registered {how}: {count} details lie {residual} mm apart (median).",
        how=words,
        count=registration.landmarks,
        residual=f"{residual:.1f}",
    )

"""A patient's history on one line: studies, documents, labs and findings by day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medview.core.words import tr
from medview.session.documents import OpenDocument

if TYPE_CHECKING:
    from medview.library import StudyEntry
    from medview.record import Chart
    from medview.session.session import Session

IN_LIBRARY = "library:"  # how the locator of a study begins that is not open
LANES = ("study", "document", "lab", "finding")
_NEAR_PX = 9.0  # marks that would stand closer become one
_TICK_PX = 46.0  # room that a date at the axis needs
_NAMED = 3  # labs of a day that are named
_STEPS = ((1, 12), (3, 12), (6, 12), (12, 1), (24, 1), (60, 1), (120, 1), (240, 1), (600, 1))


@dataclass(frozen=True, slots=True)
class Happening:
    """Something of one day. kind: of LANES; locator: for `ShowSource`; title: for people."""

    day: dt.date
    kind: str
    title: str
    locator: str


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands at one place of a lane: x in pixels, its happenings oldest first."""

    x: float
    kind: str
    happenings: tuple[Happening, ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """From the first to the last day over a width in pixels; ticks: (x, what stands there)."""

    first: dt.date
    last: dt.date
    width: float
    ticks: tuple[tuple[float, str], ...]

    def x(self, day: dt.date) -> float:
        """Where a day stands."""
        span = (self.last - self.first).days
        return self.width * ((day - self.first).days / span if span else 0.5)


def happenings(
    session: Session,
    documents: Sequence[OpenDocument],
    chart: Chart,
    priors: Sequence[StudyEntry] = (),
) -> tuple[Happening, ...]:
    """All of it, oldest first; what has no whole date is left out.

    priors: studies of this patient that the library knows and that are not open.
    """
    found = [
        *_studies(session),
        *_priors(session, priors),
        *_documents(documents),
        *_labs(chart),
        *_findings(session),
        *_written(documents),
    ]
    order = {kind: number for number, kind in enumerate(LANES)}
    return tuple(sorted(dict.fromkeys(found), key=lambda h: (h.day, order[h.kind], h.title)))


def axis_of(found: Sequence[Happening], width: float) -> Axis | None:
    """The axis that holds all happenings; None without any."""
    if not found:
        return None
    first, last = found[0].day, found[-1].day
    bare = Axis(first, last, width, ())
    return Axis(first, last, width, tuple(_ticks(bare)))


def marks_of_lane(found: Iterable[Happening], axis: Axis, kind: str) -> tuple[Mark, ...]:
    """The marks of one lane; happenings that would touch stand in one mark."""
    marks: list[Mark] = []
    for one in found:
        if one.kind != kind:
            continue
        x = axis.x(one.day)
        if marks and x - marks[-1].x < _NEAR_PX:
            before = marks.pop()
            marks.append(Mark(before.x, kind, (*before.happenings, one)))
        else:
            marks.append(Mark(x, kind, (one,)))
    return tuple(marks)


def _ticks(axis: Axis) -> Iterator[tuple[float, str]]:
    """Beginnings of months or years that leave each other room, and the two ends' where none."""
    days = max(1, (axis.last - axis.first).days)
    months = next((m for m, _ in _STEPS if axis.width * m * 30.4 / days >= _TICK_PX), _STEPS[-1][0])
    year, month = axis.first.year, 1
    while dt.date(year, month, 1) <= axis.last:
        day = dt.date(year, month, 1)
        if day >= axis.first:
            yield axis.x(day), f"{year}" if months >= 12 or month == 1 else f"{year}-{month:02}"
        total = (year * 12 + month - 1) + months
        year, month = total // 12, total % 12 + 1


def _day(time: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(time[:10])
    except ValueError:
        return None


def _studies(session: Session) -> Iterator[Happening]:
    if session.active is None:
        return
    seen = set()
    for place in session.studies.places():
        day = _day(place.study.date)
        if day is None or place.study.uid in seen:
            continue
        if not place.is_of_patient_with(session.active):
            continue
        seen.add(place.study.uid)
        modalities = {s.modality for s in place.study.series if s.modality}
        title = " ".join((*sorted(modalities), place.study.description)).strip()
        uid, number = place.key
        yield Happening(day, "study", title or tr("Study"), f"series:{uid}:{number}")


def _priors(session: Session, priors: Iterable[StudyEntry]) -> Iterator[Happening]:
    is_open = {place.study.uid for place in session.studies.places()}
    for entry in priors:
        day = _day(entry.date)
        if day is not None and entry.uid not in is_open:
            title = " ".join((*sorted(entry.modalities), entry.description)).strip() or tr("Study")
            said = tr("{study} (not open)", study=title)
            yield Happening(day, "study", said, f"{IN_LIBRARY}{entry.uid}")


def _documents(documents: Iterable[OpenDocument]) -> Iterator[Happening]:
    for item in documents:
        day = _day(item.document.date)
        if day is not None:
            title = item.document.title or item.document.kind
            yield Happening(day, "document", title, f"document:{item.document.id}:0:0")


def _labs(chart: Chart) -> Iterator[Happening]:
    days: dict[dt.date, dict[str, str]] = {}
    for series in chart.series:
        for point in series.points:
            day = _day(point.time)
            if day is not None:
                name = tr(series.title)
                days.setdefault(day, {}).setdefault(name, point.observation.source.locator)
    for day, names in days.items():
        said = ", ".join(list(names)[:_NAMED])
        if len(names) > _NAMED:
            said = tr("{names} and {count} more", names=said, count=len(names) - _NAMED)
        yield Happening(day, "lab", said, next(iter(names.values())))


def _findings(session: Session) -> Iterator[Happening]:
    """What models found and what the reader measured, on the day of the study."""
    if session.active is None:
        return
    days = {
        place.series.uid: _day(place.study.date)
        for place in session.studies.places()
        if place.is_of_patient_with(session.active)
    }
    for found in session.made.findings:
        day = days.get(found.run.series_uid)
        is_rejected = found.decision is not None and found.decision.decision == "rejected"
        if day is not None and found.run.status == "run" and not is_rejected:
            title = (
                f"{tr(found.run.model.title or found.run.model.name)}: {tr(found.finding.label)}"
            )
            yield Happening(day, "finding", title, f"finding:{found.finding.id}")
    for measurement in session.work.measurements:
        day = days.get(measurement.series_uid)
        if day is not None:
            title = measurement.text or tr(measurement.kind)
            yield Happening(day, "finding", title, f"measurement:{measurement.id}")


def _written(documents: Iterable[OpenDocument]) -> Iterator[Happening]:
    """Imaging findings that documents affirm, each once a day of the document or its part."""
    for item in documents:
        seen = set()
        for entity in item.note.entities:
            attrs = entity.attrs
            if entity.type != "finding" or attrs.negated or attrs.temporality == "hypothetical":
                continue
            own = next(
                (d for start, end, d in item.document.dated if start <= entity.start < end), ""
            )
            day = _day(own or item.document.date)
            said = (day, entity.text.casefold())
            if day is not None and attrs.experiencer == "patient" and said not in seen:
                seen.add(said)
                locator = f"document:{item.document.id}:{entity.start}:{entity.end}"
                yield Happening(day, "finding", entity.text, locator)

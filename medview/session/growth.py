"""One lesion measured at two dates: joined by the reader, or offered where the places agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import dist

from medview.core.errors import InvalidInput, MedViewError
from medview.core.geometry import PatientPoint
from medview.core.results import Measurement
from medview.core.study import Patient
from medview.core.words import Sentence, say
from medview.imaging.growth import (
    Growth,
    days_between,
    growth,
    growth_lines,
    growth_quantities,
    size_of,
)
from medview.session.links import Registration, link_between, side_of
from medview.session.work import LesionPair, Work

OFFERED_MM = 10.0  # registered places no farther apart may be one lesion


@dataclass(frozen=True, kw_only=True)
class JoinedLesion:
    """A pair with its measurements as they are now, and what came of them: growth or a refusal."""

    pair: LesionPair
    earlier: Measurement
    later: Measurement
    growth: Growth | None = None
    refusal: Sentence | None = None

    @property
    def lines(self) -> tuple[Sentence, ...]:
        """What to say of it."""
        if self.growth is not None:
            return growth_lines(self.growth)
        return () if self.refusal is None else (self.refusal,)


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Two measurements that may be one lesion, the nearest first; apart in millimetres."""

    earlier: Measurement
    later: Measurement
    apart_mm: float


def dates_of(patient: Patient | None) -> dict[str, str]:
    """Study date (ISO, or empty) of each series of a patient."""
    studies = () if patient is None else patient.studies
    return {series.uid: study.date for study in studies for series in study.series}


def joined(work: Work) -> tuple[JoinedLesion, ...]:
    """Every pair whose two measurements are still there, computed now."""
    known = {m.id: m for m in work.measurements}
    return tuple(
        _judged(pair, known[pair.earlier], known[pair.later])
        for pair in work.pairs
        if pair.earlier in known and pair.later in known
    )


def _judged(pair: LesionPair, earlier: Measurement, later: Measurement) -> JoinedLesion:
    try:
        found = _growth(earlier, later, pair.earlier_date, pair.later_date)
    except MedViewError as error:
        return JoinedLesion(pair=pair, earlier=earlier, later=later, refusal=error.what)
    return JoinedLesion(pair=pair, earlier=earlier, later=later, growth=found)


def _growth(earlier: Measurement, later: Measurement, before: str, after: str) -> Growth:
    days = days_between(before, after)
    sizes = size_of(earlier), size_of(later)
    if sizes[0] is None or sizes[1] is None:
        raise InvalidInput(say("Growth needs measurements of a size in millimetres."))
    if earlier.calibration != later.calibration:
        raise InvalidInput(
            say("The two were measured with different calibrations: their sizes do not compare.")
        )
    return growth(sizes[0], sizes[1], days)


def pair_of(one: Measurement, other: Measurement, dates: Mapping[str, str]) -> LesionPair:
    """Two measurements as one lesion, the earlier first. Raises InvalidInput where they are not
    of two dates, or say nothing of a size."""
    first, second = sorted((one, other), key=lambda m: dates.get(m.series_uid, ""))
    before, after = (dates.get(m.series_uid, "") for m in (first, second))
    _growth(first, second, before, after)
    return LesionPair(
        id=f"{first.id} {second.id}",
        earlier=first.id,
        later=second.id,
        earlier_date=before,
        later_date=after,
    )


def with_pair(work: Work, pair: LesionPair) -> tuple[LesionPair, ...]:
    """The pairs of a work with one more; a measurement is the later (or earlier) of one alone."""
    others = (p for p in work.pairs if p.earlier != pair.earlier and p.later != pair.later)
    return (*others, pair)


def partners(work: Work, measurement: Measurement, dates: Mapping[str, str]) -> list[Measurement]:
    """Measurements of other dates that a measurement may be joined with, as they were made."""
    own = dates.get(measurement.series_uid, "")
    if not own or size_of(measurement) is None:
        return []
    return [
        other
        for other in work.measurements
        if other.points
        and dates.get(other.series_uid, own) not in ("", own)
        and size_of(other) is not None
    ]


def offers(
    work: Work, patient: Patient | None, registrations: Iterable[Registration]
) -> tuple[Offer, ...]:
    """Pairs of one kind and of two dates, not joined yet, within OFFERED_MM when registered."""
    if patient is None:
        return ()
    dates, links = dates_of(patient), tuple(registrations)
    taken = {name for pair in work.pairs for name in (pair.earlier, pair.later)}
    untaken = (m for m in work.measurements if m.id not in taken and m.points)
    free = [m for m in untaken if size_of(m) is not None]
    found = []
    for later in free:
        for earlier in partners(replace(work, measurements=tuple(free)), later, dates):
            is_before = dates[earlier.series_uid] < dates[later.series_uid]
            if not is_before or earlier.kind != later.kind:
                continue
            apart = _apart(later, earlier, patient, links)
            if apart is not None and apart <= OFFERED_MM:
                found.append(Offer(earlier=earlier, later=later, apart_mm=apart))
    return tuple(sorted(found, key=lambda offer: offer.apart_mm))


def _apart(
    one: Measurement, other: Measurement, patient: Patient, links: Sequence[Registration]
) -> float | None:
    """Millimetres between two measurements where their places answer to each other."""
    sides = []
    for measurement in (one, other):
        series = next(
            (s for t in patient.studies for s in t.series if s.uid == measurement.series_uid), None
        )
        if series is None or measurement.stack >= len(series.stacks):
            return None
        stack = series.stacks[measurement.stack]
        if not stack.geometry.is_spatial:
            return None
        sides.append(side_of(series, stack))
    link = link_between(sides[0], sides[1], links)
    if link is None:
        return None
    return dist(link.to_moving(middle_of(one)), middle_of(other))


def middle_of(measurement: Measurement) -> PatientPoint:
    """The middle of the places of a measurement."""
    count = len(measurement.points)
    x, y, z = (sum(values) / count for values in zip(*measurement.points, strict=True))
    return PatientPoint(x, y, z)


def with_growth(measurements: Iterable[Measurement], work: Work) -> list[Measurement]:
    """The measurements, the later one of each pair with its growth among its numbers."""
    grown = {
        lesion.later.id: growth_quantities(lesion.growth)
        for lesion in joined(work)
        if lesion.growth is not None
    }
    return [replace(m, quantities=(*m.quantities, *grown.get(m.id, ()))) for m in measurements]

"""What a panel lists of a patient: problems, medicines, allergies, results over time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from medview.core.observation import Bounds, Observation, Source, concepts
from medview.core.results import Code
from medview.record.merging import plain_name, rank_of
from medview.record.staleness import age_in_days, day_of, is_stale
from medview.record.summary import STATIC, Known, known_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One thing of a list, however many documents name it.

    name: as the best source writes it. status: active, past, denied, possible, family. detail:
    dose, route, frequency; reactions; the relative. time: ISO, the newest. sources: best first,
    each with a locator `document:<id>:<start>:<end>`. others: sources that give another status.
    """

    name: str
    status: str
    detail: str = ""
    time: str = ""
    code: Code | None = None
    sources: tuple[Source, ...] = ()
    others: tuple[Observation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A value of a series in the series' unit; flag: low, high or "" against its own range."""

    time: str
    value: float
    flag: str
    observation: Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One lab or vital sign over time, oldest first, one point at least.

    key: a concept id, or `other:<code or name>`. title: English. unit: UCUM, of every point.
    reference: the range of the newest point that has one, in that unit. age_days: of the newest
    value on the day that was asked for, None where unknown.
    """

    key: str
    title: str
    unit: str
    points: tuple[Point, ...]
    reference: Bounds
    age_days: int | None
    is_stale: bool

    @property
    def latest(self) -> Observation:
        """The newest value."""
        return self.points[-1].observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """All that is known of one patient, in lists; `known` has the value that counts by concept."""

    problems: tuple[Statement, ...] = ()
    medications: tuple[Statement, ...] = ()
    allergies: tuple[Statement, ...] = ()
    adverse_effects: tuple[Statement, ...] = ()
    procedures: tuple[Statement, ...] = ()
    relatives: tuple[Statement, ...] = ()
    series: tuple[Series, ...] = ()
    known: tuple[Known, ...] = ()


def chart_of(
    observations: Iterable[Observation], on: dt.date, limits: Mapping[str, int] | None = None
) -> Chart:
    """The lists made of merged observations, with ages on the day `on` (of the exam, or today)."""
    found = tuple(observations)
    return Chart(
        problems=_statements(found, "problem"),
        medications=_statements(found, "medication"),
        allergies=_statements(found, "allergy"),
        adverse_effects=_statements(found, "adverse_drug_effect"),
        procedures=_statements(found, "procedure"),
        relatives=_statements(found, "family_history"),
        series=series_of(found, on, limits),
        known=known_of(found, on, limits),
    )


def _statements(found: Sequence[Observation], concept: str) -> tuple[Statement, ...]:
    groups: dict[str, list[Observation]] = {}
    for one in found:
        if one.concept == concept and isinstance(one.value, str):
            groups.setdefault(f"{plain_name(one.value)} {one.subject}", []).append(one)
    made = [_statement(members) for members in groups.values()]
    order = {"active": 0, "": 0, "possible": 1, "past": 2, "denied": 3}
    return tuple(sorted(made, key=lambda s: (order.get(s.status, 1), s.name.casefold())))


def _statement(members: Sequence[Observation]) -> Statement:
    newest = sorted(members, key=lambda o: o.time, reverse=True)
    ranked = sorted(newest, key=rank_of)
    first = ranked[0]
    sources = dict.fromkeys(s for o in ranked for s in (o.source, *o.also))
    return Statement(
        name=str(first.value),
        status=first.status,
        detail=next((o.detail for o in ranked if o.detail), ""),
        time=max(o.time for o in ranked),
        code=next((o.code for o in ranked if o.code), None),
        sources=tuple(sources),
        others=tuple(o for o in ranked if o.status != first.status),
    )


def series_of(
    found: Iterable[Observation], on: dt.date, limits: Mapping[str, int] | None = None
) -> tuple[Series, ...]:
    """Every lab and vital sign with a day, in the order of the catalogue, then the others."""
    groups: dict[str, list[Observation]] = {}
    for one in found:
        if _is_measured(one):
            groups.setdefault(_key(one), []).append(one)
    order = {concept: i for i, concept in enumerate(concepts())}
    keys = sorted(groups, key=lambda k: (order.get(k, len(order)), k))
    made = (_series(key, groups[key], on, limits) for key in keys)
    return tuple(series for series in made if series is not None)


def _is_measured(one: Observation) -> bool:
    if isinstance(one.value, bool | str | tuple) or one.source.kind not in ("lab", "sentence"):
        return False
    return day_of(one.time) is not None and one.concept not in STATIC


def _key(one: Observation) -> str:
    if one.concept != "other_result" or one.code is None:
        return one.concept
    return f"other:{one.code.value or plain_name(one.code.meaning)}"


def _series(
    key: str, members: Sequence[Observation], on: dt.date, limits: Mapping[str, int] | None
) -> Series | None:
    concept = concepts().get(key)
    newest = max(members, key=lambda o: o.time)
    unit = concept.unit if concept is not None else newest.unit
    points = []
    for one in sorted(members, key=lambda o: o.time):
        value = _in_unit(one, float(one.value), unit)  # type: ignore[arg-type]
        if value is not None:
            points.append(Point(time=one.time, value=value, flag=_flag(one), observation=one))
    if not points:
        return None
    ranged = next((p for p in reversed(points) if _has_range(p.observation)), None)
    last = points[-1].observation
    title = concept.title if concept is not None else _other_title(last)
    return Series(
        key=key,
        title=title,
        unit=unit,
        points=tuple(points),
        reference=(None, None) if ranged is None else _range_in(ranged.observation, unit),
        age_days=age_in_days(last, on),
        is_stale=is_stale(last, on, limits),
    )


def _other_title(one: Observation) -> str:
    return one.code.meaning if one.code is not None else one.original


def _in_unit(one: Observation, value: float, unit: str) -> float | None:
    if one.unit == unit:
        return value
    concept = concepts().get(one.concept)
    if concept is None or one.concept == "other_result":
        return None
    return concept.to_own_unit(value, one.unit)


def _has_range(one: Observation) -> bool:
    return any(bound is not None for bound in one.reference)


def _range_in(one: Observation, unit: str) -> Bounds:
    low, high = (None if b is None else _in_unit(one, b, unit) for b in one.reference)
    return low, high


def _flag(one: Observation) -> str:
    low, high = one.reference
    value = one.value
    if isinstance(value, str | bool | tuple):
        return ""
    if low is not None and value < low:
        return "low"
    return "high" if high is not None and value > high else ""

"""What a panel shows of many documents: groups to filter by, the value that counts, trends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

from medview.core.observation import LISTS, Bounds, Observation, concepts
from medview.record.merging import rank_of
from medview.record.note import Entity, Note
from medview.record.staleness import age_in_days, is_stale

GROUPS = ("diseases", "symptoms", "findings", "drugs", "labs", "negated", "possible", "family")
_TYPE_GROUP = {
    "disease": "diseases", "symptom": "symptoms", "finding": "findings", "drug": "drugs",
    "allergy": "drugs", "lab": "labs", "vital": "labs",
}  # fmt: skip
_SEVERAL = frozenset(("allergy", "adverse_drug_effect"))
_LISTED = frozenset(LISTS) - _SEVERAL
STATIC = frozenset(("age", "height", "pack_years", "smoking_quit_years", "nodule_diameter_max",
                     "nodule_diameter_mean", "nodule_count"))  # fmt: skip
_PARTS = {"systolic_bp": "blood_pressure", "diastolic_bp": "blood_pressure"}
_MANY_POINTS, _LONG_DAYS = 3, 30
_LAB_SHARE, _SIZE_MM, _SIZE_SHARE = 0.1, 2.0, 0.2  # differences that two sources must explain


@dataclass(frozen=True, slots=True)
class Known:
    """The observation that counts for a concept, and those that say something else, newest first.

    age_days: on the day that was asked for, None where it is not known. is_stale: older than is
    usual for this concept.
    """

    observation: Observation
    others: tuple[Observation, ...] = ()
    age_days: int | None = None
    is_stale: bool = False


@dataclass(frozen=True, slots=True)
class Trend:
    """Values of one lab over time, oldest first, in the concept's own unit.

    points: (ISO date, value). reference: (low, high) in that unit, None where not known.
    """

    concept: str
    unit: str
    points: tuple[tuple[str, float], ...]
    latest: Observation
    reference: Bounds


def groups_of(entity: Entity) -> frozenset[str]:
    """The filters (of GROUPS) that an entity answers to."""
    found = {_TYPE_GROUP[entity.type]} if entity.type in _TYPE_GROUP else set()
    if entity.attrs.negated:
        found.add("negated")
    if entity.attrs.uncertain:
        found.add("possible")
    if entity.attrs.experiencer == "family":
        found.add("family")
    return frozenset(found)


_grouped: WeakValueDictionary[int, Note] = WeakValueDictionary()
_members: dict[int, Mapping[str, frozenset[str]]] = {}


def members_of(note: Note) -> Mapping[str, frozenset[str]]:
    """Ids of the mentions that answer to each of GROUPS; made once a note, which may be long."""
    key = id(note)
    if _grouped.get(key) is not note:
        found: dict[str, list[str]] = {group: [] for group in GROUPS}
        for entity in note.entities:
            for group in groups_of(entity):
                found[group].append(entity.id)
        for gone in set(_members) - set(_grouped):
            _members.pop(gone, None)
        _members[key] = {group: frozenset(ids) for group, ids in found.items()}
        _grouped[key] = note
    return _members[key]


def marks_of(note: Note, entity: Entity) -> tuple[str, ...]:
    """Words of a mention's context: no, possible, history, if, family, other person, adverse."""
    attrs = entity.attrs
    said = (
        ("no", attrs.negated),
        ("possible", attrs.uncertain),
        ("history", attrs.temporality == "historical" and not attrs.negated),
        ("if", attrs.temporality == "hypothetical"),
        ("family", attrs.experiencer == "family"),
        ("other person", attrs.experiencer == "other"),
        ("adverse", bool(note.relations_of(entity.id, "adverse_effect"))),
    )
    return tuple(word for word, holds in said if holds)


def known_of(
    observations: Iterable[Observation],
    on: dt.date | None = None,
    limits: Mapping[str, int] | None = None,
) -> tuple[Known, ...]:
    """For each concept the value that counts, in the order of the catalogue; allergies all.

    on: the day on which the ages hold (of the exam; today where it is not given). limits: days
    by concept instead of the usual ones. What belongs into the other lists is left out.
    """
    day = on or dt.date.today()  # noqa: DTZ011 - a calendar day of the user's place
    by_concept: dict[str, list[Observation]] = {}
    for one in observations:
        if not one.subject and one.concept not in _LISTED:
            by_concept.setdefault(one.concept, []).append(one)
    result: list[Known] = []
    for concept in concepts():
        found = by_concept.get(concept, [])
        if not found or _PARTS.get(concept) in by_concept:
            continue
        newest = sorted(found, key=lambda o: o.time, reverse=True)
        ranked = sorted(newest, key=rank_of)
        if concept in _SEVERAL:
            result += [Known(o) for o in _once(ranked)]
        else:
            first = _newest_measured(ranked)
            others = tuple(o for o in newest if disagrees(first, o))
            stale = is_stale(first, day, limits)
            result.append(Known(first, others, age_in_days(first, day), stale))
    return tuple(result)


def _newest_measured(ranked: Sequence[Observation]) -> Observation:
    # A number that was measured later counts more than one that was only filed more formally.
    first = ranked[0]
    if isinstance(first.value, bool | str) or first.source.kind == "reader":
        return first
    return max(ranked, key=lambda o: o.time[:10]) if first.time else first


def _once(found: Sequence[Observation]) -> list[Observation]:
    kept: dict[object, Observation] = {}
    for one in found:
        kept.setdefault(one.value.casefold() if isinstance(one.value, str) else one.value, one)
    return list(kept.values())


def disagrees(first: Observation, other: Observation) -> bool:
    """Whether two values contradict: words at all, labs by a tenth, sizes by 2 mm or a fifth."""
    a, b = _plain(first), _plain(other)
    if not isinstance(a, float) or not isinstance(b, float):
        return a != b
    gap, larger = abs(a - b), max(abs(a), abs(b))
    if concepts()[first.concept].unit == "mm":
        return gap > _SIZE_MM or gap > _SIZE_SHARE * larger
    return gap > _LAB_SHARE * larger


def _plain(one: Observation) -> float | bool | str | tuple[float, float]:
    """The value in its concept's unit, where it is a number that has one."""
    if isinstance(one.value, bool | str | tuple):
        return one.value
    own = concepts()[one.concept].to_own_unit(float(one.value), one.unit)
    return float(one.value) if own is None else own


def trends(
    observations: Iterable[Observation], references: Mapping[str, Bounds]
) -> tuple[Trend, ...]:
    """Labs that took a course; one value a day, the laboratory's where it has one."""
    days: dict[str, dict[str, Observation]] = {}
    for one in sorted(observations, key=rank_of, reverse=True):
        concept = concepts().get(one.concept)
        is_lab = concept is not None and concept.kind == "number" and one.concept not in STATIC
        if is_lab and _is_full_date(one.time) and one.source.kind in ("lab", "sentence"):
            days.setdefault(one.concept, {})[one.time[:10]] = one
    found = []
    for concept_id in concepts():
        by_day = days.get(concept_id, {})
        trend = _trend(concept_id, by_day, references.get(concept_id, (None, None)))
        if trend is not None and concept_id not in _PARTS:
            found.append(trend)
    return tuple(found)


def _is_full_date(time: str) -> bool:
    try:
        dt.date.fromisoformat(time[:10])
    except ValueError:
        return False
    return True


def _is_course(points: Sequence[tuple[str, float]]) -> bool:
    """Whether values say something about time: they differ, over weeks or three days at least."""
    if len({value for _, value in points}) < 2:
        return False
    first, last = (dt.date.fromisoformat(points[i][0]) for i in (0, -1))
    return len(points) >= _MANY_POINTS or (last - first).days >= _LONG_DAYS


def _trend(concept_id: str, by_day: Mapping[str, Observation], reference: Bounds) -> Trend | None:
    concept = concepts()[concept_id]
    points = []
    for day in sorted(by_day):
        one = by_day[day]
        if isinstance(one.value, int | float) and not isinstance(one.value, bool):
            value = concept.to_own_unit(float(one.value), one.unit)
            if value is not None:
                points.append((day, value))
    if not _is_course(points):
        return None
    return Trend(concept_id, concept.unit, tuple(points), by_day[points[-1][0]], reference)

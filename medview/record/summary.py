"""What a panel shows of many documents: groups to filter by, the value that counts, trends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from medview.core.observation import Observation, concepts
from medview.record.note import Entity, Note

Bounds = tuple[float | None, float | None]

GROUPS = ("diseases", "symptoms", "findings", "drugs", "labs", "negated", "possible", "family")
_TYPE_GROUP = {
    "disease": "diseases", "symptom": "symptoms", "finding": "findings", "drug": "drugs",
    "allergy": "drugs", "lab": "labs", "vital": "labs",
}  # fmt: skip
# The reader's word counts most, then what was measured, then what was written, then models.
_RANK = {"reader": 0, "lab": 1, "ruler": 1, "header": 2, "sentence": 3, "model": 4}
_SEVERAL = frozenset(("allergy", "adverse_drug_effect"))
_STATIC = frozenset(("age", "height", "pack_years", "smoking_quit_years", "nodule_diameter_max",
                     "nodule_diameter_mean", "nodule_count"))  # fmt: skip
_PARTS = {"systolic_bp": "blood_pressure", "diastolic_bp": "blood_pressure"}
_MANY_POINTS, _LONG_DAYS = 3, 30


@dataclass(frozen=True, slots=True)
class Known:
    """The observation that counts for a concept, and those that say something else."""

    observation: Observation
    others: tuple[Observation, ...] = ()


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


def marks_of(note: Note) -> Mapping[str, tuple[str, ...]]:
    """Words of context by entity id: no, possible, history, if, family, other person, adverse."""
    harmful = {r.head for r in note.relations if r.type == "adverse_effect"}
    marks: dict[str, tuple[str, ...]] = {}
    for entity in note.entities:
        attrs = entity.attrs
        said = (
            ("no", attrs.negated),
            ("possible", attrs.uncertain),
            ("history", attrs.temporality == "historical" and not attrs.negated),
            ("if", attrs.temporality == "hypothetical"),
            ("family", attrs.experiencer == "family"),
            ("other person", attrs.experiencer == "other"),
            ("adverse", entity.id in harmful),
        )
        if words := tuple(word for word, holds in said if holds):
            marks[entity.id] = words
    return marks


def known_of(observations: Iterable[Observation]) -> tuple[Known, ...]:
    """For each concept the value that counts, in the order of the catalogue; allergies all."""
    by_concept: dict[str, list[Observation]] = {}
    for one in observations:
        by_concept.setdefault(one.concept, []).append(one)
    result: list[Known] = []
    for concept in concepts():
        found = by_concept.get(concept, [])
        if not found or _PARTS.get(concept) in by_concept:
            continue
        newest = sorted(found, key=lambda o: o.time, reverse=True)
        ranked = sorted(newest, key=lambda o: _RANK.get(o.source.kind, len(_RANK)))
        if concept in _SEVERAL:
            result += [Known(o) for o in _once(ranked)]
        else:
            first = _newest_measured(ranked)
            result.append(Known(first, tuple(o for o in ranked if _disagrees(first, o))))
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


def _disagrees(first: Observation, other: Observation) -> bool:
    """Whether two sources contradict each other; numbers change, yes and no should not."""
    is_word = isinstance(first.value, bool | str)
    return is_word and other.value != first.value


def trends(
    observations: Iterable[Observation], references: Mapping[str, Bounds]
) -> tuple[Trend, ...]:
    """Labs that took a course; one value a day, the laboratory's where it has one."""
    days: dict[str, dict[str, Observation]] = {}
    for one in sorted(observations, key=lambda o: -_RANK.get(o.source.kind, len(_RANK))):
        concept = concepts().get(one.concept)
        is_lab = concept is not None and concept.kind == "number" and one.concept not in _STATIC
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

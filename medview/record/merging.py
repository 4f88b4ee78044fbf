"""One store of observations: the same value said twice is one, with both of its sources."""

from __future__ import annotations

import datetime as dt
import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache

from medview.core.observation import LISTS, Observation, Source, concepts
from medview.core.paths import resources_dir
from medview.record.settling import settling
from medview.record.staleness import day_of

# The reader's word counts most, then what was measured, then what was written, then models.
RANK = {"reader": 0, "lab": 1, "ruler": 1, "header": 2, "sentence": 3, "model": 4}
_MOST_PLACES = 50  # places that are kept of what is said again and again
_LATER_NOTE_DAYS = 3  # a note quotes the results of the days before it
_REMARK = re.compile(r"\s*\((?:disorder|finding|situation|procedure|substance|product)\)\s*$", re.I)
_DECIMALS = re.compile(r"\d+(?:[.,](\d+))?")


def merged(found: Iterable[Observation]) -> tuple[Observation, ...]:
    """Observations without doubles, the best sources first, else in the order of coming.

    Two are the same where patient, concept and subject are, and the values agree as far as the
    coarser one was written (in either's unit), on one day. A sentence without a day of its own,
    or of a note of the next days, repeats the laboratory's value. The better source leads.
    """
    kept: dict[tuple[str, str, str, str], _Shelf] = {}
    order: list[Observation] = []
    for one in settling(sorted(found, key=rank_of)):  # what was measured first, then who repeats it
        shelf = kept.setdefault((one.patient_id, one.concept, one.subject, _word(one)), {})
        twin = next(
            (
                n
                for day in _days_near(one, shelf)
                for n in shelf[day].alike(one)
                if _is_same(one, order[n])
            ),
            None,
        )
        if twin is None:
            shelf.setdefault(_day(one), _Day()).put(one, len(order))
            order.append(one)
            continue
        before = order[twin]
        order[twin] = joined = _joined(before, one)
        if _day(joined) != _day(before):
            shelf[_day(before)].take(before, twin)
            shelf.setdefault(_day(joined), _Day()).put(joined, twin)
    return tuple(order)


@dataclass(slots=True)
class _Day:
    """What lies on a shelf of one day; of thousands only those that may agree are compared.

    equal: places in the order of coming, by value and unit. numbers: by unit, values in the
    concept's own unit with their places, ascending. widest: by unit, half of the coarsest step.
    """

    equal: dict[object, list[int]] = field(default_factory=dict)
    numbers: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    widest: dict[str, float] = field(default_factory=dict)

    def put(self, one: Observation, place: int) -> None:
        self.equal.setdefault(_key(one), []).append(place)
        if (measured := _measured(one)) is not None:
            insort(self.numbers.setdefault(one.unit, []), (measured[0], place))
            self.widest[one.unit] = max(self.widest.get(one.unit, 0.0), measured[1])

    def take(self, one: Observation, place: int) -> None:
        self.equal[_key(one)].remove(place)
        if (measured := _measured(one)) is not None:
            self.numbers[one.unit].remove((measured[0], place))

    def alike(self, one: Observation) -> list[int]:
        """Places of what may be the same, in the order of coming."""
        found = list(self.equal.get(_key(one), ()))
        others = [unit for unit in self.numbers if unit != one.unit]
        measured = _measured(one) if others else None
        if measured is not None:
            for unit in others:
                reach, numbers = max(measured[1], self.widest[unit]) + 1e-6, self.numbers[unit]
                first = bisect_left(numbers, (measured[0] - reach, -1))
                last = bisect_right(numbers, (measured[0] + reach, 1 << 60))
                found += [place for _, place in numbers[first:last]]
        return sorted(found)


def _key(one: Observation) -> object:
    return "" if isinstance(one.value, str) else (one.value, one.unit)


def _measured(one: Observation) -> tuple[float, float] | None:
    """A number and half the worth of its last digit, both in the concept's own unit."""
    if isinstance(one.value, str | bool | tuple):
        return None
    concept = concepts()[one.concept]
    value = concept.to_own_unit(one.value, one.unit)
    step = concept.difference_in_own_unit(_step(one), one.unit)
    return None if value is None else (value, abs(step or 0.0) / 2)


_Shelf = dict[str, _Day]


def _day(one: Observation) -> str:
    """The day under which an observation lies; things of a list have one place."""
    return "" if one.concept in LISTS and one.concept != "other_result" else one.time[:10]


def _days_near(one: Observation, shelf: _Shelf) -> list[str]:
    """The days on which the same value may already lie."""
    own, day = _day(one), day_of(one.time)
    if one.source.kind not in ("sentence", "lab") or (not own and one.source.kind == "sentence"):
        near = list(shelf) if not own else [own]
    elif day is None:
        near = [own, ""]
    else:
        sign = -1 if one.source.kind == "sentence" else 1
        days = [day + dt.timedelta(sign * n) for n in range(_LATER_NOTE_DAYS + 1)]
        near = [*(d.isoformat() for d in days), ""]
    return [d for d in near if d in shelf]


def rank_of(one: Observation) -> int:
    """How much a source counts; less is better."""
    return RANK.get(one.source.kind, len(RANK))


def plain_name(name: str) -> str:
    """A name as it is compared: folded, without the terminology's remark in brackets, and one for
    all names that `resources/lexicon/same.tsv` has for a thing, in both languages."""
    folded = " ".join(_REMARK.sub("", name).casefold().split())
    return _same_names().get(folded, folded)


@cache
def _same_names() -> dict[str, str]:
    path = resources_dir() / "lexicon" / "same.tsv"
    rows = (
        line.split("|")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    )
    return {name: names[0] for names in rows for name in names}


def _word(one: Observation) -> str:
    """What must be equal word for word: the name in a list, a choice, the test of a result."""
    name = plain_name(one.value) if isinstance(one.value, str) else ""
    if one.concept == "other_result" and one.code is not None:
        name += f" {one.code.value or plain_name(one.code.meaning)}"
    return f"{name} {one.status}" if one.concept in LISTS else name


def _is_same(one: Observation, other: Observation) -> bool:
    if one.comparator != other.comparator or not _agree(one, other):
        return False
    return _is_same_time(one, other) or _quotes(one, other) or _quotes(other, one)


def _is_same_time(one: Observation, other: Observation) -> bool:
    if one.concept in LISTS and one.concept != "other_result":
        return True  # a disease is one disease whenever it is named
    first, second = sorted((one.time, other.time), key=len)
    if len(first) < len("2026-01-01"):
        return first == second
    # Two samples of a day have their hours; a date alone agrees with either.
    return second.startswith(first[:16] if len(first) > len("2026-01-01") else first)


def _quotes(sentence: Observation, lab: Observation) -> bool:
    """Whether a sentence may repeat a measured value of another day."""
    if sentence.source.kind != "sentence" or lab.source.kind != "lab":
        return False
    said, measured = day_of(sentence.time), day_of(lab.time)
    if said is None or measured is None:
        return not sentence.time
    return 0 <= (said - measured).days <= _LATER_NOTE_DAYS


def _agree(one: Observation, other: Observation) -> bool:
    if isinstance(one.value, str | bool) or isinstance(other.value, str | bool):
        return isinstance(one.value, str) or one.value is other.value
    if isinstance(one.value, tuple) or isinstance(other.value, tuple):
        return one.value == other.value and one.unit == other.unit
    if one.unit == other.unit:
        return abs(one.value - other.value) <= min(_step(one), _step(other)) * 1e-6
    concept = concepts()[one.concept]
    mine = concept.to_own_unit(one.value, one.unit)
    theirs = concept.to_own_unit(other.value, other.unit)
    if mine is None or theirs is None:
        return False
    steps = [concept.difference_in_own_unit(_step(o), o.unit) or 0.0 for o in (one, other)]
    return abs(mine - theirs) <= max(steps) / 2 + 1e-9


def _step(one: Observation) -> float:
    """The last digit's worth as the number was written."""
    value = one.value if isinstance(one.value, int | float) else 0.0
    written = next(
        (m for m in _DECIMALS.finditer(one.original)
         if abs(float(m[0].replace(",", ".")) - value) < 1e-9), None,
    )  # fmt: skip
    decimals = written[1] if written else f"{value:g}".partition(".")[2]
    return float(10.0 ** -len(decimals or ""))


def _joined(one: Observation, other: Observation) -> Observation:
    """The better of two that say the same, with the places of both."""
    better, lesser = (other, one) if rank_of(other) < rank_of(one) else (one, other)
    also = better.also
    if len(also) < _MOST_PLACES:
        places: dict[Source, None] = dict.fromkeys((*also, lesser.source, *lesser.also))
        places.pop(better.source, None)
        also = tuple(places)[:_MOST_PLACES]
    newest = max(one.time, other.time) if one.concept in LISTS else better.time or lesser.time
    detail = better.detail or lesser.detail
    has_range = any(b is not None for b in better.reference)
    reference = better.reference if has_range else lesser.reference
    told = (better.also, better.time, better.detail, better.reference)
    if told == (also, newest, detail, reference):
        return better  # of what is said thousands of times most says nothing new
    return replace(better, also=also, time=newest, detail=detail, reference=reference)

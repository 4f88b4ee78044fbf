"""Which of several observations a score uses, and what to say about the others.

Order: reader, then laboratory and header, ruler, sentence, model; the newest within one rank.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from medview.core.numbers import number_text, unit_text
from medview.core.observation import Concept, Observation
from medview.core.words import Sentence, say
from medview.risk.result import Meant, UsedInput, Value
from medview.risk.score import ScoreInput
from medview.risk.wording import amount

_RANK = {"reader": 0, "lab": 1, "header": 1, "ruler": 2, "sentence": 3, "model": 4}
_BARE = re.compile(r"[+-]?[\d.,]+(e[+-]?\d+)?", re.I)  # a number as typed, without a unit
_UNUSUAL = 5.0  # times the usual value, or a share of it: then a bare number is asked about
_SAME_TIME_DAYS = 30  # values further apart are a course over time, not a contradiction


@dataclass(frozen=True, slots=True)
class Choice:
    """What was found for one input: the value used, or why none can be; and what to say.

    meant: the number that is not possible in its unit, with the unit in which it would be.
    """

    used: UsedInput | None = None
    warnings: tuple[Sentence, ...] = ()
    impossible: Sentence | None = None
    meant: Meant | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """When a score is asked: `reference` is the day of the exam (or today), `study` its day."""

    reference: date
    study: date | None = None


@dataclass(frozen=True, slots=True)
class Near:
    """A time: so many days before and after a day."""

    day: date
    days: int

    def holds(self, observation: Observation) -> bool:
        """Whether an observation is of this time, as what has no date may be.

        What the reader typed or drew is about the study on the screen, whenever it was typed.
        """
        day = day_of(observation.time)
        if day is None or observation.source.kind in ("reader", "ruler"):
            return True
        return abs((self.day - day).days) <= self.days


@lru_cache(4096)
def day_of(time: str) -> date | None:
    """The day of an ISO time of any precision; a missing month or day counts as the first."""
    parts = time[:10].split("-")
    try:
        numbers = [int(part) for part in parts] + [1, 1]
        return date(*numbers[:3])
    except (ValueError, TypeError):
        return None


def own_value(concept: Concept, observation: Observation) -> Value | Sentence:
    """The value in the concept's unit, or the sentence that says why it cannot be used."""
    value = observation.value
    if concept.kind == "yes-no":
        return value if isinstance(value, bool) else _unusable(concept)
    if concept.kind in ("choice", "text"):
        is_word = isinstance(value, str) and (concept.kind == "text" or value in concept.choices)
        return str(value) if is_word else _unusable(concept)
    if isinstance(value, (bool, str, tuple)):
        return _unusable(concept)
    return _own_number(concept, observation, float(value))


def _unusable(concept: Concept) -> Sentence:
    return say("{name}: the value cannot be used.", name=say(concept.title))


def _own_number(concept: Concept, observation: Observation, value: float) -> Value | Sentence:
    name = say(concept.title)
    if observation.comparator:
        bound = f"{observation.comparator}{value:g}"
        return say("{name} is only known as {bound}; a number is needed.", name=name, bound=bound)
    converted = concept.to_own_unit(value, observation.unit)
    if converted is None:
        given = observation.unit or "-"
        return say(
            "{name}: the unit {unit} cannot be converted to {own}.",
            name=name,
            unit=given,
            own=concept.unit,
        )
    return converted


def is_possible(concept: Concept, value: float) -> bool:
    """Whether a number in the concept's unit can occur in a person at all."""
    if not math.isfinite(value) or (concept.is_whole and value != round(value)):
        return False
    return concept.plausible is None or concept.plausible[0] <= value <= concept.plausible[1]


def choose(spec: ScoreInput, observations: Sequence[Observation], setting: Setting) -> Choice:
    """The observation that goes into a score for one input, out of those of its concept."""
    if not observations:
        return Choice()
    usable: list[UsedInput] = []
    bare: Meant | None = None
    warnings: list[Sentence] = []
    impossible: Sentence | None = None
    meant: Meant | None = None
    for observation in _ranked(observations):
        if spec.of_study and _is_of_earlier_day(observation, setting):
            continue
        value = own_value(spec.concept, observation)
        if isinstance(value, float) and not is_possible(spec.concept, value):
            meant = meant or _meant(spec, observation)
            value = _not_possible(spec, observation, value)
            impossible = impossible or value
        if not isinstance(value, Sentence):
            bare = bare if usable else _without_unit(spec, observation, value)
            usable.append(_used(spec, observation, value, setting))
        elif not usable:  # what a better source makes needless is not worth a word
            warnings.append(value)
    if not usable:
        return Choice(None, tuple(warnings), impossible, meant)
    used = usable[0]
    if bare is not None:
        warnings.append(_ask_for_unit(spec, used, bare))
    remarks = _remarks(spec, used, usable[1:], setting)
    return Choice(used, (*warnings, *remarks), meant=bare)


def _without_unit(spec: ScoreInput, observation: Observation, value: Value) -> Meant | None:
    """The other unit that a bare and unusual number may be in, None where it is clear."""
    usual = spec.concept.usual
    is_bare = bool(_BARE.fullmatch(observation.original.strip()))
    if not is_bare or spec.concept.molar_mass is None or not isinstance(value, float):
        return None
    if not isinstance(usual, (int, float)):
        return None
    if usual <= 0 or 1.0 / _UNUSUAL <= value / usual <= _UNUSUAL:
        return None
    return _meant(spec, observation)


def _ask_for_unit(spec: ScoreInput, used: UsedInput, meant: Meant) -> Sentence:
    return say(
        "{name} {number} has no unit; it is taken as {value}. Was {number} {unit} meant?",
        name=spec.title,
        number=number_text(meant.value),
        value=amount(spec.concept, used.value),
        unit=unit_text(meant.unit),
    )


def _not_possible(spec: ScoreInput, observation: Observation, value: float) -> Sentence:
    shown, meant = amount(spec.concept, value), _meant(spec, observation)
    if meant is None:
        return say("{name} {value} is not possible.", name=spec.title, value=shown)
    return say(
        "{name} {value} is not possible; was {number} {unit} meant?",
        name=spec.title,
        value=shown,
        number=number_text(meant.value),
        unit=unit_text(meant.unit),
    )


def _meant(spec: ScoreInput, observation: Observation) -> Meant | None:
    given = observation.value
    if isinstance(given, (str, tuple)):
        return None
    other = meant_unit(spec.concept, float(given), observation.unit)
    return None if other is None else Meant(spec.name, float(given), other)


def meant_unit(concept: Concept, number: float, written: str = "") -> str | None:
    """The first unit but the one `written` in which a number could occur in a person."""
    for other in (concept.unit, *concept.units):
        own = concept.to_own_unit(number, other)
        if other != written and own is not None and is_possible(concept, own):
            return other
    return None


def _ranked(observations: Sequence[Observation]) -> list[Observation]:
    # Later ones first where rank and time are equal: sorting is stable.
    mine = list(observations)
    mine.reverse()
    mine.sort(key=lambda o: o.time, reverse=True)
    return sorted(mine, key=lambda o: _RANK.get(o.source.kind, len(_RANK)))


def _is_of_earlier_day(observation: Observation, setting: Setting) -> bool:
    # What the reader typed or drew is about the study on the screen, whenever it was typed.
    if observation.source.kind in ("reader", "ruler") or setting.study is None:
        return False
    day = day_of(observation.time)
    return day is not None and day < setting.study


def _used(spec: ScoreInput, observation: Observation, value: Value, setting: Setting) -> UsedInput:
    day = day_of(observation.time)
    age_days = (setting.reference - day).days if day else 0
    return UsedInput(
        name=spec.name,
        value=value,
        unit=spec.concept.unit,
        source=observation.source,
        time=observation.time,
        is_stale=0 < _stale_days(spec) < age_days,
        interval=_own_interval(spec.concept, observation),
    )


def _own_interval(concept: Concept, observation: Observation) -> tuple[float, float] | None:
    if observation.interval is None:
        return None
    low, high = (concept.to_own_unit(end, observation.unit) for end in observation.interval)
    return None if low is None or high is None else (low, high)


def _stale_days(spec: ScoreInput) -> int:
    # A size from a letter, with no study open to hold it against, is still only a size of its day.
    return spec.stale_days or (_SAME_TIME_DAYS if spec.of_study else 0)


def _remarks(
    spec: ScoreInput, used: UsedInput, others: Sequence[UsedInput], setting: Setting
) -> list[Sentence]:
    said = []
    day = day_of(used.time)
    if day and day > max(setting.reference, date.today()):  # noqa: DTZ011 - the user's calendar
        said.append(
            say(
                "{name} is of {day}, which is still to come.",
                name=spec.title,
                day=say("{text}", text=used.time[:10]),
            )
        )
    elif day and used.source.kind != "reader" and _is_later(spec, day, setting):
        said.append(
            say(
                "{name} is {days} days newer than the examination.",
                name=spec.title,
                days=(day - setting.reference).days,
            )
        )
    if used.is_stale and day:
        age = (setting.reference - day).days
        said.append(
            say(
                "{name} is {days} days old; up to {limit} is usual.",
                name=spec.title,
                days=age,
                limit=_stale_days(spec),
            )
        )
    other = next((o for o in others if _contradicts(spec, used, o)), None)
    if other is not None:
        said.append(
            say(
                "{name}: {used} is used, another source says {other} ({where}).",
                name=spec.title,
                used=amount(spec.concept, used.value),
                other=amount(spec.concept, other.value),
                where=_origin(other),
            )
        )
    return said


def _is_later(spec: ScoreInput, day: date, setting: Setting) -> bool:
    days = _stale_days(spec)
    return 0 < days < (day - setting.reference).days


def _origin(used: UsedInput) -> Sentence:
    kind = say(used.source.kind)
    if not used.time:
        return kind
    return say("{first}, {rest}", first=kind, rest=say("{text}", text=used.time[:10]))


def _contradicts(spec: ScoreInput, used: UsedInput, other: UsedInput) -> bool:
    first, second = day_of(used.time), day_of(other.time)
    if first and second and abs((first - second).days) > max(spec.stale_days, _SAME_TIME_DAYS):
        return False
    a, b = used.value, other.value
    if not isinstance(a, float) or not isinstance(b, float):
        return a != b
    gap = abs(a - b)
    if spec.concept.unit == "mm":
        return gap > 2.0 or gap > 0.2 * max(a, b)
    return gap > 0.1 * max(abs(a), abs(b))

"""What a score gives: a number or a category, with every input and where it came from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from medview.core.observation import Source
from medview.core.words import Sentence

Value = float | bool | str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedInput:
    """An input as it went into the formula, in the concept's own unit.

    time: as written in the source. is_stale: older than the score allows without a mark.
    interval: 95 %, where the source gives one.
    """

    name: str
    value: Value
    unit: str = ""
    source: Source
    time: str = ""
    is_stale: bool = False
    interval: tuple[float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """As one entry of `inputs` in `medview.risk/1`."""
        source = {"kind": self.source.kind, "where": self.source.where, "time": self.time}
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "source": source,
            "stale": self.is_stale,
        }


@dataclass(frozen=True, slots=True)
class Meant:
    """A number that nobody can have in the unit given, and the unit in which it is possible."""

    name: str
    value: float
    unit: str

    def to_json(self) -> dict[str, Any]:
        """As one entry of `meant`."""
        return {"name": self.name, "value": self.value, "unit": self.unit}


@dataclass(frozen=True, slots=True)
class Without:
    """The result if one input that is "yes" were "no"."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one input does to the result, the others staying as they are.

    usual: what it is held against (None: not known at all); other: the result with that. effect:
    the difference, in log-odds where the result is a probability, else in the result's unit.
    """

    name: str
    effect: float
    other: float
    usual: Value | None

    def to_json(self) -> dict[str, Any]:
        """As one entry of `contributions`."""
        return {"name": self.name, "effect": self.effect, "usual": self.usual, "value": self.other}


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskResult:
    """The answer of one score for one patient.

    status: computed, missing (`missing` names what is) or invalid (`reason` says why). value is
    in `unit`, not rounded; None where the result is a category (`band`, `advice`). possible: the
    lowest and highest result over what the missing inputs can be. filled: inputs that are not
    known and for which the score stands in, widening the interval. is_research: a trained model's,
    or one that nobody has tested on patients. is_of_study: the score was made for what the study
    shows. is_offered: so it is, and nothing that only it asks is known yet.
    """

    patient_id: str
    study_uid: str | None
    score: str
    version: str
    status: str
    value: float | None = None
    unit: str = ""
    decimals: int = 0
    interval: tuple[float, float] | None = None
    band_id: str = ""
    band: Sentence | None = None
    tone: str = ""
    advice: Sentence | None = None
    reason: Sentence | None = None
    inputs: tuple[UsedInput, ...] = ()
    missing: tuple[str, ...] = ()
    warnings: tuple[Sentence, ...] = ()
    without: tuple[Without, ...] = ()
    contributions: tuple[Contribution, ...] = ()
    possible: tuple[float, float] | None = None
    filled: tuple[str, ...] = ()
    meant: tuple[Meant, ...] = ()
    is_research: bool = False
    is_of_study: bool = False
    is_offered: bool = False
    citation: str = ""

    @property
    def shown(self) -> str:
        """The value rounded for display, "" where there is none."""
        return "" if self.value is None else f"{self.value:.{self.decimals}f}"

    @property
    def shares(self) -> dict[str, float]:
        """How much of the contributions each kind of source brings; they add up to 1."""
        sizes: dict[str, float] = {}
        for part in self.contributions:
            used = self.used(part.name)
            if used is not None and part.effect:
                kind = used.source.kind
                sizes[kind] = sizes.get(kind, 0.0) + abs(part.effect)
        total = sum(sizes.values())
        return {kind: size / total for kind, size in sizes.items()}

    def times_as_wide(self, other: RiskResult) -> float | None:
        """How wide this interval is against that of another probability, in log-odds."""
        mine, theirs = _width(self.interval), _width(other.interval)
        return None if mine is None or not theirs else mine / theirs

    def used(self, name: str) -> UsedInput | None:
        """The input with this name, None while it is not known."""
        return next((item for item in self.inputs if item.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """One entry of `scores` in `medview.risk/1`; sentences in English."""
        return {
            "patient": self.patient_id,
            "study": self.study_uid,
            "score": self.score,
            "version": self.version,
            "status": self.status,
            "value": self.value,
            "shown": self.shown,
            "unit": self.unit,
            "interval": list(self.interval) if self.interval else None,
            "band": _english(self.band),
            "advice": _english(self.advice),
            "reason": _english(self.reason),
            "inputs": [item.to_json() for item in self.inputs],
            "missing": list(self.missing),
            "filled": list(self.filled),
            "meant": [item.to_json() for item in self.meant],
            "research": self.is_research,
            "offered": self.is_offered,
            "possible": list(self.possible) if self.possible else None,
            "warnings": [warning.english() for warning in self.warnings],
            "without": [{"name": w.name, "value": w.value} for w in self.without],
            "contributions": [part.to_json() for part in self.contributions],
            "shares": self.shares,
            "citation": self.citation,
        }


def _width(percent: tuple[float, float] | None) -> float | None:
    if percent is None or not 0.0 < percent[0] <= percent[1] < 100.0:
        return None
    low, high = (math.log(end / (100.0 - end)) for end in percent)
    return high - low


def _english(sentence: Sentence | None) -> str | None:
    return None if sentence is None else sentence.english()

"""What a score is: its inputs, limits, words and source, read from `resources/scores/<id>.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from medview.core.observation import Concept, concepts
from medview.core.paths import resources_dir
from medview.core.words import Sentence, say
from medview.risk.formulas import Inputs, Outcome


class Model(Protocol):
    """What computes a score that has no formula of its own."""

    def __call__(self, given: Inputs, /) -> Outcome:
        """Compute; raises NotKnown."""

    def effect(self, given: Inputs, name: str, /) -> float:
        """What an input does against its training's middle, in log-odds or log hazard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreInput:
    """One input of a score.

    concept: id of `concepts()`, also the name by which people and scripts give it. valid: the
    range the score was made for, in the concept's unit, both ends included; below: the upper end
    is not. required: without it there is no number. stale_days: older values are marked; 0 means
    never. of_study: only values of the study shown count (sizes in an image). choices: those of
    the concept for which the score has a term. usual: see `Concept.usual`.
    """

    concept: Concept
    valid: tuple[float, float] | None = None
    below: bool = False
    required: bool = True
    stale_days: int = 0
    of_study: bool = False
    choices: tuple[str, ...] = ()
    usual: float | str | bool | None = None

    @property
    def name(self) -> str:
        """The id of the concept."""
        return self.concept.id

    @property
    def title(self) -> Sentence:
        """The name that people read."""
        return say(self.concept.title)

    def allows(self, value: float | bool | str) -> bool:
        """Whether the score was made for this value."""
        if isinstance(value, str):
            return not self.choices or value in self.choices
        if self.valid is None or isinstance(value, bool):
            return True
        low, high = self.valid
        return low <= value and (value < high if self.below else value <= high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """What makes a score not valid: an input that has one of `values`, and the sentence why.

    sex and age_to narrow the patients in whom the question makes sense.
    """

    name: str
    values: tuple[bool | str, ...]
    reason: Sentence
    sex: str = ""
    age_to: float = 200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A class of the result. start: the lowest value in it, None where the formula names it.

    tone: good, warn, bad or "" - never shown without the title. months: when its guideline wants
    the next look, first and last.
    """

    id: str
    title: Sentence
    start: float | None = None
    tone: str = ""
    advice: Sentence | None = None
    months: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyKind:
    """Studies to which a score belongs: a series of one of the modalities whose body part or
    title names one of the parts (defined terms) and one of the words, where there are any.
    """

    modalities: tuple[str, ...]
    parts: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkedCase:
    """A case whose answer is known: inputs as one would type them, and the printed result."""

    inputs: Mapping[str, str | float | bool]
    value: float | None = None
    decimals: int = 0
    band: str = ""
    status: str = "computed"
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A declarative unit: everything about a score but the arithmetic, which `formula` names.

    bar: the ends of the bar on which the value and the bands are drawn, in `unit`.
    fits_any: the score is worth showing when one of these concepts is known (yes, for yes/no);
    fits_all: and all of these; fits_age: and the patient's age lies here, where it is given.
    offered: the studies to which it belongs before anything is known.
    ages: for whom a score without an age among its inputs was made, both ends included.
    family: scores of one are versions of one another. model: what computes instead of `formula`;
    least: the share of inputs that must be known for it. is_research: not for advice.
    not_for: where it is not valid and no input can say so. checked: places besides the source
    against which points and limits were read.
    """

    id: str
    title: Sentence
    subtitle: Sentence
    version: str
    formula: str
    order: int = 99
    unit: str = ""
    decimals: int = 0
    inputs: tuple[ScoreInput, ...]
    exclusions: tuple[Exclusion, ...] = ()
    bands: tuple[Band, ...] = ()
    bar: tuple[float, float] | None = None
    population: Sentence
    not_for: Sentence | None = None
    author: str
    doi: str
    coefficients: Mapping[str, Any] = field(default_factory=dict)
    fits_any: tuple[str, ...] = ()
    fits_all: tuple[str, ...] = ()
    fits_age: tuple[float, float] | None = None
    offered: tuple[StudyKind, ...] = ()
    ages: tuple[float, float] | None = None
    family: str = ""
    checked: tuple[str, ...] = ()
    model: Model | None = None
    least: float = 0.0
    is_research: bool = False
    cases: tuple[WorkedCase, ...] = ()

    @property
    def citation(self) -> str:
        """The source in the form of the command's contract."""
        return f"doi:{self.doi}"

    def input(self, name: str) -> ScoreInput | None:
        """The input with this name, None where the score has no such input."""
        return next((item for item in self.inputs if item.name == name), None)

    def band(self, band_id: str) -> Band | None:
        """The band with this id."""
        return next((band for band in self.bands if band.id == band_id), None)

    def band_of(self, value: float) -> Band | None:
        """The band in which a value lies, by the bands' starts."""
        fitting = [band for band in self.bands if band.start is not None and band.start <= value]
        return max(fitting, key=lambda band: band.start or 0.0, default=None)


def _input(row: Mapping[str, Any]) -> ScoreInput:
    return ScoreInput(
        concept=concepts()[row["concept"]],
        valid=tuple(row["range"]) if "range" in row else None,
        below=row.get("below", False),
        required=row.get("required", True),
        stale_days=row.get("stale_days", 0),
        of_study=row.get("of_study", False),
        choices=tuple(row.get("choices", ())),
        usual=row.get("usual", concepts()[row["concept"]].usual),
    )


def _exclusion(row: Mapping[str, Any]) -> Exclusion:
    return Exclusion(
        name=row["concept"],
        values=tuple(row["values"]),
        reason=say(row["reason"]),
        sex=row.get("sex", ""),
        age_to=row.get("age_to", 200.0),
    )


def _band(row: Mapping[str, Any]) -> Band:
    return Band(
        id=row["id"],
        title=say(row.get("title", row["id"])),
        start=row.get("from"),
        tone=row.get("tone", ""),
        advice=say(row["advice"]) if "advice" in row else None,
        months=tuple(row["months"]) if "months" in row else None,
    )


def read_score(path: Path) -> Score:
    """One unit from its file. A file that is not in the form is a fault of the program."""
    row = json.loads(path.read_text(encoding="utf-8"))
    fit = row.get("fits", {})
    return Score(
        id=row["id"],
        title=say(row["title"]),
        subtitle=say(row["subtitle"]),
        version=row["version"],
        formula=row["formula"],
        order=row.get("order", 99),
        unit=row.get("unit", ""),
        decimals=row.get("decimals", 0),
        inputs=tuple(_input(item) for item in row["inputs"]),
        exclusions=tuple(_exclusion(item) for item in row.get("exclusions", ())),
        bands=tuple(_band(item) for item in row.get("bands", ())),
        bar=tuple(row["bar"]) if "bar" in row else None,
        population=say(row["population"]),
        not_for=say(row["not_for"]) if "not_for" in row else None,
        author=row["citation"]["author"],
        doi=row["citation"]["doi"],
        coefficients=row.get("coefficients", {}),
        fits_any=tuple(fit.get("any", ())),
        fits_all=tuple(fit.get("all", ())),
        fits_age=tuple(fit["age"]) if "age" in fit else None,
        offered=tuple(
            StudyKind(
                modalities=tuple(kind["modality"]),
                parts=tuple(kind.get("parts", ())),
                words=tuple(kind.get("words", ())),
            )
            for kind in row.get("offered", ())
        ),
        ages=tuple(row["ages"]) if "ages" in row else None,
        family=row.get("family", ""),
        checked=tuple(row.get("checked", ())),
        is_research=row.get("research", False),
        cases=tuple(WorkedCase(**case) for case in row.get("cases", ())),
    )


@cache
def catalogue() -> Mapping[str, Score]:
    """Every shipped score by id, in the order in which a panel shows them."""
    scores = [read_score(path) for path in (resources_dir() / "scores").glob("*.json")]
    return {score.id: score for score in sorted(scores, key=lambda score: (score.order, score.id))}

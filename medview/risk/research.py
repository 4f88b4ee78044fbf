"""Trained models on tables as scores: the same inputs with sources, labelled research.

What is not known is filled from the rest of the row as in training, which widens the interval;
the result says so. Column names become concepts by `resources/research/<model>.json`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from medview.core.numbers import number_text
from medview.core.observation import Concept, concepts
from medview.core.paths import resources_dir
from medview.core.words import Sentence, say
from medview.risk.formulas import Inputs, Outcome
from medview.risk.score import Score, ScoreInput
from medview.risk.tabular import Array, Column, TabularModel, encode
from medview.risk.wording import listing

_LEAST_KNOWN = 1.0 / 3.0  # of the inputs; with fewer the number would be the table's mean
_ORDER = 900  # behind every score with a guideline


@dataclass(frozen=True, eq=False)
class Estimator:
    """A tabular model that reads concepts; `names`: column's name to concept."""

    model: TabularModel
    names: Mapping[str, str]

    def __call__(self, given: Inputs, /) -> Outcome:
        """Probability in percent, a 95 % interval, and what was filled."""
        row = self._row(given)
        value, low, high = (100.0 * part for part in self.model.predict(row))
        filled = tuple(c for c in self._concepts() if not given.has(c))
        remarks = (*self._filled(filled, row), *self._beyond(row))
        return Outcome(value, interval=(low, high), filled=filled, remarks=remarks)

    def effect(self, given: Inputs, name: str, /) -> float:
        """Log odds or log hazard of the row less that of the same row with one input's mean."""
        row = self._row(given)
        columns = self._columns_of(name)
        middle = row.copy()
        middle[columns] = self.model.mean[columns]
        pair = self.model.middle(np.stack([row, middle]))
        return float(pair[0] - pair[1])

    def _concepts(self) -> list[str]:
        return list(dict.fromkeys(self.names.values()))

    def _row(self, given: Inputs) -> Array:
        known = {
            column.name: _in_its_unit(column, concepts()[concept], given.values.get(concept))
            for column in self.model.columns
            if (concept := self.names.get(column.name, ""))
        }
        return np.asarray(encode(self.model.columns, [known])[0], float)

    def _columns_of(self, concept: str) -> list[int]:
        found: list[int] = []
        start = 0
        for column in self.model.columns:
            if self.names.get(column.name) == concept:
                found += range(start, start + column.width)
            start += column.width
        return found

    def _filled(self, filled: tuple[str, ...], row: Array) -> Iterator[Sentence]:
        if filled:
            names = listing([say(concepts()[name].title) for name in filled])
            yield say(
                "Not known, filled from the rest of the row: {names}. The interval is {times} "
                "times as wide for it.",
                names=names,
                times=number_text(round(self.model.widening(row), 1)),
            )

    def _beyond(self, row: Array) -> Iterator[Sentence]:
        low, high = self.model.bounds
        outside = (row < low - 1e-9) | (row > high + 1e-9)
        names = [c for c in self._concepts() if outside[self._columns_of(c)].any()]
        if names:
            yield say(
                "Beyond 99 % of the patients it learnt from, counted as the edge: {names}.",
                names=listing([say(concepts()[name].title) for name in names]),
            )


def _in_its_unit(column: Column, concept: Concept, value: object) -> float | str | None:
    if value is None or isinstance(value, str):
        return value
    if column.kind != "number":
        return float(bool(value))
    number = float(value)  # type: ignore[arg-type]
    if column.unit in (concept.unit, "") or not concept.unit:
        return number
    return concept.from_own_unit(number, column.unit)


def research_score(description: Mapping[str, Any], model: TabularModel) -> Score:
    """A score made of a checked `model.json` and its arithmetic.

    Columns whose concept nobody names can never be known and are always filled.
    """
    name, told = str(description["name"]), _told(str(description["name"]))
    known = told.get("concepts", {})
    names = {c.name: c.concept or known.get(c.name, "") for c in model.columns}
    names = {column: concept for column, concept in names.items() if concept in concepts()}
    used = dict.fromkeys(names.values())
    fit = told.get("fits", {})
    use = str(description["intended"]["use"])
    return Score(
        id=name,
        title=say(told.get("title", str(description["title"]))),
        subtitle=say(told.get("subtitle", str(description["outcome"]["title"]))),
        version=str(description["version"]),
        formula="",
        order=_ORDER,
        unit="%",
        decimals=0,
        inputs=tuple(ScoreInput(concept=concepts()[c], required=False) for c in used),
        bar=(0.0, 100.0),
        population=say(told.get("population", use)),
        author=told.get("author", ""),
        doi=told.get("doi", ""),
        fits_any=tuple(fit.get("any", ())),
        fits_all=tuple(fit.get("all", ())),
        model=Estimator(model, names),
        least=_LEAST_KNOWN,
        is_research=True,
    )


def _told(name: str) -> Mapping[str, Any]:
    path = resources_dir() / "research" / f"{name}.json"
    if not path.is_file():
        return {}
    found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found

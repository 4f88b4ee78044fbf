"""The TOML file of a model on a table: data, outcome, inputs, recipe, and words."""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medview.core.errors import InvalidInput
from medview.core.words import say
from medview.risk.tabular import Column
from medview.training.plan import DataPlan, read_part, require_table
from medview.training.plan_checks import SEED_MAX, impossible, require_card, require_named


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What is predicted. kind: binary (`event` is true when it is one of `positive`) or survival
    (with `time` in `unit`; the probability is that of an event before `horizon`).

    keep: column to the values of rows that count; others are passed over.
    """

    kind: str
    event: str
    positive: tuple[str, ...]
    title: str
    time: str = ""
    unit: str = ""
    horizon: float = 0.0
    keep: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class TabularRecipe:
    """How it is judged and fitted.

    set_aside: share of the patients that judge at the end. repeats x folds: cross-validation of
    the rest. penalty: ridge on standardised coefficients, as a share of the number of rows.
    penalties: those among which the linear model's is chosen from the rows it learns from, in each
    fold anew, by an inner cross-validation dealt `deals` times; none: it is `penalty`.
    hidden, epochs: of the small neural model that is tried beside the linear one.
    """

    set_aside: float
    repeats: int = 10
    folds: int = 5
    penalty: float = 1e-3
    penalties: tuple[float, ...] = ()
    deals: int = 5
    hidden: int = 16
    epochs: int = 150
    seed: int = 1


@dataclass(frozen=True, kw_only=True)
class TabularPlan:
    """A whole TOML file, checked. patient: the column that names the patient, "" for the row."""

    path: Path
    data: DataPlan
    patient: str
    outcome: Outcome
    columns: tuple[Column, ...]
    recipe: TabularRecipe
    model: Mapping[str, Any]
    card: Mapping[str, str]

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.model["name"])

    @property
    def table(self) -> Path:
        """The file of the rows. Raises InvalidInput when it is not there."""
        for root in (os.environ.get("MEDVIEW_DATA"), str(self.path.parent)):
            if root and (Path(root) / self.data.path).is_file():
                return Path(root) / self.data.path
        raise InvalidInput(
            say("The training data are not there."),
            self.data.path,
            say("Set MEDVIEW_DATA to the folder that holds them."),
        )


def is_tabular(path: Path) -> bool:
    """Whether a TOML file trains a model on a table; False for what is no readable TOML."""
    try:
        return "outcome" in tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def read_tabular_plan(path: Path) -> TabularPlan:
    """Read and check a TOML file. Raises InvalidInput in one sentence."""
    loaded = tomllib.loads(path.read_text(encoding="utf-8"))
    data = dict(require_table(loaded, "data"))
    patient = str(data.pop("patient", ""))
    inputs = loaded.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise InvalidInput(say("The training file lacks {name}.", name="inputs"))
    if not all(isinstance(record, dict) for record in inputs):
        raise impossible("inputs")
    model, card = require_table(loaded, "model"), require_table(loaded, "card")
    require_named(model)
    require_card(card)
    plan = TabularPlan(
        path=path.resolve(),
        data=read_part(DataPlan, data, "data"),
        patient=patient,
        outcome=_outcome(require_table(loaded, "outcome")),
        columns=tuple(_column(record) for record in inputs),
        recipe=read_part(TabularRecipe, require_table(loaded, "recipe"), "recipe"),
        model=model,
        card=card,
    )
    _require_possible(plan.recipe)
    return plan


def _require_possible(recipe: TabularRecipe) -> None:
    penalties = (recipe.penalty, *recipe.penalties)
    fits = {
        "recipe.set_aside": 0 < recipe.set_aside < 1,
        "recipe.repeats": recipe.repeats >= 1,
        "recipe.folds": recipe.folds >= 2,
        "recipe.penalties": all(each >= 0 and math.isfinite(each) for each in penalties),
        "recipe.deals": recipe.deals >= 1,
        "recipe.hidden": recipe.hidden >= 1,
        "recipe.epochs": recipe.epochs >= 1,
        "recipe.seed": 0 <= recipe.seed < SEED_MAX,
    }
    for name, is_possible in fits.items():
        if not is_possible:
            raise impossible(name)


def _outcome(table: dict[str, Any]) -> Outcome:
    keep, positive = table.pop("keep", {}), table.get("positive", ["1"])
    lists = [positive, *keep.values()] if isinstance(keep, dict) else [None]
    if not all(isinstance(values, list) for values in lists):
        raise impossible("outcome.keep" if isinstance(positive, list) else "outcome.positive")
    kept = {key: tuple(map(str, values)) for key, values in keep.items()}
    told = {**table, "positive": tuple(map(str, positive)), "keep": kept}
    found = read_part(Outcome, told, "outcome")
    if found.kind not in ("binary", "survival") or (found.kind == "survival" and not found.time):
        raise impossible("outcome.kind")
    return found


def _column(record: Mapping[str, Any]) -> Column:
    codes = record.get("codes")
    named = {"column": record.get("name", ""), **record}
    column = read_part(Column, named, "inputs")
    if (column.kind == "choice") != isinstance(codes, dict):
        raise impossible(f"inputs.{column.name}")
    return column

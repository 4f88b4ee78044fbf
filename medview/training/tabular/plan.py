"""The TOML file of a model on a table: data, outcome, inputs, recipe, and words."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from medview.core.errors import InvalidInput
from medview.core.words import say
from medview.risk.tabular import Column
from medview.training.plan import DataPlan


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
    data = dict(table_in(loaded, "data"))
    patient = str(data.pop("patient", ""))
    inputs = loaded.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise InvalidInput(say("The training file lacks {name}.", name="inputs"))
    return TabularPlan(
        path=path.resolve(),
        data=made(DataPlan, data, "data"),
        patient=patient,
        outcome=_outcome(table_in(loaded, "outcome")),
        columns=tuple(_column(record) for record in inputs),
        recipe=made(TabularRecipe, table_in(loaded, "recipe"), "recipe"),
        model=table_in(loaded, "model"),
        card=table_in(loaded, "card"),
    )


def _outcome(table: dict[str, Any]) -> Outcome:
    kept = {key: tuple(map(str, values)) for key, values in table.pop("keep", {}).items()}
    table["positive"] = tuple(map(str, table.get("positive", ("1",))))
    found: Outcome = made(Outcome, {**table, "keep": kept}, "outcome")
    if found.kind not in ("binary", "survival") or (found.kind == "survival" and not found.time):
        raise InvalidInput(
            say("The training file has an impossible value for {name}.", name="outcome.kind")
        )
    return found


def _column(record: Mapping[str, Any]) -> Column:
    codes = record.get("codes")
    column: Column = made(Column, {**record, "column": record.get("column", record.get("name"))},
                         "inputs")  # fmt: skip
    if (column.kind == "choice") != isinstance(codes, dict):
        raise InvalidInput(
            say(
                "The training file has an impossible value for {name}.",
                name=f"inputs.{column.name}",
            )
        )
    return column


def table_in(loaded: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A table of a TOML file. Raises InvalidInput where there is none of this name."""
    table = loaded.get(name)
    if not isinstance(table, dict):
        raise InvalidInput(say("The training file lacks {name}.", name=name))
    return table


def made(kind: Any, table: Mapping[str, Any], name: str) -> Any:
    """A part of a plan from its table. Raises InvalidInput for what does not belong there."""
    known = {field.name for field in fields(kind)}
    for key in table:
        if key not in known:
            raise InvalidInput(
                say("The training file has an impossible value for {name}.", name=f"{name}.{key}")
            )
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
    try:
        return kind(**values)
    except TypeError as error:
        raise InvalidInput(
            say("The training file lacks {name}.", name=name), detail=str(error)
        ) from error

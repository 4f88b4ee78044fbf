"""`medview evaluate MODEL TABLE`: a tabular model's figures on rows that it may never have seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from medview.ai.folder import ModelFolder
from medview.ai.schema_tabular import WEIGHTS
from medview.core.errors import InvalidInput
from medview.core.words import say
from medview.risk.tabular import TabularModel, read_model
from medview.training.tabular.judge import Scored, aside, with_intervals
from medview.training.tabular.plan import read_tabular_plan
from medview.training.tabular.table import Reading, Table, hash_of, read_table

SCHEMA = "medview.evaluate/1"


def load_model(folder: ModelFolder, *, is_judged: bool = False) -> TabularModel:
    """The arithmetic of a checked folder. Raises ModelUnavailable where its arrays do not fit."""
    return read_model(folder.description, folder.content(WEIGHTS), is_judged=is_judged)


def evaluate_table(folder: ModelFolder, path: Path, split: str = "") -> dict[str, Any]:
    """The document `medview.evaluate/1` for a table of the form the model was trained on.

    split: `all`; of the model's own table also `aside`, which judged it, and `train`, the rest:
    both by the weights that learnt from that rest alone, while what ships learnt from all. "" is
    `aside` of that table and `all` of every other. Gaps are filled as they are
    for a patient. Raises InvalidInput for another table, or a part that it does not have.
    """
    if not path.is_file():
        raise InvalidInput(say("This model reads a table (.csv or .csv.gz)."), str(path))
    model, outcome = load_model(folder), folder.description["outcome"]
    reading = Reading(
        columns=model.columns, event=outcome["event"], positive=outcome["positive"],
        time=outcome["time"], patient=outcome["patient"], keep=outcome["keep"],
    )  # fmt: skip
    part, table = _part(folder, path, read_table(path, reading), split)
    model = load_model(folder, is_judged=part != "all")
    said = _said(model, table)
    return {
        "schema": SCHEMA,
        "model": folder.name,
        "version": folder.version,
        "data": path.name,
        "split": part,
        "cases": len(table),
        "patients": len(set(table.patients)),
        "refused": 0,
        "passed_over": table.passed,
        "unread": dict(table.unread),
        "metrics": with_intervals(table, said, model),
        "per_case": [
            {"patient": who, "probability": round(float(p), 6), "event": bool(e)}
            for who, p, e in zip(table.patients, said.probability, table.event, strict=True)
        ],
    }


def _part(folder: ModelFolder, path: Path, table: Table, split: str) -> tuple[str, Table]:
    """The part that is asked for, by name, and its rows."""
    known: tuple[str, ...] = ("all",)
    if hash_of(path) == folder.description["provenance"]["train_hash"]:
        known = ("aside", "train", "all")
    chosen = split or known[0]
    if chosen not in known:
        raise InvalidInput(
            say(
                "The data have no part {split}; they have {known}.",
                split=chosen,
                known=", ".join(known),
            ),
            path.name,
        )
    if chosen == "all":
        return chosen, table
    recipe = read_tabular_plan(folder.path / "train.toml").recipe
    learn, kept = aside(table, recipe.set_aside, recipe.seed)
    rows = kept if chosen == "aside" else learn
    return chosen, replace(rows, passed=table.passed, unread=table.unread)


def _said(model: TabularModel, table: Table) -> Scored:
    scores, probability = np.empty(len(table)), np.empty(len(table))
    for number, row in enumerate(table.design):
        filled = model.scores(model.filled(row))
        scores[number] = float(filled.mean())
        probability[number] = float(model.probability(filled).mean())
    return Scored(scores, probability)

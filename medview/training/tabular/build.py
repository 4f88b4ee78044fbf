"""From a TOML file and a table to a model folder: judge, choose, fit, describe."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from medview import __version__
from medview.core.progress import CancelToken, Progress
from medview.risk.tabular import JUDGED, Column, TabularModel
from medview.training.seal import at_work_in, model_in, seal_folder
from medview.training.tabular.card import Told, write_card
from medview.training.tabular.figures import reliability
from medview.training.tabular.judge import (
    Judged,
    aside,
    cross_validate,
    difference,
    fitters,
    grounded,
    scored,
    with_intervals,
)
from medview.training.tabular.plan import TabularPlan
from medview.training.tabular.table import Reading, Table, hash_of, read_table

WEIGHTS = "weights.safetensors"


@dataclass(frozen=True, eq=False, kw_only=True)
class Chosen:
    """Both kinds in cross-validation, their paired difference, and which one ships."""

    judged: Mapping[str, Judged]
    gain: Mapping[str, Any]
    kind: str


def reading_of(plan: TabularPlan) -> Reading:
    """How the plan's table is read."""
    return Reading(
        columns=plan.columns, event=plan.outcome.event, positive=plan.outcome.positive,
        time=plan.outcome.time, patient=plan.patient, keep=plan.outcome.keep,
    )  # fmt: skip


def train_table(plan: TabularPlan, folder: Path, progress: Progress, cancel: CancelToken) -> Path:
    """Judge, choose and fit; leaves a whole model folder as `model/`, a calibration plot beside.

    The part set aside is judged by a model that did not learn from it; what ships is then fitted
    the same way on all rows. The folder holds both, so that the figures can be had again.

    The neural model ships only where its paired gain in C (or AUC) is above 0 with its whole
    interval. Raises InvalidInput for bad data, Cancelled, WriteFailed.
    """
    table = read_table(plan.table, reading_of(plan))
    learn, kept = aside(table, plan.recipe.set_aside, plan.recipe.seed)
    chosen = _choose(plan, learn, progress, cancel)
    ground = grounded(plan, learn)
    model = fitters(plan)[chosen.kind](ground, learn)
    said = scored(model, ground, kept)
    shipped = fitters(plan)[chosen.kind](grounded(plan, table), table)
    told = Told(
        rows=(len(table), len(learn), len(kept), table.passed),
        events=(int(table.event.sum()), int(learn.event.sum()), int(kept.event.sum())),
        gaps={c.title: _gaps(table, plan, n) for n, c in enumerate(plan.columns)},
        widening=_widening(shipped, table),
        aside=with_intervals(kept, said, model),
        reliability=reliability(kept, said.probability, model.horizon, bins=5),
        chosen=chosen.kind,
        judged={name: one.figures for name, one in chosen.judged.items()},
        gain=chosen.gain,
    )
    with at_work_in(folder), model_in(folder) as new:
        _write(plan, {"": shipped, JUDGED: model}, told, new)
    return folder / "model"


def _choose(plan: TabularPlan, learn: Table, progress: Progress, cancel: CancelToken) -> Chosen:
    judged = {kind: cross_validate(plan, learn, kind, progress, cancel) for kind in fitters(plan)}
    gain = difference(
        learn, judged["neural"].out_of_fold, judged["linear"].out_of_fold,
        is_survival=plan.outcome.kind == "survival",
    )  # fmt: skip
    kind = "neural" if gain["interval"][0] > 0 else "linear"
    return Chosen(judged=judged, gain=gain, kind=kind)


def _gaps(table: Table, plan: TabularPlan, number: int) -> float:
    at = sum(column.width for column in plan.columns[:number])
    return float(np.isnan(table.design[:, at]).mean())


def _widening(model: TabularModel, table: Table) -> Mapping[str, float]:
    """How many times wider the interval is when an input is left out; median over 50 whole rows."""
    whole = table.design[~np.isnan(table.design).any(axis=1)][:50]
    found: dict[str, float] = {}
    start = 0
    for column in model.columns:
        ratios = []
        for row in whole:
            gap = row.copy()
            gap[start : start + column.width] = np.nan
            _, low, high = model.predict(row)
            _, lower, higher = model.predict(gap)
            if high > low:
                ratios.append((higher - lower) / (high - low))
        if ratios:
            found[column.title] = float(np.median(ratios))
        start += column.width
    return found


def _write(plan: TabularPlan, models: Mapping[str, TabularModel], told: Told, folder: Path) -> None:
    """The folder's files; models: by what stands before the names of their arrays."""
    arrays = {f"{before}{n}": a for before, m in models.items() for n, a in _arrays(m).items()}
    (folder / WEIGHTS).write_bytes(save(arrays))
    model = models[""]
    description = {
        **plan.model,
        "gates": [],
        "pipeline": [],
        "outputs": [],
        "estimator": {"type": told.chosen, "layers": len(model.layers)},
        "outcome": _outcome(plan),
        "inputs": [_input(column) for column in model.columns],
        "provenance": {
            "train_data": [plan.data.title],
            "attribution": plan.data.attribution,
            "train_hash": hash_of(plan.table),
            "seed": plan.recipe.seed,
            "engine": f"medview {__version__}",
        },
    }
    _write_json(folder / "model.json", description)
    figures = {
        "metrics": told.aside,
        "estimate": told.judged[told.chosen],
        "both": told.judged,
        "neural_minus_linear": told.gain,
        "data": plan.data.title,
    }
    _write_json(folder / "eval.json", figures)
    (folder / "card.md").write_text(write_card(plan, told), encoding="utf-8")
    shutil.copyfile(plan.path, folder / "train.toml")
    seal_folder(folder)


def _arrays(model: TabularModel) -> dict[str, np.ndarray[Any, Any]]:
    arrays = {"mean": model.mean, "scale": model.scale, "bounds": model.bounds,
              "joint": model.joint}  # fmt: skip
    for number, (weights, bias) in enumerate(model.layers):
        arrays |= {f"weights.{number}": weights, f"bias.{number}": bias}
    for name in ("covariance", "hazard"):
        value = getattr(model, name)
        if value is not None:
            arrays[name] = value
    return {name: np.ascontiguousarray(value, np.float64) for name, value in arrays.items()}


def _outcome(plan: TabularPlan) -> dict[str, Any]:
    found = plan.outcome
    return {
        "kind": found.kind, "event": found.event, "positive": list(found.positive),
        "title": found.title, "time": found.time, "unit": found.unit, "horizon": found.horizon,
        "patient": plan.patient, "keep": {k: list(v) for k, v in found.keep.items()},
    }  # fmt: skip


def _input(column: Column) -> dict[str, Any]:
    record: dict[str, Any] = {
        "name": column.name, "column": column.column, "title": column.title, "kind": column.kind,
        "unit": column.unit, "concept": column.concept, "transform": column.transform,
    }  # fmt: skip
    if column.codes is not None and column.kind == "choice":
        record |= {"codes": list(column.codes), "choices": list(column.codes.values())}
    return record


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")

"""From a TOML file to a model folder: read, split, train, calibrate, measure, describe."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from medview import __version__
from medview.ai.folder import open_folder, write_manifest
from medview.core.errors import WriteFailed
from medview.core.files import why_not_written
from medview.training.card import Measured, Story, write_card
from medview.training.cases import Case
from medview.training.crossval import cross_validate
from medview.training.curves import draw_curves, draw_reliability, require_plots
from medview.training.evaluation import Listener, evaluate_cases, figures_of
from medview.training.learning import Job, learn, make_task, read_all, write_json, write_net
from medview.training.loop import Task, Training
from medview.training.parts import Parts
from medview.training.plan import TrainPlan
from medview.training.seal import seal_folder


def train_model(plan: TrainPlan, job: Job) -> Path:
    """Train and leave a whole model folder as `model/` in the job's folder, curves beside it.

    Raises InvalidInput for bad data, Cancelled (resume goes on), WriteFailed; an older model
    folder is replaced only by a whole new one.
    """
    require_plots()
    parts = read_all(plan, job)
    task = make_task(plan, parts, job.cancel)
    training = learn(plan, task, job)
    rows = cross_validate(plan, parts, job) if plan.split.folds else ()
    new = job.folder / "model.new"
    shutil.rmtree(new, ignore_errors=True)
    try:
        new.mkdir()
        draw_curves(training.at.history, job.folder / "curves.png", plan.name)
        write_net(plan, task, training, new)
        _describe(plan, parts, (task, training, rows), (new, job))
        seal_folder(new)
        return _replaced(job.folder / "model", new)
    except OSError as error:
        raise WriteFailed(why_not_written(error), new.parent.name) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _replaced(path: Path, new: Path) -> Path:
    # The old one goes only after the new one stands in its place.
    old = path.with_name(f"{path.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        path.rename(old)
    new.rename(path)
    shutil.rmtree(old, ignore_errors=True)
    return path


def _describe(
    plan: TrainPlan,
    parts: Parts,
    made: tuple[Task, Training, Sequence[Mapping[str, Any]]],
    place: tuple[Path, Job],
) -> None:
    (task, training, rows), (folder, job) = made, place
    # The folder has to be whole before its pipeline runs: first without figures, then with them.
    write_json(folder / "eval.json", {"metrics": {}, "estimate": {}})
    (folder / "card.md").write_text("", encoding="utf-8")
    write_manifest(folder)
    estimate = _pooled(folder, rows) if rows else _measure("held out", folder, parts.held_out, job)
    dev = _measure("dev", folder, parts.dev, job)
    weights = folder / plan.network["weights"]
    if plan.model["kind"] == "classification":
        positive = [row.get("label") in plan.data.positive for row in dev.per_case]
        draw_reliability(dev.per_case, positive, job.folder / "reliability.png", plan.name)
    story = Story(
        counts=parts.counts(),
        seconds=round(training.at.seconds),
        train_hash=task.fingerprint(),
        weights_hash=hashlib.sha256(weights.read_bytes()).hexdigest(),
        near=parts.near,
        steps=(training.at.step, training.kept_step),
        parameters=sum(p.numel() for p in training.at.net.parameters()),
        versions=f"medview {__version__}, torch {torch.__version__}",
    )
    write_json(
        folder / "eval.json",
        {
            "metrics": dev.metrics,
            "estimate": estimate.metrics,
            "dev": _counts(dev),
            "held_out": {
                **_counts(estimate),
                "how": _HOW_FOLDS if rows else _HOW,
            },
            "data": plan.data.title,
            "near_duplicates": dict(parts.near),
        },
    )
    (folder / "card.md").write_text(write_card(plan, estimate, dev, story), encoding="utf-8")


_HOW = "one part of the training patients, split by patient, measured at the end"
_HOW_FOLDS = "cross-validation: each patient judged by a net that did not learn from them"


def _pooled(folder: Path, rows: Sequence[Mapping[str, Any]]) -> Measured:
    found = figures_of(open_folder(folder), rows)
    patients = len({row["patient"] for row in rows})
    return Measured("held out", len(rows), patients, found.refused, found.metrics, found.per_case)


def _measure(name: str, folder: Path, cases: Sequence[Case], job: Job) -> Measured:
    found = evaluate_cases(open_folder(folder), cases, Listener(job.progress, job.cancel))
    patients = len({case.patient for case in cases})
    return Measured(name, len(cases), patients, found.refused, found.metrics, found.per_case)


def _counts(part: Measured) -> dict[str, int]:
    return {"cases": part.cases, "patients": part.patients, "refused": part.refused}

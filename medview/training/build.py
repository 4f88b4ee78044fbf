"""From a TOML file to a model folder: read, split, train, calibrate, measure, describe."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from medview import __version__
from medview.ai.folder import open_folder, write_manifest
from medview.ai.worker.nets import ResNet2d, build_net
from medview.ai.worker.pipeline import load_steps
from medview.core.errors import WriteFailed
from medview.core.progress import CancelToken, Progress
from medview.core.words import say
from medview.training.calibrate import calibrate
from medview.training.card import Measured, Story, write_card
from medview.training.cases import Case
from medview.training.checkpoint import save_half
from medview.training.classification import ClassificationTask
from medview.training.curves import draw_curves, draw_reliability, require_plots
from medview.training.evaluation import Listener, evaluate_cases
from medview.training.loop import Task, Training
from medview.training.parts import Parts, films_of, read_parts
from medview.training.plan import TrainPlan
from medview.training.routing import (
    RouterTask,
    calibrate_router,
    views_besides,
    views_of,
)
from medview.training.seal import seal_folder
from medview.training.segmentation import SegmentationTask, prepare_volume


@dataclass(frozen=True)
class Job:
    """Where a training leaves what it makes, and how it tells and is stopped."""

    folder: Path
    progress: Progress
    cancel: CancelToken
    resume: bool = False


def train_model(plan: TrainPlan, job: Job) -> Path:
    """Train and leave a whole model folder as `model/` in the job's folder, curves beside it.

    Raises InvalidInput for bad data, Cancelled (resume goes on), WriteFailed; an older model
    folder is replaced only by a whole new one.
    """
    require_plots()
    parts = read_all(plan, job)
    task = make_task(plan, parts, job.cancel)
    training = learn(plan, task, job)
    new = job.folder / "model.new"
    shutil.rmtree(new, ignore_errors=True)
    try:
        new.mkdir()
        draw_curves(training.at.history, job.folder / "curves.png", plan.name)
        _write_model(plan, parts, task, training, new)
        _describe(plan, parts, task, training, (new, job))
        seal_folder(new)
        return _replaced(job.folder / "model", new)
    except OSError as error:
        raise WriteFailed(say("The model could not be written."), new.parent.name) from error
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


def read_all(plan: TrainPlan, job: Job) -> Parts:
    """The data of a plan, with every step registered that may prepare them."""
    load_steps()
    torch.set_num_threads(1)
    return read_parts(plan, job.progress, job.cancel)


def make_task(plan: TrainPlan, parts: Parts, cancel: CancelToken) -> Task:
    """What the plan's net learns, with its prepared data."""
    if plan.model["kind"] == "classification":
        watch = films_of(plan, parts.calibrate, cancel)
        return ClassificationTask(films_of(plan, parts.fit, cancel), watch, plan.recipe)
    if plan.model["kind"] == "router":
        fit = views_of(plan, parts.fit, cancel)
        if plan.data.also:
            fit = fit.with_more(views_besides(plan, cancel))
        return RouterTask(fit, views_of(plan, parts.calibrate, cancel), plan.recipe)
    return _segmentation(plan, parts)


def _segmentation(plan: TrainPlan, parts: Parts) -> Task:
    steps = plan.steps()
    wanted = [int(output["label"]) for output in plan.model["outputs"]]
    fit = [prepare_volume(case, steps, wanted) for case in parts.fit]
    watch_volumes = [prepare_volume(case, steps, wanted) for case in parts.held_out]
    return SegmentationTask(fit, watch_volumes, plan.recipe)


def learn(plan: TrainPlan, task: Task, job: Job) -> Training:
    """Train the plan's net; returns the finished training with its averaged net and history."""
    torch.manual_seed(plan.recipe.seed)
    net: nn.Module = build_net(plan.network["arch"], plan.network.get("args", {}))
    training = Training(plan, task, net, job.folder)
    if job.resume:
        training.resume()
    training.run(job.progress, job.cancel)
    return training


def _write_model(
    plan: TrainPlan, parts: Parts, task: Task, training: Training, folder: Path
) -> None:
    net = copy.deepcopy(training.at.average)
    # Rounded first, so that calibration sees the weights that ship.
    net.load_state_dict(
        {k: v.half().float() if v.is_floating_point() else v for k, v in net.state_dict().items()}
    )
    if isinstance(task, ClassificationTask) and isinstance(net, ResNet2d):
        layers = next(s["layers"] for s in plan.model["pipeline"] if s["op"] == "features")
        wanted = {
            "layers": layers,
            "name": plan.model["outputs"][0]["name"],
            "sensitivity": plan.recipe.sensitivity,
        }
        _write_json(folder / "calib.json", calibrate(net, task.fit, task.watch, wanted))
    if isinstance(task, RouterTask):
        layers = next(s["layers"] for s in plan.model["pipeline"] if s["op"] == "route")
        found = calibrate_router(net, task, layers, plan.recipe.unknown)
        _write_json(folder / "calib.json", found)
    (folder / plan.network["weights"]).write_bytes(save_half(net))
    _write_json(folder / "model.json", {**plan.model, "provenance": _provenance(plan, task)})
    shutil.copyfile(plan.path, folder / "train.toml")


def _provenance(plan: TrainPlan, task: Task) -> dict[str, Any]:
    return {
        "train_data": [plan.data.title],
        "attribution": plan.data.attribution,
        "positive": list(plan.data.positive),
        "classes": list(plan.data.classes),
        "train_hash": f"sha256:{task.fingerprint()}",
        "seed": plan.recipe.seed,
        "engine": f"medview {__version__}",
    }


def _describe(
    plan: TrainPlan, parts: Parts, task: Task, training: Training, place: tuple[Path, Job]
) -> None:
    folder, job = place
    # The folder has to be whole before its pipeline runs: first without figures, then with them.
    _write_json(folder / "eval.json", {"metrics": {}, "estimate": {}})
    (folder / "card.md").write_text("", encoding="utf-8")
    write_manifest(folder)
    estimate = _measure("held out", folder, parts.held_out, job)
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
        parameters=sum(p.numel() for p in training.at.net.parameters()),
        versions=f"medview {__version__}, torch {torch.__version__}",
    )
    _write_json(
        folder / "eval.json",
        {
            "metrics": dev.metrics,
            "estimate": estimate.metrics,
            "dev": _counts(dev),
            "held_out": {
                **_counts(estimate),
                "how": "one part of the training patients, split by patient, measured at the end",
            },
            "data": plan.data.title,
            "near_duplicates": dict(parts.near),
        },
    )
    (folder / "card.md").write_text(write_card(plan, estimate, dev, story), encoding="utf-8")


def _measure(name: str, folder: Path, cases: Sequence[Case], job: Job) -> Measured:
    found = evaluate_cases(open_folder(folder), cases, Listener(job.progress, job.cancel))
    patients = len({case.patient for case in cases})
    return Measured(name, len(cases), patients, found.refused, found.metrics, found.per_case)


def _counts(part: Measured) -> dict[str, int]:
    return {"cases": part.cases, "patients": part.patients, "refused": part.refused}


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")

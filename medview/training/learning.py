"""What every training does: read the data, make its task, learn, write the net's folder."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Generator, nn

from medview import __version__
from medview.ai.worker.devices import CPU, Device
from medview.ai.worker.nets import ResNet2d, build_net
from medview.ai.worker.pipeline import load_steps
from medview.core.errors import InvalidInput
from medview.core.progress import CancelToken, Progress
from medview.core.words import say
from medview.training.calibrate import calibrate
from medview.training.checkpoint import save_half
from medview.training.classification import ClassificationTask
from medview.training.loop import Task, Training
from medview.training.margin import in_margin
from medview.training.parts import Parts, films_of, read_parts
from medview.training.plan import TrainPlan
from medview.training.plan_checks import empty_net, multiple_of, require_runnable
from medview.training.routing import (
    RouterTask,
    calibrate_router,
    views_besides,
    views_of,
)
from medview.training.segmentation import Prepared, SegmentationTask, prepare_volume


@dataclass(frozen=True)
class Job:
    """Where a training leaves what it makes, on what it learns, how it tells and is stopped."""

    folder: Path
    progress: Progress
    cancel: CancelToken
    resume: bool = False
    device: Device = CPU


def read_all(plan: TrainPlan, job: Job) -> Parts:
    """The data of a plan, with every step registered that may prepare them."""
    load_steps()
    torch.set_num_threads(1)
    require_runnable(plan)
    return read_parts(plan, job.progress, job.cancel)


def make_task(plan: TrainPlan, parts: Parts, cancel: CancelToken) -> Task:
    """What the plan's net learns, with its prepared data."""
    if plan.model["kind"] == "classification":
        watch = films_of(plan, parts.calibrate, cancel)
        return ClassificationTask(films_of(plan, parts.fit, cancel), watch, plan.recipe)
    if plan.model["kind"] == "router":
        besides = views_besides(plan, cancel) if plan.data.also else None
        apart = views_of(plan, parts.calibrate, cancel)
        return RouterTask(views_of(plan, parts.fit, cancel), apart, plan.recipe, besides)
    return _segmentation(plan, parts)


def _segmentation(plan: TrainPlan, parts: Parts) -> Task:
    steps = plan.steps()
    wanted = [int(output["label"]) for output in plan.model["outputs"]]
    factor = multiple_of(empty_net(plan))
    apart = parts.calibrate or parts.held_out
    fit, watch = (
        [prepare_volume(case, steps, wanted) for case in part] for part in (parts.fit, apart)
    )
    for case, volume in zip((*parts.fit, *apart), (*fit, *watch), strict=True):
        if any(side % factor for side in volume.image.shape):
            raise InvalidInput(
                say("The sides of a prepared image are no multiples of {factor}.", factor=factor),
                case.id,
                say("Give the step pad_multiple these factors."),
            )

    def margined(number: int, rng: Generator) -> Prepared:
        return prepare_volume(in_margin(parts.fit[number], rng), steps, wanted)

    return SegmentationTask(fit, watch, plan.recipe, margined)


def learn(plan: TrainPlan, task: Task, job: Job) -> Training:
    """Train the plan's net; returns the finished training with its averaged net and history.

    The averaged net, which ships, lies on the processor in the end.
    """
    torch.manual_seed(plan.recipe.seed)
    net: nn.Module = build_net(plan.network["arch"], plan.network.get("args", {}))
    training = Training(plan, task, net.to(job.device.place), job.folder)
    if job.resume:
        training.resume()
    training.run(job.progress, job.cancel)
    training.at.average.cpu()
    return training


def write_net(plan: TrainPlan, task: Task, training: Training, folder: Path) -> None:
    """Weights, calibration and description; figures and card follow. Raises OSError."""
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
        write_json(folder / "calib.json", calibrate(net, task.fit, task.watch, wanted))
    if isinstance(task, RouterTask):
        layers = next(s["layers"] for s in plan.model["pipeline"] if s["op"] == "route")
        found = calibrate_router(net, task, layers, plan.recipe.unknown)
        write_json(folder / "calib.json", found)
    (folder / plan.network["weights"]).write_bytes(save_half(net))
    describe_net(plan, provenance(plan, task), folder)


def describe_net(plan: TrainPlan, comes_from: Mapping[str, Any], folder: Path) -> None:
    """model.json and train.toml, which say what the net is and comes from. Raises OSError."""
    write_json(folder / "model.json", {**plan.model, "provenance": comes_from})
    shutil.copyfile(plan.path, folder / "train.toml")


def provenance(plan: TrainPlan, task: Task) -> dict[str, Any]:
    """Of model.json: what was learnt from, whose it is, and by what."""
    return {
        **second_told(plan),
        "train_data": [plan.data.title],
        "attribution": plan.data.attribution,
        "positive": list(plan.data.positive),
        "classes": list(plan.data.classes),
        "train_hash": f"sha256:{task.fingerprint()}",
        "seed": plan.recipe.seed,
        "engine": f"medview {__version__}",
    }


def second_told(plan: TrainPlan) -> dict[str, Any]:
    """Of the provenance: which classes the second output tells apart; nothing without one."""
    second = plan.second
    if second is None:
        return {}
    return {"second": list(second.positive), "second_against": list(second.against)}


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """A document that people may read, too. Raises OSError, ValueError for NaN."""
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")

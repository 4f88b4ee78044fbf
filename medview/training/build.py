"""From a TOML file to a model folder: read, split, train, calibrate, measure, describe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from medview.ai.worker.nets import build_net
from medview.ai.worker.pipeline import load_steps
from medview.core.progress import CancelToken, Progress
from medview.training.classification import ClassificationTask
from medview.training.loop import Task, Training
from medview.training.parts import Parts, films_of, read_parts
from medview.training.plan import TrainPlan
from medview.training.segmentation import SegmentationTask, prepare_volume


@dataclass(frozen=True)
class Job:
    """Where a training leaves what it makes, and how it tells and is stopped."""

    folder: Path
    progress: Progress
    cancel: CancelToken
    resume: bool = False


def learn(plan: TrainPlan, parts: Parts, job: Job) -> Training:
    """Train the plan's net; returns the finished training with its averaged net and history."""
    torch.manual_seed(plan.recipe.seed)
    net: nn.Module = build_net(plan.network["arch"], plan.network.get("args", {}))
    training = Training(plan, _task(plan, parts, job.cancel), net, job.folder)
    if job.resume:
        training.resume()
    training.run(job.progress, job.cancel)
    return training


def _task(plan: TrainPlan, parts: Parts, cancel: CancelToken) -> Task:
    if plan.model["kind"] == "classification":
        watch = parts.calibrate or parts.held_out
        return ClassificationTask(
            films_of(plan, parts.fit, cancel), films_of(plan, watch, cancel), plan.recipe
        )
    steps = plan.steps()
    fit = [prepare_volume(case, steps) for case in parts.fit]
    watch_volumes = [prepare_volume(case, steps) for case in parts.held_out]
    return SegmentationTask(fit, watch_volumes, plan.recipe)


def read_all(plan: TrainPlan, job: Job) -> Parts:
    """The data of a plan, with every step registered that may prepare them."""
    load_steps()
    torch.set_num_threads(1)
    return read_parts(plan, job.progress, job.cancel)

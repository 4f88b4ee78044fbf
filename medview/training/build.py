"""From a TOML file to a model folder: read, split, train, calibrate, measure, describe."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from medview.ai.folder import read_json
from medview.core.errors import InvalidInput
from medview.core.words import say
from medview.training.crossval import cross_validate
from medview.training.curves import require_plots
from medview.training.describe import Made, describe, made_of
from medview.training.learning import (
    Job,
    describe_net,
    learn,
    make_task,
    provenance,
    read_all,
    second_told,
    write_net,
)
from medview.training.loop import Task, Training
from medview.training.parts import Parts, learned_hash
from medview.training.plan import TrainPlan
from medview.training.seal import at_work_in, model_in, seal_folder
from medview.training.second import write_second

_KEPT = ("calib.json",)


def train_model(plan: TrainPlan, job: Job) -> Path:
    """Train and leave a whole model folder as `model/` in the job's folder, pictures beside it.

    Raises InvalidInput for bad data, Cancelled (resume goes on), WriteFailed; an older model
    folder is replaced only by a whole new one.
    """
    require_plots()
    parts = read_all(plan, job)
    task = make_task(plan, parts, job.cancel)
    with at_work_in(job.folder):  # only now: a training that is refused leaves nothing behind
        training = learn(plan, task, job)
        made = Made(
            seconds=round(training.at.seconds),
            steps=training.at.step,
            kept_step=training.kept_step,
            history=training.at.history,
            on="" if job.device.kind == "cpu" else job.device.title,
        )
        return _finish(
            plan,
            parts,
            job,
            (made, provenance(plan, task)),
            lambda new: _write_trained(plan, parts, (task, training), (new, job)),
        )


def _write_trained(
    plan: TrainPlan, parts: Parts, made: tuple[Task, Training], place: tuple[Path, Job]
) -> None:
    new, job = place
    write_net(plan, *made, new)
    write_second(plan, parts, new, job.cancel)
    told = provenance(plan, made[0]) | {"learned": learned_hash(parts.fit)}
    describe_net(plan, told, new)


def measure_model(plan: TrainPlan, job: Job) -> Path:
    """The same for the weights and calibration that stand beside the plan: nothing is learnt but
    the nets of folds and shifts that the job's folder does not hold, and a second output.

    Raises InvalidInput where these weights learned from other data or belong to another network.
    """
    require_plots()
    beside = plan.path.parent  # its list of files is older than what is about to be told anew
    if not (beside / "model.json").is_file():
        raise InvalidInput(
            say("No model lies beside the training file."), plan.path.name,
            say("Train anew, without --measure."),
        )  # fmt: skip
    parts = read_all(plan, job)
    told = read_json(beside / "model.json")
    _require_same(plan, told, parts)

    def write(new: Path) -> None:
        for name in (plan.network["weights"], *_KEPT):
            if (beside / name).is_file():
                shutil.copyfile(beside / name, new / name)
        write_second(plan, parts, new, job.cancel)
        describe_net(plan, {**told["provenance"], **second_told(plan)}, new)

    again = replace(job, resume=True)
    with at_work_in(job.folder):
        return _finish(plan, parts, again, (made_of(beside), told["provenance"]), write)


def _require_same(plan: TrainPlan, beside: Mapping[str, Any], parts: Parts) -> None:
    learned = beside.get("provenance", {}).get("learned")
    network: Any = next((step for step in beside["pipeline"] if step["op"] == "network"), {})
    if learned != learned_hash(parts.fit) or network != plan.network:
        raise InvalidInput(
            say("The weights beside the training file learned from other data or another plan."),
            plan.path.name,
            say("Train anew, without --measure."),
        )


def _finish(
    plan: TrainPlan,
    parts: Parts,
    job: Job,
    made: tuple[Made, Mapping[str, Any]],
    write: Callable[[Path], None],
) -> Path:
    rows = cross_validate(plan, parts, job) if plan.split.folds else ()
    with model_in(job.folder) as new:
        write(new)
        describe(plan, parts, (*made, rows), (new, job))
        seal_folder(new)
    return job.folder / "model"

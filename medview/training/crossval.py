"""Cross-validation over patients: every one judged by a net that did not learn from them."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from medview.ai.folder import open_folder, write_manifest
from medview.core.errors import WriteFailed
from medview.core.files import why_not_written, write_whole
from medview.core.words import tr
from medview.training.cases import Case, fingerprint
from medview.training.evaluation import Listener, run_cases
from medview.training.learning import Job, learn, make_task, write_json, write_net
from medview.training.loop import Task, plan_fingerprint
from medview.training.parts import Parts, folds_of
from medview.training.plan import TrainPlan
from medview.training.second import as_far_as_told, write_second

_ROWS = "per_case.json"


def cross_validate(plan: TrainPlan, parts: Parts, job: Job) -> tuple[Mapping[str, Any], ...]:
    """One row a case of `train`, as `evaluate` gives it, through the whole pipeline.

    Each fold has a folder of its own below the job's, with checkpoint and rows; a job that resumes
    takes up where the folds stand. Raises as a training does.
    """
    rows: list[Mapping[str, Any]] = []
    for number, fold in enumerate(folds_of(plan, parts), start=1):
        folder = job.folder / f"fold-{number}"
        folder.mkdir(exist_ok=True)
        told = _Told(job, tr("Fold {number} of {count}", number=number, count=plan.split.folds))
        rows += rows_of(plan, fold, replace(job, folder=folder, progress=told))
    return tuple(rows)


class _Told:
    """A job's progress with the fold before it."""

    def __init__(self, job: Job, fold: str) -> None:
        self._job, self._fold = job, fold

    def __call__(self, done: int, total: int, what: str) -> None:
        self._job.progress(done, total, f"{self._fold}: {what}")


def rows_of(plan: TrainPlan, fold: Parts, job: Job) -> list[Mapping[str, Any]]:
    """A net of the plan that learns from `fold` and judges its held-out cases: a row a case."""
    plan = as_far_as_told(plan, fold)
    task = make_task(plan, fold, job.cancel)
    own = rows_fingerprint(plan, fold, task)
    if job.resume and (found := _kept(job.folder / _ROWS, own)) is not None:
        return found
    training = learn(plan, task, job)
    model = job.folder / "model.new"
    shutil.rmtree(model, ignore_errors=True)
    try:
        model.mkdir()
        write_net(plan, task, training, model)
        write_second(plan, fold, model, job.cancel)
        write_json(model / "eval.json", {"metrics": {}, "estimate": {}})
        (model / "card.md").write_text("", encoding="utf-8")
        write_manifest(model)
        listener = Listener(job.progress, job.cancel)
        found = run_cases(open_folder(model), fold.held_out, listener)
        document = {"fingerprint": own, "per_case": found}
        write_whole(job.folder / _ROWS, json.dumps(document, indent=1).encode())
    except OSError as error:
        raise WriteFailed(why_not_written(error), job.folder.name) from error
    finally:
        shutil.rmtree(model, ignore_errors=True)
    return found


def rows_fingerprint(plan: TrainPlan, fold: Parts, task: Task) -> str:
    """What the rows of a fold must share with a training to be its own: all they depend on."""
    judged = [[case.id, fingerprint(case.volume), _of_truth(case)] for case in fold.held_out]
    about = [plan_fingerprint(plan, task), plan.model["pipeline"], plan.model["outputs"], judged,
             plan.data.positive, asdict(plan.second) if plan.second else None]  # fmt: skip
    return hashlib.sha256(json.dumps(about, sort_keys=True, default=list).encode()).hexdigest()


def _of_truth(case: Case) -> list[Any]:
    drawn = b"" if case.truth is None else case.truth.tobytes()
    known = [case.label, sorted(case.labels), sorted(case.open_ended), sorted(case.numbers.items())]
    return [hashlib.sha256(drawn).hexdigest(), *known]


def _kept(path: Path, fingerprint: str) -> list[Mapping[str, Any]] | None:
    """The rows of a fold that was finished before, None where it was not, or was another."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return list(document["per_case"]) if document["fingerprint"] == fingerprint else None
    except (OSError, ValueError, KeyError, TypeError):
        return None

"""What a new model folder says of itself: figures (eval.json), pictures of them, and its card."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from medview import __version__
from medview.ai.folder import ModelFolder, open_folder, read_json, write_manifest
from medview.ai.worker.nets import build_net
from medview.training.again import CURVES, CURVES_SAID, kept, section, with_section
from medview.training.card import Measured, Story, write_card
from medview.training.cases import Case
from medview.training.curves import draw_curves, draw_reliability, draw_volumes, draw_voxels
from medview.training.evaluation import Listener, evaluate_cases, figures_of
from medview.training.learning import Job, write_json
from medview.training.offsets import Fitted, fit_offsets, move_bias
from medview.training.outlines import metric_name
from medview.training.parts import Parts
from medview.training.pictures import draw_worst
from medview.training.plan import TrainPlan
from medview.training.shift import measure_changed, measure_shifts
from medview.training.trust import (
    RELIABILITY,
    card_section,
    dealt_parts,
    fit_trust,
    keeps_distance,
    with_patients,
)

Rows = Sequence[Mapping[str, Any]]
_APART = (
    "trust",
    "again",
    "offsets",
)  # of what is told of the making: they stand in places of their own
_HOW = "one part of the training patients, split by patient, measured at the end"
_HOW_FOLDS = "cross-validation: each patient judged by a net that did not learn from them"


@dataclass(frozen=True, eq=False, kw_only=True)
class Made:
    """How the weights came about: seconds, steps, the step that was kept, the curves.

    on: the graphics card that worked so long, "" for one core of the processor.
    trust: what is known already of the limits of certainty in calib.json; None where they are to
    be fitted. offsets: what the weights' last bias holds already, likewise (`offsets`).
    again: how the same weights came out when they were made a second time.
    """

    seconds: int
    steps: int
    kept_step: int
    history: Sequence[Mapping[str, float]]
    on: str = ""
    trust: Mapping[str, Any] | None = None
    offsets: Mapping[int, float] | None = None
    again: Mapping[str, Any] = field(default_factory=dict)


def made_of(folder: Path) -> Made:
    """What a folder tells of it in eval.json, which is nothing where it does not."""
    told = read_json(folder / "eval.json")
    usual = {"seconds": 0, "steps": 0, "kept_step": 0, "history": (), "on": ""}
    made = {**usual, **told.get("made", {})}
    held = told.get("offsets")
    return Made(
        trust=told.get("trust", {}),
        offsets={int(n): v for n, v in held["values"].items()} if held else None,
        again=kept(folder),
        **{name: made[name] for name in usual},
    )


def describe(
    plan: TrainPlan,
    parts: Parts,
    made: tuple[Made, Mapping[str, Any], Rows],
    place: tuple[Path, Job],
) -> None:
    """Measure a folder that holds weights, calib.json and model.json, and write what is found.

    made: how it came about, what it comes from, and the rows of its folds. Raises OSError.
    """
    (how, comes_from, rows), (folder, job) = made, place
    # The folder has to be whole before its pipeline runs: first without figures, then with them.
    write_json(folder / "eval.json", {"metrics": {}, "estimate": {}})
    (folder / "card.md").write_text("", encoding="utf-8")
    write_manifest(folder)
    model, moved = _moved(plan, parts, how, (open_folder(folder), job))
    if moved and how.offsets is None:
        how = replace(how, trust=None)  # it was about outlines of another size
    known = (rows, moved)
    model, trust, estimate, dev = _measured(plan, parts, (how, known), (model, job))
    elsewhere = _elsewhere(plan, parts, model, job)
    draw_worst(model, parts.dev, dev.per_case, job.folder / "pictures")
    story = Story(
        counts=parts.counts(),
        seconds=how.seconds,
        on=how.on,
        train_hash=str(comes_from["train_hash"]).removeprefix("sha256:"),
        weights_hash=hashlib.sha256((folder / plan.network["weights"]).read_bytes()).hexdigest(),
        near=parts.near,
        steps=(how.steps, how.kept_step),
        parameters=_parameters(plan),
        versions=f"medview {__version__}, torch {torch.__version__}",
        pictures=_draw(plan, (how, dev, trust), folder, job),
        elsewhere=elsewhere,
        fitted_on=trust.get("fitted_on", ""),
        offsets=_told_offsets(model, moved),
    )
    document = {
        "metrics": dev.metrics,
        "estimate": estimate.metrics,
        "dev": _counts(dev),
        "held_out": {**_counts(estimate), "how": _HOW_FOLDS if rows else _HOW},
        "data": plan.data.title,
        "near_duplicates": dict(parts.near),
        **elsewhere,
        **({"offsets": {"values": moved.values, "cases": len(moved.own)}} if moved else {}),
        **({"trust": trust} if trust else {}),
        **({"again": how.again} if how.again else {}),
        "made": {name: value for name, value in asdict(how).items() if name not in _APART},
    }
    write_json(folder / "eval.json", document)
    card = write_card(plan, estimate, dev, story)
    card += f"\n{card_section(trust)}" if trust else ""
    card = with_section(card, section(how.again)) if how.again else card
    (folder / "card.md").write_text(card, encoding="utf-8")


def _moved(
    plan: TrainPlan, parts: Parts, how: Made, place: tuple[ModelFolder, Job]
) -> tuple[ModelFolder, Fitted | None]:
    """The folder with what its plan adds to the last bias, and how that was found."""
    model, job = place
    if plan.offsets is None:
        return model, None
    listener = Listener(job.progress, job.cancel)
    found = fit_offsets(model, parts.held_out, plan.offsets, listener, how.offsets)
    if how.offsets is None:
        move_bias(plan, model.path, found.values)
        write_manifest(model.path)
    return open_folder(model.path), found


def _told_offsets(model: ModelFolder, moved: Fitted | None) -> dict[str, float]:
    names = {out.value: metric_name(out.name) for out in model.outputs}
    return {names[n]: value for n, value in moved.values.items()} if moved else {}


def _measured(
    plan: TrainPlan,
    parts: Parts,
    made: tuple[Made, tuple[Rows, Fitted | None]],
    place: tuple[ModelFolder, Job],
) -> tuple[ModelFolder, Mapping[str, Any], Measured, Measured]:
    """The folder with its limits of certainty, their figures, the estimate and dev."""
    (model, job), (how, (rows, moved)) = place, made
    trust = with_patients(how.trust, dealt_parts(plan, parts)) if how.trust else how.trust
    # What a model refuses by its distance is known only when its limits are.
    if trust is None and keeps_distance(model):
        known = {row["id"]: row for row in moved.own} if moved else {}
        model, trust = _certain(plan, parts, place, known)
    rows = moved.crossed if moved else rows
    estimate = _pooled(model, rows) if rows else _measure("held out", model, parts.held_out, job)
    dev = _measure("dev", model, parts.dev, job)
    if trust is None:
        own = moved.own if moved else estimate.per_case
        by_it = dev.per_case if rows and not moved else (*own, *dev.per_case)
        model, trust = _certain(plan, parts, place, {row["id"]: row for row in by_it})
    return model, trust, estimate, dev


def _elsewhere(plan: TrainPlan, parts: Parts, model: ModelFolder, job: Job) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if plan.shifts:
        found["shifts"] = measure_shifts(plan, parts, model, job)
    if plan.changed:
        listener = Listener(job.progress, job.cancel)
        found["changed"] = measure_changed(model, parts.dev, listener)
    return found


def _certain(
    plan: TrainPlan, parts: Parts, place: tuple[ModelFolder, Job], known: Mapping[str, Any]
) -> tuple[ModelFolder, Mapping[str, Any]]:
    """The folder with its limits of certainty in calib.json, and the figures of them."""
    model, job = place
    if not plan.certainty:
        return model, {}
    listener = Listener(job.progress, job.cancel)
    calib, about, _ = fit_trust(model, dealt_parts(plan, parts), plan.certainty, listener, known)
    write_json(model.path / "calib.json", calib)
    write_manifest(model.path)
    return open_folder(model.path), about


def _draw(
    plan: TrainPlan, found: tuple[Made, Measured, Mapping[str, Any]], folder: Path, job: Job
) -> dict[str, str]:
    """Pictures of figures, never of people: into the model's folder, and beside it for the run."""
    (how, dev, trust), drawn = found, {}
    if how.history:
        draw_curves(how.history, folder / CURVES, plan.name)
        drawn[CURVES] = CURVES_SAID
    if plan.model["kind"] == "segmentation":
        limits = {n: v["interval_share"] for n, v in trust.get("volumes", {}).items()}
        draw_volumes(dev.per_case, limits, folder / "volumes.png", plan.name)
        drawn["volumes.png"] = "Volumes found beside those drawn by hand, and the Dice of each case"
        if trust.get("voxels", {}).get("after"):
            draw_voxels(trust["voxels"], folder / RELIABILITY, plan.name)
    else:
        told = [row for row in dev.per_case if "refused" not in row]
        if plan.model["kind"] == "router":
            told = [row for row in told if row["answer"] != "unknown"]
            right = [row["answer"] == row["label"] for row in told]
        else:
            right = [row["label"] in plan.data.positive for row in told]
        if told:  # a router may have left every picture unanswered
            draw_reliability(told, right, folder / "reliability.png", plan.name)
            drawn["reliability.png"] = "Probability stated and share that is so"
    for name in drawn:
        shutil.copyfile(folder / name, job.folder / name)
    return drawn


def _parameters(plan: TrainPlan) -> int:
    net = build_net(plan.network["arch"], plan.network.get("args", {}))
    return sum(p.numel() for p in net.parameters())


def _pooled(model: ModelFolder, rows: Rows) -> Measured:
    found = figures_of(model, rows)
    patients = len({row["patient"] for row in rows})
    return Measured("held out", len(rows), patients, found.refused, found.metrics, found.per_case)


def _measure(name: str, model: ModelFolder, cases: Sequence[Case], job: Job) -> Measured:
    found = evaluate_cases(model, cases, Listener(job.progress, job.cancel))
    patients = len({case.patient for case in cases})
    return Measured(name, len(cases), patients, found.refused, found.metrics, found.per_case)


def _counts(part: Measured) -> dict[str, int]:
    return {"cases": part.cases, "patients": part.patients, "refused": part.refused}

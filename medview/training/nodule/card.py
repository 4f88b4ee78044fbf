"""card.md of a nodule model, written by code from its figures and the plan's texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from medview import __version__
from medview.training.card import aims_section
from medview.training.nodule.plan import Plan

Metrics = Mapping[str, Mapping[str, Any]]
CURVES = "curves.png"
_WHAT = {
    "auc": "area under the ROC curve",
    "auc.diameter": "the same of the readers' diameter alone",
    "auc.gain": "the difference of the two, paired",
    "sensitivity": "share of the nodules rated suspicious that are called",
    "specificity": "share of the others that are not called",
    "ece": "expected calibration error, 15 bins of equal mass",
    "auc.under_6mm": "nodules under 6 mm only",
    "auc.6_to_10mm": "6 to under 10 mm only",
    "auc.10_to_15mm": "10 to under 15 mm only",
    "auc.from_15mm": "15 mm and more only",
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Told:
    """What the card tells: eval.json, reliability bins, dev case by case, hashes, effort."""

    figures: Mapping[str, Any]
    bins: Sequence[tuple[int, float, float]]
    dev: Sequence[Mapping[str, Any]]
    train_hash: str
    weights_hash: str
    parameters: int
    seconds: int


def write_card(plan: Plan, told: Told) -> str:
    """The whole card, Markdown; the estimate for new patients leads."""
    model, card, found = plan.model, plan.card, told.figures
    bullets = "; ".join(model["intended"]["not_for"])
    sections = [
        f"# {model['title']}",
        f"`{model['name']}` {model['version']} · research status · not for diagnostic use",
        f"## What it does\n\n{card['what']}",
        f"## What it must not be used for\n\n{card['not_for']}\n\nIn short, not for: {bullets}.",
        f"## How well it does on new patients (estimate)\n\n{_estimate(plan, found)}",
        *aims_section(plan.aims, found["estimate"]),
        f"## On the part `dev` of the same set\n\n{_dev(found)}",
        f"## How far its probabilities can be believed\n\n{_reliability(told)}",
        f"## Curves\n\n{_curves(told)}",
        f"## The worst cases of `dev`, in words\n\n{_worst(plan, told)}",
        f"## Trained on whom\n\n{card['trained_on']}",
        f"## Limits\n\n{card['limits']}",
        f"## What was tried\n\n{card['tried']}",
        f"## Licence and attribution\n\n{_licence(plan)}",
        f"## How it was made\n\n{_made(plan, told)}",
    ]
    return "\n\n".join(sections) + "\n"


def _table(metrics: Metrics) -> str:
    lines = ["| figure | value | 95 % interval | what it is |", "| --- | --- | --- | --- |"]
    for name, found in metrics.items():
        low, high = found["interval"]
        lines.append(
            f"| {name} | {found['value']:.3f} | {low:.3f} to {high:.3f} | {_WHAT.get(name, '')} |"
        )
    return "\n".join(lines)


def _estimate(plan: Plan, found: Mapping[str, Any]) -> str:
    held = found["held_out"]
    auc, gain = found["folds"]["auc"], found["folds"]["auc.gain"]
    return (
        f"From {held['cases']} nodules of {held['patients']} patients: those of the training part "
        f"by {plan.nodule.folds}-fold cross-validation over patients, each judged by the net that "
        "did not learn from its patient, with temperature and threshold from the other folds; "
        "those of `dev` by the whole model. Intervals by resampling patients. Kernel and ridge "
        "were chosen by these same folds, which flatters a little, and all patients come from one "
        f"archive: elsewhere expect less.\n\n{_table(found['estimate'])}\n\n"
        f"The folds alone, without `dev`: AUC {auc['value']:.3f} ({auc['interval'][0]:.3f} to "
        f"{auc['interval'][1]:.3f}), {gain['value']:+.3f} ({gain['interval'][0]:+.3f} to "
        f"{gain['interval'][1]:+.3f}) beside the diameter."
    )


def _dev(found: Mapping[str, Any]) -> str:
    dev = found["dev"]
    refused = f" {dev['refused']} were refused and count in no figure." if dev["refused"] else ""
    return (
        f"{dev['cases']} nodules of {dev['patients']} patients, none of them learnt from.{refused}"
        f"\n\n{_table(found['metrics'])}"
    )


def _curves(told: Told) -> str:
    last = told.figures["learning"][-1]
    return (
        "The net learns in one step, so there is no loss by steps. What more patients bring, by "
        f"nets of the same recipe that learnt from a part of the {last['patients']:.0f}:\n\n"
        f"![AUC by the number of patients that were learnt from]({CURVES})"
    )


def _reliability(told: Told) -> str:
    lines = ["| nodules | mean probability | share rated suspicious |", "| --- | --- | --- |"]
    lines += [f"| {count} | {said:.2f} | {seen:.2f} |" for count, said, seen in told.bins]
    return (
        "All nodules of the estimate in groups of equal size, by rising probability:\n\n"
        + "\n".join(lines)
        + "\n\nThe 95 % interval beside a probability shows how far it moves with the patients "
        "that the nets learnt from and the calibration used. It says nothing of another scanner, "
        "another outline, or of pathology.\n\n"
        "The same as a picture, with the ROC curve:\n\n![Probability and share](reliability.png)"
    )


def _worst(plan: Plan, told: Told) -> str:
    rows = [row for row in told.dev if "refused" not in row]
    missed = [r for r in rows if r["label"] in plan.data.positive and not r["positive"]]
    false = [r for r in rows if r["label"] not in plan.data.positive and r["positive"]]
    missed.sort(key=lambda row: float(row["score"]))
    false.sort(key=lambda row: -float(row["score"]))
    lines = [f"- Rated suspicious and not called: {len(missed)}{_named(missed)}."]
    lines.append(f"- Called though rated harmless: {len(false)}{_named(false)}.")
    lines.append("- So a low probability excludes nothing, and a high one proves nothing.")
    return "\n".join(lines)


def _named(rows: Sequence[Mapping[str, Any]]) -> str:
    worst = [
        f"{row['id']} of {row['diameter_mm']:.1f} mm with {row['score']:.2f}" for row in rows[:3]
    ]
    return f", the surest: {', '.join(worst)}" if worst else ""


def _licence(plan: Plan) -> str:
    return (
        f"The weights and this folder: {plan.model['licence']}. They derive from: "
        f"{plan.data.title}, {plan.data.licence}.\n\n{plan.data.attribution}"
    )


def _made(plan: Plan, told: Told) -> str:
    recipe = plan.nodule
    return (
        f"`medview train models/{plan.name}/train.toml` makes this folder again in {told.seconds} "
        f"s of one processor core (medview {__version__}, torch {torch.__version__}): "
        f"{recipe.folds} folds of patients, {recipe.variants} changed pictures beside each nodule, "
        f"ridge {recipe.ridge:g}, seed {recipe.seed}, {told.parameters} numbers stored in half "
        "precision. Training and inference measure with the same code.\n\n"
        f"- training data: sha256 {told.train_hash}\n- weights: sha256 {told.weights_hash}"
    )

"""card.md: what a model is, for whom, how well, on whom measured, how made. Written by code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from medview.training.nodule.figures import reliability
from medview.training.plan import TrainPlan

Metrics = Mapping[str, Mapping[str, Any]]
_WHAT = {
    "dice": "overlap with the hand-drawn outline (Dice, 1 is perfect)",
    "volume_error": "mean absolute error of the volume, as a share of it",
    "auc": "area under the ROC curve",
    "sensitivity": "share of ill films that are called, at the operating point",
    "specificity": "share of healthy films that are not called, at the operating point",
    "accuracy": "share of the answers that are right",
    "unknown": "share of the pictures that get no answer",
    "right": "share of all pictures that get the right answer",
    "ece": "expected calibration error, 15 bins of equal mass",
}


@dataclass(frozen=True, eq=False)
class Measured:
    """A part of the data with what came out on it (`per_case` as `evaluate` gives it)."""

    name: str
    cases: int
    patients: int
    refused: int
    metrics: Metrics
    per_case: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class Story:
    """How it was made: counts of cases and patients by part, seconds, hashes, versions.

    near: cases of a part that look like one of another, by the names of the two. steps: how many
    there were, and whose weights were kept.
    """

    counts: Mapping[str, tuple[int, int]]
    seconds: int
    train_hash: str
    weights_hash: str
    parameters: int
    versions: str
    near: Mapping[str, int]
    steps: tuple[int, int] = (0, 0)


def write_card(plan: TrainPlan, estimate: Measured, dev: Measured, story: Story) -> str:
    """The whole card, Markdown; the estimate for new patients leads."""
    model, card = plan.model, plan.card
    sections = [
        f"# {model['title']}",
        f"`{model['name']}` {model['version']} · research status · not for diagnostic use",
        f"## What it does\n\n{card['what']}",
        f"## What it must not be used for\n\n{card['not_for']}\n\n{_bullets(model)}",
        f"## How well it does on new patients (estimate)\n\n{_estimate(estimate, plan)}",
        f"## On the part `dev` of the same set\n\n{_dev(dev)}",
        *_reliability(dev, plan),
        f"## The worst cases, in words\n\n{_worst(dev, model['kind'])}",
        f"## Trained on whom\n\n{card['trained_on']}\n\n{_parts(story)}",
        f"## Limits\n\n{card['limits']}",
        f"## Licence and attribution\n\n{_licence(plan)}",
        f"## How it was made\n\n{_made(plan, story)}",
    ]
    return "\n\n".join(sections) + "\n"


def _bullets(model: Mapping[str, Any]) -> str:
    return "In short, not for: " + "; ".join(model["intended"]["not_for"]) + "."


def _table(metrics: Metrics) -> str:
    lines = ["| figure | value | 95 % interval | what it is |", "| --- | --- | --- | --- |"]
    for name, found in metrics.items():
        low, high = found["interval"]
        kind = name.split(".")[0]
        lines.append(
            f"| {name} | {found['value']:.3f} | {low:.3f} to {high:.3f} | {_WHAT.get(kind, '')} |"
        )
    return "\n".join(lines)


def _estimate(part: Measured, plan: TrainPlan) -> str:
    how = _folds(part, plan) if plan.split.folds else _one_part(part, plan)
    return (
        f"{how} It comes from the same place as the training data: elsewhere expect less."
        f"\n\n{_table(part.metrics)}{_refusals(part)}"
    )


def _one_part(part: Measured, plan: TrainPlan) -> str:
    share = round(100 * plan.split.held_out)
    watched = "" if plan.split.calibrate else " The training's curves were drawn on them as well."
    return (
        f"From {part.cases} cases of {part.patients} patients ({share} % of the patients of the "
        "training part, dealt by a hash of the patient). The net did not learn from them, no "
        "threshold was fitted on them, and nothing was stopped or chosen by them; they were "
        f"measured at the end, through the whole pipeline.{watched} This is a single held-out "
        "part, no cross-validation."
    )


def _folds(part: Measured, plan: TrainPlan) -> str:
    return (
        f"By cross-validation in {plan.split.folds} folds over the patients: {part.cases} cases of "
        f"{part.patients} patients, each judged through the whole pipeline by a net of the same "
        "recipe that did not learn from that patient and fitted no threshold on them. The net "
        "that ships learnt from all of these patients but those it was calibrated on."
    )


def _dev(part: Measured) -> str:
    return (
        f"{part.cases} cases of {part.patients} patients, none of them in the training part. "
        f"Intervals by resampling patients.\n\n{_table(part.metrics)}{_refusals(part)}"
        f"{_subgroups(part)}"
    )


def _refusals(part: Measured) -> str:
    said = "".join(
        f"\n\nCase {row['id']}: the outline named {name} holds {size:.0f} mL, more than any organ "
        "of that name; it counts as not drawn."
        for row in part.per_case
        for name, size in row.get("left_out", {}).items()
    )
    if not part.refused:
        return said
    return said + (
        f"\n\nThe model refused {part.refused} of the {part.cases} cases as unlike its training; "
        "they count in no figure."
    )


def _subgroups(part: Measured) -> str:
    rows = [row for row in part.per_case if "label" in row and "refused" not in row]
    lines = []
    for label in sorted({str(row["label"]) for row in rows}):
        if "answer" in rows[0]:
            own = [row["answer"] for row in rows if row["label"] == label]
            said = ", ".join(f"{own.count(a)} {a}" for a in sorted(set(own)))
            lines.append(f"- {label}: {said}")
            continue
        called = [bool(row["positive"]) for row in rows if row["label"] == label]
        share = sum(called) / len(called)
        lines.append(f"- {label}: {sum(called)} of {len(called)} called ({share:.0%})")
    return "\n\nBy the set's own classes:\n\n" + "\n".join(lines) if lines else ""


def _reliability(part: Measured, plan: TrainPlan) -> list[str]:
    if plan.model["kind"] != "classification":
        return []
    rows = [row for row in part.per_case if "refused" not in row]
    truth = [row["label"] in plan.data.positive for row in rows]
    lines = ["| films | mean probability | share that is so |", "| --- | --- | --- |"]
    lines += [
        f"| {count} | {said:.2f} | {seen:.2f} |"
        for count, said, seen in reliability(truth, [row["score"] for row in rows])
    ]
    return [
        "## How far its probabilities can be believed\n\nThe cases of `dev` in groups of equal "
        "size, by rising probability:\n\n" + "\n".join(lines)
    ]


def _worst(part: Measured, kind: str) -> str:
    rows = [row for row in part.per_case if "refused" not in row]
    if kind == "classification":
        return _worst_films(part, rows)
    if kind == "router":
        return _worst_routes(rows)
    # A label that nobody drew in a case has no Dice there.
    drawn = {row["id"]: {n: row[n] for n in row if n.startswith("dice")} for row in rows}
    rows = [row for row in rows if drawn[row["id"]]]
    ranked = sorted(rows, key=lambda row: fmean(drawn[row["id"]].values()))
    lines = []
    for row in ranked[:3]:
        scores = ", ".join(f"{n.split('.')[1]} {v:.2f}" for n, v in drawn[row["id"]].items())
        errors = ", ".join(
            f"{n.split('.')[1]} {100 * row[n]:+.0f} %" for n in row if n.startswith("volume_error")
        )
        lines.append(
            f"- case {row['id']} (person {row['patient']}): Dice {scores}; volume {errors}"
        )
    least = [min(values.values()) for values in drawn.values() if values]
    below = sum(value < 0.8 for value in least)
    said = f"Of {len(rows)} cases {below} have a part with a Dice below 0.80."
    if min(least, default=0) > 0:
        said += " No outline was empty."
    return "\n".join(lines) + f"\n\n{said}"


def _worst_films(part: Measured, rows: list[Mapping[str, Any]]) -> str:
    missed = [row for row in rows if row["label"] != "normal" and not row["positive"]]
    false = [row for row in rows if row["label"] == "normal" and row["positive"]]
    low = min((row["score"] for row in missed), default=None)
    high = max((row["score"] for row in false), default=None)
    kinds = {k: sum(row["label"] == k for row in missed) for k in {row["label"] for row in missed}}
    named = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())) or "none"
    text = f"- Missed: {len(missed)} ill films ({named})"
    text += f", the surest miss with a probability of {low:.3f}." if low is not None else "."
    text += f"\n- Called though healthy: {len(false)} films"
    text += f", the surest with a probability of {high:.3f}." if high is not None else "."
    return text + "\n- So a low probability does not exclude pneumonia, nor a high one prove it."


def _worst_routes(rows: list[Mapping[str, Any]]) -> str:
    lines = [
        f"- {row['id']}: a {row['label']} called {row['answer']}"
        for row in rows
        if row["answer"] != row["label"]
    ]
    return "\n".join(lines[:20]) or "Every picture of `dev` got its right answer."


def _parts(story: Story) -> str:
    named = {
        "fit": "learnt from",
        "calibrate": "calibrated on",
        "held_out": "held out",
        "dev": "dev",
    }
    lines = [
        f"- {named[name]}: {cases} cases of {patients} patients"
        for name, (cases, patients) in story.counts.items()
        if cases
    ]
    return (
        "\n".join(lines)
        + "\n\nNo patient and no identical image stands in two parts; the training "
        f"stops where one does. {_near(story)}"
    )


def _near(story: Story) -> str:
    if not story.near:
        return "No case looks nearly like one of another part (correlation of thumbnails 0.995)."
    counts = ", ".join(f"{count} of {names}" for names, count in story.near.items())
    return (
        f"Cases that look nearly like one of another part (correlation of thumbnails 0.995): "
        f"{counts}. Figures on them flatter."
    )


def _licence(plan: TrainPlan) -> str:
    model = plan.model
    return (
        f"The weights and this folder: {model['licence']}. They derive from: {plan.data.title}, "
        f"{plan.data.licence}.\n\n{plan.data.attribution}"
    )


def _made(plan: TrainPlan, story: Story) -> str:
    recipe = plan.recipe
    return (
        f"`medview train models/{plan.name}/train.toml` makes this folder again: {recipe.steps} "
        f"steps of {recipe.batch}, seed {recipe.seed}, AdamW with a peak rate of "
        f"{recipe.learning_rate:g}, averaged weights, {story.parameters} parameters, stored in "
        f"half precision. It took {story.seconds} s of one processor core ({story.versions}). "
        f"Training and inference run the same preparing steps.{_stopped(plan, story)}\n\n"
        f"- training data: sha256 {story.train_hash}\n- weights: sha256 {story.weights_hash}"
    )


def _stopped(plan: TrainPlan, story: Story) -> str:
    if not plan.recipe.patience:
        return ""
    done, kept = story.steps
    return (
        f" It was to stop after {plan.recipe.patience} looks at the calibration part without a "
        f"better figure: it did {done} steps, and the weights are those of step {kept}."
    )

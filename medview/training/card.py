"""card.md: what a model is, for whom, how well, on whom measured, how made. Written by code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medview.training.again import CURVES, NO_CURVES
from medview.training.nodule.figures import reliability
from medview.training.outlines import metric_name
from medview.training.plan import TrainPlan
from medview.training.worst import worst_in_words

Metrics = Mapping[str, Mapping[str, Any]]
# The smaller the better; those with a sign by their size.
_ERRORS = ("ece", "brier", "surface_mm", "hd95_mm", "volume_error", "volume_bias", "unknown")
_WHAT = {
    "dice.mean": "mean overlap of the parts that it shows",
    "dice": "overlap with the hand-drawn outline (Dice, 1 is perfect)",
    "surface_mm": "mean distance of the two surfaces in mm, where anything was found",
    "hd95_mm": "95 % of the surface lie nearer than this, mm (95th percentile Hausdorff)",
    "volume_error": "mean absolute error of the volume, as a share of it",
    "volume_bias": "mean error of the volume with its sign, as a share of it",
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

    on: the graphics card that it took the seconds of, "" for a core of the processor.
    near: cases of a part that look like one of another, by the names of the two. steps: how many
    there were, and whose weights were kept. pictures: files of the folder with what they show.
    elsewhere: `shifts` and `changed` as `shift` measures them. fitted_on: the cases that the limits
    of certainty come from, in words. offsets: by the name of an organ what was added to its logit.
    """

    counts: Mapping[str, tuple[int, int]]
    seconds: int
    train_hash: str
    weights_hash: str
    parameters: int
    versions: str
    near: Mapping[str, int]
    on: str = ""
    steps: tuple[int, int] = (0, 0)
    pictures: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Mapping[str, Any] = field(default_factory=dict)
    fitted_on: str = ""
    offsets: Mapping[str, float] = field(default_factory=dict)


def write_card(plan: TrainPlan, estimate: Measured, dev: Measured, story: Story) -> str:
    """The whole card, Markdown; the estimate for new patients leads."""
    model, card = plan.model, plan.card
    hidden = _hidden(plan)
    tried = [f"## What was tried\n\n{card['tried']}"] if "tried" in card else []
    sections = [
        f"# {model['title']}",
        f"`{model['name']}` {model['version']} · research status · not for diagnostic use",
        f"## What it does\n\n{card['what']}",
        f"## What it must not be used for\n\n{card['not_for']}\n\n{_bullets(model)}",
        f"## How well it does on new patients (estimate)\n\n{_estimate(estimate, plan, story)}",
        *aims_section(plan.aims, estimate.metrics),
        *_elsewhere(story.elsewhere, dev),
        f"## On the part `dev` of the same set\n\n{_dev(dev, hidden)}",
        *_reliability(dev, plan),
        *_pictures(story),
        f"## The worst cases of `dev`, in words\n\n{_worst(dev, plan, hidden)}",
        f"## Trained on whom\n\n{card['trained_on']}\n\n{_parts(story)}",
        f"## Limits\n\n{card['limits']}",
        *tried,
        f"## Licence and attribution\n\n{_licence(plan)}",
        f"## How it was made\n\n{_made(plan, story)}",
    ]
    return "\n\n".join(sections) + "\n"


def _hidden(plan: TrainPlan) -> list[str]:
    return [metric_name(out["name"]) for out in plan.model["outputs"] if out.get("hidden")]


def _bullets(model: Mapping[str, Any]) -> str:
    return "In short, not for: " + "; ".join(model["intended"]["not_for"]) + "."


def _worst(dev: Measured, plan: TrainPlan, hidden: Sequence[str]) -> str:
    return worst_in_words(dev.per_case, plan.model["kind"], hidden, plan.data.positive)


def _pictures(story: Story) -> list[str]:
    shown = [f"{words}:\n\n![{words}]({name})" for name, words in story.pictures.items()]
    if shown and CURVES not in story.pictures:
        shown.append(NO_CURVES)
    return ["## Curves\n\n" + "\n\n".join(shown)] if shown else []


def aims_section(aims: Mapping[str, tuple[float, float]], estimate: Metrics) -> list[str]:
    """The estimate beside the least that may ship and what was aimed at; nothing without aims."""
    if not aims:
        return []
    lines = ["| figure | estimate | least | aim | |", "| --- | --- | --- | --- | --- |"]
    for name, (least, aim) in aims.items():
        if name not in estimate:
            lines.append(f"| {name} | – | {least:g} | {aim:g} | not measured |")
            continue
        value = estimate[name]["value"]
        is_error = name.split(".")[0] in _ERRORS
        far = -abs(value) if is_error else value
        reached = "aim missed" if far < (-aim if is_error else aim) else "aim reached"
        reached = "below the least" if far < (-least if is_error else least) else reached
        lines.append(f"| {name} | {value:.3f} | {least:g} | {aim:g} | {reached} |")
    return ["## Beside what was aimed at\n\n" + "\n".join(lines)]


def _elsewhere(found: Mapping[str, Any], dev: Measured) -> list[str]:
    if not found:
        return []
    head = "| pictures | cases | refused | auc | sensitivity | specificity | ece |"
    lines = [
        head,
        "| --- " * 7 + "|",
        _shifted("`dev` as it is", dev.cases, dev.refused, dev.metrics),
    ]
    lines += [
        _shifted(name, part["cases"], part["refused"], part["metrics"])
        for name, part in found.get("changed", {}).items()
    ]
    lines += [
        _shifted(f"never seen: {part['name']}", part["cases"], part["refused"], part["metrics"])
        for part in found.get("shifts", ())
    ]
    return [
        "## When the pictures are not like these\n\nThe same model on `dev`, each picture changed "
        "as the row says; what it refuses as unlike its training counts in no figure. Where parts "
        "of the set were left out of the learning of another net of the same recipe, the last rows "
        "are what that net makes of them. None of this is another hospital; it says how much the "
        "figures lean on things that another hospital need not share.\n\n" + "\n".join(lines)
    ]


def _shifted(name: str, cases: int, refused: int, metrics: Metrics) -> str:
    names = ("auc", "sensitivity", "specificity", "ece")
    cells = [_with_interval(metrics[n]) if n in metrics else "–" for n in names]
    return f"| {name} | {cases} | {refused} | {' | '.join(cells)} |"


def _with_interval(found: Mapping[str, Any]) -> str:
    low, high = found["interval"]
    return f"{found['value']:.3f} ({low:.3f} to {high:.3f})"


def _tables(metrics: Metrics, hidden: Sequence[str]) -> str:
    """The figures, and apart from them those of labels that were learnt and are not shown."""
    apart = {name: found for name, found in metrics.items() if name.partition(".")[2] in hidden}
    shown = _table({name: found for name, found in metrics.items() if name not in apart})
    if not apart:
        return shown
    return f"{shown}\n\nLearnt too, but not good enough to be shown:\n\n{_table(apart)}"


def _table(metrics: Metrics) -> str:
    lines = ["| figure | value | 95 % interval | what it is |", "| --- | --- | --- | --- |"]
    for name, found in metrics.items():
        low, high = found["interval"]
        lines.append(f"| {name} | {found['value']:.3f} | {low:.3f} to {high:.3f} | {_what(name)} |")
    return "\n".join(lines)


def _what(name: str) -> str:
    if "_against_" in name:
        return "the weaker second output, on the ill alone: area under the ROC curve"
    return _WHAT.get(name if name in _WHAT else name.split(".", maxsplit=1)[0], "")


def _estimate(part: Measured, plan: TrainPlan, story: Story) -> str:
    how = _folds(part, plan) if plan.split.folds else _one_part(part, plan, story)
    hidden = _hidden(plan)
    return (
        f"{how} It comes from the same place as the training data: elsewhere expect less."
        f"\n\n{_tables(part.metrics, hidden)}{_refusals(part)}"
    )


def _one_part(part: Measured, plan: TrainPlan, story: Story) -> str:
    share = round(100 * plan.split.held_out)
    free = "no threshold was fitted on them, and nothing was stopped or chosen by them"
    if "held-out" in story.fitted_on:
        refuses = any(step["op"] == "distance" for step in plan.model["pipeline"])
        more = " and what it refuses as unlike its training were" if refuses else " was"
        free = "and nothing was stopped or chosen by them; only how sure it may be"
        free += f"{more} fitted on them (below)"
    if story.offsets:
        free = free.replace("chosen by them", "chosen by them but what follows")
    watched = "" if plan.split.calibrate else " The training's curves were drawn on them as well."
    return (
        f"From {part.cases} cases of {part.patients} patients ({share} % of the patients of the "
        "training part, dealt by a hash of the patient). The net did not learn from them, "
        f"{free}; they were measured at the end, "
        f"through the whole pipeline.{_offsets(story)}{watched} This is a single held-out part, no "
        "cross-validation."
    )


def _offsets(story: Story) -> str:
    if not story.offsets:
        return ""
    each = ", ".join(f"{name} {value:+g}" for name, value in story.offsets.items())
    return (
        " One number for each of some organs was chosen by their mean Dice and added to the net's "
        f"last bias, against outlines that are too large or too small ({each}); each patient was "
        "measured with the numbers that the other patients gave."
    )


def _folds(part: Measured, plan: TrainPlan) -> str:
    return (
        f"By cross-validation in {plan.split.folds} folds over the patients: {part.cases} cases of "
        f"{part.patients} patients, each judged through the whole pipeline by a net of the same "
        "recipe that did not learn from that patient and fitted no threshold on them. The net "
        "that ships learnt from all of these patients but those it was calibrated on."
    )


def _dev(part: Measured, hidden: Sequence[str]) -> str:
    return (
        f"{part.cases} cases of {part.patients} patients, none of them in the training part. "
        f"Intervals by resampling patients.\n\n{_tables(part.metrics, hidden)}{_refusals(part)}"
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
    steps = f"{recipe.until} of a schedule of {recipe.steps}" if recipe.until else recipe.steps
    return (
        f"`medview train models/{plan.name}/train.toml` makes this folder again: {steps} "
        f"steps of {recipe.batch}, seed {recipe.seed}, AdamW with a peak rate of "
        f"{recipe.learning_rate:g}, averaged weights, {story.parameters} parameters, stored in "
        f"half precision. It took {story.seconds} s of {story.on or 'one processor core'} "
        f"({story.versions}). "
        f"Training and inference run the same preparing steps.{_stopped(plan, story)}\n\n"
        f"- training data: sha256 {story.train_hash}\n- weights: sha256 {story.weights_hash}"
    )


def _stopped(plan: TrainPlan, story: Story) -> str:
    if not plan.recipe.patience or not story.steps[0]:
        return ""
    done, kept = story.steps
    return (
        f" It was to stop after {plan.recipe.patience} looks at the calibration part without a "
        f"better figure: it did {done} steps, and the weights are those of step {kept}."
    )

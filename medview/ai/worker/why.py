""" "Show why" in words: where a finding comes from, for a reader who doubts it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medview.ai.folder import ModelFolder
from medview.core.results import Label
from medview.core.words import Sentence, say


def explain_label(folder: ModelFolder, label: Label, volume_ml: float) -> Sentence:
    """Why voxels carry a label: the rule that marked them, or the net that did."""
    rules = next((step for step in folder.pipeline if step["op"] == "lungs"), None)
    if rules is not None:
        return _lungs_rule(label.value, rules)
    return say(
        "The net {title} (version {version}) gave these voxels the label {label} as the likeliest; "
        "{volume} mL in all. What the net was trained on stands in its card.",
        title=Sentence(folder.title),
        version=folder.version,
        label=Sentence(label.name),
        volume=round(volume_ml, 2),
    )


def _lungs_rule(value: int, rules: Mapping[str, Any]) -> Sentence:
    if value == 3:
        return say(
            "Fixed rules, no net: air below {limit} HU grown downwards from the windpipe, stopped "
            "before it leaks into the lung.",
            limit=rules["airway_below_hu"],
        )
    if value == 4:
        return say(
            "Fixed rules, no net: the largest part above {limit} HU with what it encloses, without "
            "the table.",
            limit=rules["body_above_hu"],
        )
    return say(
        "Fixed rules, no net: air below {limit} HU inside the body, without the airways, closed "
        "over {close} mm so that vessels and nodules belong to the lung; sides parted where they "
        "touch.",
        limit=rules["air_below_hu"],
        close=rules["close_mm"],
    )


def explain_class(
    folder: ModelFolder,
    label: Label,
    probability: float,
    threshold: float | None,
    has_heatmap: bool,
) -> Sentence:
    """Why a class has its probability, with the threshold it is held against, if there is one."""
    said = say(
        "The net {title} (version {version}) gives {label} a probability of {percent} %.",
        title=Sentence(folder.title),
        version=folder.version,
        label=Sentence(label.name),
        percent=round(100 * probability, 1),
    )
    if threshold is not None:
        said = say(
            "{said} It counts as present from {percent} % on, a threshold fixed in validation.",
            said=said,
            percent=round(100 * threshold, 1),
        )
    limits = folder.calibration().get("conformal", {})
    if "present_from" in limits:
        said = _with_certainty(said, probability, limits)
    if has_heatmap:
        said = say("{said} The coloured areas are what the net used, not an outline.", said=said)
    return said


def _with_certainty(said: Sentence, probability: float, limits: Mapping[str, Any]) -> Sentence:
    """What the local calibration's conformal limits leave possible."""
    percent = round(100 * (1 - limits["alpha"]))
    can_be, can_be_not = (
        probability >= limits["present_from"],
        probability <= limits["absent_to"],
    )
    if can_be and not can_be_not:
        return say(
            "{said} At {percent} % certainty only its presence is left by the cases that this "
            "model was calibrated on here.", said=said, percent=percent,
        )  # fmt: skip
    if can_be_not and not can_be:
        return say(
            "{said} At {percent} % certainty only its absence is left by the cases that this "
            "model was calibrated on here.", said=said, percent=percent,
        )  # fmt: skip
    return say(
        "{said} Uncertain: at {percent} % certainty the cases that this model was calibrated on "
        "here leave both open.", said=said, percent=percent,
    )  # fmt: skip


def explain_measure(folder: ModelFolder) -> Sentence:
    """Where a number about the whole image comes from."""
    return say(
        "Measured by {title} (version {version}).",
        title=Sentence(folder.title),
        version=folder.version,
    )

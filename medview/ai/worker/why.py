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
    answer: Sentence | None,
) -> Sentence:
    """Why a class has its probability, with the threshold it is held against, if there is one.

    answer: what the finding says of its certainty.
    """
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
    if answer is not None:
        said = say("{said} {more}", said=said, more=answer)
    if has_heatmap:
        said = say("{said} The coloured areas are what the net used, not an outline.", said=said)
    return said


def explain_measure(folder: ModelFolder) -> Sentence:
    """Where a number about the whole image comes from."""
    return say(
        "Measured by {title} (version {version}).",
        title=Sentence(folder.title),
        version=folder.version,
    )

"""The checks of a gate that ask the geometry of a stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medview.ai.gate_facts import Facts
from medview.core.words import Sentence, say

Rule = Mapping[str, Any]
Answer = tuple[bool | None, Sentence]


def _inside(rule: Rule, value: float) -> bool:
    return bool(rule.get("low", float("-inf")) <= value <= rule.get("high", float("inf")))


def ask_slice_spacing(rule: Rule, facts: Facts) -> Answer:
    """Whether the distance between neighbouring slices fits."""
    geometry = facts.stack.geometry
    if geometry.shape[0] < 2:
        return False, say("This is a single image; the model needs a volume.")
    step = round(geometry.slice_step, 2)
    if _inside(rule, step):
        return True, say("The distance of the slices fits ({step} mm).", step=step)
    if step > rule.get("high", step):
        return False, say(
            "The slices are {step} mm apart; the model was made for at most {limit} mm.",
            step=step,
            limit=rule["high"],
        )
    return False, say(
        "The slices are {step} mm apart; the model was made for at least {limit} mm.",
        step=step,
        limit=rule["low"],
    )


def ask_pixel_spacing(rule: Rule, facts: Facts) -> Answer:
    """Whether the size of the pixels fits."""
    if facts.stack.calibration == "none":
        return None, say("The size of the pixels is not known.")
    size = round(max(facts.stack.geometry.spacing[:2]), 3)
    if _inside(rule, size):
        return True, say("The size of the pixels fits ({size} mm).", size=size)
    return False, say(
        "The pixels are {size} mm wide; the model was made for {low}-{high} mm.",
        size=size,
        low=rule.get("low", 0),
        high=rule.get("high", "∞"),
    )


def ask_slice_count(rule: Rule, facts: Facts) -> Answer:
    """Whether the number of slices fits."""
    count = facts.stack.geometry.shape[0]
    if _inside(rule, count):
        return True, say("The number of slices fits ({count}).", count=count)
    if count < rule.get("low", 0):
        return False, say(
            "The stack has {count} {count:slice|slices}; the model needs at least {limit}.",
            count=count,
            limit=rule["low"],
        )
    return False, say(
        "The stack has {count} slices; the model takes at most {limit}.",
        count=count,
        limit=rule["high"],
    )


def ask_coverage(rule: Rule, facts: Facts) -> Answer:
    """Whether the stack is long enough along its normal."""
    geometry = facts.stack.geometry
    covered = round(geometry.slice_step * geometry.shape[0])
    if _inside(rule, covered):
        return True, say("The stack covers enough ({covered} mm).", covered=covered)
    if covered < rule.get("low", 0):
        return False, say(
            "The stack covers {covered} mm; the model needs at least {limit} mm.",
            covered=covered,
            limit=rule["low"],
        )
    return False, say(
        "The stack covers {covered} mm; the model was made for at most {limit} mm.",
        covered=covered,
        limit=rule["high"],
    )


def ask_extent(rule: Rule, facts: Facts) -> Answer:
    """Whether all sides of the stack fit."""
    geometry = facts.stack.geometry
    if facts.stack.calibration == "none" or not geometry.is_spatial:
        return None, say("The size of the pixels is not known.")
    k, j, i = geometry.shape
    sides = (geometry.slice_step * k, geometry.spacing[1] * j, geometry.spacing[0] * i)
    outside = [side for side in sides if not _inside(rule, side)]
    if not outside:
        return True, say("The size of the stack fits.")
    return False, say(
        "The stack is {size} mm large; the model was made for {what}.",
        size=" × ".join(str(round(side)) for side in sides),
        what=Sentence(rule["described_as"]),
    )


def ask_geometry(rule: Rule, facts: Facts) -> Answer:
    """Whether the slices form the kind of grid that the model takes."""
    if facts.stack.verdict in rule["in"]:
        return True, say("The slices form a grid that fits.")
    return False, _GRIDS.get(facts.stack.verdict, _GRIDS["not-spatial"])


def ask_diameter(rule: Rule, facts: Facts) -> Answer:
    """Whether the lesion that is asked about has a size that fits."""
    if facts.diameter_mm is None:
        return None, say("This model looks at one nodule: it needs a click with the nodule tool.")
    size = round(facts.diameter_mm, 1)
    if _inside(rule, size):
        return True, say("The diameter fits ({size} mm).", size=size)
    return False, say(
        "The nodule measures {size} mm; the model was made for {low}-{high} mm.",
        size=size,
        low=rule.get("low", 0),
        high=rule.get("high", "∞"),
    )


_GRIDS = {
    "regular": say("The slices form a regular volume; the model was made for single films."),
    "tilted": say("The gantry was tilted; the model was made for upright slices."),
    "non-uniform": say("The distance between the slices changes within the stack."),
    "gaps": say("Slices are missing inside the stack."),
    "duplicates": say("Several images lie at the same place."),
    "single": say("This is a single image; the model needs a volume."),
    "projection": say("This is a projection; the model needs slices."),
    "not-spatial": say("The slices form no grid in space."),
}


def ask_tilt(rule: Rule, facts: Facts) -> Answer:
    """Whether the tilt of the gantry fits."""
    tilt = round(abs(facts.stack.tilt_deg), 1)
    if _inside(rule, tilt):
        return True, say("The tilt of the gantry fits ({tilt}°).", tilt=tilt)
    return False, say(
        "The gantry was tilted by {tilt}°; the model was made for at most {limit}°.",
        tilt=tilt,
        limit=rule.get("high", 0),
    )


_LEAST_COSINE = 0.9  # of the normal with the patient's axis: 25 degrees, a usual gantry or tilt
_LIES = {
    "axial": say("The slices lie axially."),
    "coronal": say("The slices lie coronally."),
    "sagittal": say("The slices lie sagittally."),
    "oblique": say("The slices lie obliquely."),
}
_MADE_FOR = {
    "axial": say("axial slices"),
    "coronal": say("coronal slices"),
    "sagittal": say("sagittal slices"),
    "oblique": say("oblique slices"),
}


def ask_orientation(rule: Rule, facts: Facts) -> Answer:
    """Whether the slices lie as the model wants them, by the normal of the stack."""
    geometry = facts.stack.geometry
    if not geometry.is_spatial:
        return None, say("It is not known how the slices lie in the patient.")
    normal = [abs(float(part)) for part in geometry.normal]
    largest = max(normal)
    names = ("sagittal", "coronal", "axial")
    lies = names[normal.index(largest)] if largest >= _LEAST_COSINE else "oblique"
    if lies in rule["in"]:
        return True, _LIES[lies]
    made_for = _MADE_FOR[rule["in"][0]]
    for name in rule["in"][1:]:
        made_for = say("{some} or {more}", some=made_for, more=_MADE_FOR[name])
    return False, say("{lies} The model was made for {wanted}.", lies=_LIES[lies], wanted=made_for)

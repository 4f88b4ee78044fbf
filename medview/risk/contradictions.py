"""Inputs of one score that cannot both be true: named, and nothing is computed from them."""

from __future__ import annotations

from collections.abc import Mapping

from medview.core.observation import concepts
from medview.core.words import Sentence, say
from medview.risk.result import Value
from medview.risk.wording import amount

_NEVER_ABOVE = (
    ("smoking_quit_years", "age"),
    ("smoking_years", "age"),
    ("nodule_solid_part", "nodule_diameter_max"),
    ("nodule_diameter_mean", "nodule_diameter_max"),
    ("target_sum_nadir", "target_sum_baseline"),  # the nadir counts the baseline, too
    ("hdl_cholesterol", "total_cholesterol"),
    ("diastolic_bp", "systolic_bp"),
)
_ROUNDED_MM = 0.5  # sizes are told in whole millimetres, or one of the two is
_OF_SMOKERS = ("smoking_quit_years", "smoking_years")


def contradiction(values: Mapping[str, Value]) -> Sentence | None:
    """The first two inputs that cannot both be true, in words; None where there are none."""
    for part, whole in _NEVER_ABOVE:
        spare = _ROUNDED_MM if concepts()[part].unit == "mm" else 0.0
        if _number(values, part) > _number(values, whole, float("inf")) + spare:
            return _both(values, part, whole)
    # Length and width make the mean: no length is twice of it, but many are above it.
    part, mean = "nodule_solid_part", "nodule_diameter_mean"
    if _number(values, part) > 2 * _number(values, mean, float("inf")):
        return _both(values, part, mean)
    for years in _OF_SMOKERS:
        if values.get("smoking_status") == "never" and _number(values, years) > 0.0:
            return _both(values, "smoking_status", years)
    return None


def left_aside(values: Mapping[str, Value]) -> Sentence | None:
    """Years since quitting in one who smokes: the formulas count none, and the card says so."""
    years = "smoking_quit_years"
    if values.get("smoking_status") == "current" and _number(values, years) > 0.0:
        return _both(values, "smoking_status", years)
    return None


def _number(values: Mapping[str, Value], name: str, otherwise: float = 0.0) -> float:
    value = values.get(name)
    return value if isinstance(value, float) else otherwise


def _both(values: Mapping[str, Value], first: str, second: str) -> Sentence:
    return say(
        "{first} {value} and {second} {other} contradict each other.",
        first=say(concepts()[first].title),
        value=amount(concepts()[first], values[first]),
        second=say(concepts()[second].title),
        other=amount(concepts()[second], values[second]),
    )

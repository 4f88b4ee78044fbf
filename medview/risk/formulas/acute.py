"""How ill somebody is now: points from vital signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medview.risk.formulas.base import Inputs, Outcome


def news2(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """NEWS2, 0-20; Royal College of Physicians 2017 (Smith 2019, 10.7861/clinmedicine.19-3-260).

    Saturation counts on scale 2 in hypercapnic failure (target 88-92 %), and there differently
    on oxygen. One sign of 3 points alone asks for an urgent look.
    """
    on_oxygen = given.yes("oxygen_treatment")
    scale = "1"
    if given.yes("hypercapnic_failure"):
        scale = "2, oxygen" if on_oxygen else "2, air"
    points = [
        _points(given.number("respiratory_rate"), coefficients["respiratory_rate"]),
        _points(given.number("oxygen_saturation"), coefficients["oxygen_saturation"][scale]),
        _points(given.number("systolic_bp"), coefficients["systolic_bp"]),
        _points(given.number("heart_rate"), coefficients["heart_rate"]),
        _points(given.number("temperature"), coefficients["temperature"]),
        3 if given.yes("confusion") else 0,
    ]
    total = sum(points) + (2 if on_oxygen else 0)
    if total >= 7:
        return Outcome(float(total), "high")
    if total >= 5:
        return Outcome(float(total), "medium")
    return Outcome(float(total), "single" if max(points) == 3 else "low")


def _points(value: float, table: Sequence[Sequence[float]]) -> int:
    """The points of the first row whose upper end reaches the value; the last has no end."""
    *rows, last = table
    return int(next((points for end, points in rows if value <= end), last[0]))


def qsofa(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """qSOFA, 0-3; Singer 2016, 10.1001/jama.2016.0287."""
    points = (
        given.yes("confusion")
        + (given.number("respiratory_rate") >= 22.0)
        + (given.number("systolic_bp") <= 100.0)
    )
    return Outcome(float(points))


def curb_65(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """CURB-65, 0-5; Lim 2003, 10.1136/thorax.58.5.377. Urea in mmol/L."""
    is_low = given.number("systolic_bp") < 90.0 or given.number("diastolic_bp") <= 60.0
    points = (
        given.yes("confusion")
        + (given.number("urea") > 7.0)
        + (given.number("respiratory_rate") >= 30.0)
        + is_low
        + (given.number("age") >= 65.0)
    )
    return Outcome(float(points))

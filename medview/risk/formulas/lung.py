"""Who gets lung cancer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medview.risk.formulas.base import Inputs, Outcome, logistic


def plco_m2012(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """Lung cancer within six years, in %; Tammemägi 2013, 10.1056/NEJMoa1211776.

    Education 1 (less than high school) to 6 (postgraduate); years since quitting count 0 in
    current smokers; the term of cigarettes per day is 10/n - 0.4021541613.
    """
    c = coefficients
    is_current = given.word("smoking_status") == "current"
    quit_years = 0.0 if is_current else given.number("smoking_quit_years")
    intensity = 10.0 / given.number("cigarettes_per_day") - c["intensity_centre"]
    x = (
        c["constant"]
        + c["age"] * (given.number("age") - 62.0)
        + c["race"][given.word("race")]
        + c["education"] * (c["levels"][given.word("education")] - 4.0)
        + c["bmi"] * (given.number("bmi") - 27.0)
        + c["copd"] * given.yes("copd")
        + c["cancer"] * given.yes("cancer_history")
        + c["family"] * given.yes("family_history_lung_cancer")
        + c["current"] * is_current
        + c["intensity"] * intensity
        + c["duration"] * (given.number("smoking_years") - 27.0)
        + c["quit"] * (quit_years - 10.0)
    )
    return Outcome(100.0 * logistic(x))

"""Risk of breast cancer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from medview.risk.formulas.base import Inputs, Outcome


def gail(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """Invasive breast cancer in the next five years, white women, in %.

    Gail 1989, 10.1093/jnci/81.24.1879, with the constants of NCI's BCRAT. Year by year:
    h/(h+l2) e^-cum (1 - e^-(h+l2)), h = relative risk x attributable share x l1.
    """
    age = int(given.number("age"))
    before, after = (_relative(given, coefficients, is_50) for is_50 in (False, True))
    risk = cumulative = 0.0
    for year in range(age, age + 5):
        row = (year - 20) // 5
        relative = after if year >= 50 else before
        cancer = relative * coefficients["attributable"] * coefficients["cancer"][row] * 1e-5
        both = cancer + coefficients["other_death"][row] * 1e-5
        risk += cancer / both * math.exp(-cumulative) * (1.0 - math.exp(-both))
        cumulative += both
    return Outcome(100.0 * risk)


def _relative(given: Inputs, c: Mapping[str, Any], is_50: bool) -> float:
    biopsies = min(2.0, given.number("breast_biopsies"))
    menarche = c["menarche"][given.word("menarche")]
    birth = c["first_birth"][given.word("first_birth")]
    relatives = min(2.0, given.number("relatives_breast_cancer"))
    x = (
        c["biopsies"] * biopsies
        + c["per_menarche"] * menarche
        + c["per_birth"] * birth
        + c["relatives"] * relatives
        + c["birth_relatives"] * birth * relatives
        + c["biopsies_50"] * biopsies * is_50
    )
    atypia = c["atypia"][given.word("atypical_hyperplasia")] if biopsies > 0 else 1.0
    return float(math.exp(x) * atypia)

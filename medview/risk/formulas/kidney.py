"""Kidney function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medview.risk.formulas.base import Inputs, Outcome


def ckd_epi_2021(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """eGFR from creatinine without race, mL/min/1.73 m2 (creatinine mg/dL, age years).

    142 min(S/k,1)^a max(S/k,1)^-1.200 0.9938^age 1.012[F]; Inker 2021, 10.1056/NEJMoa2102953.
    """
    own = coefficients["F" if given.is_female() else "M"]
    ratio = given.number("creatinine") / own["kappa"]
    value = (
        coefficients["constant"]
        * min(ratio, 1.0) ** own["alpha"]
        * max(ratio, 1.0) ** coefficients["above"]
        * coefficients["per_year"] ** given.number("age")
        * own["factor"]
    )
    return Outcome(value)

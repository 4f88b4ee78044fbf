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


def ckd_epi_2021_both(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """eGFR from creatinine and cystatin C without race; Inker 2021, 10.1056/NEJMoa2102953.

    135 min(S/k,1)^a max(S/k,1)^-0.544 min(C/0.8,1)^-0.323 max(C/0.8,1)^-0.778 0.9961^age 0.963[F].
    """
    own = coefficients["F" if given.is_female() else "M"]
    return Outcome(
        coefficients["constant"]
        * _bent(given.number("creatinine") / own["kappa"], own["alpha"], coefficients["above"])
        * _cystatin(given, coefficients)
        * own["factor"]
    )


def ckd_epi_2012_cystatin(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """eGFR from cystatin C alone (mg/L); Inker 2012, 10.1056/NEJMoa1114248.

    133 min(C/0.8,1)^-0.499 max(C/0.8,1)^-1.328 0.996^age 0.932[F].
    """
    factor = coefficients["female"] if given.is_female() else 1.0
    return Outcome(coefficients["constant"] * _cystatin(given, coefficients) * factor)


def _cystatin(given: Inputs, coefficients: Mapping[str, Any]) -> float:
    cystatin = given.number("cystatin_c") / 0.8
    bent = _bent(cystatin, coefficients["cystatin_below"], coefficients["cystatin_above"])
    years: float = coefficients["per_year"] ** given.number("age")
    return bent * years


def _bent(ratio: float, below: float, above: float) -> float:
    """min(ratio, 1)^below x max(ratio, 1)^above."""
    value: float = min(ratio, 1.0) ** below * max(ratio, 1.0) ** above
    return value


def cockcroft_gault(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """Creatinine clearance, mL/min: (140 - age) weight / (72 creatinine), 0.85 in women.

    Actual weight in kg, creatinine in mg/dL; Cockcroft 1976, 10.1159/000180580.
    """
    factor = coefficients["female"] if given.is_female() else 1.0
    years = 140.0 - given.number("age")
    value = years * given.number("weight") / (72.0 * given.number("creatinine"))
    return Outcome(value * factor)

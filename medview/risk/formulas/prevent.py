"""PREVENT for 10 and 30 years, base and with UACR and HbA1c (Khan 2024,
10.1161/CIRCULATIONAHA.123.067626).

One function for all: the coefficients of a sex and an outcome stand in the unit, and a term that
an outcome does not use is absent there, so that its input is not asked for either.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from medview.risk.formulas.base import Inputs, Outcome, logistic

_MMOL = 0.02586  # the paper's factor, mg/dL to mmol/L


def base(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """Risk in percent; cholesterol mg/dL, pressure mmHg, BMI kg/m2, eGFR mL/min/1.73 m2."""
    own = coefficients["F" if given.is_female() else "M"]
    return Outcome(100.0 * logistic(_sum(own, given)))


def extended(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """As `base`, by the model for what is known: UACR (mg/g), HbA1c (%), or more than one thing.

    The full model has a term of its own for each of UACR, HbA1c and the deprivation of the
    district where it is not known. Raises NotKnown for UACR where neither lab is.
    """
    names = [n for n in ("uacr", "hba1c", "deprivation_decile") if given.has(n)]
    if not {"uacr", "hba1c"} & set(names):
        given.number("uacr")
    model = names[0] if len(names) == 1 else "full"
    own = dict(coefficients[model]["F" if given.is_female() else "M"])
    by_decile = own.pop("sdi", {"": 0.0})
    decile = given.word("deprivation_decile") if given.has("deprivation_decile") else ""
    return Outcome(100.0 * logistic(_sum(own, given) + by_decile[decile]))


def _sum(own: Mapping[str, float], given: Inputs) -> float:
    terms = (factor * _term(name, given) for name, factor in own.items() if name != "const")
    return own["const"] + sum(terms)


def _term(name: str, given: Inputs) -> float:
    product = 1.0
    for part in name.split("*"):
        product *= _PARTS[part](given)
    return product


def _age(given: Inputs) -> float:
    return (given.number("age") - 55.0) / 10.0


def _non_hdl(given: Inputs) -> float:
    return (given.number("total_cholesterol") - given.number("hdl_cholesterol")) * _MMOL - 3.5


def _hdl(given: Inputs) -> float:
    return (given.number("hdl_cholesterol") * _MMOL - 1.3) / 0.3


_PARTS: Mapping[str, Callable[[Inputs], float]] = {
    "a": _age,
    "a^2": lambda given: _age(given) ** 2,
    "n": _non_hdl,
    "h": _hdl,
    "s1": lambda given: (min(given.number("systolic_bp"), 110.0) - 110.0) / 20.0,
    "s2": lambda given: (max(given.number("systolic_bp"), 110.0) - 130.0) / 20.0,
    "dm": lambda given: float(given.yes("diabetes")),
    "smk": lambda given: float(given.word("smoking_status") == "current"),
    "b1": lambda given: (min(given.number("bmi"), 30.0) - 25.0) / 5.0,
    "b2": lambda given: (max(given.number("bmi"), 30.0) - 30.0) / 5.0,
    "g1": lambda given: (min(given.number("egfr"), 60.0) - 60.0) / -15.0,
    "g2": lambda given: (max(given.number("egfr"), 60.0) - 90.0) / -15.0,
    "tx": lambda given: float(given.yes("antihypertensive_treatment")),
    "no_dm": lambda given: float(not given.yes("diabetes")),
    "u": lambda given: math.log(given.number("uacr")) if given.has("uacr") else 0.0,
    "no_u": lambda given: float(not given.has("uacr")),
    "c": lambda given: given.number("hba1c") - 5.3 if given.has("hba1c") else 0.0,
    "no_c": lambda given: float(not given.has("hba1c")),
    "st": lambda given: float(given.yes("statin_treatment")),
}

"""Fibrosis, reserve and urgency of the diseased liver."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from medview.risk.formulas.base import Inputs, Outcome

_UMOL_PER_MG = 17.104  # bilirubin, µmol/L per mg/dL
_FROM_65 = 65.0


def fib_4(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """Age x AST / (platelets x sqrt ALT); Sterling 2006, 10.1002/hep.21178.

    Bands for fatty liver: below 1.3 (2.0 from 65 years on), above 2.67.
    """
    age = given.number("age")
    alt = math.sqrt(given.number("alt"))
    value = age * given.number("ast") / (given.number("platelets") * alt)
    lower = coefficients["lower_from_65"] if age >= _FROM_65 else coefficients["lower"]
    band = "low" if value < lower else "high" if value > coefficients["upper"] else "between"
    return Outcome(value, band)


def albi(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """0.66 log10(bilirubin µmol/L) - 0.085 albumin g/L; Johnson 2015, 10.1200/JCO.2014.57.9151.

    Grades by the value as it is, not as it is printed.
    """
    bilirubin = given.number("bilirubin") * _UMOL_PER_MG
    albumin = given.number("albumin") * 10.0
    value = 0.66 * math.log10(bilirubin) - 0.085 * albumin
    first, second = coefficients["limits"]
    return Outcome(value, "1" if value <= first else "2" if value <= second else "3")


def child_pugh(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """Five findings of one to three points; Pugh 1973, 10.1002/bjs.1800600817."""
    points = (
        _rising(given.number("bilirubin"), *coefficients["bilirubin"])
        + 4
        - _rising(given.number("albumin"), *coefficients["albumin"])
        + _rising(given.number("inr"), *coefficients["inr"])
        + coefficients["ascites"][given.word("ascites")]
        + coefficients["encephalopathy"][given.word("encephalopathy")]
    )
    return Outcome(float(points), "A" if points <= 6 else "B" if points <= 9 else "C")


def _rising(value: float, low: float, high: float) -> int:
    """1 below `low`, 2 up to `high`, 3 above."""
    return 1 if value < low else 2 if value <= high else 3


def meld_3(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """MELD 3.0, 6-40; Kim 2021, 10.1053/j.gastro.2021.08.050.

    Bilirubin, INR and creatinine count from 1, creatinine up to 3 (3 on dialysis), sodium 125 to
    137, albumin 1.5 to 3.5. Adolescents all get the term of women.
    """
    c = coefficients
    bilirubin = math.log(max(1.0, given.number("bilirubin")))
    inr = math.log(max(1.0, given.number("inr")))
    creatinine = 3.0 if given.yes("dialysis") else given.number("creatinine")
    creatinine = math.log(min(3.0, max(1.0, creatinine)))
    sodium = 137.0 - min(137.0, max(125.0, given.number("sodium")))
    albumin = 3.5 - min(3.5, max(1.5, given.number("albumin")))
    x = (
        c["female"] * (given.is_female() or given.number("age") < 18.0)
        + c["bilirubin"] * bilirubin
        + c["sodium"] * sodium
        + c["sodium_bilirubin"] * sodium * bilirubin
        + c["inr"] * inr
        + c["creatinine"] * creatinine
        + c["albumin"] * albumin
        + c["albumin_creatinine"] * albumin * creatinine
        + c["constant"]
    )
    return Outcome(float(min(40, max(6, math.floor(x + 0.5)))))

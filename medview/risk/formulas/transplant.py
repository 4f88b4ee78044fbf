"""Urgency of liver transplantation by the older MELD formulas, UKELD, and alcoholic hepatitis."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from medview.risk.formulas.base import Inputs, Outcome, logistic

_UMOL_BILIRUBIN = 17.104  # µmol/L per mg/dL
_UMOL_CREATININE = 88.4


def _initial(given: Inputs, c: Mapping[str, Any]) -> float:
    """0.957 ln creatinine + 0.378 ln bilirubin + 1.120 ln INR + 0.643, each from 1 up."""
    creatinine = 4.0 if given.yes("dialysis") else given.number("creatinine")
    return float(
        c["creatinine"] * math.log(min(4.0, max(1.0, creatinine)))
        + c["bilirubin"] * math.log(max(1.0, given.number("bilirubin")))
        + c["inr"] * math.log(max(1.0, given.number("inr")))
        + c["constant"]
    )


def _rounded(value: float) -> float:
    return float(math.floor(value + 0.5))


def meld(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """MELD as UNOS used it from 2002 on; Kamath 2001, 10.1053/jhep.2001.22172."""
    return Outcome(min(40.0, 10.0 * _initial(given, coefficients)))


def meld_na(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """MELD with sodium, OPTN 2016; Biggins 2006, 10.1053/j.gastro.2006.02.010.

    i = 10 x MELD rounded to one decimal; above 11 i + 1.32 (137-Na) - 0.033 i (137-Na), Na 125-137.
    """
    start = 10.0 * _rounded(10.0 * _initial(given, coefficients)) / 10.0
    if start <= 11.0:
        return Outcome(start)
    gap = 137.0 - min(137.0, max(125.0, given.number("sodium")))
    return Outcome(_rounded(min(40.0, start + 1.32 * gap - 0.033 * start * gap)))


def meld_na_2008(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """MELD with sodium, Kim 2008, 10.1056/NEJMoa0801209: Na 125-140, from any MELD on.

    MELD - Na - 0.025 MELD (140-Na) + 140.
    """
    start = min(40.0, 10.0 * _initial(given, coefficients))
    gap = 140.0 - min(140.0, max(125.0, given.number("sodium")))
    return Outcome(start + gap - 0.025 * start * gap)


def ukeld(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """5.395 ln INR + 1.485 ln creatinine + 3.13 ln bilirubin - 81.565 ln Na + 435; µmol/L.

    Barber 2011, 10.1097/TP.0b013e318225db4d.
    """
    c = coefficients
    return Outcome(
        c["inr"] * math.log(given.number("inr"))
        + c["creatinine"] * math.log(given.number("creatinine") * _UMOL_CREATININE)
        + c["bilirubin"] * math.log(given.number("bilirubin") * _UMOL_BILIRUBIN)
        + c["sodium"] * math.log(given.number("sodium"))
        + c["constant"]
    )


def maddrey(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """4.6 (prothrombin time - control, s) + bilirubin, mg/dL; 10.1016/0016-5085(78)90401-8."""
    delay = given.number("prothrombin_time") - given.number("prothrombin_control")
    return Outcome(coefficients["delay"] * delay + given.number("bilirubin"))


def lille(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """Lille model, 0-1; Louvet 2007, 10.1002/hep.21607.

    R = 3.19 - 0.101 age + 0.147 albumin g/L + 0.0165 (bilirubin day 0 - day 7, µmol/L)
    - 0.206 renal insufficiency (creatinine above 115 µmol/L) - 0.0065 bilirubin day 0
    - 0.0096 prothrombin time; e^-R / (1 + e^-R).
    """
    first = given.number("bilirubin") * _UMOL_BILIRUBIN
    fall = first - given.number("bilirubin_day_7") * _UMOL_BILIRUBIN
    is_renal = given.number("creatinine") > coefficients["creatinine_limit"]
    r = (
        3.19
        - 0.101 * given.number("age")
        + 0.147 * given.number("albumin") * 10.0
        + 0.0165 * fall
        - 0.206 * is_renal
        - 0.0065 * first
        - 0.0096 * given.number("prothrombin_time")
    )
    return Outcome(logistic(-r))


def apri(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """AST / its upper limit x 100 / platelets; Wai 2003, 10.1053/jhep.2003.50346."""
    ratio = given.number("ast") / given.number("ast_upper_limit")
    return Outcome(100.0 * ratio / given.number("platelets"))


def r_factor(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """(ALT / its limit) / (ALP / its limit); Danan 1993, 10.1016/0895-4356(93)90101-6."""
    alt = given.number("alt") / given.number("alt_upper_limit")
    return Outcome(alt / (given.number("alp") / given.number("alp_upper_limit")))

"""Risk of coronary disease and stroke over ten years, in percent.

Cholesterol comes in mg/dL (SCORE2 turns it into mmol/L by 38.67), pressure in mmHg.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from medview.risk.formulas.base import Inputs, Outcome

_MG_PER_MMOL = 38.67


def _smokes(given: Inputs) -> bool:
    return given.word("smoking_status") == "current"


def _of_survival(survival: float, x: float) -> float:
    return 100.0 * (1.0 - math.pow(survival, math.exp(x)))


def pooled_cohort(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """Pooled Cohort Equations; Goff 2014, 10.1161/01.cir.0000437741.48606.98.

    1 - S0^exp(sum - mean); other groups than black use the coefficients of white people.
    """
    group = "black" if given.word("race") == "black" else "white"
    own = coefficients[group]["F" if given.is_female() else "M"]
    age = math.log(given.number("age"))
    pressure = math.log(given.number("systolic_bp"))
    treated = "treated" if given.yes("antihypertensive_treatment") else "untreated"
    terms = {
        "age": age,
        "total": math.log(given.number("total_cholesterol")),
        "hdl": math.log(given.number("hdl_cholesterol")),
        treated: pressure,
        "smoking": float(_smokes(given)),
        "diabetes": float(given.yes("diabetes")),
    }
    x = -own["mean"]
    for name, value in terms.items():
        alone, with_age = own[name]
        x += alone * value + with_age * value * age
    return Outcome(_of_survival(own["survival"], x))


def framingham_2008(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """Framingham general cardiovascular risk; D'Agostino, 10.1161/CIRCULATIONAHA.107.699579."""
    own = coefficients["F" if given.is_female() else "M"]
    treated = "treated" if given.yes("antihypertensive_treatment") else "untreated"
    x = (
        own["age"] * math.log(given.number("age"))
        + own["total"] * math.log(given.number("total_cholesterol"))
        + own["hdl"] * math.log(given.number("hdl_cholesterol"))
        + own[treated] * math.log(given.number("systolic_bp"))
        + own["smoking"] * _smokes(given)
        + own["diabetes"] * given.yes("diabetes")
        - own["mean"]
    )
    return Outcome(_of_survival(own["survival"], x))


def score2(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """SCORE2, 40-69 years; SCORE2 working group 2021, 10.1093/eurheartj/ehab309."""
    own = coefficients["F" if given.is_female() else "M"]
    years = given.number("age")
    age = (years - 60.0) / 5.0
    pressure = (given.number("systolic_bp") - 120.0) / 20.0
    total = given.number("total_cholesterol") / _MG_PER_MMOL - 6.0
    hdl = (given.number("hdl_cholesterol") / _MG_PER_MMOL - 1.3) / 0.5
    smokes = float(_smokes(given))
    values = (age, smokes, pressure, total, hdl)
    crossed = (age * smokes, age * pressure, age * total, age * hdl)
    x = sum(b * v for b, v in zip(own["terms"], (*values, *crossed), strict=True))
    risk = _calibrated(1.0 - own["survival"] ** math.exp(x), given, own)
    return Outcome(
        risk, _band(risk, coefficients["bands"]["below_50" if years < 50 else "from_50"])
    )


def score2_op(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """SCORE2-OP, 70-89 years; SCORE2-OP working group 2021, 10.1093/eurheartj/ehab312.

    Calibrated by the supplement's table; its one worked example uses two other constants.
    """
    own = coefficients["F" if given.is_female() else "M"]
    age = given.number("age") - 73.0
    pressure = given.number("systolic_bp") - 150.0
    total = given.number("total_cholesterol") / _MG_PER_MMOL - 6.0
    hdl = given.number("hdl_cholesterol") / _MG_PER_MMOL - 1.4
    smokes, diabetes = float(_smokes(given)), float(given.yes("diabetes"))
    values = (age, diabetes, smokes, pressure, total, hdl)
    crossed = tuple(age * value for value in values[1:])
    x = sum(b * v for b, v in zip(own["terms"], (*values, *crossed), strict=True))
    risk = _calibrated(1.0 - own["survival"] ** math.exp(x - own["mean"]), given, own)
    return Outcome(risk, _band(risk, coefficients["bands"]))


def _calibrated(raw: float, given: Inputs, own: Mapping[str, Any]) -> float:
    """The raw risk as the region's rates have it: 1 - exp(-exp(k1 + k2 ln(-ln(1 - r))))."""
    first, second = own["regions"][given.word("risk_region")]
    return 100.0 * (1.0 - math.exp(-math.exp(first + second * math.log(-math.log(1.0 - raw)))))


def _band(risk: float, limits: tuple[float, float]) -> str:
    low, high = limits
    return "low" if risk < low else "intermediate" if risk < high else "high"


def mesa(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """MESA, coronary events, without calcium; McClelland 2015, 10.1016/j.jacc.2015.08.035."""
    return Outcome(_of_survival(coefficients["survival"], _mesa_sum(given, coefficients)))


def mesa_calcium(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """MESA with coronary calcium, ln(Agatston + 1); McClelland 2015, 10.1016/j.jacc.2015.08.035."""
    calcium = math.log(given.number("agatston_score") + 1.0)
    x = _mesa_sum(given, coefficients) + coefficients["calcium"] * calcium
    return Outcome(_of_survival(coefficients["survival"], x))


def _mesa_sum(given: Inputs, c: Mapping[str, Any]) -> float:
    return float(
        c["age"] * given.number("age")
        + c["male"] * (not given.is_female())
        + c["race"][given.word("race")]
        + c["diabetes"] * given.yes("diabetes")
        + c["smoking"] * _smokes(given)
        + c["total"] * given.number("total_cholesterol")
        + c["hdl"] * given.number("hdl_cholesterol")
        + c["lipid_drug"] * given.yes("lipid_treatment")
        + c["pressure"] * given.number("systolic_bp")
        + c["pressure_drug"] * given.yes("antihypertensive_treatment")
        + c["family"] * given.yes("family_history_infarction")
    )

"""Proofs that a worked case is wrong: the mistake, done again, gives the case's own answer.

Each function does a calculation as the named public source does it, mistake and all; a dispute in
`risk_cases_disputes.json` that names one stands only where it gives what the case prints. So a
wrong answer of ours is never excused by a mistake that the case did not make.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.risk_reading import Rule, matches
from medview.risk import RiskResult

_UMOL_PER_MG_DL = 88.4


@dataclass(frozen=True)
class Doubt:
    """A case that our result does not agree with; wrong: its answers that differ from it."""

    case: Rule
    result: RiskResult
    wrong: tuple[Rule, ...]

    def number(self, name: str) -> float:
        """An input as it went into the score, in the concept's unit. KeyError: not known."""
        return float({item.name: item.value for item in self.result.inputs}[name])

    def word(self, name: str) -> object:
        """An input that is no number."""
        return {item.name: item.value for item in self.result.inputs}[name]

    def raw(self, pattern: str) -> float:
        """An input as the case writes it, whatever its unit. KeyError: there is none."""
        for item in self.case["inputs"]:
            if matches(pattern, item["name"]):
                return float(item["value"])
        raise KeyError(pattern)

    def printed(self, pattern: str) -> float:
        """One of the case's answers. KeyError: there is none."""
        for answer in self.case["expected"]:
            if matches(pattern, answer["name"]):
                return float(str(answer.get("label", answer["value"])))
        raise KeyError(pattern)

    def is_answer(self, low: float, high: float | None = None) -> bool:
        """Whether every answer that differs is this number (or lies between two), as printed."""
        ends = sorted((low, low if high is None else high))
        return bool(self.wrong) and all(_within(answer, *ends) for answer in self.wrong)


def _within(answer: Rule, low: float, high: float) -> bool:
    said = float(str(answer["value"]).rstrip("% "))
    margin = max(0.5 * 10.0 ** -int(answer.get("decimals") or 0), 1e-5 * abs(said)) + 1e-9
    return low - margin <= said <= high + margin


def proves(name: str, doubt: Doubt) -> bool:
    """Whether the mistake of this name explains the case. False where it lacks an input."""
    try:
        return PROOFS[name](doubt)
    except (KeyError, ValueError, ArithmeticError):
        return False


def _smoking_counted_twice(doubt: Doubt) -> bool:
    """SCORE2 whose age-smoking term multiplies the coefficient of smoking, not smoking itself.

    Each step is rounded there, too: to 2 decimals, sum and risk to 4.
    """
    is_man = doubt.word("sex") == "M"
    factors = (
        (0.3742, 0.6012, 0.2777, 0.1458, -0.2698, -0.0755, -0.0255, -0.0281, 0.0426)
        if is_man
        else (0.4648, 0.7744, 0.3131, 0.1002, -0.2606, -0.1088, -0.0277, -0.0226, 0.0613)
    )
    survival, first, second = (0.9605, -0.1565, 0.8009) if is_man else (0.9776, -0.3143, 0.7701)
    age = (doubt.number("age") - 60.0) / 5.0
    smokes = float(doubt.word("smoking_status") == "current")
    pressure = round((doubt.number("systolic_bp") - 120.0) / 20.0, 2)
    total, good = (
        raw if raw < 20.0 else raw / 38.67 for raw in (doubt.raw("^total chol"), doubt.raw("^hdl"))
    )
    total, good = round(total - 6.0, 2), round((good - 1.3) / 0.5, 2)
    terms = (age, smokes, pressure, total, good, factors[1] * age, pressure * age, total * age,
             good * age)  # fmt: skip
    score = sum(factor * term for factor, term in zip(factors, terms, strict=True))
    raw_risk = round(1.0 - survival ** math.exp(round(score, 4)), 4)
    scaled = first + second * math.log(-math.log(1.0 - raw_risk))
    return doubt.is_answer(100.0 * (1.0 - math.exp(-math.exp(scaled))))


def _adjusted_weight(doubt: Doubt) -> bool:
    """Cockcroft-Gault with the adjusted body weight: ideal weight (Devine) + 0.4 of the rest."""
    base, share = (50.0, 1.0) if doubt.word("sex") == "M" else (45.5, 0.85)
    ideal = base + 2.3 * (doubt.raw("^height") / 2.54 - 60.0)
    weight = ideal + 0.4 * (doubt.number("weight") - ideal)
    found = (140.0 - doubt.number("age")) * weight * share / (72.0 * doubt.number("creatinine"))
    lean = (140.0 - doubt.number("age")) * ideal * share / (72.0 * doubt.number("creatinine"))
    return doubt.is_answer(found) or doubt.is_answer(lean)


def _factor_0113(doubt: Doubt) -> float:
    """Creatinine in mg/dL by the rounded factor 0.0113."""
    return 0.0113 * doubt.number("creatinine") * _UMOL_PER_MG_DL


def _clearance_rounded_up(doubt: Doubt) -> bool:
    """Cockcroft-Gault with creatinine by the factor 0.0113, rounded up, at a younger age.

    The answers stem from runs one and two years before the one that printed the age.
    """
    share = 1.0 if doubt.word("sex") == "M" else 0.85
    per_year = doubt.number("weight") * share / (72.0 * _factor_0113(doubt))
    ages = [doubt.number("age") - years for years in range(3)]
    return any(doubt.is_answer(math.ceil((140.0 - age) * per_year)) for age in ages)


def _clearance_rounded_factors(doubt: Doubt) -> bool:
    """Cockcroft-Gault by 1.23 and 1.04 with the years between calendar years as the age."""
    factor = 1.23 if doubt.word("sex") == "M" else 1.04
    umol = doubt.number("creatinine") * _UMOL_PER_MG_DL
    age = doubt.number("age")
    found = [factor * (140.0 - years) * doubt.number("weight") / umol for years in (age, age + 1)]
    return any(doubt.is_answer(one) for one in found)


def _clearance_of_a_child(doubt: Doubt) -> bool:
    """An adult below 20 years by a formula for children, 42.5 x height / creatinine."""
    umol = doubt.number("creatinine") * _UMOL_PER_MG_DL
    found = 42.5 * doubt.raw("^height") / umol / (doubt.number("weight") / 70.0) ** 0.7
    return doubt.number("age") < 20.0 and doubt.is_answer(found)


def _ckd_2009_rounded_factor(doubt: Doubt) -> bool:
    """CKD-EPI 2009 with creatinine by 0.0113, at some day of the printed year of age."""
    is_man = doubt.word("sex") == "M"
    factor, scale, power = (141.0, 0.9, -0.411) if is_man else (144.0, 0.7, -0.329)
    ratio, age = _factor_0113(doubt) / scale, doubt.number("age")
    at = factor * ratio ** (power if ratio <= 1.0 else -1.209)
    return doubt.is_answer(at * 0.993**age, at * 0.993 ** (age + 1.0))


def _ckd_2009_of_144(doubt: Doubt) -> bool:
    """CKD-EPI 2009 for women with 144 in place of 141 x 1.018."""
    ratio = doubt.number("creatinine") / 0.7
    found = 144.0 * ratio ** (-0.329 if ratio <= 1.0 else -1.209) * 0.993 ** doubt.number("age")
    return doubt.word("sex") == "F" and doubt.is_answer(found)


def _bilirubin_not_converted(doubt: Doubt) -> bool:
    """MELD with bilirubin in umol/L put in as if it were mg/dL; MELD-Na goes on from there."""
    dialysed = doubt.word("dialysis") is True
    creatinine = 4.0 if dialysed else min(max(doubt.number("creatinine"), 1.0), 4.0)
    found = 9.57 * math.log(creatinine) + 3.78 * math.log(doubt.raw("bilirubin"))
    found += 11.2 * math.log(max(doubt.number("inr"), 1.0)) + 6.43
    lack = 137.0 - min(max(doubt.raw("^sodium"), 125.0), 137.0)
    with_sodium = found + 1.32 * lack - 0.033 * found * lack
    is_raw = doubt.raw("bilirubin") > 2.0 * doubt.number("bilirubin")
    return is_raw and (doubt.is_answer(found) or doubt.is_answer(with_sodium))


def _sodium_before_rounding(doubt: Doubt) -> bool:
    """MELD-Na from a MELD that was not rounded first, as OPTN does."""
    found = 9.57 * math.log(min(max(doubt.number("creatinine"), 1.0), 4.0)) + 6.43
    found += 3.78 * math.log(max(doubt.number("bilirubin"), 1.0))
    found += 11.2 * math.log(max(doubt.number("inr"), 1.0))
    lack = 137.0 - min(max(doubt.number("sodium"), 125.0), 137.0)
    return doubt.is_answer(found + 1.32 * lack - 0.033 * found * lack)


def _meld_3_without_end(doubt: Doubt) -> bool:
    """MELD 3.0 that goes on above 40."""
    bilirubin, inr = (max(doubt.number(name), 1.0) for name in ("bilirubin", "inr"))
    creatinine = min(max(doubt.number("creatinine"), 1.0), 3.0)
    lack = 137.0 - min(max(doubt.number("sodium"), 125.0), 137.0)
    thin = 3.5 - min(max(doubt.number("albumin"), 1.5), 3.5)
    found = 6.0 + 1.33 * (doubt.word("sex") == "F") + 4.56 * math.log(bilirubin) + 0.82 * lack
    found += 9.09 * math.log(inr) + 11.14 * math.log(creatinine) + 1.85 * thin
    found -= 0.24 * lack * math.log(bilirubin) + 1.83 * thin * math.log(creatinine)
    return doubt.is_answer(found)


_CHARLSON = (
    (r"hemiplegia|renal disease|with end-organ|tumou?r without|leuk|lymphoma", 2),
    (r"severe liver", 3),
    (r"metasta|aids", 6),
    ("", 1),
)


def _charlson_added_up(doubt: Doubt) -> bool:
    """Charlson that counts both forms of one disease, or an age that has other points."""
    weights = sum(_weight(item) for item in doubt.case["inputs"] if _is_yes(item))
    aged = doubt.printed("^age related")
    decades = min(4.0, max(0.0, doubt.number("age") // 10.0 - 4.0))
    both = doubt.word("liver_disease_mild") and doubt.word("liver_disease_severe")
    return bool(both or aged != decades) and doubt.is_answer(weights + aged)


def _is_yes(item: Rule) -> bool:
    return matches("^yes", str(item.get("label", item["value"])))


def _weight(item: Rule) -> int:
    return next(points for pattern, points in _CHARLSON if matches(pattern, item["name"]))


def _days_by_365(doubt: Doubt) -> bool:
    """Lille with the days since birth by 365 as the age, for both R and the probability."""
    age = doubt.number("age")
    leap_days = age / 4.0
    ends = [_lille(doubt, age + days / 365.0) for days in (leap_days - 2.0, leap_days + 2.0)]
    is_r = min(ends) - 5e-5 <= doubt.printed("^r$") <= max(ends) + 5e-5
    return is_r and doubt.is_answer(*(1.0 / (1.0 + math.exp(r)) for r in ends))


def _lille(doubt: Doubt, age: float) -> float:
    first, later = (doubt.raw(name) for name in ("^initial bili", "^bilirubin day"))
    bad_kidneys = float(doubt.number("creatinine") * _UMOL_PER_MG_DL > 115.0)
    albumin = 10.0 * doubt.number("albumin")
    found = 3.19 - 0.101 * age + 0.147 * albumin + 0.0165 * (first - later)
    return found - 0.206 * bad_kidneys - 0.0065 * first - 0.0096 * doubt.raw("^pt")


def _mean_of_29_2(doubt: Doubt) -> bool:
    """Pooled cohort equations of white women with the mean -29.2 in place of -29.18."""
    own = 1.0 - float(doubt.result.value or 0.0) / 100.0
    is_hers = doubt.word("sex") == "F" and doubt.word("race") != "black"
    return is_hers and doubt.is_answer(100.0 * (1.0 - own ** math.exp(0.02)))


def _point_too_many(doubt: Doubt) -> bool:
    """CAPRA with a point for a PSA of 6 itself."""
    one_more = float(doubt.result.value or 0.0) + 1.0
    return doubt.number("psa") == 6.0 and doubt.is_answer(one_more)


def _liver_not_counted(doubt: Doubt) -> bool:
    """HAS-BLED that leaves out the point for a liver disease that the case has."""
    one_less = float(doubt.result.value or 0.0) - 1.0
    return doubt.word("severe_liver_disease") is True and doubt.is_answer(one_less)


def _at_the_limit(doubt: Doubt) -> bool:
    """The D-dimer is the age-adjusted limit of its unit itself, which is not below it."""
    of_ddu = "ddu" in doubt.result.score
    limit = (5.0 if of_ddu else 10.0) * max(doubt.number("age"), 50.0)
    value = doubt.number("d_dimer_ddu" if of_ddu else "d_dimer")
    return bool(doubt.wrong) and abs(value - limit) < 1e-9


def _no_body_so_large(doubt: Doubt) -> bool:
    """A surface of over 4 m2, which no body has, of a weight in pounds and a height in inches."""
    units = [str(item.get("unit") or "") for item in doubt.case["inputs"]]
    is_imperial = all(any(matches(unit, said) for said in units) for unit in ("lb", "in"))
    large = [float(answer["value"]) > 4.0 for answer in doubt.wrong]
    return is_imperial and bool(large) and all(large)


_SECOND_STEP = {
    True: ("scalp_haematoma_not_frontal", "loss_of_consciousness", "dangerous_mechanism",
           "not_normal_to_parents"),
    False: ("loss_of_consciousness", "dangerous_mechanism", "vomiting", "severe_headache"),
}  # fmt: skip
"""What PECARN observes for: below 2 years, and from then on."""


def _several_findings(doubt: Doubt) -> bool:
    """PECARN with CT for one finding of the second step, where none of the first step is there."""
    is_small = doubt.number("age") < 2.0
    fracture = "palpable_skull_fracture" if is_small else "skull_base_fracture_signs"
    first = (doubt.word("altered_mental_status"), doubt.word(fracture))
    known = {item.name: item.value for item in doubt.result.inputs}
    second = [known.get(name) for name in _SECOND_STEP[is_small]]
    return bool(doubt.wrong) and True not in first and True in second


def _imaging_for_a_sign(doubt: Doubt) -> bool:
    """Tokyo 2018 with imaging in place of the systemic sign that a suspicion needs."""
    systemic = ("fever", "crp_raised", "leucocytes_raised")
    has_none = not any(doubt.word(name) is True for name in systemic)
    is_local = True in (doubt.word("murphy_sign"), doubt.word("ruq_sign"))
    is_seen = doubt.word("cholecystitis_imaging") is True
    return bool(doubt.wrong) and has_none and is_local and is_seen


PROOFS: Mapping[str, Callable[[Doubt], bool]] = {
    "adjusted weight": _adjusted_weight,
    "at the limit": _at_the_limit,
    "bilirubin not converted": _bilirubin_not_converted,
    "charlson added up": _charlson_added_up,
    "ckd 2009 of 144": _ckd_2009_of_144,
    "ckd 2009 rounded factor": _ckd_2009_rounded_factor,
    "clearance of a child": _clearance_of_a_child,
    "clearance rounded factors": _clearance_rounded_factors,
    "clearance rounded up": _clearance_rounded_up,
    "days by 365": _days_by_365,
    "imaging for a sign": _imaging_for_a_sign,
    "liver not counted": _liver_not_counted,
    "mean of 29.2": _mean_of_29_2,
    "meld 3 without end": _meld_3_without_end,
    "no body so large": _no_body_so_large,
    "point too many": _point_too_many,
    "several findings": _several_findings,
    "smoking counted twice": _smoking_counted_twice,
    "sodium before rounding": _sodium_before_rounding,
}

"""One number from several sources, in which any of them may be missing.

The sum of the terms' means on the scale of log-odds; an unknown term stands at its mean over a
stated distribution and adds its variance. Why this is honest: docs/decisions/0047.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from medview.core.words import say
from medview.risk.formulas.base import Inputs, NotKnown, Outcome, logistic

_Z = 1.959964  # two-sided 95 %


class _Term(NamedTuple):
    """One part of the log-odds: its mean and its variance."""

    mean: float
    variance: float


def nodule(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """Brock's log-odds (2b; McWilliams 2013, 10.1056/NEJMoa1214726) and what a net's rating adds.

    x = Brock + w (logit p - logit s): p the net's probability, s the share of suspicious nodules
    where it learnt, w the part of its evidence that Brock's terms do not hold already (0.5, with a
    deviation of 0.25, so that none and all lie within 95 %). The value is the median, so that with
    everything known and no net it is Brock's; 95 % from the variances: of the coefficients (the
    paper's intervals), of measuring a diameter, of w and p, and of every term that is not known
    over its stated distribution. That of Brock's constant is not in it.
    """
    if not (given.has("nodule_diameter_max") or given.has("nodule_malignancy_probability")):
        raise NotKnown("nodule_diameter_max")
    c = coefficients["brock"]
    terms = {
        "nodule_diameter_max": _size(given, coefficients),
        "nodule_malignancy_probability": _net(given, coefficients["net"]),
        "nodule_type": _type(given, c),
        "nodule_count": _number(given, "nodule_count", c["count"]),
        "age": _number(given, "age", c["age"]),
        "sex": _yes(given, "sex", c["female"], "F"),
    }
    for name, part in c["yes"].items():
        terms[name] = _yes(given, name, part, True)
    mean = c["constant"] + sum(term.mean for term in terms.values())
    reach = _Z * math.sqrt(sum(term.variance for term in terms.values()))
    filled = tuple(name for name in terms if not given.has(name))
    remark = say("Not tested on patients: a rating by readers taught the net, not a biopsy.")
    return Outcome(
        100.0 * logistic(mean),
        interval=(100.0 * logistic(mean - reach), 100.0 * logistic(mean + reach)),
        filled=filled,
        remarks=(remark,),
    )


def _yes(given: Inputs, name: str, part: Mapping[str, Any], wanted: bool | str) -> _Term:
    """A yes/no term; unknown: either answer is equally likely, and its weight as uncertain."""
    beta, error = float(part["beta"]), float(part["error"])
    if given.has(name):
        return _Term(beta, error**2) if given.values[name] == wanted else _Term(0.0, 0.0)
    return _Term(beta / 2.0, beta**2 / 4.0 + error**2)


def _number(given: Inputs, name: str, part: Mapping[str, Any]) -> _Term:
    """A linear term about its centre; unknown: evenly spread over `between`."""
    beta, error, centre = float(part["beta"]), float(part["error"]), float(part["centre"])
    if given.has(name):
        distance = given.number(name) - centre
        return _Term(beta * distance, (error * distance) ** 2)
    low, high = (float(end) for end in part["between"])
    spread = (beta * (high - low)) ** 2 / 12.0
    furthest = max(centre - low, high - centre)
    return _Term(beta * ((low + high) / 2.0 - centre), spread + (error * furthest) ** 2)


def _type(given: Inputs, c: Mapping[str, Any]) -> _Term:
    """Solid, part-solid or non-solid; unknown: each is equally likely."""
    parts = c["type"]
    if given.has("nodule_type"):
        part = parts[given.word("nodule_type")]
        return _Term(part["beta"], part["error"] ** 2)
    betas = [float(part["beta"]) for part in parts.values()]
    mean = sum(betas) / len(betas)
    spread = sum((beta - mean) ** 2 for beta in betas) / len(betas)
    return _Term(mean, spread + max(float(part["error"]) for part in parts.values()) ** 2)


def _size(given: Inputs, coefficients: Mapping[str, Any]) -> _Term:
    """Brock's size term; unknown: the diameter is spread evenly over its logarithm."""
    c = coefficients["brock"]["size"]
    if given.has("nodule_diameter_max"):
        d = given.number("nodule_diameter_max")
        slope = c["beta"] * -0.5 / 10.0 * (d / 10.0) ** -1.5
        return _Term(c["beta"] * ((d / 10.0) ** -0.5 - c["centre"]), (slope * c["reader"]) ** 2)
    low, high = (float(end) for end in c["between"])
    spread = math.log(high / low)
    mean = 2.0 * math.sqrt(10.0) * (low**-0.5 - high**-0.5) / spread
    square = 10.0 * (1.0 / low - 1.0 / high) / spread
    return _Term(c["beta"] * (mean - c["centre"]), c["beta"] ** 2 * (square - mean**2))


def _net(given: Inputs, c: Mapping[str, Any]) -> _Term:
    """What the net's probability adds; unknown: nothing, with the spread it usually has."""
    name, weight = "nodule_malignancy_probability", float(c["weight"])
    if not given.has(name):
        return _Term(0.0, (weight**2 + c["weight_error"] ** 2) * c["usual_spread"] ** 2)
    evidence = _logit(given.number(name), c["edge"]) - _logit(100.0 * c["share"], c["edge"])
    ends = given.intervals.get(name)
    error = float(c["error"])
    if ends is not None:
        error = (_logit(ends[1], c["edge"]) - _logit(ends[0], c["edge"])) / (2.0 * _Z)
    return _Term(
        weight * evidence, (weight * error) ** 2 + (float(c["weight_error"]) * evidence) ** 2
    )


def _logit(percent: float, edge: float) -> float:
    """Log-odds of a percentage, which a net's certainty may push no nearer to the ends."""
    share = min(max(percent / 100.0, edge), 1.0 - edge)
    return math.log(share / (1.0 - share))

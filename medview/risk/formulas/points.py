"""Scores that are a table of points or a list of rules, wholly in their data files.

`points.table` adds up the items of a table; `points.classes` names the first rule that holds.
The source of each table is the citation of its unit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from medview.risk.formulas.base import Inputs, NotKnown, Outcome
from medview.risk.formulas.conditions import COMPARED, holds

Item = Mapping[str, Any]


def table(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """The sum of `items` from `start` on; `bands` may name the band by rules over `total`.

    A rule of `instead` whose `if` holds gives its points and ends the matter.

    An item is one of
    `{"yes": N, "points": P}`, or `no`: a yes/no and its points;
    `{"word": N, "points": {WORD: P}}`: the points of an answer;
    `{"number": N, "from": [[LIMIT, P], ...]}`: the points of the last limit reached (`above`:
    passed; `below`, `up_to`: of the lowest limit under which the number lies), else none;
    `{"number": N, "times": F}`: the number itself, F times;
    `{"if": CONDITION, "points": P}`: see `conditions`;
    `{"most": [ITEMS]}`: of several items only the one with the most points.
    """
    for rule in coefficients.get("instead", ()):
        if holds(rule["if"], given):
            return Outcome(float(rule["points"]))
    total = float(coefficients.get("start", 0))
    total += sum(_points(item, given) for item in coefficients["items"])
    rules = coefficients.get("bands", ())
    return Outcome(total, _first(rules, Inputs({**given.values, "total": total})))


def classes(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """The band of the first of `rules` whose `if` holds, a rule without `if` always; no number."""
    return Outcome(band=_first(coefficients["rules"], given))


def _first(rules: Sequence[Item], given: Inputs) -> str:
    return next((str(r["band"]) for r in rules if "if" not in r or holds(r["if"], given)), "")


def _points(item: Item, given: Inputs) -> float:
    kind = next(kind for kind in _KINDS if kind in item)
    return _KINDS[kind](item, given)


def _number(item: Item, given: Inputs) -> float:
    value = given.number(item["number"])
    if "times" in item:
        return float(item["times"]) * value
    key = next(key for key in COMPARED if key in item)
    reached = [row for row in item[key] if COMPARED[key](value, row[0])]
    if not reached:
        return 0.0
    nearest = max(reached) if key in ("from", "above") else min(reached)
    return float(nearest[1])


def _most(item: Item, given: Inputs) -> float:
    """The highest points; what is not known counts only where it could still be higher."""
    found = 0.0
    gaps: list[tuple[float, NotKnown]] = []
    for part in item["most"]:
        try:
            found = max(found, _points(part, given))
        except NotKnown as unknown:
            gaps.append((_highest(part), unknown))
    for possible, gap in gaps:
        if possible > found:
            raise gap
    return found


def _highest(item: Item) -> float:
    if "most" in item:
        return max(_highest(part) for part in item["most"])
    if "word" in item:
        return float(max(item["points"].values()))
    if "number" in item:
        key = next((key for key in COMPARED if key in item), "")
        return max((float(points) for _, points in item[key]), default=0.0) if key else float("inf")
    return float(item["points"])


_KINDS: Mapping[str, Callable[[Item, Inputs], float]] = {
    "most": _most,
    "if": lambda item, given: item["points"] if holds(item["if"], given) else 0.0,
    "yes": lambda item, given: item["points"] if given.yes(item["yes"]) else 0.0,
    "no": lambda item, given: 0.0 if given.yes(item["no"]) else item["points"],
    "word": lambda item, given: float(item["points"][given.word(item["word"])]),
    "number": _number,
}

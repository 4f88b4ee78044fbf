"""Conditions over known inputs, as data files write them, with unknown kept apart from no.

A condition is `{"name": N, "is": VALUE}`, `{"name": N, "in": [VALUES]}`, a number between
limits (`from` and `up_to` with the limit itself, `above` and `below` without it), or `all`, `any`
and `not` of conditions. `all` is false once one part is false and `any` true once one part is
true, whatever is not known of the others; else what is not known raises NotKnown.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from medview.risk.formulas.base import Inputs, NotKnown

Condition = Mapping[str, Any]
COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "from": operator.ge,
    "above": operator.gt,
    "up_to": operator.le,
    "below": operator.lt,
}


def holds(condition: Condition, given: Inputs) -> bool:
    """Whether a condition is met. Raises NotKnown where that turns on what is not known."""
    if "all" in condition:
        return not _one_is(False, condition["all"], given)
    if "any" in condition:
        return _one_is(True, condition["any"], given)
    if "not" in condition:
        return not holds(condition["not"], given)
    name = condition["name"]
    if "is" in condition or "in" in condition:
        wanted = condition.get("in", [condition.get("is")])
        return any(_is(given, name, value) for value in wanted)
    number = given.number(name)
    return all(COMPARED[key](number, limit) for key, limit in condition.items() if key in COMPARED)


def _is(given: Inputs, name: str, wanted: bool | str) -> bool:
    return given.yes(name) is wanted if isinstance(wanted, bool) else given.word(name) == wanted


def _one_is(wanted: bool, parts: Sequence[Condition], given: Inputs) -> bool:
    gap: NotKnown | None = None
    for part in parts:
        try:
            if holds(part, given) is wanted:
                return True
        except NotKnown as unknown:
            gap = gap or unknown
    if gap is not None:
        raise gap
    return False

"""UCUM units turned into one another where their table does not already say how.

By pint with ucumvert, which take a second to start: common units stand in the concepts' own
tables, so that this is only loaded for the rare ones.
"""

from __future__ import annotations

import math
import re
from functools import cache, lru_cache
from typing import Any

_LONGEST = 40
_PLAIN = re.compile(r"[\w\[\]'*/.%{}()+\-]+", re.ASCII)
_ONLY_NOTE = re.compile(r"\{[^{}]*\}")


@cache
def _registry() -> Any:
    from ucumvert import PintUcumRegistry

    return PintUcumRegistry()


def without_notes(unit: str) -> str:
    """A UCUM unit without its notes in braces, which say what is counted and have no size."""
    return _ONLY_NOTE.sub("", unit).strip()


@lru_cache(maxsize=8192)
def converted(
    value: float, unit: str, wanted: str, molar_mass: float | None = None
) -> float | None:
    """A value in another unit, None where the one cannot be turned into the other.

    unit, wanted: UCUM. molar_mass in g/mol lets an amount of substance become a mass, and back.
    Notes in braces say what is counted and have no size: they are left out.
    """
    source, target = (without_notes(text) for text in (unit, wanted))
    if not source or not target or len(source) > _LONGEST or not _PLAIN.fullmatch(source):
        return None
    from lark.exceptions import LarkError
    from pint.errors import PintError

    registry = _registry()
    try:
        quantity = registry.Quantity(value, registry.from_ucum(source).units)
        aim = registry.from_ucum(target).units
        if molar_mass is not None and not quantity.is_compatible_with(aim):
            weight = registry.Quantity(molar_mass, "g/mol")
            has_substance = "[substance]" in quantity.dimensionality
            quantity = quantity * weight if has_substance else quantity / weight
        found = float(quantity.to(aim).magnitude)
    except (LarkError, PintError, AttributeError, ArithmeticError, ValueError, TypeError):
        return None  # not a unit, or one of another kind
    return found if math.isfinite(found) else None

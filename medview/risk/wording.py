"""Values, units and lists as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from medview.core.observation import Concept
from medview.core.words import Sentence, say

_LABELS = {
    "mm[Hg]": "mmHg",
    "mL/min/{1.73_m2}": "mL/min/1.73 m²",
    "kg/m2": "kg/m²",
    "mm3": "mm³",
    "10*9/L": "10⁹/L",
    "umol/L": "µmol/L",
    "{INR}": "",
    "{points}": "",
    "{pack-years}": "pack-years",
    "1": "",
    "Cel": "°C",
    "a": "y",
}


def unit_label(unit: str) -> str:
    """A UCUM unit as it is printed beside a number; "" for counts and points."""
    return _LABELS.get(unit, unit)


def number_text(value: float) -> str:
    """A number as one would type it: at most four significant decimals, no trailing zeros."""
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"


def amount(concept: Concept, value: float | bool | str) -> Sentence:
    """A value with its unit, "yes"/"no", or the word itself."""
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    if isinstance(value, str):
        return say(value) if concept.kind == "choice" else say("{text}", text=value)
    label = unit_label(concept.unit)
    if not label:
        return say("{amount}", amount=number_text(value))
    return say("{amount} {unit}", amount=number_text(value), unit=say(label))


def listing(parts: Sequence[Sentence]) -> Sentence:
    """Several names in one sentence; at least one."""
    return reduce(lambda first, rest: say("{first}, {rest}", first=first, rest=rest), parts)

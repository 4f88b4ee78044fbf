"""Which numbers can be a person's: below zero few, and without unit where one unit fits."""

from __future__ import annotations

from medview.core.observation import concepts
from medview.record.note import Value


def only_plausible_unit(concept_id: str, number: float) -> str:
    """The concept's unit where it alone makes a number without unit plausible, else empty."""
    concept = concepts()[concept_id]
    if concept.plausible is None:
        return ""
    low, high = concept.plausible
    fitting = [
        unit for unit in (concept.unit, *concept.units)
        if low <= (concept.to_own_unit(number, unit) or 0.0) <= high
    ]  # fmt: skip
    return fitting[0] if fitting == [concept.unit] else ""


def is_impossible(concept_id: str, value: Value) -> bool:
    """Whether a value lies below zero where no unit and no mistake of a unit makes it possible."""
    bounds = concepts()[concept_id].plausible
    return value.num is not None and value.num < 0 and bounds is not None and bounds[0] >= 0

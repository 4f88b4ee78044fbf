"""A number without unit gets one only where a single unit makes it possible."""

from __future__ import annotations

from medview.core.observation import concepts


def only_plausible_unit(concept_id: str, number: float) -> str:
    """The concept's unit where it alone makes a number without unit plausible, else empty."""
    concept = concepts()[concept_id]
    if concept.plausible is None:
        return ""
    low, high = concept.plausible
    fitting = [
        unit for unit, factor in ((concept.unit, 1.0), *concept.units.items())
        if low <= number * factor <= high
    ]  # fmt: skip
    return fitting[0] if fitting == [concept.unit] else ""

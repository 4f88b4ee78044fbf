"""Values of the record in words: numbers with units, ranges, ages."""

from __future__ import annotations

from medview.core.numbers import number_text, unit_text
from medview.core.observation import Bounds, Observation, concepts
from medview.core.words import tr


def shown_value(one: Observation) -> str:
    """A value in words of the current language, without its unit."""
    if isinstance(one.value, bool):
        return tr("yes") if one.value else tr("no")
    if isinstance(one.value, tuple):
        return " / ".join(number_text(v) for v in one.value)
    if isinstance(one.value, str):
        if one.concept == "sex":
            return (
                tr("female") if one.value == "F" else tr("male") if one.value == "M" else one.value
            )
        concept = concepts().get(one.concept)
        is_word = concept is not None and one.value in concept.choices
        return tr(one.value) if is_word else one.value
    return one.comparator + number_text(float(one.value))


def shown_with_unit(one: Observation) -> str:
    """A value with its unit as people write it."""
    return f"{shown_value(one)} {tr(unit_text(one.unit))}".strip()


def reference_text(bounds: Bounds) -> str:
    """The reference range in words, empty where none is known."""
    low, high = bounds
    if low is not None and high is not None:
        return tr("reference {low} – {high}", low=number_text(low), high=number_text(high))
    if high is not None:
        return tr("reference up to {high}", high=number_text(high))
    return tr("reference from {low}", low=number_text(low)) if low is not None else ""


def age_text(days: int | None) -> str:
    """How old a value is; empty where it is not known."""
    if days is None:
        return ""
    if days < 2:
        return tr("today") if days == 0 else tr("1 day old")
    if days < 60:
        return tr("{days} {days:day|days} old", days=days)
    if days < 730:
        return tr("{months} {months:month|months} old", months=round(days / 30.44))
    return tr("{years} {years:year|years} old", years=int(days / 365.25))

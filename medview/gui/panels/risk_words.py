"""Sentences of a score's card that need more than one value."""

from __future__ import annotations

from medview.core.numbers import unit_text
from medview.core.observation import concepts
from medview.core.words import tr
from medview.risk import RiskResult, Score


def possible_words(result: RiskResult) -> str:
    """The range of the result while something is missing."""
    low, high = (f"{end:.{result.decimals}f}" for end in result.possible or (0.0, 0.0))
    unit = tr(unit_text(result.unit))
    if not unit:
        return tr("Between {low} and {high}, depending on what is missing.", low=low, high=high)
    return tr(
        "Between {low} and {high} {unit}, depending on what is missing.",
        low=low,
        high=high,
        unit=unit,
    )


def without_words(result: RiskResult) -> str:
    """The result if the yes that moves it most were a no."""
    value = result.value or 0.0
    most = max(result.without, key=lambda item: abs(item.value - value))
    return tr(
        "Without “{name}”: {value} {unit}",
        name=tr(concepts()[most.name].title),
        value=f"{most.value:.{result.decimals}f}",
        unit=tr(unit_text(result.unit)),
    ).strip()


def origin_words(score: Score) -> str:
    """Author, population, what it is not for, version and source of a score."""
    parts = (
        score.author,
        str(score.population),
        "" if score.not_for is None else str(score.not_for),
        "" if score.bands or score.is_research else tr("no published classes"),
        tr("version {name}", name=tr(score.version)),
        score.citation if score.doi else "",
    )
    return " · ".join(part for part in parts if part)

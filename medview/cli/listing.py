"""What `medview risk --list` says: every score with its inputs, so that anyone can drive it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medview.cli.output import DONE, print_json, print_lines
from medview.core.observation import concepts
from medview.core.words import say
from medview.risk import Score, ScoreInput

SCHEMA = "medview.risk/1"


def print_list(scores: Sequence[Score], *, as_json: bool) -> int:
    """Name scores and their inputs, by lines or as `medview.risk/1`."""
    if as_json:
        print_json({"schema": SCHEMA, "scores": [_described(score) for score in scores]})
        return DONE
    for score in scores:
        mark = f" [{say('research')}]" if score.is_research else ""
        print_lines(f"{score.id}  {score.title}, {score.subtitle}{mark}")
        for spec in score.inputs:
            print_lines(f"    {spec.name}{_wanted(spec)}")
    return DONE


def _wanted(spec: ScoreInput) -> str:
    kind = {"yes-no": "yes|no", "choice": "|".join(spec.concept.choices)}.get(spec.concept.kind, "")
    unit = spec.concept.unit
    limits = f" {spec.valid[0]:g} to {spec.valid[1]:g}" if spec.valid else ""
    return f"  {kind}{unit}{limits}{'' if spec.required else '  (optional)'}"


def _described(score: Score) -> dict[str, Any]:
    optional = {e.name for e in score.exclusions} - {spec.name for spec in score.inputs}
    extra = [ScoreInput(concept=concepts()[name], required=False) for name in sorted(optional)]
    return {
        "score": score.id,
        "title": score.title.english(),
        "subtitle": score.subtitle.english(),
        "version": score.version,
        "unit": score.unit,
        "population": score.population.english(),
        "not_for": None if score.not_for is None else score.not_for.english(),
        "citation": score.citation,
        "research": score.is_research,
        "family": score.family,
        "ages": list(score.ages) if score.ages else None,
        "inputs": [_described_input(spec) for spec in (*score.inputs, *extra)],
    }


def _described_input(spec: ScoreInput) -> dict[str, Any]:
    concept = spec.concept
    return {
        "name": spec.name,
        "title": concept.title,
        "kind": concept.kind,
        "unit": concept.unit,
        "units": [concept.unit, *concept.units] if concept.kind == "number" else [],
        "range": list(spec.valid) if spec.valid else None,
        "choices": list(spec.choices or concept.choices),
        "required": spec.required,
    }

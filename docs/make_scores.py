"""Write docs/scores.md: every score with its formula, source, population and public cases.

    python docs/make_scores.py [FILE]

FILE holds worked cases in the form of `benchmarks.risk_cases`. Without it the figures of the page
that stands are kept: what a score is comes from its unit, how it did from the last measurement.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.risk_cases import OUTCOMES, judge_all, read_cases, reasons, summary
from medview.core.numbers import unit_text
from medview.risk import Score, ScoreInput, catalogue, guideline_of
from medview.risk.formulas import formula
from medview.session.research import research_scores

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).with_name("scores.md")
_FIGURES = re.compile(r"<!-- figures (.*) -->")
_REASONS = re.compile(r"<!-- reasons (.*) -->")
_SIGNS = {"from": ">=", "above": ">", "below": "<", "up_to": "<="}


Counts = Mapping[str, Mapping[str, int]]


def page(figures: Counts, whys: Counts) -> str:
    """The whole page; for each score how many cases came out how, and why for how many."""
    scores = list(catalogue().values())
    total = {o: sum(counts.get(o, 0) for counts in figures.values()) for o in OUTCOMES}
    lines = [
        "# Scores",
        "",
        "Made by `python docs/make_scores.py FILE`; do not edit. Cases are worked ones of public",
        "calculators, judged by `python -m benchmarks.risk_cases FILE`: passed to the printed",
        "digit, or disputed with the source that proves them wrong. A case that expects no number",
        "(an input is missing or cannot be) passes where none is given. A case with answers of two",
        "scores counts for both. Author, year and DOI were compared with lists of references of",
        "others; the papers themselves were not read.",
        "",
        f"{len(scores)} scores; " + ", ".join(f"{total[o]} {o}" for o in OUTCOMES) + ".",
        "",
        f"<!-- figures {json.dumps(figures, sort_keys=True)} -->",
        f"<!-- reasons {json.dumps(whys, sort_keys=True)} -->",
    ]
    for score in scores:
        lines += ["", *_of(score, figures.get(score.id, {}), whys.get(score.id, {}))]
    lines += ["", "# Models on tables, as research", ""]
    lines += ["Not for advice to a patient, and never in a report. What is not known is filled"]
    lines += ["from the rest of the row, said, and widens the interval."]
    for score in research_scores().values():
        lines += ["", *_of_model(score)]
    return "\n".join(lines) + "\n"


def _of(score: Score, counts: Mapping[str, int], whys: Mapping[str, int]) -> Iterator[str]:
    judged = (
        f"{counts.get('passed', 0)} passed, {counts.get('disputed', 0)} disputed"
        if counts
        else "none public"
    )
    yield f"## {score.title.english()} (`{score.id}`)"
    yield ""
    yield f"{_sentence(score.subtitle.english())} Version {score.version.rstrip('.')}."
    yield ""
    yield f"- Made for: {score.population.english()}"
    if score.ages is not None:
        yield f"- Ages: {score.ages[0]:g}-{score.ages[1]:g} years"
    reasons = [exclusion.reason.english() for exclusion in score.exclusions]
    reasons += [] if score.not_for is None else [score.not_for.english()]
    if reasons:
        yield f"- Not valid: {' '.join(reasons)}"
    yield f"- Inputs: {'; '.join(_input(spec) for spec in score.inputs)}"
    yield f"- Formula: {_formula(score)}"
    bands = [_band(score, n) for n in range(len(score.bands))]
    if bands:
        yield f"- Says: {'; '.join(bands)}"
    else:
        yield "- Says: a number; we found no classes of it that somebody has published"
    named = (b.advice.english() for b in score.bands if b.advice is not None)
    yield from (f"- Guideline: {said}" for said in dict.fromkeys(map(guideline_of, named)) if said)
    yield f"- Source: {score.author}, [{score.doi}](https://doi.org/{score.doi})"
    if score.checked:
        yield f"- Checked against: {'; '.join(score.checked)}"
    others = [s.id for s in catalogue().values() if score.family and s.family == score.family]
    if len(others) > 1:
        yield f"- Shown beside it: {', '.join(f'`{name}`' for name in others if name != score.id)}"
    yield f"- Cases: {len(score.cases)} in its unit; of public ones {judged}"
    yield from (f"  - {count} {why}" for why, count in whys.items())


def _of_model(score: Score) -> Iterator[str]:
    told = json.loads((ROOT / "models" / score.id / "model.json").read_text(encoding="utf-8"))
    figures = json.loads((ROOT / "models" / score.id / "eval.json").read_text(encoding="utf-8"))
    kind = "Cox" if told["outcome"]["kind"] == "survival" else "logistic"
    name = f"{kind} regression" if told["estimator"]["type"] == "linear" else "neural network"
    estimate = ", ".join(
        f"{metric} {found['value']:.3f} ({found['interval'][0]:.3f} to {found['interval'][1]:.3f})"
        for metric, found in figures["estimate"].items()
    )
    yield f"## {score.title.english()} (`{score.id}`)"
    yield ""
    yield f"{_sentence(score.subtitle.english())} Version {score.version}."
    yield ""
    yield f"- Made for: {score.population.english()}"
    yield f"- Inputs: {'; '.join(_input(spec) for spec in score.inputs)}"
    yield f"- Formula: {name}; weights in `models/{score.id}/weights.safetensors`"
    yield f"- On new patients (cross-validated, 95 %): {estimate}"
    named = (b.advice.english() for b in score.bands if b.advice is not None)
    yield from (f"- Guideline: {said}" for said in dict.fromkeys(map(guideline_of, named)) if said)
    yield f"- Source: {score.author}, [{score.doi}](https://doi.org/{score.doi})"
    yield f"- Card: [card.md](../models/{score.id}/card.md)"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _input(spec: ScoreInput) -> str:
    concept = spec.concept
    unit = f" {unit_text(concept.unit)}".rstrip() if concept.kind == "number" else ""
    limits = f" {spec.valid[0]:g}-{spec.valid[1]:g}" if spec.valid else ""
    optional = "" if spec.required else ", optional"
    words = (
        f" ({', '.join(concept.choices)})" if concept.choices and len(concept.choices) < 8 else ""
    )
    return f"{concept.title}{limits}{unit}{words}{optional}"


def _band(score: Score, number: int) -> str:
    band = score.bands[number]
    start = "" if band.start is None else f" from {band.start:g}"
    return f"{band.title.english()}{start}"


def _formula(score: Score) -> str:
    if score.formula == "points.table":
        start = score.coefficients.get("start", 0)
        items = "; ".join(_item(item) for item in score.coefficients["items"])
        return f"points, from {start:g} on: {items}" if start else f"points: {items}"
    if score.formula == "points.classes":
        rules = score.coefficients["rules"]
        parts = (
            f"{r['band']} if {_condition(r['if'])}" if "if" in r else f"else {r['band']}"
            for r in rules
        )
        return "the first that holds: " + "; ".join(parts)
    text = inspect.getdoc(formula(score.formula)) or ""
    return f"`{score.formula}`: " + " ".join(text.split())


def _item(item: Mapping[str, Any]) -> str:
    points = item.get("points")
    if "yes" in item or "no" in item:
        negated = "" if "yes" in item else "no "
        return f"{negated}{item.get('yes', item.get('no'))} {points:g}"
    if "word" in item:
        words = ", ".join(f"{word} {value:g}" for word, value in item["points"].items())
        return f"{item['word']} ({words})"
    if "if" in item:
        return f"{_condition(item['if'])} {points:g}"
    if "most" in item:
        return "the most of " + " | ".join(_item(part) for part in item["most"])
    if "times" in item:
        return f"{item['times']:g} x {item['number']}"
    key = next(key for key in _SIGNS if key in item)
    rows = ", ".join(f"{_SIGNS[key]} {limit:g}: {value:g}" for limit, value in item[key])
    return f"{item['number']} ({rows})"


def _condition(condition: Mapping[str, Any]) -> str:
    for key, word in (("all", " and "), ("any", " or ")):
        if key in condition:
            return "(" + word.join(_condition(part) for part in condition[key]) + ")"
    if "not" in condition:
        return f"not {_condition(condition['not'])}"
    name = condition["name"]
    if "is" in condition:
        value = condition["is"]
        return (
            str(name) if value is True else f"not {name}" if value is False else f"{name} {value}"
        )
    if "in" in condition:
        return f"{name} {' or '.join(map(str, condition['in']))}"
    return " and ".join(
        f"{name} {sign} {condition[k]:g}" for k, sign in _SIGNS.items() if k in condition
    )


def figures_of(text: str) -> tuple[Counts, Counts]:
    """The figures and the reasons that a page carries; none where it carries none."""
    found = [pattern.search(text) for pattern in (_FIGURES, _REASONS)]
    figures, whys = (json.loads(match[1]) if match else {} for match in found)
    return figures, whys


def measured(path: Path) -> tuple[Counts, Counts]:
    """The figures and the reasons of a file of cases."""
    verdicts = list(judge_all(read_cases(path)))
    return summary(verdicts), reasons(verdicts)


def main(argv: Sequence[str]) -> int:
    """Write the page."""
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    told = measured(Path(argv[0])) if argv else figures_of(old)
    PAGE.write_text(page(*told), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""card.md of a model on a table: estimate first, then the part set aside, gaps, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medview.training.tabular.figures import FEW
from medview.training.tabular.plan import TabularPlan

_WHAT = {
    "c_index": "Harrell's C: of two patients whose order is known, how often the one with the "
    "higher score has the event first",
    "auc": "area under the ROC curve",
    "brier": "mean squared error of the probability (censored rows weighed as Graf 1999)",
    "slope": "calibration slope, 1 is right, below 1 the probabilities are too extreme",
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Told:
    """What the card says. rows: all, learnt from, set aside, passed over. events: the same without
    the last. gaps: share of rows without a value; widening: of the interval without it.
    """

    rows: tuple[int, int, int, int]
    events: tuple[int, int, int]
    gaps: Mapping[str, float]
    widening: Mapping[str, float]
    aside: Mapping[str, Mapping[str, Any]]
    reliability: Sequence[tuple[float, float, int]]
    chosen: str
    judged: Mapping[str, Mapping[str, Mapping[str, Any]]]
    gain: Mapping[str, Any]


def write_card(plan: TabularPlan, told: Told) -> str:
    """The whole card, Markdown."""
    model, card = plan.model, plan.card
    not_for = "; ".join(model["intended"]["not_for"])
    sections = [
        f"# {model['title']}",
        f"`{model['name']}` {model['version']} · research · not for diagnostic use",
        f"## What it does\n\n{card['what']}",
        f"## What it must not be used for\n\n{card['not_for']}\n\nIn short, not for: {not_for}.",
        f"## How well it does on new patients (estimate)\n\n{_estimate(plan, told)}",
        f"## On the part set aside\n\n{_aside(plan, told)}",
        f"## Which model, and why\n\n{_choice(plan, told)}",
        f"## When an input is not known\n\n{_missing(told)}",
        f"## Trained on whom\n\n{card['trained_on']}\n\n{_counts(told)}",
        f"## Limits\n\n{card['limits']}",
        (
            f"## Licence and attribution\n\nThe weights and this folder: {model['licence']}. They "
            f"derive from: {plan.data.title}, {plan.data.licence}.\n\n{plan.data.attribution}"
        ),
        (
            f"## How it was made\n\n`medview train models/{model['name']}/train.toml` makes this "
            f"folder again, seed {plan.recipe.seed}."
        ),
    ]
    return "\n\n".join(sections) + "\n"


def _table(figures: Mapping[str, Mapping[str, Any]]) -> str:
    lines = ["| figure | value | 95 % interval | what it is |", "| --- | --- | --- | --- |"]
    for name, found in figures.items():
        low, high = found["interval"]
        lines.append(f"| {name} | {found['value']:.3f} | {low:.3f} to {high:.3f} | {_WHAT[name]} |")
    return "\n".join(lines)


def _estimate(plan: TabularPlan, told: Told) -> str:
    recipe = plan.recipe
    return (
        f"{recipe.repeats} times {recipe.folds}-fold cross-validation by patient on the "
        f"{told.rows[1]} rows that were not set aside; everything that learns (scaling, filling of "
        "gaps, coefficients) was fitted anew in each fold. Means over the folds; intervals allow "
        "for rows shared between folds (Nadeau and Bengio 2003). The patients come from the same "
        f"places as the training's: elsewhere expect less. What ships was then fitted the same way "
        f"on all {told.rows[0]} rows.\n\n{_table(told.judged[told.chosen])}"
        f"{_penalty(plan)}"
    )


def _penalty(plan: TabularPlan) -> str:
    if not plan.recipe.penalties:
        return ""
    tried = ", ".join(f"{penalty:g}" for penalty in plan.recipe.penalties)
    return (
        f"\n\nThe linear model's penalty was chosen among {tried} by the log likelihood of an "
        f"inner cross-validation dealt {plan.recipe.deals} times, in each fold anew; neither a "
        "fold's own rows nor the part set "
        "aside had a say."
    )


_GOAL = (0.8, 1.2)  # for the calibration slope


def _slope_words(plan: TabularPlan, told: Told) -> str:
    """What a slope means that is outside the goal or of few rows; nothing for another."""
    value, (low, high) = told.aside["slope"]["value"], told.aside["slope"]["interval"]
    is_few = plan.outcome.kind == "binary" and told.events[2] < FEW
    if _GOAL[0] <= value <= _GOAL[1] and not is_few:
        return ""
    by_firth = (
        " Slopes are by Firth's likelihood, which has an answer where the score parts the rows "
        "wholly; the plain one has none."
        if is_few
        else ""
    )
    holds = "holds" if low <= 1.0 <= high else "does not hold"
    return (
        f"\nWith {told.events[2]} events among {told.rows[2]} rows the slope is known no closer "
        f"than from {low:.2f} to {high:.2f}; that {holds} 1. It was not used to change the model: "
        f"the cross-validated slope above, on more rows, is the better guide.{by_firth}"
    )


def _aside(plan: TabularPlan, told: Told) -> str:
    lines = [
        (
            f"{told.rows[2]} rows of patients who were never looked at before the end, "
            f"{told.events[2]} of them with the event, judged by a model that learnt from the "
            f"other {told.rows[1]} alone. Its weights lie in the folder beside those that ship, "
            "for `medview evaluate` of this part. Intervals by resampling patients.\n"
        ),
        _table(told.aside),
        *([words] if (words := _slope_words(plan, told)) else []),
        "\nPredicted and observed, by fifths of predicted risk:\n",
        "| predicted | observed | rows |",
        "| --- | --- | --- |",
    ]
    lines += [f"| {a:.0%} | {b:.0%} | {n} |" for a, b, n in told.reliability]
    return "\n".join(lines)


def _choice(plan: TabularPlan, told: Told) -> str:
    is_survival = plan.outcome.kind == "survival"
    linear = "Cox's proportional hazards" if is_survival else "logistic regression"
    measure = "C" if is_survival else "AUC"
    low, high = told.gain["interval"]
    name = "c_index" if is_survival else "auc"
    both = ", ".join(f"{k} {told.judged[k][name]['value']:.3f}" for k in told.judged)
    verdict = (
        "The neural model is better with the whole interval and ships."
        if told.chosen == "neural"
        else f"That is no gain one can be sure of: the simpler model ({linear}) ships."
    )
    return (
        f"A linear model ({linear}, small ridge) and a neural one (one hidden layer of "
        f"{plan.recipe.hidden}) were judged on the same folds ({both}). Neural minus linear, on "
        f"the mean out-of-fold scores, paired bootstrap over patients: {measure} "
        f"{told.gain['value']:+.3f} ({low:+.3f} to {high:+.3f}). {verdict}"
    )


def _missing(told: Told) -> str:
    lines = [
        (
            "A value that is not known is not guessed: it is filled 200 times from its normal "
            "distribution given the values that are known (mean and covariance of the training "
            "rows), and the result is the mean of the answers; the interval holds their spread. In "
            "the training a gap stands at its mean given the rest of the row.\n"
        ),
        "| input | gaps in the training table | interval without it, times as wide |",
        "| --- | --- | --- |",
    ]
    for name, share in told.gaps.items():
        wider = told.widening.get(name)
        lines.append(f"| {name} | {share:.0%} | {'' if wider is None else f'{wider:.1f}'} |")
    return "\n".join(lines)


def _counts(told: Told) -> str:
    share = told.events[0] / told.rows[0]
    return (
        f"- rows: {told.rows[0]}; the figures are of fits on {told.rows[1]}, {told.rows[2]} set "
        f"aside; {told.rows[3]} passed over (no outcome, or no readable number)\n"
        f"- events: {told.events[0]} ({share:.0%}); no row was weighed: the probabilities are "
        "those of this share of events, and a threshold is not set"
    )

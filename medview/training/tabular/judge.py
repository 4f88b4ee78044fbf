"""Repeated cross-validation, the part set aside, and which of two models ships."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from medview.core.progress import CancelToken, Progress
from medview.core.words import tr
from medview.risk.tabular import Array, TabularModel
from medview.training.metrics import RESAMPLES
from medview.training.tabular.figures import figures_of, log_likelihood, ranking, slope
from medview.training.tabular.fit import Ground, Hidden, fit_linear, fit_neural, ground_of
from medview.training.tabular.plan import TabularPlan
from medview.training.tabular.table import Table

Fitted = Callable[[Ground, Table], TabularModel]


@dataclass(frozen=True, eq=False)
class Scored:
    """Predictions of rows that a model did not learn from."""

    scores: Array
    probability: Array


@dataclass(frozen=True, eq=False, kw_only=True)
class Judged:
    """One kind of model in cross-validation.

    figures: name to value and interval over the repeats' means of held-out rows. out_of_fold: the
    mean prediction of each row over the repeats.
    """

    figures: Mapping[str, Mapping[str, Any]]
    out_of_fold: Scored


def fitters(plan: TabularPlan) -> Mapping[str, Fitted]:
    """The two kinds of model that are tried, by name."""
    recipe = plan.recipe
    hidden = Hidden(units=recipe.hidden, epochs=recipe.epochs, seed=recipe.seed)
    return {
        "linear": lambda ground, train: fit_linear(ground, train, chosen_penalty(plan, train)),
        "neural": lambda ground, train: fit_neural(ground, train, hidden, recipe.penalty),
    }


def chosen_penalty(plan: TabularPlan, train: Table) -> float:
    """The linear model's penalty: of several the one with the best log likelihood out of fold.

    Only these rows choose: within a fold of cross-validation the others have no say. They are
    dealt into folds several times, for of few rows one deal favours now this penalty, now that.
    """
    recipe = plan.recipe
    if not recipe.penalties:
        return recipe.penalty
    is_survival = plan.outcome.kind == "survival"
    loss = np.zeros(len(recipe.penalties))
    for deal, fold in itertools.product(range(recipe.deals), range(recipe.folds)):
        part = dealt(train, recipe.seed + deal, recipe.folds)
        learn, test = (train.part(np.flatnonzero(rows)) for rows in (part != fold, part == fold))
        ground = grounded(plan, learn)
        for number, penalty in enumerate(recipe.penalties):
            said = scored(fit_linear(ground, learn, penalty), ground, test)
            loss[number] -= log_likelihood(test, said.scores, is_survival=is_survival)
    return recipe.penalties[int(np.argmin(loss))]


def grounded(plan: TabularPlan, train: Table) -> Ground:
    """What the models of a plan stand on, from training rows."""
    is_survival = plan.outcome.kind == "survival"
    return ground_of(plan.columns, train, is_survival=is_survival, horizon=plan.outcome.horizon)


def scored(model: TabularModel, ground: Ground, table: Table) -> Scored:
    """Predictions for rows, gaps at their mean given the rest."""
    filled = ground.filled(table.design) * ground.scale + ground.mean
    scores = model.scores(filled)
    return Scored(scores, model.probability(scores))


def _shuffled(table: Table, seed: int) -> list[str]:
    """The patients in an order that is the same on every machine."""
    return sorted(
        set(table.patients), key=lambda p: hashlib.sha256(f"{seed}:{p}".encode()).digest()
    )


def dealt(table: Table, seed: int, parts: int) -> NDArray[np.int64]:
    """Which of `parts` parts each row belongs to; a patient's rows stay together."""
    place = {name: number % parts for number, name in enumerate(_shuffled(table, seed))}
    return np.array([place[name] for name in table.patients], np.int64)


def aside(table: Table, share: float, seed: int) -> tuple[Table, Table]:
    """(the rows to learn from, the part set aside), by patient."""
    names = _shuffled(table, seed)
    chosen = set(names[: round(share * len(names))])
    is_aside = np.array([name in chosen for name in table.patients])
    return table.part(np.flatnonzero(~is_aside)), table.part(np.flatnonzero(is_aside))


def cross_validate(
    plan: TabularPlan, table: Table, kind: str, progress: Progress, cancel: CancelToken
) -> Judged:
    """`repeats` times `folds` models, each judged on rows it did not see.

    Ranking and error are those of single folds; the calibration slope is that of a repeat's rows
    together, for a fold may be too small to have one.
    """
    recipe, fit = plan.recipe, fitters(plan)[kind]
    is_survival = plan.outcome.kind == "survival"
    found: dict[str, list[float]] = {}
    slopes, scores, probability = [], np.zeros(len(table)), np.zeros(len(table))
    for repeat in range(recipe.repeats):
        part = dealt(table, recipe.seed * 1000 + repeat, recipe.folds)
        own = np.zeros(len(table))
        for fold in range(recipe.folds):
            cancel.check()
            done = repeat * recipe.folds + fold
            progress(done, recipe.repeats * recipe.folds, tr("Judging by cross-validation"))
            rows = np.flatnonzero(part == fold)
            train, test = table.part(np.flatnonzero(part != fold)), table.part(rows)
            ground = grounded(plan, train)
            model = fit(ground, train)
            said = scored(model, ground, test)
            for name, value in figures_of(test, said.scores, said.probability, model).items():
                found.setdefault(name, []).append(value)
            own[rows] = said.scores
            probability[rows] += said.probability / recipe.repeats
        slopes.append(slope(table, own, is_survival=is_survival))
        scores += own / recipe.repeats
    mean = Scored(scores, probability)
    figures = {n: _over_folds(v, recipe.folds) for n, v in found.items() if n != "slope"}
    figures["slope"] = {
        "value": round(float(np.mean(slopes)), 5),
        "interval": _interval(
            [slope(table.part(rows), scores[rows], is_survival=is_survival)
             for rows in resamples(table, 200)]
        ),
    }  # fmt: skip
    return Judged(figures=figures, out_of_fold=mean)


def _interval(values: list[float]) -> list[float]:
    return [round(float(np.nanpercentile(values, q)), 5) for q in (2.5, 97.5)]


def _over_folds(values: list[float], folds: int) -> dict[str, Any]:
    """Mean over all folds; the interval by the corrected resampled t (Nadeau and Bengio 2003).

    Folds of repeated cross-validation share rows: their variance is raised by test / train. All
    of the figures are shares of 1; an interval that would leave 0 to 1 is made of the logit.
    """
    from scipy.stats import t

    array = np.array(values, float)
    variance = float(array.var(ddof=1)) * (1 / len(array) + 1 / (folds - 1))
    reach = float(t.ppf(0.975, len(array) - 1)) * float(np.sqrt(variance))
    mean = float(array.mean())
    ends = (mean - reach, mean + reach)
    if not 0.0 <= ends[0] <= ends[1] <= 1.0 and 0.0 < mean < 1.0:
        # A share: on the scale of its logit, where it cannot leave 0 to 1 (delta method).
        away = reach / (mean * (1.0 - mean))
        ends = (float(expit(logit(mean) - away)), float(expit(logit(mean) + away)))
    return {"value": round(mean, 5), "interval": [round(end, 5) for end in ends]}


def with_intervals(table: Table, said: Scored, model: TabularModel) -> dict[str, Any]:
    """The figures of a part, each with a 95 % percentile bootstrap interval over patients."""
    found = figures_of(table, said.scores, said.probability, model)
    samples: dict[str, list[float]] = {name: [] for name in found}
    for rows in resamples(table, 400):
        part = Scored(said.scores[rows], said.probability[rows])
        some = table.part(rows)
        if some.event.all() or not some.event.any():
            continue
        for name, value in figures_of(some, part.scores, part.probability, model).items():
            samples[name].append(value)
    return {
        name: {
            "value": round(value, 5),
            "interval": _interval(samples[name]),
        }
        for name, value in found.items()
    }


def resamples(table: Table, count: int = RESAMPLES) -> list[NDArray[np.intp]]:
    """Rows of patients drawn with replacement."""
    names = sorted(set(table.patients))
    where: dict[str, list[int]] = {name: [] for name in names}
    for number, name in enumerate(table.patients):
        where[name].append(number)
    rng = np.random.default_rng(0)
    groups = [np.array(where[name], np.intp) for name in names]
    return [
        np.concatenate([groups[n] for n in rng.integers(0, len(groups), len(groups))])
        for _ in range(count)
    ]


def difference(table: Table, one: Scored, other: Scored, *, is_survival: bool) -> dict[str, Any]:
    """C (or AUC) of one minus the other on the same rows, with a paired bootstrap interval."""

    def gap(rows: NDArray[np.intp]) -> float:
        some = table.part(rows)
        first = ranking(some, one.scores[rows], is_survival=is_survival)
        return first - ranking(some, other.scores[rows], is_survival=is_survival)

    found = [gap(rows) for rows in resamples(table, 300)]
    value = gap(np.arange(len(table)))
    return {"value": round(value, 5), "interval": _interval(found)}

"""How good predicted risks are: discrimination, error, calibration; binary and censored."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from medview.risk.tabular import Array, TabularModel
from medview.training.metrics import roc_auc
from medview.training.tabular.fit import logistic
from medview.training.tabular.table import Table

_BLOCK = 512
_EDGE = 1e-6
_ROUNDS = 60
FEW = 200
_TINY = 1e-9
_LONGEST_STEP = 2.0  # of Newton's, in deviations of the score: Firth's own bound is as wide


def harrell_c(time: Array, event: NDArray[np.bool_], scores: Array) -> float:
    """Harrell's C (1982): of pairs whose order is known, the share with the higher score first.

    Equal scores count half; pairs of equal times count where one is an event and one is not.
    """
    right = pairs = 0.0
    dying = np.flatnonzero(event)
    for start in range(0, len(dying), _BLOCK):
        rows = dying[start : start + _BLOCK]
        t, s = time[rows, None], scores[rows, None]
        later = (time[None] > t) | ((time[None] == t) & ~event[None])
        pairs += float(later.sum())
        right += float((later & (scores[None] < s)).sum())
        right += 0.5 * float((later & (scores[None] == s)).sum())
        own = later[np.arange(len(rows)), rows]
        pairs -= float(own.sum())
        right -= 0.5 * float(own.sum())
    return right / pairs if pairs else float("nan")


def brier(table: Table, probability: Array, horizon: float) -> float:
    """Mean squared error of the probability of an event (before the horizon).

    Censored rows are weighed by the inverse probability of being uncensored, from a Kaplan-Meier
    estimate on these rows (Graf et al. 1999).
    """
    if horizon <= 0:
        return float(np.mean((table.event - probability) ** 2))
    free = _uncensored(table)
    died = table.event & (table.time <= horizon)
    alive = table.time > horizon
    weight = np.zeros(len(table))
    weight[died] = 1.0 / np.maximum(free(table.time[died], before=True), _EDGE)
    weight[alive] = 1.0 / max(float(free(np.array([horizon]), before=False)[0]), _EDGE)
    return float(np.sum(weight * (died - probability) ** 2) / len(table))


def _uncensored(table: Table) -> Callable[..., Array]:
    """Kaplan-Meier of the censoring as a function of time, just before it or at it.

    Where a time holds both, events come first: who dies is no longer at risk of being censored.
    """
    return _kaplan_meier(table.time, table.time[~table.event], table.time[table.event])


def _kaplan_meier(time: Array, lost: Array, gone: Array) -> Callable[..., Array]:
    """Share not lost; `gone` leave the risk set before those who are lost at the same time."""
    lost, times = np.sort(lost), np.unique(lost)
    at_risk = len(time) - np.searchsorted(np.sort(time), times, side="left")
    at_risk = at_risk - _at(np.sort(gone), times)
    curve = np.concatenate([[1.0], np.cumprod(1.0 - _at(lost, times) / np.maximum(at_risk, 1))])

    def left(when: Array, *, before: bool) -> Array:
        return np.asarray(curve[np.searchsorted(times, when, side="left" if before else "right")])

    return left


def _at(ordered: Array, times: Array) -> NDArray[np.intp]:
    """How many of `ordered` are equal to each time."""
    upto = np.searchsorted(ordered, times, side="right")
    return np.asarray(upto - np.searchsorted(ordered, times, side="left"))


def slope(table: Table, scores: Array, *, is_survival: bool) -> float:
    """Calibration slope: the coefficient of the score in a model of the outcome on it alone.

    Of a binary outcome with few rows on one side by Firth's penalised likelihood (1993): rows that
    the score parts wholly, or nearly, have no finite slope by the plain one (Heinze and Schemper
    2002). Of more rows both are the same to the third digit.
    """
    if float(np.std(scores)) < _EDGE:
        return float("nan")
    if is_survival:
        return _hazard_slope(table, scores)
    if is_few(table.event):
        return _firth_slope(scores, table.event)
    return float(logistic(scores[:, None], table.event, 0.0)[0][1])


def is_few(event: NDArray[np.bool_]) -> bool:
    """Whether a yes or a no is too rare for a slope by plain likelihood."""
    return min(int(event.sum()), int((~event).sum())) < FEW


def _firth_slope(scores: Array, event: NDArray[np.bool_]) -> float:
    """Firth's coefficient of one score beside an intercept, by Newton's method."""
    centre, scale = float(scores.mean()), float(scores.std())
    x = np.column_stack([np.ones(len(scores)), (scores - centre) / scale])
    beta = np.zeros(2)
    for _ in range(_ROUNDS):
        p = expit(x @ beta)
        weight = p * (1.0 - p)
        inner = np.linalg.inv((x * weight[:, None]).T @ x + _TINY * np.eye(2))
        leverage = weight * np.einsum("ij,jk,ik->i", x, inner, x)
        step = inner @ (x.T @ (event - p + leverage * (0.5 - p)))
        beta = beta + step / max(1.0, float(np.abs(step).max()) / _LONGEST_STEP)
        if float(np.abs(step).max()) < _EDGE:
            break
    return float(beta[1] / scale)


def _hazard_slope(table: Table, scores: Array) -> float:
    """Cox's coefficient of one score, ties by Breslow's method: quick enough for resampling."""
    order = np.argsort(-table.time, kind="stable")
    x, time, event = scores[order] - scores.mean(), table.time[order], table.event[order]
    last = np.searchsorted(-time, -time, side="right") - 1  # of those with the same time
    beta = 0.0
    for _ in range(_ROUNDS):
        weight = np.exp(np.clip(beta * x, -500, 500))
        s0, s1, s2 = (np.cumsum(weight * x**n)[last][event] for n in (0, 1, 2))
        gradient = float((x[event] - s1 / s0).sum())
        information = float((s2 / s0 - (s1 / s0) ** 2).sum())
        step = gradient / max(information, _EDGE)
        beta += float(np.clip(step, -1, 1))
        if abs(step) < 1e-8:
            break
    return beta


def log_likelihood(table: Table, scores: Array, *, is_survival: bool) -> float:
    """Of log-odds, or the partial one of log hazards, ties by Breslow's method."""
    if not is_survival:
        return -float(np.logaddexp(0.0, np.where(table.event, -scores, scores)).sum())
    order = np.argsort(-table.time, kind="stable")
    time, event = table.time[order], table.event[order]
    at_risk = np.logaddexp.accumulate(scores[order])
    last = np.searchsorted(-time, -time, side="right") - 1  # of those with the same time
    return float((scores[order] - at_risk[last])[event].sum())


def figures_of(
    table: Table, scores: Array, probability: Array, model: TabularModel
) -> dict[str, float]:
    """c_index (Harrell's) or auc, brier, slope."""
    is_survival = model.hazard is not None
    return {
        "c_index" if is_survival else "auc": ranking(table, scores, is_survival=is_survival),
        "brier": brier(table, probability, model.horizon if is_survival else 0.0),
        "slope": slope(table, scores, is_survival=is_survival),
    }


def ranking(table: Table, scores: Array, *, is_survival: bool) -> float:
    """Harrell's C, or the area under the ROC curve."""
    if is_survival:
        return harrell_c(table.time, table.event, scores)
    return roc_auc(table.event, scores)


def reliability(
    table: Table, probability: Array, horizon: float, bins: int = 10
) -> list[tuple[float, float, int]]:
    """(mean predicted, observed, rows) by tenths of predicted risk; observed by Kaplan-Meier."""
    order = np.argsort(probability, kind="stable")
    found = []
    for part in np.array_split(order, bins):
        if len(part) == 0:
            continue
        rows = table.part(part)
        seen = float(rows.event.mean()) if horizon <= 0 else 1.0 - _alive(rows, horizon)
        found.append((float(probability[part].mean()), seen, len(part)))
    return found


def _alive(table: Table, horizon: float) -> float:
    """Kaplan-Meier's survival at a time."""
    curve = _kaplan_meier(table.time, table.time[table.event], np.array([]))
    return float(curve(np.array([horizon]), before=False)[0])

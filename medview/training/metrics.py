"""Figures of quality, each with an interval by resampling patients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Array = NDArray[np.float64]
RESAMPLES = 2000


def dice(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """2 |A and B| / (|A| + |B|); NaN where both are empty."""
    total = int(found.sum()) + int(truth.sum())
    return 2 * int((found & truth).sum()) / total if total else float("nan")


def roc_auc(truth: Any, score: Any) -> float:
    """Area under the ROC curve: the share of (positive, negative) pairs in right order, ties half.

    By ranks (Mann-Whitney U); NaN where a class is missing.
    """
    truth, ranks = np.asarray(truth, bool), rankdata(score)
    positive, negative = int(truth.sum()), int((~truth).sum())
    if not positive or not negative:
        return float("nan")
    pairs = ranks[truth].sum() - positive * (positive + 1) / 2
    return float(pairs / (positive * negative))


def calibration_error(truth: Any, probability: Any, bins: int = 15) -> float:
    """ECE: sum over bins of equal mass of their share x |observed - mean predicted|."""
    truth, probability = np.asarray(truth, float), np.asarray(probability, float)
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    gaps = [len(p) * abs(truth[p].mean() - probability[p].mean()) for p in parts]
    return float(sum(gaps) / len(order))


def rate(hits: Any, among: Any) -> float:
    """Share of `hits` among the cases of `among`; NaN where there are none."""
    hits, among = np.asarray(hits, bool), np.asarray(among, bool)
    return float(hits[among].mean()) if among.any() else float("nan")


def figure(
    measure: Callable[[NDArray[np.int64]], float], patients: Sequence[str], seed: int = 0
) -> dict[str, Any]:
    """A measure of case numbers, on all cases and with its 95 % percentile bootstrap interval.

    Patients are drawn with replacement and bring all their cases.
    """
    names = sorted(set(patients))
    members = {name: [] for name in names}  # type: dict[str, list[int]]
    for number, name in enumerate(patients):
        members[name].append(number)
    cases_of = [np.array(members[name], np.int64) for name in names]
    alone = np.concatenate(cases_of) if len(names) == len(patients) else None
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(RESAMPLES):
        chosen = rng.integers(0, len(names), len(names))
        taken = np.concatenate([cases_of[c] for c in chosen]) if alone is None else alone[chosen]
        drawn.append(measure(taken))
    value = measure(np.arange(len(patients)))
    low, high = np.nanpercentile(drawn, [2.5, 97.5]) if not np.all(np.isnan(drawn)) else (0, 1)
    return {"value": round(value, 4), "interval": [round(float(low), 4), round(float(high), 4)]}


def mean_figure(values: Sequence[float], patients: Sequence[str]) -> dict[str, Any]:
    """The mean of a number a case, cases without it (NaN) left out."""
    array = np.array(values, float)
    known = np.flatnonzero(~np.isnan(array))
    array = array[known]
    return figure(lambda n: float(array[n].mean()), [patients[int(n)] for n in known])


CLASSIFIER_FIGURES = ("auc", "sensitivity", "specificity", "ece")
ROUTER_FIGURES = ("accuracy", "unknown", "right")


def classifier_figures(
    truth: Sequence[bool],
    probability: Sequence[float],
    positive: Sequence[bool],
    patients: Sequence[str],
) -> dict[str, Any]:
    """auc, sensitivity and specificity of what was called positive, ece; all with intervals."""
    is_ill, said, called = np.array(truth, bool), np.array(probability), np.array(positive, bool)
    return {
        "auc": figure(lambda n: roc_auc(is_ill[n], said[n]), patients),
        "sensitivity": figure(lambda n: rate(called[n], is_ill[n]), patients),
        "specificity": figure(lambda n: rate(~called[n], ~is_ill[n]), patients),
        "ece": figure(lambda n: calibration_error(is_ill[n], said[n]), patients),
    }


UNKNOWN = "unknown"


def router_figures(
    truth: Sequence[str], answers: Sequence[str], patients: Sequence[str]
) -> dict[str, Any]:
    """accuracy (share of the answers that are right), unknown (share of the cases that get none),
    and right (share of all cases that get the right answer); no accuracy where none is answered.
    """
    label, said = np.array(truth), np.array(answers)
    right, unknown = label == said, said == UNKNOWN
    among = {} if unknown.all() else {
        "accuracy": figure(lambda n: rate(right[n], ~unknown[n]), patients)
    }  # fmt: skip
    return among | {
        "unknown": figure(lambda n: float(unknown[n].mean()), patients),
        "right": figure(lambda n: float(right[n].mean()), patients),
    }

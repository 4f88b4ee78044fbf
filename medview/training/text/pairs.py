"""Fitting which chemical causes which disease: ridge logistic regression on hashed features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import expit

from medview.record.tagging.names import Name
from medview.record.tagging.pairs import FEATURE_BITS, PairModel, Thing, candidates, slot
from medview.training.text.abstracts import Reading, count_abstract, keys
from medview.training.text.corpora import Abstract
from medview.training.text.scores import Tally, f1_of

Array = NDArray[np.float64]
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class _Rows:
    """Candidate pairs of a corpus. text: which abstract each is of."""

    design: csr_matrix
    right: Array
    text: NDArray[np.int64]
    pairs: tuple[tuple[Thing, Thing], ...]


def fit_pairs(
    corpus: Sequence[Abstract], named: Sequence[Sequence[Name]], penalty: float
) -> PairModel:
    """The model, its thresholds chosen by cross-validation over abstracts.

    named: the names in each abstract, the annotators' or the tagger's own.
    """
    rows = _rows(corpus, named)
    fold = rows.text % _FOLDS
    probability = np.zeros(len(rows.right))
    for k in range(_FOLDS):
        weights = _fitted(rows, fold != k, penalty)
        probability[fold == k] = expit(rows.design[fold == k] @ weights[:-1] + weights[-1])
    least, best = _thresholds(corpus, rows, probability)
    weights = _fitted(rows, np.ones(len(rows.right), bool), penalty)
    return PairModel(weights[:-1].astype(np.float32), float(weights[-1]), least, best)


def gold_names(abstract: Abstract) -> list[Name]:
    """The annotators' names."""
    return sorted(Name(m.start, m.end, m.type) for m in abstract.mentions)


def _rows(corpus: Sequence[Abstract], named: Sequence[Sequence[Name]]) -> _Rows:
    data, columns, starts, right, text, pairs = [], [], [0], [], [], []
    for number, (abstract, names) in enumerate(zip(corpus, named, strict=True)):
        for chemical, disease, features in candidates(abstract.text, names):
            columns += [slot(name) for name in features]
            data += list(features.values())
            starts.append(len(columns))
            right.append(_is_right(abstract, chemical, disease))
            text.append(number)
            pairs.append((chemical, disease))
    shape = (len(right), 1 << FEATURE_BITS)
    design = csr_matrix((np.array(data), np.array(columns), np.array(starts)), shape)
    return _Rows(design, np.array(right, float), np.array(text), tuple(pairs))


def _is_right(abstract: Abstract, chemical: Thing, disease: Thing) -> bool:
    tally = Tally()
    reading = Reading((), [(keys(chemical.names), keys(disease.names))])
    count_abstract(tally, abstract, reading, ("Chemical", "Disease"))
    return bool(tally.rows("relation")[0, 0])


def _fitted(rows: _Rows, chosen: NDArray[np.bool_], penalty: float) -> Array:
    design, right = rows.design[chosen], rows.right[chosen]

    def loss(weights: Array) -> tuple[float, Array]:
        z = design @ weights[:-1] + weights[-1]
        miss = expit(z) - right
        total = np.logaddexp(0, z).sum() - right @ z + penalty * (weights[:-1] @ weights[:-1])
        slope = np.append(design.T @ miss + 2 * penalty * weights[:-1], miss.sum())
        return float(total), slope

    begin = np.zeros(design.shape[1] + 1)
    found = minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return np.asarray(found.x)


def _thresholds(corpus: Sequence[Abstract], rows: _Rows, p: Array) -> tuple[float, float]:
    """The two thresholds with the best F1 on pairs that were not learned from."""
    own = [np.flatnonzero(rows.text == number) for number in range(len(corpus))]
    grid = [
        (_f1(corpus, rows, own, p, least, best), least, best)
        for least in np.arange(0.2, 0.62, 0.04)
        for best in np.arange(0.1, 0.62, 0.1)
        if best <= least
    ]
    _, least, best = max(grid)
    return float(least), float(best)


def _f1(corpus: Sequence[Abstract], rows: _Rows, own: Sequence[NDArray[np.int64]], p: Array,
        least: float, best: float) -> float:  # fmt: skip
    counts = np.zeros(3, np.int64)
    for abstract, numbers in zip(corpus, own, strict=True):
        said = numbers[p[numbers] >= least]
        if not len(said) and len(numbers) and p[numbers].max() >= best:
            said = numbers[[int(p[numbers].argmax())]]
        hit = int(rows.right[said].sum())
        counts += (hit, len(said) - hit, max(0, len(abstract.pairs) - hit))
    return f1_of(counts)

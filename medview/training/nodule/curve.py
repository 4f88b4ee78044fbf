"""The learning curve of a net that learns in one step: by how many patients it learnt from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from medview.ai.worker.nets import build_net
from medview.ai.worker.radial_net import RadialNet
from medview.core.progress import CancelToken, no_progress
from medview.training.cases import deal
from medview.training.metrics import roc_auc
from medview.training.nodule.judge import Truth
from medview.training.nodule.learn import Lesson, answers, learn
from medview.training.nodule.plan import Plan

_SHARES = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
UNSEEN, SEEN = "patients it did not learn from", "patients it learnt from"


def learning_curve(
    plan: Plan, lesson: Lesson, about: tuple[Truth, Sequence[str]], cancel: CancelToken
) -> list[Mapping[str, float]]:
    """For each share of the patients how many there were, and the AUC on both kinds of patients.

    about: truth and patient of each nodule. Each fold's member learns from the other folds'
    patients of the share alone; all nodules of the fold are judged by it, whatever the share.
    """
    truth, patients = about
    order = list(deal(set(patients), plan.nodule.seed + 1, {}))
    rows: list[Mapping[str, float]] = []
    for share in _SHARES:
        some = set(order[: max(1, round(share * len(order)))])
        own = np.array([patient in some for patient in patients])
        if truth[own].min() == truth[own].max():
            continue
        rows.append({"patients": float(len(some)), **_aucs(plan, lesson, truth, own, cancel)})
    return rows


def _aucs(
    plan: Plan, lesson: Lesson, truth: Truth, own: NDArray[np.bool_], cancel: CancelToken
) -> dict[str, float]:
    part = replace(
        lesson,
        features=lesson.features[own],
        variants=lesson.variants[:, own],
        rating=lesson.rating[own],
        readers=lesson.readers[own],
        fold=lesson.fold[own],
    )
    centres = int(own.sum()) * (1 + len(lesson.variants))
    net = build_net(plan.network["arch"], {**plan.network["args"], "centres": centres})
    if not isinstance(net, RadialNet):
        raise TypeError(type(net).__name__)
    learn(net, part, plan.nodule, no_progress, cancel)
    logits, folds = answers(net, lesson.features), plan.nodule.folds
    apart = logits[np.arange(len(logits)), lesson.fold]
    known = (lesson.fold[:, None] != np.arange(folds)) / (folds - 1)
    return {
        UNSEEN: roc_auc(truth, apart),
        SEEN: roc_auc(truth[own], (logits * known).sum(1)[own]),
    }

"""Probabilities, operating point and known world of a nodule net, from patients it did not see."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit

from medview.ai.worker.net_steps import mahalanobis
from medview.ai.worker.radial_net import STEEPNESS, RadialNet
from medview.training.calibrate import known_world, operating_point, platt
from medview.training.nodule.learn import Lesson, round_to_half, unseen
from medview.training.nodule.plan import NodulePlan

Array = NDArray[np.float64]
Truth = NDArray[np.int64]
_BEYOND = 1.25


def calibrate(
    net: RadialNet, lesson: Lesson, truth: Truth, patients: list[str], recipe: NodulePlan
) -> dict[str, Any]:
    """calib.json without heatmaps; shifts the net's base in place.

    platt: temperature and further shift that resampled patients give, for the interval.
    """
    temperature, shift = platt(unseen(net, lesson), truth)
    with torch.no_grad():
        net.base.add_(shift / STEEPNESS)
    round_to_half(net)
    logits = unseen(net, lesson)
    seen = np.concatenate([lesson.features, *lesson.variants])
    world = known_world(seen, lesson.features)
    # Only what is stranger than the strangest nodule of the training is refused.
    farthest = max(mahalanobis(row, world) for row in seen)
    return {
        "temperature": round(temperature, 5),
        "threshold": operating_point(expit(logits / temperature), truth, recipe.sensitivity),
        "platt": resampled(logits, truth, patients, recipe),
        "ood": {**world, "limit": round(_BEYOND * farthest, 4)},
    }


def resampled(
    logits: Array, truth: Truth, patients: list[str], recipe: NodulePlan
) -> list[list[float]]:
    """Pairs of temperature and shift, each from patients drawn with replacement."""
    names = sorted(set(patients))
    members = {name: [n for n, p in enumerate(patients) if p == name] for name in names}
    rng, pairs = np.random.default_rng(recipe.seed), []
    for _ in range(recipe.resamples):
        drawn = rng.integers(0, len(names), len(names))
        chosen = np.array([n for d in drawn for n in members[names[int(d)]]])
        pairs.append([round(v, 4) for v in platt(logits[chosen], truth[chosen])])
    return pairs


def crossed(
    logits: Array, truth: Truth, fold: NDArray[np.int64], recipe: NodulePlan
) -> tuple[Array, NDArray[np.bool_]]:
    """Probability and call of each nodule, temperature, shift and threshold from other folds."""
    probability, called = np.zeros(len(truth)), np.zeros(len(truth), bool)
    for number in range(recipe.folds):
        own, others = fold == number, fold != number
        temperature, shift = platt(logits[others], truth[others])
        elsewhere = expit((logits[others] + shift) / temperature)
        limit = operating_point(elsewhere, truth[others], recipe.sensitivity)
        probability[own] = expit((logits[own] + shift) / temperature)
        called[own] = probability[own] >= limit
    return probability, called

"""What a classifier learns after its training: probabilities, operating point, the known world.

Everything here comes from patients that the net did not learn from, but for the axes of `ood`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from medview.ai.worker.net_steps import mahalanobis
from medview.ai.worker.nets import ResNet2d
from medview.training.classification import Answers, Films, ask
from medview.training.plan import ROOM

Array = NDArray[np.float64]
_AXES = 64
_SPANNED = 1e-8  # of the largest variance; below it is rounding
_REFUSED_SHARE = 0.01
_WARNED_SHARE = 0.05
_MANY = 200


def calibrate(net: ResNet2d, fit: Films, apart: Films, wanted: dict[str, Any]) -> dict[str, Any]:
    """calib.json for a net with one output; shifts the bias of the net's head in place.

    wanted: layers of `ood`, the output's name, and the sensitivity of the operating point.
    """
    known = ask(net, fit, wanted["layers"])
    answers = ask(net, apart, wanted["layers"])
    temperature, shift = platt(answers.logits, apart.truth)
    with torch.no_grad():
        # Balanced learning moved the bias; the share of ill children moves it back.
        net.head.bias.add_(shift)
    probability = expit((answers.logits + shift) / temperature)
    name = wanted["name"]
    return {
        "temperature": round(temperature, 5),
        "thresholds": {name: operating_point(probability, apart.truth, wanted["sensitivity"])},
        "heatmap_full": {name: round(_full_scale(answers, apart), 4)},
        "ood": known_world(known.features, answers.features),
    }


def platt(logits: Array, truth: NDArray[np.int64]) -> tuple[float, float]:
    """Temperature and shift of the logits with the least cross-entropy (Platt 1999).

    Targets are Platt's: (n + 1) / (n + 2) for n ill, 1 / (m + 2) for m well, so that classes which
    part cleanly do not make the probabilities certain.
    """
    ill, well = int(truth.sum()), int((1 - truth).sum())
    target = np.where(truth == 1, (ill + 1) / (ill + 2), 1 / (well + 2))

    def loss(place: Array) -> float:
        z = (logits + place[1]) / np.exp(place[0])
        return float(np.mean(np.logaddexp(0, z) - target * z))

    found = minimize(loss, np.zeros(2), method="Nelder-Mead").x
    return float(np.exp(found[0])), float(found[1])


def operating_point(probability: Array, truth: NDArray[np.int64], sensitivity: float) -> float:
    """The highest threshold at which at least that share of the ill is called."""
    ill = np.sort(probability[truth == 1])
    missed = int(np.floor((1 - sensitivity) * len(ill)))
    return float(np.floor(ill[missed] * 1e4) / 1e4)


def _full_scale(answers: Answers, films: Films) -> float:
    # The strongest support that ill films showed, but for the last per cent.
    return max(float(np.percentile(answers.peaks[films.truth == 1], 99)), 1e-3)


def known_world(features: Array, apart: Array, room: float = ROOM) -> dict[str, Any]:
    """The distribution of the training features, and the distances that 1 % of new patients
    exceed (limit, see `limit_of_distance`) and 5 % (warn).

    Probabilistic principal components (Tipping and Bishop 1999): full variance along the first
    axes, one mean variance for all that remain. Few cases span few axes: one along which they do
    not differ but for rounding would make every new picture infinitely far.
    """
    mean, scale = features.mean(0), features.std(0) + 1e-6
    standard = (features - mean) / scale
    _, singular, axes = np.linalg.svd(standard, full_matrices=False)
    variances = singular**2 / len(features)
    spanned = variances > _SPANNED * variances[0]
    axes, variances = axes[spanned], variances[spanned]
    rest = float(variances[_AXES:].mean()) if len(variances) > _AXES else 1.0
    known = {
        "mean": _short(mean),
        "scale": _short(scale),
        "axes": [_short(axis) for axis in axes[:_AXES]],
        "variances": _short(variances[:_AXES]),
        "rest_variance": float(f"{max(rest, 1e-6):.5g}"),
    }
    distances = [mahalanobis(row, known) for row in apart]
    return {
        **known,
        "limit": limit_of_distance(distances, room),
        "warn": round(float(np.quantile(distances, 1 - _WARNED_SHARE)), 4),
    }


def limit_of_distance(distances: Sequence[float], room: float = ROOM) -> float:
    """What one in a hundred of these exceeds; with room where they are few, 0 for none."""
    if not len(distances):
        return 0.0
    if len(distances) >= _MANY:
        return round(float(np.quantile(distances, 1 - _REFUSED_SHARE)), 4)
    # Not of the farthest: one strange case would open the door to everything.
    return round(room * float(np.quantile(distances, 1 - _WARNED_SHARE)), 4)


def _short(values: Any) -> list[float]:
    return [float(f"{value:.5g}") for value in values]

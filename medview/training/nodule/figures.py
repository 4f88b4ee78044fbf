"""How a nodule model does beside the diameter alone, and by size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from medview.training.metrics import figure, roc_auc

# mm, the readers' diameter; names of figures
SIZES = {
    "under_6mm": (0.0, 6.0), "6_to_10mm": (6.0, 10.0), "10_to_15mm": (10.0, 15.0),
    "from_15mm": (15.0, np.inf),
}  # fmt: skip


def beside_diameter(
    truth: Sequence[bool],
    scores: Sequence[float],
    diameters: Sequence[float],
    patients: Sequence[str],
) -> dict[str, Any]:
    """auc.diameter of the diameter alone; auc.gain, the model's AUC less that, paired: both on the
    same resampled patients; and the model's AUC by size class where both ratings occur."""
    is_ill, said, size = np.array(truth, bool), np.array(scores), np.array(diameters)
    found = {
        "auc.diameter": figure(lambda n: roc_auc(is_ill[n], size[n]), patients),
        "auc.gain": figure(
            lambda n: roc_auc(is_ill[n], said[n]) - roc_auc(is_ill[n], size[n]), patients
        ),
    }
    for name, (low, high) in SIZES.items():
        own = np.flatnonzero((size >= low) & (size < high))
        if len(own) and is_ill[own].any() and not is_ill[own].all():
            found[f"auc.{name}"] = _among(own, is_ill, said, patients)
    return found


def _among(own: Any, is_ill: Any, said: Any, patients: Sequence[str]) -> dict[str, Any]:
    names = [patients[int(n)] for n in own]
    return figure(lambda n: roc_auc(is_ill[own[n]], said[own[n]]), names)


def reliability(truth: Any, probability: Any, bins: int = 8) -> list[tuple[int, float, float]]:
    """Bins of equal mass: how many, the mean probability, the share rated suspicious."""
    truth, probability = np.asarray(truth, float), np.asarray(probability, float)
    parts = np.array_split(np.argsort(probability, kind="stable"), bins)
    return [(len(p), float(probability[p].mean()), float(truth[p].mean())) for p in parts if len(p)]

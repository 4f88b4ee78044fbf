"""The curves of a training and of its probabilities as pictures in the run's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from medview.core.errors import InvalidInput
from medview.core.words import say
from medview.training.metrics import calibration_error, roc_auc


def require_plots() -> None:
    """Raise InvalidInput when matplotlib is not installed: said before hours of training."""
    if find_spec("matplotlib") is None:
        raise InvalidInput(
            say("Training draws its curves with matplotlib, which is not installed."),
            what_to_do=say('Install it with: pip install "medview[train]"'),
        )


def draw_curves(history: Sequence[Mapping[str, float]], path: Path, title: str) -> None:
    """Loss on the left, figures on patients the net does not learn from on the right (PNG)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    picture = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(picture)
    left, right = picture.subplots(1, 2)
    steps = [row["step"] for row in history]
    for name in history[0] if history else ():
        if name != "step":
            axis = left if "loss" in name else right
            axis.plot(steps, [row[name] for row in history], label=name.replace("_", " "))
    left.set_title(f"{title}: loss")
    right.set_title("on other patients")
    for axis in (left, right):
        axis.set_xlabel("step")
        axis.grid(visible=True, alpha=0.3)
        if axis.lines:
            axis.legend(fontsize=8)
    picture.savefig(path, dpi=110)


def draw_reliability(
    rows: Sequence[Mapping[str, Any]], positive: Sequence[bool], path: Path, title: str
) -> None:
    """Observed share against stated probability in bins of equal mass, and the ROC curve (PNG).

    rows: `per_case` of an evaluation; positive: which of them are. Refused ones are left out.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    kept = [(r["score"], p) for r, p in zip(rows, positive, strict=True) if "refused" not in r]
    said, truth = np.array([s for s, _ in kept], float), np.array([p for _, p in kept], bool)
    picture = Figure(figsize=(9, 4), layout="constrained")
    FigureCanvasAgg(picture)
    left, right = picture.subplots(1, 2)
    order = np.argsort(said, kind="stable")
    bins = [part for part in np.array_split(order, 15) if len(part)]
    left.plot([0, 1], [0, 1], "--", color="grey")
    left.plot([said[b].mean() for b in bins], [truth[b].mean() for b in bins], "o-")
    left.set(xlabel="probability that the model states", ylabel="share that is so",
             title=f"{title}: ECE {calibration_error(truth, said):.3f}")  # fmt: skip
    called = truth[order[::-1]]
    hits, alarms = (
        np.cumsum(called) / max(1, truth.sum()),
        np.cumsum(~called) / max(1, (~truth).sum()),
    )
    right.plot([0, *alarms], [0, *hits])
    right.set(xlabel="1 - specificity", ylabel="sensitivity",
              title=f"AUC {roc_auc(truth, said):.3f}, {len(said)} cases")  # fmt: skip
    for axis in (left, right):
        axis.grid(visible=True, alpha=0.3)
    picture.savefig(path, dpi=110)

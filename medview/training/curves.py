"""The curves of a training and of its probabilities as pictures in the run's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import InvalidInput
from medview.core.words import say
from medview.training.metrics import calibration_error, roc_auc

Volumes = NDArray[np.float64]  # in mL
_DPI = 90  # they ship in model folders


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
    picture.savefig(path, dpi=_DPI)


def draw_learning(rows: Sequence[Mapping[str, float]], path: Path, title: str) -> None:
    """AUC by the number of patients that were learnt from, a line for each other name (PNG)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    picture = Figure(figsize=(6, 3.6), layout="constrained")
    FigureCanvasAgg(picture)
    axis = picture.subplots()
    people = [row["patients"] for row in rows]
    for name in rows[0] if rows else ():
        if name != "patients":
            axis.plot(people, [row[name] for row in rows], "o-", label=name)
    axis.set(xlabel="patients that it learnt from", ylabel="AUC", title=title)
    axis.grid(visible=True, alpha=0.3)
    if axis.lines:
        axis.legend(fontsize=8)
    picture.savefig(path, dpi=_DPI)


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
    both = 0 < truth.sum() < len(truth)  # with one class there is no ROC curve
    picture = Figure(figsize=(9 if both else 4.5, 4), layout="constrained")
    FigureCanvasAgg(picture)
    left, *right = picture.subplots(1, 1 + both, squeeze=False)[0]
    order = np.argsort(said, kind="stable")
    bins = [part for part in np.array_split(order, 15) if len(part)]
    left.plot([0, 1], [0, 1], "--", color="grey")
    left.plot([said[b].mean() for b in bins], [truth[b].mean() for b in bins], "o-")
    left.set(xlabel="probability that the model states", ylabel="share that is so",
             title=f"{title}: ECE {calibration_error(truth, said):.3f}")  # fmt: skip
    called = truth[order[::-1]]
    for axis in right:
        hits, alarms = np.cumsum(called) / truth.sum(), np.cumsum(~called) / (~truth).sum()
        axis.plot([0, *alarms], [0, *hits])
        axis.set(xlabel="1 - specificity", ylabel="sensitivity",
                 title=f"AUC {roc_auc(truth, said):.3f}, {len(said)} cases")  # fmt: skip
    for axis in (left, *right):
        axis.grid(visible=True, alpha=0.3)
    picture.savefig(path, dpi=_DPI)


def volume_band(drawn: Volumes, share: float) -> tuple[Volumes, Volumes]:
    """Between which volumes found lie, where the true one lies within found x (1 -+ share).

    From a share of 1 on it may be nothing, whatever was found: there is no upper edge (inf).
    """
    high = drawn / (1 - share) if share < 1 else np.full(drawn.shape, np.inf)
    return drawn / (1 + share), high


def draw_voxels(voxels: Mapping[str, Any], path: Path, title: str) -> None:
    """Observed share against stated probability of voxels, without the temperature and with it.

    voxels: of `voxel_certainty`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    picture = Figure(figsize=(4.5, 4), layout="constrained")
    FigureCanvasAgg(picture)
    axis = picture.subplots()
    axis.plot([0, 1], [0, 1], "--", color="grey")
    for name, words in (("before", "as trained"), ("after", "at its temperature")):
        said, so = zip(*voxels[name]["bins"], strict=True)
        axis.plot(said, so, "o-", label=f"{words}: ECE {voxels[name]['ece']:.3f}")
    axis.set(xlabel="probability that the model states", ylabel="share that is so",
             title=f"{title}: voxels, {voxels['cases']} cases")  # fmt: skip
    axis.grid(visible=True, alpha=0.3)
    axis.legend()
    picture.savefig(path, dpi=_DPI)


def draw_volumes(
    rows: Sequence[Mapping[str, Any]], limits: Mapping[str, float], path: Path, title: str
) -> None:
    """Volumes found against volumes drawn by hand, and the Dice of every case by label (PNG).

    rows: `per_case` of a segmentation's evaluation. limits: by label's name the share by which
    the model says that a volume may be off; drawn as a band about the line of equal volumes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = sorted({key.partition(".")[2] for row in rows for key in row if "drawn_ml." in key})
    picture = Figure(figsize=(9, 4), layout="constrained")
    FigureCanvasAgg(picture)
    left, right = picture.subplots(1, 2)
    most, is_open = 0.0, False
    for place, name in enumerate(names):
        own = [row for row in rows if f"drawn_ml.{name}" in row]
        drawn = np.array([row[f"drawn_ml.{name}"] for row in own])
        found = drawn * (1 + np.array([row[f"volume_error.{name}"] for row in own]))
        band = f" (±{round(100 * limits[name])} %)" if name in limits else ""
        (dots,) = left.plot(drawn, found, ".", label=name.replace("_", " ") + band)
        if name in limits:
            ends = np.array([drawn.min(), drawn.max()])
            low, high = volume_band(ends, limits[name])
            is_open |= bool(np.isinf(high).any())
            high = np.where(np.isinf(high), 10 * drawn.max(), high)  # beyond what is shown
            left.fill_between(ends, low, high, color=dots.get_color(), alpha=0.15)
        most = max(most, drawn.max(), found.max())
        right.plot([place] * len(own), [row[f"dice.{name}"] for row in own], ".", alpha=0.6)
    left.plot([0, most], [0, most], "--", color="grey")
    if is_open:
        left.set_ylim(0, 1.5 * most)
    left.set(xlabel="drawn by hand, mL", ylabel="found, mL", title=f"{title}: volumes")
    left.legend(fontsize=8)
    right.set_xticks(range(len(names)), [n.replace("_", "\n") for n in names], fontsize=7)
    right.set(ylabel="Dice", ylim=(0, 1), title=f"{len(rows)} cases")
    for axis in (left, right):
        axis.grid(visible=True, alpha=0.3)
    picture.savefig(path, dpi=_DPI)

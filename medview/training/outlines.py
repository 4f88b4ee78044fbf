"""How an outline compares with the hand-drawn one: overlap, distance of the surfaces, volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medview.core.results import Label
from medview.training.cases import Case
from medview.training.metrics import dice, figure, mean_figure

Mask = NDArray[np.bool_]
MEAN = "dice.mean"
KINDS = ("dice", "surface_mm", "hd95_mm", "volume_error", "volume_bias")


def metric_name(name: str) -> str:
    """A label's name as it stands in metrics: "Hippocampus, anterior" is anterior, "right lung"
    is lung_right.

    "Spinal cord" is cord, the word that stands for it among the metrics.
    """
    words = name.lower().split(", ")[-1].removeprefix("spinal ").split()
    if words[0] in ("right", "left"):
        words = [*words[1:], words[0]]
    return "_".join(words)


def names_of_figures(outputs: Sequence[Mapping[str, Any]]) -> set[str]:
    """What may be measured of a model with these outputs (fields of model.json)."""
    names = [metric_name(output["name"]) for output in outputs]
    return {MEAN, *(f"{kind}.{name}" for kind in KINDS for name in names)}


def compare_outlines(
    outputs: Sequence[Label], case: Case, truth: NDArray[np.uint8], found: NDArray[np.uint8]
) -> dict[str, Any]:
    """One case's row: of each label that was drawn its Dice, distances in mm, and volumes.

    truth, found: label maps [k, j, i] on the case's grid. `volume_error` is signed here, a share
    of what was drawn; where nothing was found there is no distance. `cut`: all of it is about the
    drawn slices only, not about the whole volume.
    """
    row: dict[str, Any] = {}
    spacing = case.volume.geometry.spacing
    voxel_ml = float(np.prod(spacing)) / 1000
    for label in outputs:
        drawn, own = truth == label.value, found == label.value
        if label.value not in case.labels or not drawn.any():
            continue  # Dice is not defined for what is not there
        if label.value in case.open_ended:
            own, drawn = where_drawn(own, drawn)
            row[f"cut.{metric_name(label.name)}"] = True
        name = metric_name(label.name)
        row[f"dice.{name}"] = round(dice(own, drawn), 5)
        row[f"volume_error.{name}"] = round(int(own.sum()) / int(drawn.sum()) - 1, 5)
        row[f"drawn_ml.{name}"] = round(int(drawn.sum()) * voxel_ml, 4)
        if own.any():
            mean, far = surface_distance(own, drawn, (spacing[2], spacing[1], spacing[0]))
            row |= {f"surface_mm.{name}": round(mean, 4), f"hd95_mm.{name}": round(far, 4)}
    return row


def where_drawn(found: Mask, truth: Mask) -> tuple[Mask, Mask]:
    """Both from the first to the last slice in which something was drawn."""
    slices = np.flatnonzero(truth.any(axis=(1, 2)))
    part = slice(int(slices[0]), int(slices[-1]) + 1)
    return found[part], truth[part]


def surface_distance(
    found: Mask, truth: Mask, spacing: tuple[float, float, float]
) -> tuple[float, float]:
    """Mean and 95th percentile of the distance between two surfaces, mm; neither mask is empty.

    The surface is the voxels with a neighbour across a face that is outside. The mean is over the
    surface voxels of both; the 95th percentile is the larger of the two directions' (Nikolov et
    al. 2018, arXiv 1809.04430). spacing: mm along k, j, i.
    """
    box = ndimage.find_objects((found | truth).astype(np.uint8))[0]
    edges = [_surface(mask[box]) for mask in (found, truth)]
    away = [ndimage.distance_transform_edt(~edge, sampling=spacing) for edge in edges]
    there, back = away[1][edges[0]], away[0][edges[1]]
    mean = float(np.concatenate([there, back]).mean())
    return mean, float(max(np.percentile(there, 95), np.percentile(back, 95)))


def _surface(mask: Mask) -> Mask:
    edge: Mask = mask & ~ndimage.binary_erosion(mask)
    return edge


def outline_figures(
    outputs: Sequence[Label], rows: Sequence[Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """The figures of cases that were compared, each with its interval by resampling patients.

    `dice.mean` is the mean over the labels that the model shows, each the mean over its cases.
    """
    patients = [str(row["patient"]) for row in rows]
    labels = sorted({n.partition(".")[2] for row in rows for n in row if n.startswith("dice.")})
    metrics: dict[str, Mapping[str, Any]] = {}
    shown = [name for name in map(metric_name, (o.name for o in outputs if not o.hidden))
             if name in labels]  # fmt: skip
    if len(shown) > 1:
        table = np.array([_values(rows, f"dice.{name}") for name in shown])
        metrics[MEAN] = figure(lambda n: _mean_of_labels(table[:, n]), patients)
    for kind in KINDS:
        for label in labels:
            # Over- and underestimates must not cancel, but in the bias.
            values = _values(rows, f"{kind.replace('bias', 'error')}.{label}")
            values = np.abs(values) if kind == "volume_error" else values
            if not np.isnan(values).all():
                metrics[f"{kind}.{label}"] = mean_figure(values.tolist(), patients)
    return metrics


def _mean_of_labels(table: NDArray[np.float64]) -> float:
    """The mean over labels of their mean over cases, [label, case]; NaN where a label has none."""
    known = ~np.isnan(table)
    sums, counts = np.where(known, table, 0).sum(1), known.sum(1)
    return float((sums / counts).mean()) if counts.all() else float("nan")


def _values(rows: Sequence[Mapping[str, Any]], name: str) -> NDArray[np.float64]:
    return np.array([float(row.get(name, np.nan)) for row in rows])

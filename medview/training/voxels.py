"""How sure a segmentation may be of a voxel: one temperature for the logits of its net.

One temperature moves every probability and no outline (Guo et al. 2017, arXiv 1706.04599). It is
fitted on voxels near the structures of cases that the net did not learn from, by the likelihood of
their labels, and held to other cases. Far from every structure all nets are sure and right: such
voxels would make any net look calibrated, so they are not counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import minimize_scalar

from medview.ai.folder import ModelFolder
from medview.ai.worker.doubt import HIGH, LOW, looks
from medview.ai.worker.input_steps import sample_at
from medview.ai.worker.looking import prepared
from medview.ai.worker.nets import UNet3d
from medview.core.errors import InputRefused
from medview.core.geometry import PatientPoint, VoxelIndex
from medview.core.words import tr
from medview.training.cases import Case
from medview.training.evaluation import Listener
from medview.training.metrics import calibration_error

_NEAR = 2  # voxels of the network's grid around what is drawn or found
_MOST = 4000  # voxels of a case, by chance with a fixed seed
_RANGE = (0.2, 10.0)  # temperatures that are looked among
_BINS, _DRAWS = 15, 200
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Voxels:
    """Of one case: logits [look, voxel, class] of the net's looks, and labels [voxel].

    judged: the labels that were looked for and drawn to their ends; nothing is known of others.
    """

    patient: str
    logits: Floats
    truth: NDArray[np.int64]
    judged: tuple[int, ...]

    def probabilities(self, temperature: float) -> NDArray[np.float64]:
        """[voxel, class]: the mean of the looks, as the window's band of doubt has it."""
        scaled = self.logits.astype(np.float64) / temperature
        scaled -= scaled.max(-1, keepdims=True)
        shares = np.exp(scaled)
        found: NDArray[np.float64] = (shares / shares.sum(-1, keepdims=True)).mean(0)
        return found


def has_voxels(folder: ModelFolder) -> bool:
    """Whether a model is one whose voxels have probabilities: a U-Net of volumes."""
    nets = [fields for fields in folder.pipeline if fields["op"] == "network"]
    return folder.kind == "segmentation" and [net["arch"] for net in nets] == ["unet3d"]


def voxel_certainty(
    folder: ModelFolder, fit: Sequence[Case], test: Sequence[Case], listener: Listener
) -> tuple[float, dict[str, Any]]:
    """The temperature, and what it does on the test cases (`voxels` of eval.json's `trust`).

    Where both are the same cases, each patient is held to the temperature of the others.
    """
    known: dict[str, Voxels] = {}
    every = {case.id: case for case in (*fit, *test)}
    for number, case in enumerate(every.values()):
        listener.progress(number, len(every), tr("Measuring the model"))
        found = _voxels(folder, case, number, listener)
        if found is not None:
            known[case.id] = found
    own = [known[case.id] for case in fit if case.id in known]
    held = [known[case.id] for case in test if case.id in known]
    temperature = fit_temperature(own)
    others = {v.patient: [o for o in own if o.patient != v.patient] for v in held}
    by_others = {name: fit_temperature(rest) if len(rest) < len(own) else temperature
                 for name, rest in others.items()}  # fmt: skip
    after = [_pairs(v, by_others[v.patient]) for v in held]
    return temperature, {
        "temperature": temperature,
        "cases": len(held),
        "before": _figures([_pairs(v, 1.0) for v in held]),
        "after": _figures(after),
    }


def fit_temperature(found: Sequence[Voxels]) -> float:
    """The temperature under which the labels are likeliest; 1 without a voxel, and 1 where it
    would bring the probabilities of these very voxels no nearer to what is so."""
    if not found:
        return 1.0

    def loss(log_temperature: float) -> float:
        likely = [
            v.probabilities(float(np.exp(log_temperature)))[np.arange(len(v.truth)), v.truth]
            for v in found
        ]
        return float(-np.log(np.clip(np.concatenate(likely), 1e-9, None)).mean())

    bounds = (float(np.log(_RANGE[0])), float(np.log(_RANGE[1])))
    best = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-3})
    temperature = round(float(np.exp(best.x)), 4)
    return temperature if _error(found, temperature) < _error(found, 1.0) else 1.0


def _error(found: Sequence[Voxels], temperature: float) -> float:
    said, so = map(np.concatenate, zip(*(_pairs(v, temperature) for v in found), strict=True))
    return calibration_error(so, said)


def _voxels(folder: ModelFolder, case: Case, number: int, listener: Listener) -> Voxels | None:
    """Near one drawn structure of a case, another one from case to case; None without any."""
    if case.truth is None:
        return None
    there = [int(value) for value in np.unique(case.truth) if value in case.labels and value]
    if not there:
        return None
    at = _middle(case, case.truth == there[number % len(there)])
    try:
        net, x, grid = prepared(folder, case.volume, at, listener.cancel, "cpu")
    except InputRefused:
        return None
    if not isinstance(net, UNet3d):
        raise TypeError(type(net).__name__)
    each = torch.stack(looks(folder, net, x)).numpy()
    drawn = sample_at(case.truth.astype(np.float32), case.volume.geometry, grid, 0)
    truth = np.rint(drawn).astype(np.int64)  # the labels, at the voxels of the network's grid
    places = _near(case, truth, each.mean(0).argmax(0), number)
    if not len(places[0]):
        return None
    classes = np.moveaxis(each, 1, -1)
    judged = tuple(n for n in range(1, each.shape[1]) if n in case.labels - case.open_ended)
    if not judged:
        return None
    return Voxels(case.patient, np.stack([look[places] for look in classes]), truth[places], judged)


def _middle(case: Case, mask: NDArray[np.bool_]) -> PatientPoint:
    k, j, i = (float(np.median(places)) for places in np.nonzero(mask))
    return case.volume.geometry.to_patient(VoxelIndex(k, j, i))


def _near(
    case: Case, truth: NDArray[np.int64], found: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.int64], ...]:
    """Voxels near a structure whose label is known: where nobody looked, or where outlines end
    before the structure does, nothing is known."""
    near = ndimage.binary_dilation((truth > 0) | (found > 0), iterations=_NEAR)
    sure = {0, *case.labels} - set(case.open_ended)
    known = np.isin(truth, list(sure)) & np.isin(found, list(sure))
    places = np.flatnonzero(near & known)
    rng = np.random.default_rng(seed)
    if len(places) > _MOST:
        places = np.sort(rng.choice(places, _MOST, replace=False))
    return np.unravel_index(places, truth.shape)


def _pairs(voxels: Voxels, temperature: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """What is said of each structure that was looked for in each voxel, and whether it is so."""
    labels = np.array(voxels.judged, np.int64)
    said = voxels.probabilities(temperature)[:, labels]
    so = voxels.truth[:, None] == labels
    return said.ravel(), so.ravel()


def _figures(pairs: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> Mapping[str, Any]:
    """ECE with its 95 % interval over cases, the share right of what is called sure, and bins."""
    if not pairs:
        return {}
    said, so = (np.concatenate(part) for part in zip(*pairs, strict=True))
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(_DRAWS):
        some = [pairs[n] for n in rng.integers(len(pairs), size=len(pairs))]
        told, truth = (np.concatenate(part) for part in zip(*some, strict=True))
        drawn.append(calibration_error(truth, told))
    low, high = np.percentile(drawn, [2.5, 97.5])
    sure = (said <= LOW) | (said >= HIGH)
    right = float(((said >= HIGH) == so)[sure].mean()) if sure.any() else None
    bins = [b for b in np.array_split(np.argsort(said, kind="stable"), _BINS) if len(b)]
    return {
        "ece": round(calibration_error(so, said), 4),
        "interval": [round(float(low), 4), round(float(high), 4)],
        "sure": round(float(sure.mean()), 4),
        "right_where_sure": None if right is None else round(right, 4),
        "bins": [[round(float(said[b].mean()), 4), round(float(so[b].mean()), 4)] for b in bins],
    }

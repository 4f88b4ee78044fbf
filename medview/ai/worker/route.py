"""The router's answer: which of the kinds it knows a series looks like, or that it does not know.

A picture counts as known when its class has the router's least probability among the outputs, the
net's further output (all that is none of them) stays within what pictures of that class reach, and
its pooled features lie no farther from the class's than those of such pictures.

An output may cover others: kinds that the training pictures told apart by the way their source
scaled grey values, which nobody knows of a series in Hounsfield units. For such a series the
covering output stands for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medview.ai.worker.net_steps import _calibration, _logits, _number, mahalanobis, pooled
from medview.ai.worker.steps import FloatArray, State, step
from medview.core.errors import ModelUnavailable
from medview.core.volume import Volume
from medview.core.words import say

_LEAST_KNOWN = 0.4  # share of a series' pictures that must be known, and of one kind


@dataclass(frozen=True)
class Route:
    """pictures: for each the number of the output it looks like, None where it is not known.

    looks_like: the output that all known pictures agree on, where enough of them are known, else
    None. probability: its mean probability over those pictures, else 0. answer: looks_like where
    the header's modality does not speak against it, else None.
    """

    pictures: tuple[int | None, ...]
    looks_like: int | None
    probability: float
    answer: int | None = None


@step("route", say("Looking which kind of picture this is"))
def route(state: State, layers: list[str], probability: float | str, limit: float | str) -> None:
    """Judge every picture and put the judgements together; without an answer there is no score."""
    folder = state.context.folder
    if folder is None:
        raise ModelUnavailable(say("The model's weights are missing."))
    outputs = folder.description["outputs"]
    shares = softmax(np.atleast_2d(_logits(state)))
    sums, nearest = summed(shares, outputs, state.volume.unit == "HU")
    least, most = _number(state.context, probability), _number(state.context, limit)
    calibration = _calibration(state.context)
    known = calibration.get("ood", {})
    classes = shares.shape[1] - 1
    none = calibration.get("none", [0.5] * classes)
    limits = known.get("limits", [most] * classes)
    looks: list[int | None] = []
    for number, own in enumerate(sums):
        best = int(own.argmax())
        kind, strange = int(nearest[number, best]), float(shares[number, -1])
        is_known = own[best] >= least * (1 - strange) and strange <= none[kind]
        if is_known:
            away = _features(state, layers, number) - np.array(known["means"][kind])
            is_known = mahalanobis(away, known) <= limits[kind]
        looks.append(best if is_known else None)
    found = joined(looks, sums)
    if _is_lone_slice(state.volume):
        found = replace(found, looks_like=None, probability=0.0)
    state.route, like = found, found.looks_like
    if like is not None and state.volume.modality in ("", *outputs[like].get("modalities", ())):
        state.route = replace(found, answer=like)
        state.scores = {folder.outputs[like].name: found.probability}


def _is_lone_slice(volume: Volume) -> bool:
    """One or two cross-sections: the slices of a series vouch for each other, these cannot."""
    return volume.geometry.is_spatial and volume.geometry.shape[0] <= 2


def _features(state: State, layers: list[str], number: int) -> FloatArray:
    """Pooled features of one of the pictures."""
    maps = [state.feature_maps[layer] for layer in layers]
    return pooled([m[number] if m.ndim == 4 else m for m in maps])


def summed(
    shares: FloatArray, outputs: Sequence[Mapping[str, Any]], is_hounsfield: bool
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Probability of each output [n, output], and the likeliest of the net's classes in it.

    shares: of the net's classes, the last one for none of the kinds. In Hounsfield units an output
    that covers others has their sum and they have 0; else the covering ones have 0.
    """
    sums = np.zeros((len(shares), len(outputs)), np.float32)
    nearest = np.zeros(sums.shape, np.int64)
    sums[:, : shares.shape[1] - 1] = shares[:, :-1]
    nearest[:] = np.arange(len(outputs))
    for number, output in enumerate(outputs):
        own = list(output.get("covers", ())) if is_hounsfield else []
        if own:
            sums[:, number] = shares[:, own].sum(1)
            nearest[:, number] = np.array(own)[shares[:, own].argmax(1)]
            sums[:, own] = 0
    return sums, nearest


def softmax(logits: FloatArray) -> FloatArray:
    """[n, class] to probabilities."""
    raised = np.exp(logits - logits.max(1, keepdims=True))
    shares: FloatArray = raised / raised.sum(1, keepdims=True)
    return shares


def joined(looks: Sequence[int | None], shares: FloatArray) -> Route:
    """The answer for a series: what enough pictures look like, if no known one contradicts."""
    found = {look for look in looks if look is not None}
    count = sum(look is not None for look in looks)
    if len(found) != 1 or count < _LEAST_KNOWN * len(looks):
        return Route(tuple(looks), None, 0.0)
    (answer,) = found
    own = [float(s[answer]) for look, s in zip(looks, shares, strict=True) if look == answer]
    return Route(tuple(looks), answer, float(np.mean(own)))

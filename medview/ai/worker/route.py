"""The router's answer: which of the kinds it knows a series looks like, or that it does not know.

A picture counts as known when its class is one of the outputs (the net has one more, for all that
is none of them), its probability reaches the router's threshold, and its pooled features lie no
farther from the training's than the limit; both numbers are fixed on validation pictures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from medview.ai.worker.net_steps import _calibration, _logits, _number, mahalanobis, pooled
from medview.ai.worker.steps import FloatArray, State, step
from medview.core.errors import ModelUnavailable
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
    shares = softmax(np.atleast_2d(_logits(state)))
    least, most = _number(state.context, probability), _number(state.context, limit)
    known = _calibration(state.context).get("ood", {})
    classes = len(folder.outputs)
    looks: list[int | None] = []
    for number, share in enumerate(shares):
        best = int(share.argmax())
        is_known = best < classes and share[best] >= least
        if is_known:
            maps = [state.feature_maps[layer] for layer in layers]
            own = [m[number] if m.ndim == 4 else m for m in maps]
            is_known = mahalanobis(pooled(own) - np.array(known["means"][best]), known) <= most
        looks.append(best if is_known else None)
    found = joined(looks, shares)
    if found.looks_like is not None:
        fitting = folder.description["outputs"][found.looks_like].get("modalities", ())
        if state.volume.modality in ("", *fitting):
            found = replace(found, answer=found.looks_like)
    state.route = found
    if state.route.answer is not None:
        label = folder.outputs[state.route.answer]
        state.scores = {label.name: state.route.probability}


def softmax(logits: FloatArray) -> FloatArray:
    """[n, class] to probabilities."""
    raised = np.exp(logits - logits.max(1, keepdims=True))
    shares: FloatArray = raised / raised.sum(1, keepdims=True)
    return shares


def joined(looks: list[int | None], shares: FloatArray) -> Route:
    """The answer for a series: what enough pictures look like, if no known one contradicts."""
    found = {look for look in looks if look is not None}
    count = sum(look is not None for look in looks)
    if len(found) != 1 or count < _LEAST_KNOWN * len(looks):
        return Route(tuple(looks), None, 0.0)
    (answer,) = found
    own = [float(s[answer]) for look, s in zip(looks, shares, strict=True) if look == answer]
    return Route(tuple(looks), answer, float(np.mean(own)))

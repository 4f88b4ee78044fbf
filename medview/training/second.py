"""A classifier's weaker second output: fitted on its pooled features, the net left as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from medview.ai.folder import read_json
from medview.ai.worker.net_steps import load_weights
from medview.ai.worker.nets import ResNet2d, build_net
from medview.core.errors import InvalidInput
from medview.core.progress import CancelToken
from medview.core.words import say
from medview.training.calibrate import platt
from medview.training.cases import Case
from medview.training.classification import Answers, Films, ask, prepare_film
from medview.training.learning import write_json
from medview.training.metrics import figure, roc_auc
from medview.training.parts import Parts
from medview.training.plan import Second, TrainPlan

Array = NDArray[np.float64]


def write_second(plan: TrainPlan, parts: Parts, folder: Path, cancel: CancelToken) -> None:
    """Add a plan's second output, where it has one, to calib.json of a folder with weights.

    Learnt on the fit part, its probabilities on the calibration part, both of the ill alone; its
    AUC is that on the held-out part (on the calibration part where none is held out, or one of the
    two kinds alone). Raises InvalidInput where another part lacks one of the two, OSError.
    """
    second = plan.second
    if second is None:
        return
    net = build_net(plan.network["arch"], plan.network.get("args", {}))
    weights = plan.network["weights"]
    load_weights(net, (folder / weights).read_bytes(), weights)
    net.eval()
    last = parts.held_out if _has_both(second, parts.held_out) else parts.calibrate
    fit, apart, unseen = (
        _asked(plan, second, net, cases, cancel) for cases in (parts.fit, parts.calibrate, last)
    )
    weights, bias = logistic(fit[0].features, fit[1], second.ridge)
    temperature, shift = platt(apart[0].features @ weights + bias, apart[1])
    weights, bias = weights / temperature, (bias + shift) / temperature
    known = {
        "weights": [float(f"{value:.5g}") for value in weights],
        "bias": round(bias, 5),
        "auc": round(roc_auc(unseen[1], unseen[0].features @ weights), 4),
    }
    calib = read_json(folder / "calib.json")
    write_json(folder / "calib.json", {**calib, "weaker": {second.output: known}})


def as_far_as_told(plan: TrainPlan, parts: Parts) -> TrainPlan:
    """The plan, without its second output where these parts lack one of the two kinds to learn it.

    So a net that is to be judged on a kind that it never saw is judged by its first output.
    """
    second = plan.second
    if second is None or all(_has_both(second, part) for part in (parts.fit, parts.calibrate)):
        return plan
    outputs = [output for output in plan.model["outputs"] if not output.get("weak")]
    steps = [step for step in plan.model["pipeline"] if step["op"] != "weaker"]
    return replace(plan, second=None, model={**plan.model, "outputs": outputs, "pipeline": steps})


def _has_both(second: Second, cases: Sequence[Case]) -> bool:
    labels = {case.label for case in cases}
    return bool(labels & set(second.positive)) and bool(labels & set(second.against))


def _asked(
    plan: TrainPlan, second: Second, net: Any, cases: Sequence[Case], cancel: CancelToken
) -> tuple[Answers, NDArray[np.int64]]:
    own = [case for case in cases if case.label in (*second.positive, *second.against)]
    truth = np.array([case.label in second.positive for case in own], np.int64)
    if not own or truth.min() == truth.max() or not isinstance(net, ResNet2d):
        raise InvalidInput(say("A class of the training data has no case."))
    layers = next(step["layers"] for step in plan.model["pipeline"] if step["op"] == "features")
    images, steps = [], plan.steps()
    for case in own:
        cancel.check()
        images.append(prepare_film(case, steps))
    films = Films(np.stack(images), truth, tuple(case.patient for case in own))
    return ask(net, films, layers), truth


def logistic(features: Array, truth: NDArray[np.int64], ridge: float) -> tuple[Array, float]:
    """Weights [n] and bias of the features as they are, with the least mean cross-entropy.

    ridge times the squared weights of the standardised features is added to it.
    """
    mean, scale = features.mean(0), features.std(0) + 1e-6
    standard = (features - mean) / scale

    def loss(place: Array) -> tuple[float, Array]:
        weights, logit = place[:-1], standard @ place[:-1] + place[-1]
        value = np.mean(np.logaddexp(0, logit) - truth * logit) + ridge * weights @ weights
        off = (expit(logit) - truth) / len(truth)
        return float(value), np.append(standard.T @ off + 2 * ridge * weights, off.sum())

    start = np.zeros(features.shape[1] + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 2000}).x
    weights = found[:-1] / scale
    return weights, float(found[-1] - weights @ mean)


def second_figures(
    told: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """`auc.A_against_B` of the rows that are either; nothing where one of them is wanting.

    told: a model's provenance.
    """
    positive, against = told.get("second", ()), told.get("second_against", ())
    own = [row for row in rows if row["label"] in (*positive, *against) and "second" in row]
    truth = np.array([row["label"] in positive for row in own], bool)
    if not own or truth.all() or not truth.any():
        return {}
    scores = np.array([row["second"] for row in own])
    patients = [str(row["patient"]) for row in own]
    name = f"auc.{positive[0]}_against_{against[0]}"
    return {name: figure(lambda n: roc_auc(truth[n], scores[n]), patients)}

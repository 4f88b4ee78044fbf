"""A weaker second output of a classifier: a logistic regression on the features it has pooled.

It changes nothing of the first output: the net and its weights are the same with and without it.
"""

from __future__ import annotations

import numpy as np

from medview.ai.worker.steps import State, step
from medview.core.errors import ModelUnavailable
from medview.core.words import say


@step("weaker", say("Running the network"))
def weaker(state: State, target: str) -> None:
    """Score of output `target`: the logistic of weights x features + bias of calib.json `weaker`.

    Raises ModelUnavailable without features, or where calib.json does not know the output.
    """
    folder = state.context.folder
    try:
        known = {} if folder is None else folder.calibration()["weaker"][target]
        weights, bias = np.asarray(known["weights"], np.float64), float(known["bias"])
        float(known["auc"])  # without it nobody can be told how weak it is
    except (KeyError, TypeError, ValueError) as error:
        raise ModelUnavailable(say("calib.json lacks a value."), target) from error
    if state.features is None or weights.shape != state.features.shape:
        raise ModelUnavailable(say("The model asks for features before it has measured any."))
    logit = float(weights @ state.features.astype(np.float64)) + bias
    state.scores[target] = float(1 / (1 + np.exp(-logit)))

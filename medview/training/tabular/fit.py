"""Fitting: logistic regression, Cox's model, and a small net with either's loss.

Gaps are filled with their mean given the row's other columns before the fit (`joint` of the
training rows); how much a gap costs is said at prediction, not hidden in the coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from medview.risk.tabular import Array, Column, TabularModel
from medview.training.tabular.table import Table

_ROUNDS = 60
_SMALL = 1e-9


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What every model of one training stands on: columns, standardisation, joint covariance."""

    columns: tuple[Column, ...]
    mean: Array
    scale: Array
    bounds: Array
    joint: Array
    is_survival: bool
    horizon: float = 0.0

    def filled(self, design: Array) -> Array:
        """Standardised rows, gaps at their mean given the rest."""
        z = (np.clip(design, *self.bounds) - self.mean) / self.scale
        gaps = np.isnan(z)
        for pattern in np.unique(gaps[gaps.any(axis=1)], axis=0):
            rows = (gaps == pattern).all(axis=1)
            known = ~pattern
            among = self.joint[np.ix_(known, known)] + 1e-6 * np.eye(int(known.sum()))
            weights = np.linalg.solve(among, self.joint[np.ix_(known, pattern)])
            z[np.ix_(rows, pattern)] = z[np.ix_(rows, known)] @ weights
        return np.asarray(z, float)

    def model(
        self, layers: tuple[tuple[Array, Array], ...], train: Table, covariance: Array
    ) -> TabularModel:
        """A whole model; a survival model gets its baseline hazard from the training rows."""
        model = TabularModel(
            columns=self.columns, mean=self.mean, scale=self.scale, bounds=self.bounds,
            layers=layers, joint=self.joint, covariance=covariance, horizon=self.horizon,
        )  # fmt: skip
        if not self.is_survival:
            return model
        scores = model.scores(self.filled(train.design) * self.scale + self.mean)
        hazard = breslow(train.time, train.event, scores)
        return replace(model, hazard=hazard)


def ground_of(
    columns: tuple[Column, ...], train: Table, *, is_survival: bool, horizon: float
) -> Ground:
    """Means, deviations and pairwise covariances of the training rows.

    Pairwise covariances need not form a covariance; negative eigenvalues are cut to 0.
    """
    bounds = np.nanpercentile(train.design, [0.5, 99.5], axis=0)
    is_plain = np.isin(train.design, [0.0, 1.0]) | np.isnan(train.design)
    bounds[:, is_plain.all(axis=0)] = [[0.0], [1.0]]  # a rare yes is no outlier
    design = np.clip(train.design, *bounds)
    mean = np.nanmean(design, axis=0)
    scale = np.maximum(np.nanstd(design, axis=0), 1e-9)
    z = (design - mean) / scale
    known = ~np.isnan(z)
    z = np.where(known, z, 0.0)
    counts = known.T.astype(float) @ known.astype(float)
    values, vectors = np.linalg.eigh((z.T @ z) / np.maximum(counts, 1.0))
    joint = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return Ground(
        columns=columns, mean=mean, scale=scale, bounds=bounds, joint=joint,
        is_survival=is_survival, horizon=horizon,
    )  # fmt: skip


def fit_linear(ground: Ground, train: Table, penalty: float) -> TabularModel:
    """Logistic regression or Cox's model with a small ridge, by Newton's method."""
    last, covariance = _last_layer(ground, ground.filled(train.design), train, penalty)
    return ground.model((last,), train, covariance)


def _last_layer(
    ground: Ground, x: Array, train: Table, penalty: float
) -> tuple[tuple[Array, Array], Array]:
    """Weights [m, 1] and bias [1] that fit best on x [n, m], and their covariance."""
    if not ground.is_survival:
        both, covariance = logistic(x, train.event, penalty)
        return (both[1:, None], both[:1]), covariance
    beta, inner = cox(x, train.time, train.event, penalty)
    covariance = np.zeros((len(beta) + 1, len(beta) + 1))
    covariance[1:, 1:] = inner
    return (beta[:, None], np.zeros(1)), covariance


def logistic(z: Array, event: NDArray[np.bool_], penalty: float) -> tuple[Array, Array]:
    """Intercept and coefficients [p + 1] of logistic regression, and their covariance.

    Maximum likelihood with penalty * n / 2 * |coefficients|^2 taken off (the intercept is free).
    """
    x = np.column_stack([np.ones(len(z)), z])
    ridge = penalty * len(z) * np.eye(x.shape[1])
    ridge[0, 0] = 0.0
    beta = np.zeros(x.shape[1])
    for _ in range(_ROUNDS):
        p = expit(x @ beta)
        information = (x * (p * (1 - p))[:, None]).T @ x + ridge + _SMALL * np.eye(len(beta))
        step = np.linalg.solve(information, x.T @ (event - p) - ridge @ beta)
        beta = beta + step
        if float(np.abs(step).max()) < 1e-9:
            break
    return np.asarray(beta, float), np.asarray(np.linalg.inv(information), float)


def cox(z: Array, time: Array, event: NDArray[np.bool_], penalty: float) -> tuple[Array, Array]:
    """Coefficients [p] of Cox's model and their covariance, ties by Efron's method (1977)."""
    order = np.argsort(-time, kind="stable")  # longest first: running sums are risk sets
    z, time, event = z[order], time[order], event[order]
    beta = np.zeros(z.shape[1])
    ridge = penalty * len(z) * np.eye(len(beta))
    for _ in range(_ROUNDS):
        gradient, information = _efron(z, time, event, beta)
        information = information + ridge + _SMALL * np.eye(len(beta))
        step = np.linalg.solve(information, gradient - ridge @ beta)
        beta = beta + step / max(1.0, float(np.abs(step).max()))
        if float(np.abs(step).max()) < 1e-8:
            break
    return np.asarray(beta, float), np.asarray(np.linalg.inv(information), float)


def _efron(z: Array, time: Array, event: NDArray[np.bool_], beta: Array) -> tuple[Array, Array]:
    """Gradient and observed information of the partial log likelihood; rows longest first."""
    eta = z @ beta
    weight = np.exp(eta - eta.max())
    first = weight[:, None] * z
    sums = np.cumsum(weight), np.cumsum(first, axis=0)
    second = np.cumsum(first[:, :, None] * z[:, None, :], axis=0)
    gradient, information = np.zeros(z.shape[1]), np.zeros((z.shape[1], z.shape[1]))
    ends = np.flatnonzero(np.append(time[1:] != time[:-1], True))  # last row of each time
    start = 0
    for end in ends:
        dying = np.flatnonzero(event[start : end + 1]) + start
        start = int(end) + 1
        if len(dying) == 0:
            continue
        gradient += z[dying].sum(axis=0)
        own = weight[dying].sum(), first[dying].sum(axis=0), first[dying].T @ z[dying]
        for number in range(len(dying)):
            share = number / len(dying)
            s0 = sums[0][end] - share * own[0]
            s1 = (sums[1][end] - share * own[1]) / s0
            gradient -= s1
            information += (second[end] - share * own[2]) / s0 - np.outer(s1, s1)
    return gradient, information


def breslow(time: Array, event: NDArray[np.bool_], scores: Array) -> Array:
    """Cumulative baseline hazard [2, t]: event times and Breslow's estimate (1972)."""
    times = np.unique(time[event])
    weight = np.exp(scores)
    order = np.argsort(time, kind="stable")
    at_risk = np.cumsum(weight[order][::-1])[::-1]
    first = np.searchsorted(time[order], times, side="left")
    deaths = np.array([float((event & (time == t)).sum()) for t in times])
    return np.stack([times, np.cumsum(deaths / at_risk[first])])


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """A hidden layer: how many units, how long it learns, from which seed."""

    units: int
    epochs: int
    seed: int


def fit_neural(ground: Ground, train: Table, hidden: Hidden, penalty: float) -> TabularModel:
    """One hidden layer of tanh units (the idea of DeepSurv, Katzman et al. 2018).

    Learnt with dropout by AdamW on whole batches; loss: cross-entropy, or the negative partial log
    likelihood with Breslow's ties. Then the last layer is fitted anew on what the hidden one gives,
    as `fit_linear` does, which also gives its covariance.
    """
    weights, bias = _learn_hidden(ground, train, hidden)
    x = np.tanh(ground.filled(train.design) @ weights + bias)
    last, covariance = _last_layer(ground, x, train, penalty)
    return ground.model(((weights, bias), last), train, covariance)


def _learn_hidden(ground: Ground, train: Table, hidden: Hidden) -> tuple[Array, Array]:
    import torch
    from torch import nn

    torch.manual_seed(hidden.seed)
    order = np.argsort(-train.time, kind="stable")
    z = torch.from_numpy(ground.filled(train.design)[order]).float()
    event = torch.from_numpy(train.event[order].astype(np.float32))
    first, last = nn.Linear(z.shape[1], hidden.units), nn.Linear(hidden.units, 1)
    net = nn.Sequential(first, nn.Tanh(), nn.Dropout(0.3), last)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2, weight_decay=1e-1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, hidden.epochs)
    for _ in range(hidden.epochs):
        optimizer.zero_grad()
        scores = net(z)[:, 0]
        if ground.is_survival:
            loss = -((scores - torch.logcumsumexp(scores, 0)) * event).sum() / event.sum()
        else:
            loss = nn.functional.binary_cross_entropy_with_logits(scores, event)
        loss.backward()
        optimizer.step()
        schedule.step()
    return first.weight.detach().numpy().T.astype(float), first.bias.detach().numpy().astype(float)

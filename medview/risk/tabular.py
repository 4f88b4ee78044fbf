"""A trained model on a row of numbers: its inputs, its arithmetic, and what a gap in them costs.

Training encodes and predicts with these very functions. Arrays come from safetensors; nothing is
executed. A model gives the probability of an event (`binary`) or of an event before a horizon
(`survival`), as research.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from medview.core.errors import ModelUnavailable
from medview.core.words import say

Array = NDArray[np.float64]
JUDGED = "judged."
"""Before the names of the arrays that learnt without the part set aside."""
_DRAWS = 200  # fillings of a row with gaps
_Z = 1.959964  # two-sided 95 %


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One input. kind: number, yes-no, or choice (one design column for each choice but the first).

    column: its name in tables. concept: the id of the observation that fills it, "" where there
    is none. transform of numbers: none, log or log1p. codes: what a table writes, to the choice.
    """

    name: str
    column: str
    title: str
    kind: str = "number"
    unit: str = ""
    concept: str = ""
    transform: str = "none"
    codes: Mapping[str, str] | None = None

    @property
    def choices(self) -> tuple[str, ...]:
        """The choices in the order of the codes."""
        return tuple(dict.fromkeys((self.codes or {}).values()))

    @property
    def width(self) -> int:
        """How many design columns it has."""
        return len(self.choices) - 1 if self.kind == "choice" else 1

    def encoded(self, value: float | str | None) -> list[float]:
        """Its design columns, before they are standardised; NaN where the value is not known."""
        if value is None or (isinstance(value, float) and np.isnan(value)):
            return [float("nan")] * self.width
        if self.kind == "choice":
            return [float(value == choice) for choice in self.choices[1:]]
        number = float(value)
        if self.transform == "log":
            return [float(np.log(max(number, 1e-6)))]
        return [float(np.log1p(max(number, 0.0))) if self.transform == "log1p" else number]


def encode(columns: Sequence[Column], rows: Sequence[Mapping[str, float | str | None]]) -> Array:
    """[row, design column], NaN for what is not known; rows by column name."""
    encoded = [[x for c in columns for x in c.encoded(row.get(c.name))] for row in rows]
    return np.array(encoded, float).reshape(len(rows), sum(c.width for c in columns))


@dataclass(frozen=True, eq=False, kw_only=True)
class TabularModel:
    """What was learnt, for p design columns.

    mean, scale [p]: standardisation. bounds [2, p]: the middle 99 % of the training rows; what lies
    beyond counts as the edge, for nothing was learnt there. layers: weights [n, m] and biases [m]
    of each layer, tanh between them; a linear model has one. covariance [m + 1, m + 1]: of the last
    layer's intercept and coefficients, what lies before it taken as given. joint [p, p]: of the
    standardised columns, for gaps. hazard:
    cumulative baseline hazard [2, t] (times, values) of a survival model, else None.
    """

    columns: tuple[Column, ...]
    mean: Array
    scale: Array
    bounds: Array
    layers: tuple[tuple[Array, Array], ...]
    joint: Array
    covariance: Array
    hazard: Array | None = None
    horizon: float = 0.0

    def standardised(self, design: Array) -> Array:
        """Rows [n, p] within the bounds, with mean 0 and deviation 1; gaps stay NaN."""
        return np.asarray((np.clip(design, *self.bounds) - self.mean) / self.scale, float)

    def last_inputs(self, design: Array) -> Array:
        """[n, m]: what the last layer sees of rows without gaps [n, p]."""
        x = self.standardised(design)
        for weights, bias in self.layers[:-1]:
            x = np.tanh(x @ weights + bias)
        return np.asarray(x, float)

    def scores(self, design: Array) -> Array:
        """Linear predictors (log odds, log hazard ratio) of rows without gaps [n, p]."""
        weights, bias = self.layers[-1]
        return np.asarray((self.last_inputs(design) @ weights + bias)[:, 0], float)

    def probability(self, scores: Array, horizon: float | None = None) -> Array:
        """Of the event (before the horizon), for linear predictors."""
        if self.hazard is None:
            return np.asarray(expit(scores), float)
        risen = self.cumulative_hazard(self.horizon if horizon is None else horizon)
        return np.asarray(-np.expm1(-risen * np.exp(scores)), float)

    def cumulative_hazard(self, time: float) -> float:
        """Baseline cumulative hazard at a time (Breslow's step function); 0 before any event."""
        if self.hazard is None:
            return 0.0
        at = int(np.searchsorted(self.hazard[0], time, side="right")) - 1
        return float(self.hazard[1, at]) if at >= 0 else 0.0

    def filled(self, row: Array, draws: int = _DRAWS) -> Array:
        """[draws, p]: a row with its gaps filled from their normal distribution given the rest.

        The distribution is that of the training rows (mean, joint); a row without a gap comes back
        alone. Yes/no and choices are filled with shares between 0 and 1.
        """
        gaps = np.isnan(row)
        if not gaps.any():
            return np.asarray(row[None], float)
        centre, spread = self._given_the_rest(row, gaps)
        values, vectors = np.linalg.eigh(spread)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        normal = np.random.default_rng(20260101).standard_normal((draws, len(centre)))
        made = np.repeat(row[None], draws, axis=0)
        made[:, gaps] = (centre + normal @ root.T) * self.scale[gaps] + self.mean[gaps]
        return made

    def _given_the_rest(self, row: Array, gaps: Array) -> tuple[Array, Array]:
        """Mean and covariance of the standardised gaps of a row, given what is known of it."""
        known = np.logical_not(gaps)
        z = self.standardised(row)
        among = self.joint[np.ix_(known, known)] + 1e-6 * np.eye(int(known.sum()))
        across = self.joint[np.ix_(gaps, known)]
        solved = np.linalg.solve(among, across.T).T if known.any() else across
        centre = solved @ z[known]
        return centre, self.joint[np.ix_(gaps, gaps)] - solved @ across.T

    def predict(self, row: Array) -> tuple[float, float, float]:
        """(probability, lowest, highest) of one row [p], gaps as NaN; a 95 % interval.

        It holds the uncertainty of the last layer's coefficients and of the filled gaps, added as
        Rubin's rules do (1987); that of the baseline hazard is not in it.
        """
        made = self.filled(row)
        scores = self.scores(made)
        middle = float(scores.mean())
        reach = _Z * float(np.sqrt(sum(self._variances(made, scores))))
        ends = self.probability(np.array([middle - reach, middle + reach]))
        value = float(self.probability(scores).mean())
        return value, min(value, float(ends[0])), max(value, float(ends[1]))

    def middle(self, rows: Array) -> Array:
        """Linear predictors of rows [n, p], gaps standing at what is likeliest given the rest."""
        made = rows.copy()
        for row in made:
            gaps = np.isnan(row)
            if gaps.any():
                centre, _ = self._given_the_rest(row, gaps)
                row[gaps] = centre * self.scale[gaps] + self.mean[gaps]
        return self.scores(made)

    def widening(self, row: Array) -> float:
        """How many times as wide the interval of a row [p] is for its gaps; 1 without any."""
        made = self.filled(row)
        within, between = self._variances(made, self.scores(made))
        return float(np.sqrt((within + between) / within)) if within > 0.0 else 1.0

    def _variances(self, made: Array, scores: Array) -> tuple[float, float]:
        """Of the linear predictor: from the coefficients, and between the fillings of a row."""
        x = np.column_stack([np.ones(len(made)), self.last_inputs(made)])
        within = float(np.einsum("np,pq,nq->n", x, self.covariance, x).mean())
        between = float(scores.var(ddof=1)) * (1 + 1 / len(made)) if len(made) > 1 else 0.0
        return within, between


def model_of(description: Mapping[str, Any], arrays: Mapping[str, Array]) -> TabularModel:
    """A model from a checked model.json and its arrays. Raises KeyError or ValueError."""
    columns = tuple(_column(record) for record in description["inputs"])
    count = sum(column.width for column in columns)
    depth = int(description["estimator"].get("layers", 1))
    layers = tuple((arrays[f"weights.{n}"], arrays[f"bias.{n}"]) for n in range(depth))
    model = TabularModel(
        columns=columns,
        mean=arrays["mean"],
        scale=arrays["scale"],
        bounds=arrays["bounds"],
        layers=layers,
        joint=arrays["joint"],
        covariance=arrays["covariance"],
        hazard=arrays.get("hazard"),
        horizon=float(description["outcome"].get("horizon", 0.0)),
    )
    model.scores(np.zeros((1, count)))  # shapes fit, or this says so
    last = len(model.layers[-1][0]) + 1
    if model.joint.shape != (count, count) or model.covariance.shape != (last, last):
        raise ValueError("covariance")
    return model


def read_model(
    description: Mapping[str, Any], weights: bytes, *, is_judged: bool = False
) -> TabularModel:
    """A model of a checked folder; weights: the bytes of its safetensors file, as checked.

    is_judged: the one that did not learn from the part set aside, where the folder holds it.
    Raises ModelUnavailable where the arrays do not fit.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(weights)
        judged = {n.removeprefix(JUDGED): a for n, a in arrays.items() if n.startswith(JUDGED)}
        return model_of(description, judged if is_judged and judged else arrays)
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise ModelUnavailable(
            say("The weights do not belong to this network."), str(description.get("name", ""))
        ) from error


def _column(record: Mapping[str, Any]) -> Column:
    fields = {key: record[key] for key in record if key not in ("codes", "choices")}
    codes = None
    if record.get("kind") == "choice":
        codes = dict(zip(record["codes"], record["choices"], strict=True))
    return Column(**fields, codes=codes)

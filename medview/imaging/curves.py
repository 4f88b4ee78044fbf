"""A smooth curve through places in the patient, with a frame that turns as little as possible.

The curve is the centripetal Catmull-Rom spline (Catmull and Rom 1974; centripetal knots after
Yuksel, Schaefer and Keyser 2011: it makes no loops between close points). Lengths are those of the
curve itself in millimetres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from medview.core.geometry import FloatArray, PatientPoint

_FINE_MM = 0.02  # between places that the length is summed over
_MOST = 20_000  # of them a segment
_SAME_MM = 1e-6


@dataclass(frozen=True, eq=False)
class Curve:
    """Places at even steps of arc length from the first point to the last.

    places: (n, 3) LPS millimetres; tangents, across: (n, 3) unit vectors, at a right angle; across
    is rotation-minimising. step_mm: arc length between neighbours; length_mm: of the whole.
    """

    places: FloatArray
    tangents: FloatArray
    across: FloatArray
    step_mm: float
    length_mm: float

    @property
    def aside(self) -> FloatArray:
        """(n, 3) unit vectors at a right angle to the tangents and to `across`."""
        return np.cross(self.tangents, self.across)

    def nearest(self, point: Sequence[float]) -> float:
        """How many steps along the curve its place nearest to a point lies, not rounded."""
        off = np.asarray(point, float) - self.places
        at = int(np.argmin((off * off).sum(axis=1)))
        along = float(off[at] @ self.tangents[at]) / self.step_mm
        return float(np.clip(at + np.clip(along, -0.5, 0.5), 0, len(self.places) - 1))


@lru_cache(maxsize=8)
def curve_through(points: tuple[PatientPoint, ...], step_mm: float) -> Curve | None:
    """The curve through two or more points; None where fewer than two differ."""
    knots = _distinct(points)
    if len(knots) < 2:
        return None
    fine = _spline(knots)
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(fine, axis=0), axis=1))])
    count = max(2, round(lengths[-1] / step_mm) + 1)
    even = np.linspace(0.0, lengths[-1], count)
    places = np.stack([np.interp(even, lengths, fine[:, axis]) for axis in range(3)], axis=1)
    tangents = np.gradient(places, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    return Curve(
        places=places,
        tangents=tangents,
        across=_least_turning(places, tangents),
        step_mm=float(lengths[-1]) / (count - 1),
        length_mm=float(lengths[-1]),
    )


def _distinct(points: Sequence[PatientPoint]) -> FloatArray:
    kept: list[FloatArray] = []
    for point in points:
        place = np.array(point, float)
        if not kept or np.linalg.norm(place - kept[-1]) > _SAME_MM:
            kept.append(place)
    return np.array(kept).reshape(-1, 3)


def _spline(knots: FloatArray) -> FloatArray:
    """(n, 3) fine places of the centripetal Catmull-Rom spline through (m, 3) points."""
    # Beyond both ends the curve is led by the mirror image of the neighbour.
    whole = np.vstack([2 * knots[0] - knots[1], knots, 2 * knots[-1] - knots[-2]])
    parts = []
    for number in range(len(knots) - 1):
        p = whole[number : number + 4]
        t = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(p, axis=0), axis=1) ** 0.5)])
        chord = float(np.linalg.norm(p[2] - p[1]))
        count = int(np.clip(np.ceil(chord / _FINE_MM), 8, _MOST))
        at = np.linspace(t[1], t[2], count, endpoint=False)[:, None]
        parts.append(_neville(p, t, at))
    return np.vstack([*parts, knots[-1:]])


def _neville(p: FloatArray, t: FloatArray, at: FloatArray) -> FloatArray:
    """The pyramid of Barry and Goldman (1988) for one segment of a Catmull-Rom spline."""

    def between(a: FloatArray, b: FloatArray, low: int, high: int) -> FloatArray:
        share = (at - t[low]) / (t[high] - t[low])
        return np.asarray(a * (1 - share) + b * share, np.float64)

    first = [between(p[n], p[n + 1], n, n + 1) for n in range(3)]
    second = [between(first[n], first[n + 1], n, n + 2) for n in range(2)]
    return np.asarray(between(second[0], second[1], 1, 2), np.float64)


def _least_turning(places: FloatArray, tangents: FloatArray) -> FloatArray:
    """(n, 3) unit vectors across by double reflection (Wang, Juettler, Zheng and Liu 2008)."""
    overall = np.abs(places[-1] - places[0])
    first = np.eye(3)[int(np.argmin(overall[:2]))]  # to the patient's left, or backwards
    if abs(float(first @ tangents[0])) > 0.95:
        first = np.eye(3)[int(np.argmin(np.abs(tangents[0])))]
    across = np.empty_like(places)
    across[0] = _upright(first, tangents[0])
    for n in range(len(places) - 1):
        step = places[n + 1] - places[n]
        mirrored = across[n] - 2 / (step @ step) * (step @ across[n]) * step
        tangent = tangents[n] - 2 / (step @ step) * (step @ tangents[n]) * step
        turn = tangents[n + 1] - tangent
        size = float(turn @ turn)
        if size > 1e-18:
            mirrored = mirrored - 2 / size * (turn @ mirrored) * turn
        across[n + 1] = _upright(mirrored, tangents[n + 1])
    return across


def _upright(vector: FloatArray, tangent: FloatArray) -> FloatArray:
    part = vector - (vector @ tangent) * tangent
    return np.asarray(part / np.linalg.norm(part), np.float64)

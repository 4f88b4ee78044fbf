"""A solid core in ground glass: two surfaces seen through one blur, taken apart.

Along a ray a part-solid nodule falls twice, from core to glass and from glass to lung. Where the
rim of glass is as narrow as the blur, the core's own blur still lies on the outer border and lifts
it above half-way, the lung's lies on the inner one, and neither leaves a place that shows the
glass alone. Both edges and the glass's density are found in turn: each from the ray less what the
others put there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medview.core.geometry import FloatArray
from medview.imaging.segment.edges import ALONG_MM, SHARP_MM2, Edges
from medview.imaging.segment.rays import leaving, radii, smoothed
from medview.imaging.segment.surface import fit

_ROUNDS = 8
_SAMPLING_MM2 = 0.05  # what smoothing along a ray adds to its blur
_LEAST_RAYS, _LEAST_SAMPLES = 60, 100
_LEAST_GLASS = 0.25  # share of glass in a sample that may tell its density
_SHARPEST = 0.6  # quantile of sharpness above which a ray may tell it
_OVER_LUNG_HU, _UNDER_CORE_HU = 120.0, 60.0  # between which glass lies


@dataclass(frozen=True, eq=False)
class Shells:
    """(rays,) mm of the outer border and of the core as half-way edges, and HU of the glass."""

    outer: FloatArray
    inner: FloatArray
    glass: float


def part(edges: Edges, core: float) -> Shells | None:
    """The two surfaces; None where too few rays show them.

    edges: of the whole nodule against the lung, `inside` a first value for the glass. core: HU.
    """
    soft = smoothed(edges.values, ALONG_MM)
    width = np.sqrt(edges.blur_along + _SAMPLING_MM2)
    sharp = edges.clean / (1.0 + (edges.blur_along / SHARP_MM2) ** 2)
    lung, glass, outer = edges.outside, edges.inside, edges.smooth
    inner = None
    for _ in range(_ROUNDS):
        halfway = np.full(len(outer), (glass + core) / 2.0)
        if inner is not None:  # the lung's blur lies on the core's edge
            halfway -= (glass - lung) * _fallen((inner - outer) / width)
        inner = _surface(soft, halfway, sharp, outer + 0.5)
        if inner is None:
            return None
        found = _glass(edges, (lung, core), (outer, inner), sharp)
        if found is None:
            return None
        within = float(np.clip(found, lung + _OVER_LUNG_HU, core - _UNDER_CORE_HU))
        glass = (glass + within) / 2.0
        lifted = (core - glass) * _fallen((inner - outer) / width)
        outer_now = _surface(soft, (glass + lung) / 2.0 + lifted, sharp, np.full(len(outer), 1e3))
        if outer_now is None:
            return None
        outer = outer_now
    return None if inner is None else Shells(outer, inner, glass)


def _surface(
    soft: FloatArray, thresholds: FloatArray, sharp: FloatArray, most: FloatArray
) -> FloatArray | None:
    """(rays,) mm of the smooth surface through the places where rays fall below their threshold."""
    reach = leaving(soft - thresholds[:, None], 0.0)
    seen = np.isfinite(reach) & (reach < most) & (sharp > 0)
    if seen.sum() < _LEAST_RAYS:
        return None
    found = fit(np.zeros(3), np.where(seen, reach, 0.0), np.sqrt(seen * sharp), 2).radii
    return np.asarray(np.maximum(found, 0.2))


def _glass(
    edges: Edges,
    levels: tuple[float, float],
    surfaces: tuple[FloatArray, FloatArray],
    sharp: FloatArray,
) -> float | None:
    """HU of the glass by least squares: each sample is a mixture of lung, glass and core."""
    lung, core = levels
    outer, inner = surfaces
    width = np.sqrt(edges.blur_along + _SAMPLING_MM2)[:, None]
    along = radii(1e3)[: edges.values.shape[1]]
    in_outer = _fallen((outer[:, None] - along) / width)
    in_core = _fallen((inner[:, None] - along) / width)
    share = in_outer - in_core
    usable = (share > _LEAST_GLASS) & np.isfinite(edges.values)
    usable &= (sharp > np.quantile(sharp, _SHARPEST))[:, None]
    if usable.sum() < _LEAST_SAMPLES:
        return None
    other = (lung * (1.0 - in_outer) + core * in_core)[usable]
    weight = share[usable]
    return float((weight * (edges.values[usable] - other)).sum() / (weight**2).sum())


def _fallen(deviations: FloatArray) -> FloatArray:
    """What a blurred step has come to, so many standard deviations past it."""
    from scipy.special import ndtr

    return np.asarray(ndtr(deviations), np.float64)

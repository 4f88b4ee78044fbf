"""Which rays see a nodule's own edge, and how far it reaches along each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray
from medview.imaging.segment.rays import STEP_MM, Flags, directions, leaving, radii, smoothed
from medview.imaging.segment.surface import fit

ALONG_MM = 0.45  # smoothing along a ray before its edge is sought
_AROUND_MM = 1.2
_TURNS, _FIRST_TURNS, _STIFF_TURNS = 10, 2, 6
_LEAST_RAYS = 40
SHARP_MM2 = 0.15  # blur along a ray, above which a rim of ground glass is not seen for itself


@dataclass(frozen=True, eq=False, kw_only=True)
class Edges:
    """Rays from a centre.

    values: (rays, steps) HU. outside, inside: HU of the lung and the nodule. clean: rays that leave
    the nodule into lung. smooth: (rays,) mm of the half-way edge, bridged where not clean.
    filled: (rays,) mm by partial volume, bridged likewise. margin: (rays,) mm that blur reaches
    beyond the edge. blur_along: (rays,) mm2 variance of the blur along each ray.
    degree: of the harmonics that the nodule's size bears.
    """

    values: FloatArray
    outside: float
    inside: float
    clean: Flags
    smooth: FloatArray
    filled: FloatArray
    margin: FloatArray
    blur_along: FloatArray
    degree: int

    @property
    def clean_share(self) -> float:
        """Share of the rays that see the nodule's own edge."""
        return float(self.clean.mean())

    def leaving_at(self, threshold: float) -> FloatArray:
        """(rays,) mm where each ray first falls below a threshold."""
        return leaving(smoothed(self.values, ALONG_MM), threshold)


def find_edges(
    values: FloatArray, levels: tuple[float, float], spread: FloatArray, *, has_core: bool = False
) -> Edges:
    """The edge half-way between two densities (outside, inside).

    spread: (3, 3) mm2 covariance of the blur. has_core: something denser lies inside, so that only
    the edge itself says how far a ray reaches; what curvature takes from it is given back.
    """
    outside, inside = levels
    along = np.einsum("ni,ij,nj->n", directions(), spread, directions())
    soft = smoothed(values, ALONG_MM)
    reach = leaving(soft, (inside + outside) / 2.0)
    margin = 0.8 + 1.9 * np.sqrt(along)
    falls = _falls(soft, reach, margin, levels)
    smooth, clean, degree = _bridged(reach, falls & (reach > 0))
    lengths = _by_partial_volume(values, np.where(clean, reach, smooth), margin, levels)
    usable = clean & np.isfinite(lengths)
    filled = smooth
    if has_core and clean.any():
        sharp = clean / (1.0 + (along / SHARP_MM2) ** 2)
        seen = np.where(clean, reach, 0.0) + along / np.maximum(smooth, 2.0)
        filled = fit(np.zeros(3), seen, np.sqrt(sharp), 2).radii
    elif not has_core and usable.any():
        weights = np.where(usable, 1.0, 0.0)
        zero = np.zeros(3)
        filled = fit(zero, np.where(usable, lengths, 0.0), weights, degree).radii
    return Edges(
        values=values, outside=outside, inside=inside, clean=clean, smooth=smooth, filled=filled,
        margin=margin, blur_along=along, degree=degree,
    )  # fmt: skip


def _falls(
    soft: FloatArray, reach: FloatArray, margin: FloatArray, levels: tuple[float, float]
) -> Flags:
    """Which rays come down to the lung within the blur's reach behind their edge."""
    outside, inside = levels
    along = radii(1e3)[: soft.shape[1]]
    behind = (along > reach[:, None]) & (along < (reach + margin + 0.8)[:, None])
    lowest = np.where(behind, soft, np.inf).min(axis=1)
    return np.asarray(np.isfinite(reach) & (lowest < outside + 0.46 * (inside - outside)), bool)


def _bridged(reach: FloatArray, is_edge: Flags) -> tuple[FloatArray, Flags, int]:
    """A smooth surface through the edges; those that lie far outside it are not the nodule's.

    Vessels and walls only ever push an edge outwards: the fit is pulled by what lies inside.
    """
    clean = is_edge.copy()
    if not clean.any():
        return np.full(len(reach), np.nan), clean, 2
    base = quantile(np.where(is_edge, reach, np.inf), 0.3)
    if np.isfinite(base):
        clean &= reach < 2.6 * base
    known = np.where(clean, reach, 0.0)
    surface = np.full(len(reach), float(np.quantile(reach[clean], 0.4)))
    attached = _agreed(~clean)
    for turn in range(_TURNS):
        degree = 2 if turn < _STIFF_TURNS else _degree(float(surface.mean()))
        tolerance = max(0.5, 0.1 * float(surface.mean()))
        over = known - surface
        weights = 1.0 / (1.0 + (np.where(over > 0, over, over / 3.0) / tolerance) ** 4)
        # What was found to be attached stays so: a fit must not creep along a vessel.
        if turn >= _FIRST_TURNS:
            attached |= reach > 1.25 * surface + 0.5
        weights = np.where(clean & ~_near(attached, surface), weights, 0.0)
        if weights.sum() < _LEAST_RAYS:
            return surface, np.zeros(len(reach), bool), 2
        surface = fit(np.zeros(3), known, np.sqrt(weights), degree).radii
    tolerance = max(0.4, 0.08 * float(surface.mean()))
    clean &= (known - surface < tolerance) & ~_near(attached, surface)
    if clean.sum() < _LEAST_RAYS:
        return surface, clean, degree
    surface = fit(np.zeros(3), known, clean.astype(float), degree).radii
    return surface, clean, degree


def _agreed(flags: Flags) -> Flags:
    """Flags that most of a ray's neighbours share: noise speaks for single rays alone."""
    return np.asarray(flags[_neighbours()].mean(axis=1) > 0.5, bool)


@cache
def _neighbours() -> NDArray[np.intp]:
    """(rays, 7) each ray and the six next to it."""
    return np.argsort(-(directions() @ directions().T), axis=1)[:, :7]


def _near(attached: Flags, surface: FloatArray) -> Flags:
    """Rays whose edge lies within some 1.2 mm of one that is not the nodule's: blur mixes them."""
    if not attached.any():
        return attached
    arc = np.minimum(_AROUND_MM / np.maximum(surface, 1.0), 0.5)
    cosines = directions() @ directions()[attached].T
    return np.asarray(cosines.max(axis=1) > np.cos(arc), bool)


def quantile(values: FloatArray, share: float) -> float:
    """The value below which a share lies; some may be infinite."""
    return float(np.sort(values)[min(len(values) - 1, int(share * len(values)))])


def _degree(mean_mm: float) -> int:
    return 2 if mean_mm < 3.2 else 4 if mean_mm < 8 else 6


def _by_partial_volume(
    values: FloatArray, reach: FloatArray, margin: FloatArray, levels: tuple[float, float]
) -> FloatArray:
    """(rays,) radius r with r^3 / 3 equal to the integral of the nodule's share over s^2 ds.

    Well inside all is nodule, whatever its density (calcium, holes); behind the edge each ray
    counts to where it is lowest, so that a neighbour does not add to it.
    """
    outside, inside = levels
    along = radii(1e3)[: values.shape[1]]
    share = (values - outside) / (inside - outside)
    share = np.where(along < (reach - margin)[:, None], 1.0, share)
    share = np.where(np.isfinite(share), share, 0.0)
    soft = smoothed(np.where(np.isfinite(values), values, outside), 0.6)
    behind = (along > reach[:, None]) & (along < (reach + margin + 0.6)[:, None])
    end = along[np.argmin(np.where(behind, soft, np.inf), axis=1)]
    is_low = soft[np.arange(len(soft)), np.argmin(np.where(behind, soft, np.inf), axis=1)]
    # Where the ray is down at the lung's own level all of the blur is counted.
    whole = is_low < outside + 0.08 * (inside - outside)
    end = np.where(whole, reach + margin, end)
    counted = along < end[:, None]
    total = (np.where(counted, share, 0.0) * along**2).sum(axis=1) * STEP_MM
    return np.asarray(np.cbrt(np.maximum(3.0 * total, 1e-3)))

"""A closed surface around a centre as a distance in every direction: spherical harmonics."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray
from medview.imaging.segment.rays import Flags, directions

_STIFFNESS = 1.0  # of a fit where all rays speak: an ellipsoid's waves lose a hundredth
_MORE_STIFF = 12.0  # where none speaks: what is not seen is taken to be round
_THETA, _PHI = 61, 121  # places of the table that `towards` reads between


@dataclass(frozen=True, eq=False)
class Surface:
    """centre: (3,) LPS mm; radii: (RAYS,) mm along `directions()`; waves: the fit's numbers."""

    centre: FloatArray
    degree: int
    waves: FloatArray

    @cached_property
    def radii(self) -> FloatArray:
        """(RAYS,) distance of the surface along the rays, mm."""
        return np.asarray(np.maximum(_basis(self.degree) @ self.waves, 0.1))

    @cached_property
    def _table(self) -> FloatArray:
        return np.asarray(np.maximum(_table_basis(self.degree) @ self.waves, 0.1)).reshape(
            _THETA, _PHI
        )

    def towards(self, units: FloatArray) -> FloatArray:
        """(n,) distance of the surface along (n, 3) unit vectors, mm."""
        from scipy.ndimage import map_coordinates

        theta = np.arccos(np.clip(units[:, 2], -1.0, 1.0)) * ((_THETA - 1) / np.pi)
        phi = np.mod(np.arctan2(units[:, 1], units[:, 0]), 2 * np.pi) * ((_PHI - 1) / (2 * np.pi))
        return np.asarray(map_coordinates(self._table, [theta, phi], order=1, mode="nearest"))

    @property
    def volume_mm3(self) -> float:
        """The mean of 4/3 pi r^3 over all directions."""
        return float(4.0 / 3.0 * np.pi * (self.radii**3).mean())

    @property
    def centroid(self) -> FloatArray:
        """(3,) centre of mass, LPS mm."""
        r = self.radii
        moment = (directions() * (r**4)[:, None]).mean(axis=0) / 4.0
        return np.asarray(self.centre + moment / ((r**3).mean() / 3.0))

    def holds(self, points: FloatArray) -> Flags:
        """(n,) which of (n, 3) LPS points lie inside."""
        way = points - self.centre
        distance = np.linalg.norm(way, axis=1)
        inside = np.zeros(len(points), bool)
        near = distance <= self.radii.max() * 1.1 + 0.1
        units = way[near] / np.maximum(distance[near], 1e-6)[:, None]
        inside[near] = distance[near] <= self.towards(units)
        return inside


def fit(centre: FloatArray, distances: FloatArray, weights: FloatArray, degree: int) -> Surface:
    """The smoothest surface through the weighted distances along the rays."""
    basis = _basis(degree)
    stiff = np.concatenate([np.full(2 * n + 1, float(n * (n + 1))) for n in range(degree + 1)])
    known = weights > 0
    stiff *= _STIFFNESS + _MORE_STIFF * (1.0 - float(known.mean()))
    weighed = basis[known] * weights[known, None]
    normal = weighed.T @ basis[known] + np.diag(stiff)
    waves = np.asarray(np.linalg.solve(normal, weighed.T @ distances[known]), np.float64)
    return Surface(np.asarray(centre, np.float64), degree, waves)


@cache
def _basis(degree: int) -> FloatArray:
    return _harmonics(directions(), degree)


@cache
def _table_basis(degree: int) -> FloatArray:
    theta, phi = np.linspace(0, np.pi, _THETA)[:, None], np.linspace(0, 2 * np.pi, _PHI)
    flat = np.sin(theta)
    units = [flat * np.cos(phi), flat * np.sin(phi), np.cos(theta) + 0.0 * phi]
    return _harmonics(np.stack(units, axis=-1).reshape(-1, 3), degree)


def _harmonics(units: FloatArray, degree: int) -> NDArray[np.float64]:
    """(n, (degree + 1)^2) real spherical harmonics, scaled so that the first is 1."""
    from scipy.special import sph_harm_y

    theta = np.arccos(np.clip(units[:, 2], -1.0, 1.0))
    phi = np.arctan2(units[:, 1], units[:, 0])
    columns = []
    for n in range(degree + 1):
        for m in range(-n, n + 1):
            wave = sph_harm_y(n, abs(m), theta, phi)
            part = wave.real if m >= 0 else wave.imag
            columns.append(part * np.sqrt(4.0 * np.pi) * (1.0 if m == 0 else np.sqrt(2.0)))
    return np.stack(columns, axis=1)

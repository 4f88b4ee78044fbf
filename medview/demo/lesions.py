"""What is wrong with the invented patient: a nodule, emphysema, calcium in a coronary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medview.demo.branching import Points
from medview.demo.shapes import Ellipsoid, Point, Segment
from medview.demo.space import Float, Grid, SmoothNoise

NODULE_PLACE: Point = (-79, 18, 41)  # right upper lobe
_AXES = ((0.82, 0.57, 0.0), (-0.57, 0.82, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True, eq=False, kw_only=True)
class Nodule:
    """A solid nodule: a lobulated core and thin spicules that run into the lung.

    radii in mm along the core's long, short and vertical axis.
    """

    radii: Point
    spicules: tuple[Segment, ...]
    bumps: SmoothNoise
    place: Point = NODULE_PLACE

    @property
    def core(self) -> Ellipsoid:
        """The core without its lobulation."""
        return Ellipsoid(self.place, self.radii, _AXES)

    def core_distance(self, grid: Grid) -> Float:
        """Distance to the core's surface, mm."""
        return np.asarray(self.core.distance(*grid.broadcast) + 0.28 * self.bumps.on(grid))

    def size(self) -> NoduleSize:
        """What a reader measures on the axial slice where the core is largest."""
        x, y, z = self.place
        grid = Grid.of((57, 141, 141), (0.1, 0.1, 0.25), (x, y, z))
        inside = self.core_distance(grid) <= 0
        k = int(inside.sum(axis=(1, 2)).argmax())
        j, i = np.nonzero(inside[k])
        points = np.stack([grid.x[i], grid.y[j]], 1).astype(float)
        angles = np.radians(np.arange(0, 180, 1.0))
        across = points @ np.stack([np.cos(angles), np.sin(angles)])
        widths = np.ptp(across, axis=0) + 0.1
        longest = int(widths.argmax())
        return NoduleSize(
            long_mm=float(widths[longest]),
            short_mm=float(widths[(longest + 90) % 180]),
            volume_mm3=float(inside.sum()) * 0.1 * 0.1 * 0.25,
        )


@dataclass(frozen=True, kw_only=True)
class NoduleSize:
    """Longest axial diameter, the one perpendicular to it, and the volume of a nodule's core."""

    long_mm: float
    short_mm: float
    volume_mm3: float


def make_nodule(radii: Point, spicules: int, seed: int) -> Nodule:
    """A nodule with so many spicules, as long as its radius or more."""
    rng = np.random.default_rng(seed)
    rays = rng.normal(size=(spicules, 3))
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    mean = float(np.mean(radii))
    thorns = []
    for ray in rays:
        start = tuple(np.array(NODULE_PLACE) + ray * mean * 0.7)
        end = tuple(np.array(NODULE_PLACE) + ray * mean * rng.uniform(1.8, 2.6))
        thorns.append(Segment(start, end, 0.24 * mean, 0.4))
    return Nodule(radii=radii, spicules=tuple(thorns), bumps=SmoothNoise(seed + 1, 4.0))


def emphysema_spots(inside: Points, rng: np.random.Generator) -> list[Ellipsoid]:
    """Centrilobular holes of 2 to 9 mm, most of them in the upper lobes.

    inside: (n, 3) places in the lungs, mm.
    """
    z = inside[:, 2]
    share = np.clip(0.16 + (z - 5) / 70, 0.03, 0.9)
    chosen = inside[rng.random(len(inside)) < share]
    spots = []
    for place in chosen:
        r = float(rng.uniform(1.2, 3.0) * (1.3 if place[2] > 50 else 1.0))
        radii = tuple(r * rng.uniform(0.8, 1.25, 3))
        spots.append(Ellipsoid(tuple(place), radii))
    return spots

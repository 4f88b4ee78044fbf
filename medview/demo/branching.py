"""Vessels and bronchi of the lung: trees that reach every part of a lobe and taper on the way.

A branch runs towards the middle of the points it has to feed, then divides them in two. Radii
follow Murray's law (the sum over children of r^2.55 is kept), as measured in human lungs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medview.demo.shapes import Point, Segment

Points = NDArray[np.float64]
_MURRAY = 2.55
_COMPANION = np.array([0.35, 0.55, 0.76])  # bronchi lie to one side of their arteries


@dataclass(frozen=True, eq=False, kw_only=True)
class Tree:
    """Nodes of a tree: where, radius (mm), index of the parent (-1 at the root)."""

    places: Points
    radii: NDArray[np.float64]
    parents: NDArray[np.intp]

    def segments(self) -> list[Segment]:
        """Every branch as a round cone."""
        out = []
        for child, parent in enumerate(self.parents):
            if parent >= 0:
                # A branch starts with little more than its own radius: its parent hides the joint.
                radius = float(self.radii[child])
                start = min(float(self.radii[parent]), 1.3 * radius)
                out.append(
                    Segment(tuple(self.places[parent]), tuple(self.places[child]), start, radius)
                )
        return out


def grow_tree(root: Point, targets: Points, leaf_radius: float, rng: np.random.Generator) -> Tree:
    """A tree from `root` to every one of the (n, 3) targets in mm."""
    places: list[Points] = [np.array(root, float)]
    radii: list[float] = [leaf_radius * max(1, len(targets)) ** (1 / _MURRAY)]
    parents: list[int] = [-1]
    heading = np.zeros(3)
    work: list[tuple[int, Points, Points]] = [(0, heading, targets)]
    while work:
        node, heading, mine = work.pop()
        if not len(mine):
            continue
        step = _next_place(places[node], heading, mine, rng)
        places.append(step)
        radii.append(leaf_radius * len(mine) ** (1 / _MURRAY))
        parents.append(node)
        if len(mine) > 1:
            way = step - places[node]
            way /= max(float(np.linalg.norm(way)), 1e-6)
            here = len(places) - 1
            work += [(here, way, part) for part in _divide(step, mine, way, rng)]
    return Tree(places=np.array(places), radii=np.array(radii), parents=np.array(parents))


def _next_place(place: Points, heading: Points, mine: Points, rng: np.random.Generator) -> Points:
    if len(mine) == 1:
        return np.asarray(mine[0])
    way = mine.mean(0) - place
    far = max(float(np.linalg.norm(way)), 1e-6)
    length = np.clip(far * rng.uniform(0.34, 0.56), 4.0, 30.0)
    bent = way / far + 0.55 * heading + rng.normal(0, 0.12, 3)
    return np.asarray(place + bent / np.linalg.norm(bent) * length)


def _divide(place: Points, mine: Points, way: Points, rng: np.random.Generator) -> list[Points]:
    rays = mine - place
    rays = rays / np.maximum(np.linalg.norm(rays, axis=1, keepdims=True), 1e-6)
    rays = rays - np.outer(rays @ way, way)
    _, vectors = np.linalg.eigh(rays.T @ rays)
    along = rays @ vectors[:, -1]
    share = rng.uniform(0.3, 0.5)
    order = np.argsort(along)
    cut = min(max(1, round(share * len(mine))), len(mine) - 1)
    return [mine[order[:cut]], mine[order[cut:]]]


def companion_airways(
    artery: Tree, root: Point, smallest: float
) -> tuple[list[Segment], list[Segment]]:
    """Lumens and outer walls of the bronchi that run beside an artery's branches.

    root: where the bronchus enters the lobe. smallest: lumen radius (mm) where they fade.
    """
    lumen_r = 0.66 * artery.radii
    places = _beside(artery, lumen_r)
    places[0] = root
    lumens, walls = [], []
    for child, parent in enumerate(artery.parents):
        r = float(lumen_r[child])
        if parent < 0 or r < smallest:
            continue
        a, b = tuple(places[parent]), tuple(places[child])
        r = min(r, 4.2)
        lumens.append(Segment(a, b, r, r))
        wall = r + 0.3 + 0.16 * r
        walls.append(Segment(a, b, wall, wall))
    return lumens, walls


def _beside(artery: Tree, lumen_r: NDArray[np.float64]) -> Points:
    places = artery.places.copy()
    for node in range(1, len(places)):
        way = artery.places[node] - artery.places[artery.parents[node]]
        side = _COMPANION - way * (way @ _COMPANION) / max(float(way @ way), 1e-6)
        side /= max(float(np.linalg.norm(side)), 0.2)
        places[node] += side * (artery.radii[node] + 1.3 * lumen_r[node] + 0.4)
    return places


def scatter(
    low: Sequence[float], high: Sequence[float], spacing: float, rng: np.random.Generator
) -> Points:
    """Points about `spacing` mm apart all over a box: a jittered lattice, (n, 3)."""
    axes = [np.arange(a, b, spacing) for a, b in zip(low, high, strict=True)]
    lattice = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    return np.asarray(lattice + rng.uniform(-0.42, 0.42, lattice.shape) * spacing)

"""One person, complete: the plan, the trees in the lungs, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from medview.demo.anatomy import Anatomy, oblique_fissure
from medview.demo.branching import Points, companion_airways, grow_tree, scatter
from medview.demo.habitus import Habitus
from medview.demo.lesions import NODULE_PLACE, emphysema_spots
from medview.demo.mediastinum import calcifications
from medview.demo.shapes import FAR, Point, Shape, add
from medview.demo.space import Float, Grid, SmoothNoise


class ShapeIndex:
    """Many shapes, of which only those near a slab are wanted."""

    def __init__(self, shapes: Sequence[Shape]) -> None:
        self.shapes = list(shapes)
        bounds = [s.bounds for s in self.shapes]
        self._low = np.array([b[0][2] for b in bounds] or [0.0])
        self._high = np.array([b[1][2] for b in bounds] or [-1.0])

    def near(self, grid: Grid, margin: float = 2.0) -> list[Shape]:
        """Shapes that reach into the grid's heights."""
        near = (self._low - margin <= grid.z[-1]) & (self._high + margin >= grid.z[0])
        return [self.shapes[n] for n in np.nonzero(near)[0]] if self.shapes else []

    def distance(self, grid: Grid) -> Float | None:
        """Distance to the nearest of them close to their surface, None where there is none."""
        shapes = self.near(grid)
        if not shapes:
            return None
        out = np.full(grid.shape, FAR, np.float32)
        for shape in shapes:
            add(out, grid, shape, margin=1.5)
        return out


@dataclass(frozen=True, kw_only=True)
class Pose:
    """How a body lies: factors on its plan and where the plan's origin is, mm (x, y, z)."""

    size: Point = (1.0, 1.0, 1.0)
    shift: Point = (0.0, 0.0, 0.0)

    def place(self, point: Point) -> Point:
        """A point of the plan in patient space."""
        x, y, z = (p * f + s for p, f, s in zip(point, self.size, self.shift, strict=True))
        return x, y, z


class Body:
    """One person, complete."""

    def __init__(self, habitus: Habitus, seed: int, spacing: float = 11.0) -> None:
        self.anatomy = Anatomy(habitus, seed)
        self.habitus = habitus
        self._rng = np.random.default_rng(seed)
        inside = self._places_in_lungs(spacing)
        vessels, lumens, walls = self._trees(inside)
        m = self.anatomy.mediastinum
        self.vessels = ShapeIndex(vessels)
        self.lumens = ShapeIndex([*m.airway, *lumens])
        self.walls = ShapeIndex([*(s.grown(1.5) for s in m.airway), *walls])
        holes = self._places_in_lungs(spacing * 0.6) if habitus.diseased else inside[:0]
        self.spots = ShapeIndex(emphysema_spots(holes, self._rng))
        self.calcium = ShapeIndex(calcifications() if habitus.diseased else [])
        self._texture = SmoothNoise(seed + 7, 4.5)
        self._mottle = SmoothNoise(seed + 8, 17.0)

    @cached_property
    def _probe(self) -> tuple[Grid, Float]:
        """A coarse grid over the chest and the distance to the lungs' surface on it."""
        probe = Grid.of((48, 36, 46), (6, 6, 6), (0, 4, -40))
        return probe, self.anatomy.fields(probe).lung

    def _places_in_lungs(self, spacing: float) -> Points:
        places = scatter((-128, -95, -172), (128, 100, 98), spacing, self._rng)
        probe, lung = self._probe
        index = [
            np.clip(np.rint((places[:, n] - axis[0]) / 6).astype(int), 0, len(axis) - 1)
            for n, axis in enumerate((probe.x, probe.y, probe.z))
        ]
        inside = lung[index[2], index[1], index[0]] < -3.0
        # A nodule pushes the small vessels aside.
        inside &= np.linalg.norm(places - np.array(NODULE_PLACE), axis=1) > 12.0
        return np.asarray(places[inside])

    def _trees(self, inside: Points) -> tuple[list[Shape], list[Shape], list[Shape]]:
        vessels: list[Shape] = []
        lumens: list[Shape] = []
        walls: list[Shape] = []
        upper = _upper_lobe(inside)
        right = inside[:, 0] < 0
        middle = right & upper & (inside[:, 2] < -24)
        leaf = 0.48
        for where, artery_root, airway_root in (
            (right & upper & ~middle, (-40, 2, -14), (-28, 20, -16)),
            (right & (~upper | middle), (-44, 8, -26), (-36, 24, -44)),
            (~right & upper, (46, 20, -2), (43, 25, -30)),
            (~right & ~upper, (51, 31, -24), (48, 30, -44)),
        ):
            artery = grow_tree(artery_root, inside[where], leaf, self._rng)
            vessels += artery.segments()
            lumen, wall = companion_airways(artery, airway_root, 0.9)
            lumens += lumen
            walls += wall
        drained = inside + self._rng.normal(0, 4.5, inside.shape)
        for where, root in (
            (right & upper, (-48, -10, -22)), (right & ~upper, (-52, 36, -58)),
            (~right & upper, (58, -12, -16)), (~right & ~upper, (58, 42, -60)),
        ):  # fmt: skip
            vessels += grow_tree(root, drained[where], leaf, self._rng).segments()
        return vessels, lumens, walls

    def lung_texture(self, grid: Grid) -> tuple[Float, Float]:
        """Noise of about 4 mm and of about 17 mm."""
        return self._texture.on(grid), self._mottle.on(grid)


def _upper_lobe(points: Points) -> np.ndarray:
    line = [
        oblique_fissure(Grid(x=p[:1], y=p[1:2], z=p[2:3]))[0, 0, 0]
        for p in points.astype(np.float32)
    ]
    return np.array(line) > 0

"""The build of a person: the outlines of chest wall, muscle and skin as functions of height.

Everything is written in the millimetres of a grown woman with the carina at (0, 20, 0); a child is
the same plan, scaled, with its own proportions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import PchipInterpolator

from medview.demo.space import Float, Grid

CENTRE_Y = np.float32(5.0)  # outlines are polar around the line x = 0, y = 5
_ANGLES = 1024

# Inner face of the chest wall, half outlines from the front to the back: {z: ((x, y), ...)}.
_CAVITY = {
    150: (
        (0, -8), (25, -12), (42, -4), (52, 12), (54, 28),
        (50, 44), (40, 55), (20, 58), (0, 54),
    ),
    90: (
        (0, -14), (30, -22), (58, -12), (75, 8), (80, 28),
        (74, 47), (56, 62), (30, 64), (0, 58),
    ),
    60: (
        (0, -40), (35, -44), (68, -31), (93, -5), (101, 20),
        (97, 46), (80, 67), (50, 79), (0, 74),
    ),
    30: (
        (0, -56), (38, -61), (75, -48), (104, -18), (114, 12),
        (110, 42), (93, 71), (60, 87), (0, 82),
    ),
    0: (
        (0, -66), (40, -72), (80, -58), (112, -25), (121, 8),
        (118, 42), (99, 73), (65, 93), (0, 88),
    ),
    -50: (
        (0, -74), (42, -83), (85, -68), (119, -30), (128, 8),
        (124, 44), (104, 78), (68, 97), (0, 92),
    ),
    -100: (
        (0, -80), (45, -90), (92, -74), (125, -32), (132, 8),
        (128, 46), (107, 80), (70, 97), (0, 92),
    ),
    -160: (
        (0, -84), (50, -91), (96, -73), (127, -32), (133, 10),
        (128, 46), (107, 78), (70, 93), (0, 88),
    ),
    -230: (
        (0, -84), (50, -88), (95, -68), (124, -30), (131, 10),
        (124, 44), (102, 72), (64, 86), (0, 82),
    ),
}  # fmt: skip

# Thickness over the chest wall in mm at these angles from the front (degrees): {z: (...)}.
_KNOTS = (0, 20, 40, 60, 80, 100, 120, 140, 160, 172, 180)
_MUSCLE = {
    150: (4, 6, 8, 8, 8, 8, 8, 10, 18, 22, 18),
    80: (2, 7, 11, 14, 15, 22, 26, 24, 26, 25, 17),
    50: (1, 7, 12, 14, 14, 25, 27, 24, 25, 24, 14),
    20: (0, 7, 11, 11, 7, 18, 23, 21, 24, 24, 13),
    -30: (0, 4, 6, 3, 3, 11, 16, 14, 23, 23, 13),
    -80: (0, 2, 2, 3, 5, 9, 11, 10, 23, 23, 13),
    -150: (4, 9, 7, 5, 6, 9, 11, 12, 26, 25, 14),
    -230: (5, 10, 9, 9, 10, 12, 14, 18, 30, 28, 16),
}
_FAT = {
    150: (6, 6, 8, 10, 10, 10, 10, 9, 8, 7, 7),
    60: (10, 13, 17, 20, 22, 21, 18, 15, 12, 9, 9),
    0: (10, 14, 20, 23, 24, 22, 19, 15, 12, 9, 9),
    -80: (12, 15, 17, 18, 18, 17, 15, 14, 12, 10, 10),
    -230: (16, 18, 18, 17, 17, 17, 16, 14, 12, 10, 10),
}
WALL = 9.5  # ribs with the intercostal muscles between them


@dataclass(frozen=True, eq=False, kw_only=True)
class Habitus:
    """Proportions of one person.

    fat, muscle, heart: factors on those. rib_slope: factor on the drop of the ribs. breasts:
    whether there are any. diseased: emphysema and calcium in a coronary. dome: see below.
    """

    fat: float = 1.0
    muscle: float = 1.0
    heart: float = 1.0
    rib_slope: float = 1.0
    breasts: bool = True
    diseased: bool = True
    dome: float = 0.0  # height of the diaphragm above the plan's, mm

    def cavity(self, grid: Grid) -> Float:
        """Distance to the inner face of the chest wall (mm, about; negative inside)."""
        return _radius(grid) - self._outline(grid, self._cavity_table)

    def layers(self, grid: Grid) -> tuple[Float, Float, Float]:
        """Distances to the inner face of the chest wall, to the muscles' outside, to the skin."""
        radius = _radius(grid)
        cavity = radius - self._outline(grid, self._cavity_table)
        muscle = cavity - np.float32(WALL) - self._outline(grid, self._muscle_table)
        return cavity, muscle, muscle - self._outline(grid, self._fat_table)

    def radius_at(self, angle: float, z: float) -> float:
        """Inner radius of the chest wall (mm) at an angle from the front (radians) and a height."""
        place = np.clip(angle / np.pi * (_ANGLES - 1), 0, _ANGLES - 1)
        return float(np.interp(place, np.arange(_ANGLES), self._cavity_table(z)))

    def _outline(self, grid: Grid, table: PchipInterpolator) -> Float:
        index = _angle_index(grid)
        rows = table(grid.z).astype(np.float32)
        return np.stack([row[index] for row in rows])

    @cached_property
    def _cavity_table(self) -> PchipInterpolator:
        return _by_height({z: _polar(points) for z, points in _CAVITY.items()})

    @cached_property
    def _muscle_table(self) -> PchipInterpolator:
        return _by_height({z: self.muscle * _spread(row) for z, row in _MUSCLE.items()})

    @cached_property
    def _fat_table(self) -> PchipInterpolator:
        return _by_height({z: self.fat * _spread(row) for z, row in _FAT.items()})


def _by_height(rows: dict[int, np.ndarray]) -> PchipInterpolator:
    heights = sorted(rows)
    inner = PchipInterpolator(heights, np.stack([rows[z] for z in heights]), axis=0)
    return lambda z: inner(np.clip(z, heights[0], heights[-1]))


def _polar(points: tuple[tuple[float, float], ...]) -> np.ndarray:
    xy = np.array(points, float)
    angle = np.arctan2(xy[:, 0], -(xy[:, 1] - float(CENTRE_Y)))
    radius = np.hypot(xy[:, 0], xy[:, 1] - float(CENTRE_Y))
    return np.asarray(PchipInterpolator(angle, radius)(np.linspace(0, np.pi, _ANGLES)))


def _spread(row: tuple[float, ...]) -> np.ndarray:
    return np.asarray(PchipInterpolator(np.radians(_KNOTS), row)(np.linspace(0, np.pi, _ANGLES)))


def _radius(grid: Grid) -> Float:
    x, y, _ = grid.broadcast
    return np.asarray(np.hypot(x, y - CENTRE_Y), np.float32)


def _angle_index(grid: Grid) -> np.ndarray:
    x, y, _ = grid.broadcast
    angle = np.arctan2(np.abs(x[0]), -(y[0] - CENTRE_Y))
    return np.asarray(np.rint(angle * ((_ANGLES - 1) / np.pi)), np.intp)

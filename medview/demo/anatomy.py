"""The plan of a body as distances over a grid: every organ's surface, before any tissue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medview.demo import abdomen
from medview.demo.habitus import Habitus
from medview.demo.mediastinum import Mediastinum, build_mediastinum
from medview.demo.shapes import (
    FAR,
    Ellipsoid,
    Shape,
    mirrored,
    smooth_max,
    smooth_min,
    tube,
    union,
)
from medview.demo.skeleton import Skeleton, build_skeleton
from medview.demo.space import Float, Grid, SmoothNoise

_BACK_Y = np.float32(127.0)  # the table presses the back flat


@dataclass(frozen=True, eq=False, kw_only=True)
class Fields:
    """Signed distances in mm of the plan, negative inside, [k, j, i] on one grid."""

    skin: Float
    muscle: Float
    cavity: Float
    lung: Float
    dome: Float  # negative above the diaphragm
    bone: Float
    bodies: Float  # of vertebrae alone: their cortex is thin
    back: Float
    disc: Float
    cartilage: Float
    canal: Float
    soft: Float  # vessels, gullet, heart: all that is not fat between the lungs
    heart: Float
    chambers: Float
    sheets: Float  # fat between the muscles
    breast: Float
    fissure: Float


class Anatomy:
    """The shapes of one person, and their distances on any grid in the plan's millimetres."""

    def __init__(self, habitus: Habitus, seed: int) -> None:
        self.habitus = habitus
        self.skeleton: Skeleton = build_skeleton(habitus)
        self.mediastinum: Mediastinum = build_mediastinum(habitus)
        self._limbs = _shoulders(habitus)
        self._breasts = tuple(mirrored([Ellipsoid((80, -76, -62), (58, 36, 58))]))
        self._broad = SmoothNoise(seed, 34.0)
        self._fine = SmoothNoise(seed + 1, 13.0)
        self._sheet = SmoothNoise(seed + 2, 24.0)

    def fields(self, grid: Grid) -> Fields:
        """All distances on a grid."""
        broad, fine = self._broad.on(grid), self._fine.on(grid)
        cavity, muscle, skin = self.habitus.layers(grid)
        cavity = cavity + 1.2 * broad
        muscle, skin, breast = self._outside(
            grid, muscle + 1.6 * broad + 0.8 * fine, skin + 1.5 * broad
        )
        dome = abdomen.diaphragm(grid, cavity, self.habitus) + 1.2 * broad + 0.5 * fine
        bone, disc, canal = self._spine(grid, fine)
        heart, soft, around = self._middle(grid, fine, bone)
        lung = self._lung(grid, cavity, dome, around)
        return Fields(
            skin=skin, muscle=muscle, cavity=cavity, lung=lung, dome=dome, bone=bone, disc=disc,
            bodies=union(grid, self.skeleton.bodies), back=union(grid, self.skeleton.back, 4),
            cartilage=union(grid, self.skeleton.cartilage, 3) + 0.5 * fine, canal=canal,
            soft=soft, heart=heart, chambers=union(grid, self.mediastinum.chambers, 4),
            sheets=np.abs(self._sheet.on(grid)) * 14, breast=breast, fissure=fissures(grid, broad),
        )  # fmt: skip

    def _outside(self, grid: Grid, muscle: Float, skin: Float) -> tuple[Float, Float, Float]:
        if self._limbs:
            muscle = smooth_min(muscle, union(grid, self._limbs, 14), 14)
            skin = smooth_min(skin, union(grid, self._limbs, 16, 11 * self.habitus.fat + 1), 22)
        breast = np.full(grid.shape, FAR, np.float32)
        if self.habitus.breasts:
            breast = union(grid, self._breasts)
            skin = smooth_min(skin, breast, 24)
        skin = smooth_max(skin, np.broadcast_to(grid.broadcast[1] - _BACK_Y, skin.shape), 22)
        return np.maximum(muscle, skin + 3.5), skin, breast

    def _spine(self, grid: Grid, fine: Float) -> tuple[Float, Float, Float]:
        s = self.skeleton
        bone = np.minimum(union(grid, s.bone, 1.5), union(grid, s.bodies))
        canal = union(grid, s.canal)
        return np.maximum(bone, -canal - 1) + 0.25 * fine, union(grid, s.discs), canal

    def _middle(self, grid: Grid, fine: Float, bone: Float) -> tuple[Float, Float, Float]:
        m = self.mediastinum
        heart = union(grid, m.heart, 9) + np.float32(0.7) * fine
        around = smooth_min(heart - np.float32(3.5), union(grid, m.vessels, 8, 2.2), 12)
        around = smooth_min(around, union(grid, m.airway, 4, 3.0), 8)
        around = smooth_min(around, union(grid, m.fat, 14) + np.float32(1.5) * fine, 12)
        around = smooth_min(around, union(grid, self.skeleton.bodies, 8, 4.0), 10)
        around = smooth_min(around, union(grid, self.skeleton.back, 4), 8)
        # Pleura lies on the heads of the ribs, not between them.
        around = smooth_min(around, bone - 2.2, 6)
        heart = smooth_max(heart, -union(grid, m.grooves, 4), 4)
        soft = np.minimum(heart, union(grid, m.vessels, 2))
        soft = np.minimum(soft, union(grid, m.oesophagus, 2))
        soft = np.minimum(soft, union(grid, m.coronary))
        pericardium = np.abs(union(grid, m.heart, 14, 3.2)) - 0.7
        return heart, np.minimum(soft, pericardium), around

    def _lung(self, grid: Grid, cavity: Float, dome: Float, around: Float) -> Float:
        x, y, z = grid.broadcast
        apex = (z - 96 + ((np.abs(x) - 46) ** 2 + (y - 24) ** 2) * np.float32(0.014)) * np.float32(
            0.75
        )
        lung = smooth_max(cavity + 1.0, -around, 5)
        lung = smooth_max(lung, dome, 6)
        lung = smooth_max(lung, apex, 14)
        septum = np.abs(x - 3 + 0.02 * y) - np.float32(1.3)
        return np.asarray(np.maximum(lung, -septum), np.float32)


def fissures(grid: Grid, waves: Float) -> Float:
    """Unsigned distance to the nearer fissure, mm."""
    x, _, z = grid.broadcast
    oblique = oblique_fissure(grid) + 3.0 * waves
    minor = np.where((x < 0) & (oblique > 0), np.abs(z + 24 + 2.5 * waves), FAR)
    return np.asarray(np.minimum(np.abs(oblique), minor), np.float32)


def oblique_fissure(grid: Grid) -> Float:
    """Signed distance to the oblique fissure, positive in the upper (and middle) lobe."""
    x, y, z = grid.broadcast
    bulge = 16 * np.cos((np.abs(x) - 72) * np.float32(0.034)) + np.float32(0.08) * x
    return np.asarray(
        (z - 52 - np.float32(1.22) * (y - 62) + bulge) * np.float32(0.634), np.float32
    )


def _shoulders(habitus: Habitus) -> tuple[Shape, ...]:
    """Muscle of neck, shoulders and raised arms, beyond what the outlines by height can say."""
    m = habitus.muscle
    one: list[Shape] = [
        Ellipsoid((148, 28, 100), (36 * m, 36 * m, 46)),
        *tube([(112, 66, -10), (130, 56, 40), (148, 40, 92)], [16 * m, 21 * m, 24 * m], 14),
        *tube([(60, -66, 34), (105, -44, 62), (142, -2, 102)], [11 * m, 14 * m, 17 * m], 14),
        *tube([(20, 54, 150), (70, 66, 112), (130, 48, 112)], [26 * m, 24 * m, 24 * m], 14),
        *tube([(150, 22, 112), (166, 8, 160), (188, -8, 260)], [33 * m, 31 * m, 29 * m], 16),
        *tube([(24, 2, 100), (26, 6, 200)], [24, 26], 16),
        *tube([(22, 40, 90), (22, 36, 200)], [26, 26], 16),
    ]
    return tuple(mirrored(one))

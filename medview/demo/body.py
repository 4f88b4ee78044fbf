"""From the plan to Hounsfield units: which tissue is where, and what it attenuates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from medview.demo import abdomen
from medview.demo.anatomy import Anatomy, Fields, oblique_fissure
from medview.demo.branching import Points, companion_airways, grow_tree, scatter
from medview.demo.habitus import WALL, Habitus
from medview.demo.lesions import Nodule, emphysema_spots
from medview.demo.mediastinum import calcifications
from medview.demo.shapes import Point, Shape, add, union
from medview.demo.shapes import FAR
from medview.demo.space import Float, Grid, SmoothNoise, doubled

AIR = -1000.0
# HU of plain CT without contrast, from published ranges.
FAT, MUSCLE, SKIN, BLOOD, MYOCARDIUM = -103.0, 54.0, 10.0, 41.0, 47.0
LIVER, SPLEEN, KIDNEY, THYROID, GLAND, FLUID = 57.0, 50.0, 32.0, 96.0, 28.0, 18.0
CORTEX, MARROW, CARTILAGE, DISC, CANAL, AIRWAY_WALL = 880.0, 165.0, 95.0, 82.0, 24.0, 20.0
NODULE_HU, VESSEL_HU, CALCIUM = 34.0, 40.0, 560.0


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


@dataclass(frozen=True, eq=False, kw_only=True)
class Slab:
    """Some slices of a body: HU before any scanner, and what is what as fractions of a voxel."""

    hu: Float
    masks: dict[str, Float] = field(default_factory=dict)


class Body:
    """One person, complete; `slab` gives any part of it in Hounsfield units."""

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
        holes = self._places_in_lungs(spacing * 0.72) if habitus.emphysema else inside[:0]
        self.spots = ShapeIndex(emphysema_spots(holes, self._rng))
        self.calcium = ShapeIndex(calcifications() if habitus.emphysema else [])
        self._texture = SmoothNoise(seed + 7, 4.5)
        self._mottle = SmoothNoise(seed + 8, 17.0)

    def _places_in_lungs(self, spacing: float) -> Points:
        places = scatter((-128, -95, -172), (128, 100, 98), spacing, self._rng)
        probe = Grid.of((48, 36, 46), (6, 6, 6), (0, 4, -40))
        lung = self.anatomy.lung(probe)
        index = [
            np.clip(np.rint((places[:, n] - axis[0]) / 6).astype(int), 0, len(axis) - 1)
            for n, axis in enumerate((probe.x, probe.y, probe.z))
        ]
        return np.asarray(places[lung[index[2], index[1], index[0]] < -3.0])

    def _trees(self, inside: Points) -> tuple[list[Shape], list[Shape], list[Shape]]:
        vessels: list[Shape] = []
        lumens: list[Shape] = []
        walls: list[Shape] = []
        upper = _upper_lobe(inside)
        right = inside[:, 0] < 0
        middle = right & upper & (inside[:, 2] < -24)
        leaf = 0.46
        for where, artery_root, airway_root in (
            (right & upper & ~middle, (-40, 2, -14), (-28, 20, -16)),
            (right & (~upper | middle), (-44, 8, -26), (-36, 24, -44)),
            (~right & upper, (46, 20, -2), (43, 25, -30)),
            (~right & ~upper, (51, 31, -24), (48, 30, -44)),
        ):
            artery = grow_tree(artery_root, inside[where], leaf, self._rng)
            vessels += artery.segments()
            lumen, wall = companion_airways(artery, airway_root, 0.95)
            lumens += lumen
            walls += wall
        drained = inside + self._rng.normal(0, 4.5, inside.shape)
        for where, root in (
            (right & upper, (-48, -10, -22)), (right & ~upper, (-52, 36, -58)),
            (~right & upper, (58, -12, -16)), (~right & ~upper, (58, 42, -60)),
        ):  # fmt: skip
            vessels += grow_tree(root, drained[where], leaf, self._rng).segments()
        return vessels, lumens, walls

    def slab(
        self, place: Grid, pose: Pose, halve_z: bool, nodule: Nodule | None = None
    ) -> Slab:
        """Slices of the body on a grid in patient millimetres.

        halve_z: compute the smooth surfaces on every second slice only (thin slices).
        """
        size = float(np.mean(pose.size))
        grid = place.scaled(pose.size, pose.shift)
        width = np.float32(0.5 * (place.spacing[0] + max(place.spacing[2], 0.8)) / size)
        coarse = grid.halved(halve_z)
        painter = _Painter(self, grid, coarse, self.anatomy.fields(coarse), width)
        return painter.paint(nodule)

    def lung_texture(self, grid: Grid) -> tuple[Float, Float]:
        """Noise of about 4 mm and of about 17 mm."""
        return self._texture.on(grid), self._mottle.on(grid)


def _upper_lobe(points: Points) -> np.ndarray:
    line = [
        oblique_fissure(Grid(x=p[:1], y=p[1:2], z=p[2:3]))[0, 0, 0]
        for p in points.astype(np.float32)
    ]
    return np.array(line) > 0


class _Painter:
    """Lays tissue over tissue in one slab."""

    def __init__(self, body: Body, grid: Grid, coarse: Grid, fields: Fields, width: np.float32) -> None:
        self.body, self.grid, self.coarse, self.fields = body, grid, coarse, fields
        self.width = width
        self.hu = np.full(grid.shape, AIR, np.float32)
        self.masks: dict[str, Float] = {}
        texture, mottle = body.lung_texture(coarse)
        self.texture, self.mottle = texture, mottle

    def full(self, values: Float) -> Float:
        """A field of the coarse grid on the fine one."""
        return doubled(values, self.grid.shape)

    def share(self, distance: Float, sharp: bool = False) -> Float:
        """Share of each voxel inside a surface."""
        width = self.width * np.float32(0.7 if sharp else 1.0)
        return np.clip(np.float32(0.5) - distance / width, 0, 1)

    def lay(self, share: Float, value: Float | float) -> None:
        """Mix a tissue in."""
        self.hu += (value - self.hu) * share

    def organ(self, distance: Float, value: Float | float) -> None:
        """Lay a tissue inside a surface of the coarse grid, if it comes near at all."""
        if distance.min() < self.width:
            if isinstance(value, np.ndarray):
                value = self.full(value)
            self.lay(self.share(self.full(distance)), value)

    def paint(self, nodule: Nodule | None) -> Slab:
        self.soft_body()
        self.mediastinum()
        self.abdomen()
        self.bones()
        self.lungs()
        self.lung_contents(nodule)
        return Slab(hu=self.hu, masks=self.masks)

    def soft_body(self) -> None:
        f = self.fields
        skin = self.full(f.skin)
        body = self.share(skin)
        self.masks["body"] = body
        strands = np.maximum(np.abs(self.texture + 0.6 * self.mottle) * -22 + 9, 0) * 3
        self.lay(body, self.full(FAT + strands + 3 * self.mottle))
        self.lay(np.clip(1.6 - np.abs(skin + 1.0), 0, 1) * 0.9 * body, SKIN)
        if f.breast.min() < 0:
            gland = np.clip(0.9 * self.mottle + 0.5 * self.texture - 0.35, 0, 1)
            gland *= np.clip(-(f.breast + 9) / 6, 0, 1)
            self.lay(self.full(gland) * np.clip(-skin / 5 - 0.8, 0, 1), GLAND)
        muscle = self.share(self.full(f.muscle))
        marbled = MUSCLE + 4 * self.mottle - np.maximum(self.texture - 1.2, 0) * 40
        self.lay(muscle, self.full(marbled))
        self.lay(self.full(self._fat_planes()), FAT + 12)

    def _fat_planes(self) -> Float:
        """Thin fat between the layers of muscle on the chest wall, as shares of a voxel."""
        f = self.fields
        thick = np.maximum(f.cavity - f.muscle - np.float32(WALL), 1)
        depth = f.cavity - np.float32(WALL)
        share = np.zeros_like(depth)
        for level, swing in ((0.06, 0.04), (0.42, 0.16), (0.72, 0.10)):
            plane = np.abs(depth - (level + swing * self.mottle) * thick)
            share = np.maximum(share, np.clip(1.0 + 0.75 * self.mottle - plane, 0, 1))
        share = np.maximum(share, np.clip(1.0 + 0.4 * self.mottle - f.sheets, 0, 0.8) * (f.cavity > 26))
        return np.asarray(share * np.clip(-(f.muscle + 1.0) / 2, 0, 1) * np.clip(depth, 0, 1) * (thick > 6))

    def mediastinum(self) -> None:
        f, m = self.fields, self.body.anatomy.mediastinum
        inside = self.share(self.full(f.cavity + 1.5))
        self.lay(inside, self.full(FAT + 6 + 5 * self.mottle + np.maximum(self.texture, 0) * 10))
        self.organ(f.soft, BLOOD)
        self.organ(f.heart, MYOCARDIUM)
        self.organ(np.maximum(f.chambers, f.heart + 3), BLOOD - 1)
        self.organ(union(self.coarse, m.thyroid, 3), THYROID)
        self.organ(union(self.coarse, m.oesophagus_air) + 0.8 * self.texture, -820.0)
        calcium = self.body.calcium.distance(self.grid)
        if calcium is not None:
            self.lay(self.share(calcium), CALCIUM)

    def abdomen(self) -> None:
        f = self.fields
        under = np.maximum(3.0 - f.dome, f.cavity + 2.0)
        if under.min() > 2:
            return
        band = np.maximum(np.abs(f.dome - 1.6) - 1.8, f.cavity - 1)
        band = np.maximum(band, np.minimum(f.lung - 8, f.heart - 200))
        self.organ(np.minimum(band, np.maximum(np.abs(f.cavity + 1) - 2.0, 1.0 - f.dome)), MUSCLE)
        self._organs(under)

    def _organs(self, under: Float) -> None:
        g, wave = self.coarse, 1.2 * self.mottle
        liver = np.maximum(union(g, abdomen.LIVER, 22) + wave, under + 0.5)
        self.organ(liver, LIVER + 1.5 * self.mottle)
        self.organ(np.maximum(union(g, abdomen.LIVER_VESSELS, 3), liver + 4), BLOOD)
        apart = np.maximum(under, 3.5 - liver)
        self.organ(np.maximum(union(g, abdomen.GALLBLADDER), under), 6.0)
        spleen = np.maximum(union(g, abdomen.SPLEEN, 14) + wave, apart + 1.5)
        self.organ(spleen, SPLEEN)
        apart = np.maximum(apart, 3.0 - spleen)
        self.organ(np.maximum(union(g, abdomen.KIDNEYS) + wave, apart), KIDNEY)
        stomach = np.maximum(union(g, abdomen.STOMACH, 10) + wave, apart + 1)
        self.organ(stomach, 42.0)
        lumen = stomach + 4.0 + np.maximum(self.texture, 0)
        self.organ(lumen, FLUID + 10 * self.mottle)
        level = np.broadcast_to(g.broadcast[1] - np.float32(abdomen.STOMACH_LEVEL_Y), lumen.shape)
        self.organ(np.maximum(lumen, level), AIR)
        bowel = np.maximum(union(g, abdomen.BOWEL, 6) + 2.2 * self.mottle, np.maximum(apart, 3 - stomach))
        self.organ(bowel, 30.0)
        inside = bowel + 3.0
        self.organ(inside, self._stool())

    def _stool(self) -> Float:
        return np.where(self.mottle + 0.7 * self.texture > -0.1, np.float32(-930), np.float32(-20))

    def bones(self) -> None:
        f = self.fields
        self.organ(f.disc, DISC)
        rim = np.clip((f.cartilage + 1.4) / 1.4, 0, 1) * np.clip(self.mottle, 0, 1.5) * 130
        self.organ(f.cartilage, CARTILAGE + rim)
        if f.canal.min() < self.width:
            self.organ(f.canal, FAT + 40)
            self.organ(f.canal + 2.2, CANAL)
            self.organ(f.canal + 4.2, CANAL + 14)
        if f.bone.min() > self.width:
            return
        bone = self.full(f.bone)
        trabecular = self.full(MARROW + 38 * self.texture + 8 * self.mottle)
        cortex = np.clip((bone + 1.9) / np.float32(0.9), 0, 1)
        self.lay(self.share(bone), trabecular + (CORTEX - trabecular) * cortex)

    def lungs(self) -> None:
        f = self.fields
        if f.lung.min() > self.width:
            return
        lung = self.full(f.lung)
        share = self.share(lung)
        y = self.coarse.broadcast[1]
        gravity = np.float32(-886) + np.float32(0.26) * (y - 5) + 10 * np.exp(-(f.dome**2) / 900)
        parenchyma = gravity + 7 * self.texture + 7 * self.mottle
        parenchyma += 95 * np.exp(-((f.fissure / np.float32(0.9)) ** 2)) * np.clip(-f.lung / 4, 0, 1)
        self.lay(share, self.full(parenchyma.astype(np.float32)))
        left = self.grid.x > 3
        self.masks["lung_left"] = share * left[None, None, :]
        self.masks["lung_right"] = share * ~left[None, None, :]

    def lung_contents(self, nodule: Nodule | None) -> None:
        spots = self.body.spots.distance(self.grid)
        inside = self.share(self.full(self.fields.lung + 1.5))
        if spots is not None:
            hole = np.clip(0.5 - spots / 2.2, 0, 1) * inside
            self.masks["emphysema"] = hole
            self.lay(hole, -975.0)
        vessels = self.body.vessels.distance(self.grid)
        if vessels is not None:
            self.lay(self.share(vessels) * inside, VESSEL_HU)
        if nodule is not None:
            self._nodule(nodule)
        walls = self.body.walls.distance(self.grid)
        if walls is not None:
            self.lay(self.share(walls), AIRWAY_WALL)
        lumen = self.body.lumens.distance(self.grid)
        if lumen is not None:
            share = self.share(lumen)
            self.masks["airway"] = share
            self.lay(share, AIR + 6)

    def _nodule(self, nodule: Nodule) -> None:
        reach = 18.0
        if not self.grid.z[0] - reach < nodule.place[2] < self.grid.z[-1] + reach:
            return
        thorns = ShapeIndex(nodule.spicules).distance(self.grid)
        if thorns is not None:
            self.lay(self.share(thorns), -150.0)
        core = self.share(nodule.core_distance(self.grid))
        self.masks["nodule"] = core
        self.lay(core, NODULE_HU)

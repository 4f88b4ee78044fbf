"""From the plan to Hounsfield units: which tissue is where, and what it attenuates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medview.demo import abdomen
from medview.demo.anatomy import Fields
from medview.demo.body import Body, Pose, ShapeIndex
from medview.demo.habitus import WALL
from medview.demo.lesions import Nodule
from medview.demo.shapes import union
from medview.demo.space import Float, Grid, doubled

AIR = -1000.0
# HU of plain CT without contrast, from published ranges.
FAT, MUSCLE, SKIN, BLOOD, MYOCARDIUM = -103.0, 54.0, 10.0, 41.0, 47.0
LIVER, SPLEEN, KIDNEY, THYROID, GLAND, FLUID = 57.0, 50.0, 32.0, 96.0, 28.0, 18.0
CORTEX, MARROW, CARTILAGE, DISC, CANAL, AIRWAY_WALL = 880.0, 165.0, 95.0, 82.0, 24.0, 20.0
NODULE_HU, VESSEL_HU, CALCIUM, SPICULE_HU = 34.0, 40.0, 560.0, -40.0
EMPHYSEMA_HU = -978.0

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, kw_only=True)
class Slab:
    """Some slices of a body: HU before any scanner, and which voxels belong to what."""

    hu: Float
    masks: dict[str, Mask]


def paint_slab(body: Body, place: Grid, pose: Pose, nodule: Nodule | None) -> Slab:
    """Slices of the body on a grid in patient millimetres."""
    painter = _Painter(body, place, pose)
    painter.soft_body()
    painter.mediastinum()
    painter.abdomen()
    painter.bones()
    painter.lungs()
    if nodule is not None:
        painter.nodule(nodule)
    painter.airways()
    return Slab(hu=painter.hu, masks=painter.masks)


@dataclass(frozen=True, eq=False)
class _Box:
    """A part of the slab on the coarse grid and the same part on the fine one."""

    coarse: tuple[slice, slice, slice]
    fine: tuple[slice, slice, slice]

    @property
    def shape(self) -> tuple[int, int, int]:
        k, j, i = (s.stop - s.start for s in self.fine)
        return k, j, i


class _Painter:
    """Lays tissue over tissue in one slab; smooth fields are computed on every second voxel."""

    def __init__(self, body: Body, place: Grid, pose: Pose) -> None:
        size = float(np.mean(pose.size))
        self.halve_z = place.spacing[2] < 2.0
        self.grid = place.scaled(pose.size, pose.shift)
        self.coarse = self.grid.halved(self.halve_z)
        self.width = np.float32(0.5 * (place.spacing[0] + max(place.spacing[2], 0.8)) / size)
        self.body = body
        self.fields: Fields = body.anatomy.fields(self.coarse)
        self.texture, self.mottle = body.lung_texture(self.coarse)
        self.hu = np.full(self.grid.shape, AIR, np.float32)
        self.masks: dict[str, Mask] = {}

    def box(self, distance: Float) -> _Box | None:
        """The part of the slab where a distance is small enough to matter."""
        near = distance < self.width
        coarse, fine = [], []
        for axis in range(3):
            others = tuple(a for a in range(3) if a != axis)
            hit = np.flatnonzero(near.any(axis=others))
            if not len(hit):
                return None
            first, last = max(int(hit[0]) - 1, 0), min(int(hit[-1]) + 2, near.shape[axis])
            factor = 2 if axis or self.halve_z else 1
            end = min(factor * (last - 1) + 1, self.grid.shape[axis])
            coarse.append(slice(first, last))
            fine.append(slice(factor * first, end))
        return _Box((coarse[0], coarse[1], coarse[2]), (fine[0], fine[1], fine[2]))

    def full(self, values: Float, box: _Box) -> Float:
        """A field of the coarse grid on the fine one; a new array."""
        return doubled(np.asarray(values[box.coarse], np.float32), box.shape)

    def share(self, distance: Float) -> Float:
        """Share of each voxel inside a surface; overwrites the distance."""
        distance *= np.float32(-1) / self.width
        distance += np.float32(0.5)
        return np.clip(distance, 0, 1, out=distance)

    def lay(self, share: Float, value: Float | float, box: _Box) -> None:
        """Mix a tissue in."""
        here = self.hu[box.fine]
        change = np.float32(value) - here if isinstance(value, float) else value - here
        change *= share
        here += change

    def organ(self, distance: Float, value: Float | float) -> None:
        """Lay a tissue inside a surface of the coarse grid, if it comes near at all."""
        box = self.box(distance)
        if box is not None:
            tissue = self.full(value, box) if isinstance(value, np.ndarray) else value
            self.lay(self.share(self.full(distance, box)), tissue, box)

    def part(self, box: _Box) -> Grid:
        """The fine grid within a box."""
        k, j, i = box.fine
        return Grid(x=self.grid.x[i], y=self.grid.y[j], z=self.grid.z[k])

    def mark(self, name: str, inside: Mask, box: _Box) -> None:
        """Keep a mask."""
        whole = np.zeros(self.grid.shape, np.bool_)
        whole[box.fine] = inside
        self.masks[name] = whole

    def soft_body(self) -> None:
        f = self.fields
        box = self.box(f.skin)
        if box is None:
            return
        skin = self.full(f.skin, box)
        rim = np.clip(1.6 - np.abs(skin + 1.0), 0, 0.9)
        deep = np.clip(skin * np.float32(-0.2) - 0.8, 0, 1)
        body = self.share(skin)
        self.mark("body", body >= 0.5, box)
        strands = np.maximum(9 - 22 * np.abs(self.texture + 0.6 * self.mottle), 0) * 3
        self.lay(body, self.full(FAT + strands + 3 * self.mottle, box), box)
        self.lay(rim * body, SKIN, box)
        if f.breast.min() < 0:
            gland: Float = np.clip(0.9 * self.mottle + self.texture / 2 - 0.35, 0, 1)
            gland *= np.clip(-(f.breast + 9) / 6, 0, 1)
            self.lay(self.full(gland, box) * deep, GLAND, box)
        self.organ(f.muscle, MUSCLE + 4 * self.mottle - np.maximum(self.texture - 1.2, 0) * 40)
        self.lay(self.full(self._fat_planes(), box), FAT + 12, box)

    def _fat_planes(self) -> Float:
        """Thin fat between the layers of muscle on the chest wall, as shares of a voxel."""
        f = self.fields
        thick = np.maximum(f.cavity - f.muscle - np.float32(WALL), 1)
        depth = f.cavity - np.float32(WALL)
        share = np.zeros_like(depth)
        for level, swing in ((0.05, 0.05), (0.52, 0.18)):
            plane = np.abs(depth - (level + swing * self.mottle) * thick)
            share = np.maximum(share, np.clip(0.9 + 0.9 * self.mottle - plane, 0, 1))
        sheet = np.clip(1.0 + 0.4 * self.mottle - f.sheets, 0, 0.8) * (f.cavity > 26)
        inside = np.clip(-(f.muscle + 1.0) / 2, 0, 1) * np.clip(depth, 0, 1) * (thick > 6)
        return np.asarray(np.maximum(share, sheet) * inside, np.float32)

    def mediastinum(self) -> None:
        f, m = self.fields, self.body.anatomy.mediastinum
        fat = FAT + 6 + 5 * self.mottle + np.maximum(self.texture, 0) * 10
        self.organ(f.cavity + 1.5, fat)
        self.organ(f.soft, BLOOD)
        self.organ(f.heart, MYOCARDIUM)
        self.organ(np.maximum(f.chambers, f.heart + 3), BLOOD - 1)
        self.organ(union(self.coarse, m.thyroid, 3), THYROID)
        self.organ(union(self.coarse, m.oesophagus_air) + 0.8 * self.texture, -820.0)
        box = self.box(f.heart)
        if box is not None:
            calcium = self.body.calcium.distance(self.part(box))
            if calcium is not None:
                self.lay(self.share(calcium), CALCIUM, box)

    def abdomen(self) -> None:
        f = self.fields
        under = np.maximum(3.0 - f.dome, f.cavity + 2.0)
        if under.min() > 2:
            return
        # The diaphragm: 3 mm of muscle under the dome and down the chest wall.
        band = np.maximum(np.abs(f.dome - 1.6) - 1.8, f.cavity - 1)
        hanging = np.maximum(np.abs(f.cavity + 1) - 2.0, 1.0 - f.dome)
        self.organ(np.minimum(np.maximum(band, f.lung - 8), hanging), MUSCLE)
        self._solid_organs(under)

    def _solid_organs(self, under: Float) -> None:
        g, wave = self.coarse, 1.2 * self.mottle
        liver = np.maximum(union(g, abdomen.LIVER, 22) + wave, under + 0.5)
        self.organ(liver, LIVER + 1.5 * self.mottle)
        self.organ(np.maximum(union(g, abdomen.LIVER_VESSELS, 3), liver + 1), BLOOD)
        self.organ(np.maximum(union(g, abdomen.GALLBLADDER), under), 6.0)
        apart = np.maximum(under, 3.5 - liver)
        spleen = np.maximum(union(g, abdomen.SPLEEN, 14) + wave, apart + 1.5)
        self.organ(spleen, SPLEEN)
        apart = np.maximum(apart, 3.0 - spleen)
        self.organ(np.maximum(union(g, abdomen.KIDNEYS) + wave, apart), KIDNEY)
        self._hollow_organs(apart)

    def _hollow_organs(self, apart: Float) -> None:
        g, wave = self.coarse, 1.2 * self.mottle
        stomach = np.maximum(union(g, abdomen.STOMACH, 10) + wave, apart + 1)
        self.organ(stomach, 42.0)
        lumen: Float = stomach + np.float32(4) + np.maximum(self.texture, 0)
        self.organ(lumen, FLUID + 10 * self.mottle)
        level = np.broadcast_to(g.broadcast[1] - np.float32(abdomen.STOMACH_LEVEL_Y), lumen.shape)
        self.organ(np.maximum(lumen, level), AIR)
        bowel = union(g, abdomen.BOWEL, 6) + 2.2 * self.mottle
        bowel = np.maximum(bowel, np.maximum(apart, 3 - stomach))
        self.organ(bowel, 30.0)
        gas = self.mottle + 0.7 * self.texture > -0.1
        self.organ(bowel + 3.0, np.where(gas, np.float32(-930), np.float32(-20)))

    def bones(self) -> None:
        f = self.fields
        self.organ(np.maximum(f.back, f.lung * -1), MUSCLE)
        self.organ(f.disc, DISC)
        rim = np.clip((f.cartilage + 1.4) / 1.4, 0, 1) * np.clip(self.mottle, 0, 1.5) * 130
        self.organ(f.cartilage, CARTILAGE + rim)
        self.organ(f.canal, FAT + 40)
        self.organ(f.canal + 2.2, CANAL)
        self.organ(f.canal + 4.2, CANAL + 14)
        box = self.box(f.bone)
        if box is None:
            return
        bone = self.full(f.bone, box)
        tissue = self.full(MARROW + 38 * self.texture + 8 * self.mottle, box)
        compact = self.full(CORTEX - 430 * np.clip(1.5 - f.bodies, 0, 1), box)
        cortex = np.clip((bone + 1.6) * np.float32(1 / 0.8), 0, 1)
        tissue += (compact - tissue) * cortex
        self.lay(self.share(bone), tissue, box)

    def lungs(self) -> None:
        f = self.fields
        box = self.box(f.lung)
        if box is None:
            return
        share = self.share(self.full(f.lung, box))
        self.lay(share, self.full(self._parenchyma(), box), box)
        left = self.grid.x[None, None, box.fine[2]] > 3
        inside = share >= 0.5
        self.mark("lung_left", inside & left, box)
        self.mark("lung_right", inside & ~left, box)
        part = self.part(box)
        within = self.share(self.full(f.lung + 1.5, box))
        spots = self.body.spots.distance(part)
        if spots is not None:
            ragged = spots + self.full(0.9 * self.texture, box)
            hole = np.clip(0.5 - ragged / np.float32(2.4), 0, 1) * within
            self.mark("emphysema", hole >= 0.5, box)
            self.lay(hole, EMPHYSEMA_HU, box)
        vessels = self.body.vessels.distance(part)
        if vessels is not None:
            self.lay(self.share(vessels) * within, VESSEL_HU, box)

    def _parenchyma(self) -> Float:
        """Aerated lung: denser where it lies below, and thin plates at the fissures."""
        f = self.fields
        y = self.coarse.broadcast[1]
        lung = np.float32(-886) + np.float32(0.26) * (y - 5) + 10 * np.exp(-(f.dome**2) / 900)
        lung = lung + 7 * self.texture + 7 * self.mottle
        plate = np.exp(-((f.fissure / np.float32(0.9)) ** 2)) * np.clip(-f.lung / 4, 0, 1)
        return np.asarray(lung + 75 * plate, np.float32)

    def airways(self) -> None:
        box = self.box(self.fields.cavity)
        if box is None:
            return
        part = self.part(box)
        walls = self.body.walls.distance(part)
        if walls is not None:
            self.lay(self.share(walls), AIRWAY_WALL, box)
        lumen = self.body.lumens.distance(part)
        if lumen is not None:
            share = self.share(lumen)
            self.mark("airway", share >= 0.5, box)
            self.lay(share, AIR + 6, box)

    def nodule(self, nodule: Nodule) -> None:
        box = self.box(union(self.coarse, [nodule.core.grown(12.0)]))
        if box is None:
            return
        part = self.part(box)
        thorns = ShapeIndex(nodule.spicules).distance(part)
        if thorns is not None:
            self.lay(self.share(thorns), SPICULE_HU, box)
        core = self.share(nodule.core_distance(part))
        self.mark("nodule", core >= 0.5, box)
        self.lay(core, NODULE_HU, box)

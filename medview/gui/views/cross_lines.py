"""The other planes' lines in a view of a reconstruction: where they run, where one takes them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from medview.core.geometry import FloatArray, PatientPoint
from medview.gui.views.state import ScreenMap
from medview.imaging.slice_plane import SlicePlane

if TYPE_CHECKING:
    from medview.gui.views.stage import SliceStage

NEAR_PX = 9.0  # how near a press must be to a handle
_LINE_PX = 5.0  # and to a line
_PARALLEL = 1e-3  # sine of the angle below which two planes have no line in common
_END, _SIDE = 0.36, 0.17  # of the view's shorter edge: handles that turn, handles that thicken
_LEAST_GAP_PX = 14.0  # of a thickness handle from a line that shows one slice

Place = tuple[float, float]


@dataclass(frozen=True, eq=False)
class CrossLine:
    """One plane's line: through `middle` along the unit vector `along`, on the screen.

    gap: pixels from the line to each face of the plane's slab, 0 for one slice. across: the unit
    vector from the line towards them.
    """

    name: str
    middle: FloatArray
    along: FloatArray
    gap: float
    reach: float  # the view's shorter edge

    @property
    def across(self) -> FloatArray:
        """(2,) at a right angle to the line."""
        return np.array([-self.along[1], self.along[0]])

    @property
    def ends(self) -> tuple[FloatArray, FloatArray]:
        """Where the line is taken to turn its plane."""
        way = self.along * self.reach * _END
        return self.middle - way, self.middle + way

    @property
    def sides(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Where the plane's slab is taken to make it thicker or thinner."""
        way = self.along * self.reach * _SIDE
        off = self.across * max(self.gap, _LEAST_GAP_PX)
        one, other = self.middle - way, self.middle + way
        return one - off, one + off, other - off, other + off


@dataclass(frozen=True, slots=True)
class Taken:
    """What of the lines lies under the mouse: a plane's name and turn, thicken or move."""

    name: str
    what: str


def cross_lines(stage: SliceStage) -> list[CrossLine]:
    """The lines of the other planes through the linked place; none for films."""
    plane, shown = stage.plane, stage.shown
    if plane is None or shown is None or not shown.stack.is_in_space or not plane.is_flat:
        return []
    where, point = stage.map(), stage.state.point
    found = []
    for name, other in stage.planes.items():
        if name == plane.name:
            continue
        way, sine = _common(plane.normal_vector.tobytes(), other.normal_vector.tobytes())
        if sine < _PARALLEL:
            continue
        x, y = _on_screen(plane, where, point)
        further = PatientPoint(*(at + 100 * step for at, step in zip(point, way, strict=True)))
        right, down = _on_screen(plane, where, further)
        long = math.hypot(right - x, down - y)
        along = np.array([(right - x) / long, (down - y) / long])
        slab = stage.state.mpr.slab(name)
        gap = slab.mm / 2 * where.scale / sine if other.reach > 0.5 else 0.0
        found.append(CrossLine(name, np.array([x, y]), along, gap, min(stage.size)))
    return found


@lru_cache(maxsize=64)  # planes stay as they lie while the place in them moves
def _common(normal: bytes, other: bytes) -> tuple[tuple[float, ...], float]:
    """Along the line of two planes (x, y, z), and the sine of the angle between them, from the
    bytes of their unit normals."""
    way = np.cross(np.frombuffer(normal), np.frombuffer(other))
    return tuple(way.tolist()), float(np.linalg.norm(way))


def taken_at(lines: list[CrossLine], x: float, y: float) -> Taken | None:
    """What a press at a place of the screen takes: handles before lines, None elsewhere."""
    at = np.array([x, y])
    for line in lines:
        if any(np.hypot(*(end - at)) <= NEAR_PX for end in line.ends):
            return Taken(line.name, "turn")
    for line in lines:
        if any(np.hypot(*(side - at)) <= NEAR_PX for side in line.sides):
            return Taken(line.name, "thicken")
    for line in lines:
        off = at - line.middle
        # Close to the middle all lines meet: there the place itself is moved.
        if abs(off @ line.across) <= _LINE_PX and abs(off @ line.along) > 4 * _LINE_PX:
            return Taken(line.name, "move")
    return None


def _on_screen(plane: SlicePlane, where: ScreenMap, point: PatientPoint) -> Place:
    _, row, column = plane.to_pixel(point)
    return where.to_screen(row, column)

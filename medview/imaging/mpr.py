"""How the three planes of a reconstruction stand to each other: turned, thickened, reset."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from medview.core.geometry import FloatArray, Geometry, PatientPoint, Vector
from medview.core.layout import Turn
from medview.imaging.oblique import ObliquePlane
from medview.imaging.planes import planes_of
from medview.imaging.slabs import THIN, Slab, thick
from medview.imaging.slice_plane import SlicePlane

_STILL = math.radians(0.02)  # a smaller turn is none


@dataclass(frozen=True, slots=True)
class Mpr:
    """What differs from the volume's own three planes: turns and slabs by a plane's name."""

    turns: tuple[tuple[str, Turn], ...] = ()
    slabs: tuple[tuple[str, Slab], ...] = ()
    is_smooth: bool = True
    roll: float = 0.0  # radians that the straightened picture is turned about its curve

    def slab(self, name: str) -> Slab:
        """How thick a plane is."""
        return dict(self.slabs).get(name, THIN)

    def with_slab(self, name: str, slab: Slab) -> Mpr:
        """Another thickness or kind of slab for one plane."""
        return replace(self, slabs=tuple((dict(self.slabs) | {name: slab}).items()))

    @property
    def is_turned(self) -> bool:
        """Whether any plane differs from the volume's own axes."""
        return bool(self.turns)

    def straightened(self) -> Mpr:
        """All planes along the volume's own axes again; slabs stay."""
        return replace(self, turns=())


STRAIGHT = Mpr()


def mpr_planes(geometry: Geometry, mpr: Mpr) -> dict[str, SlicePlane]:
    """The axial, coronal and sagittal plane of a grid as they stand, by name.

    A plane that is not turned looks at the voxels themselves.
    """
    turns = dict(mpr.turns)
    found: dict[str, SlicePlane] = {}
    for name, plane in planes_of(geometry).items():
        slab = mpr.slab(name)
        turn = turns.get(name)
        if turn is None:
            found[name] = thick(plane, slab)
        else:
            found[name] = ObliquePlane(
                name=name, geometry=geometry, right=turn.right, down=turn.down,
                anchor=turn.anchor, slab=slab, is_smooth=mpr.is_smooth,
                rest_mm=turn.rest_mm, span_mm=turn.span_mm,
            )  # fmt: skip
    return found


def turned_about(
    mpr: Mpr, planes: Mapping[str, SlicePlane], still: str, angle: float, point: PatientPoint
) -> Mpr:
    """The other planes turned about the normal of the plane `still` through a point.

    angle: radians, clockwise as that plane is seen (from right to down).
    """
    if abs(math.remainder(angle, math.tau)) < _STILL or still not in planes:
        return mpr
    rotation = rotation_about(planes[still].normal_vector, angle)
    turns = dict(mpr.turns)
    for name, plane in planes.items():
        if name != still:
            right, down = (_vector(rotation @ way) for way in _square(plane))
            turns[name] = Turn(right, down, point, *_view_of(plane, point))
    return replace(mpr, turns=tuple(turns.items()))


def rotation_about(axis: FloatArray, angle: float) -> FloatArray:
    """(3, 3) the right-handed rotation about a unit axis (Rodrigues' formula)."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(
        np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * (cross @ cross), np.float64
    )


def _view_of(
    plane: SlicePlane, point: PatientPoint
) -> tuple[tuple[float, float], tuple[float, float]]:
    """(right, down) millimetres from a point to the middle of a view, and what fills the view."""
    right, down = _square(plane)
    index = plane.to_pixel(point)[0]
    way = np.subtract(plane.to_patient(index, *plane.rest), point)
    rows, columns = plane.framed
    (across, shift), (_, high) = plane.in_plane
    span = (float(columns * across + abs(shift) * rows), float(rows * high))
    return (float(way @ right), float(way @ down)), span


def _square(plane: SlicePlane) -> tuple[FloatArray, FloatArray]:
    """Right and down of a plane as unit vectors at a right angle, also where pixels are sheared."""
    right = plane.step_right / np.linalg.norm(plane.step_right)
    return right, np.cross(plane.normal_vector, right)


def _vector(values: FloatArray) -> Vector:
    x, y, z = values / np.linalg.norm(values)
    return float(x), float(y), float(z)

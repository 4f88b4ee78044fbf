"""From voxel index to patient millimetres and back; nobody else multiplies by a spacing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import permutations
from math import hypot, isfinite
from operator import mul
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medview.core.errors import GeometryError
from medview.core.slices import Ladder
from medview.core.words import say

Vector = tuple[float, float, float]
FloatArray = NDArray[np.float64]


class PatientPoint(NamedTuple):
    """A point in patient space, LPS millimetres as in DICOM (C.7.6.2.1.1)."""

    x: float
    y: float
    z: float


class VoxelIndex(NamedTuple):
    """A place in an array [k, j, i]: slice, row, column; fractions are between voxel centres."""

    k: float
    j: float
    i: float


ORIGIN = PatientPoint(0.0, 0.0, 0.0)


Rows = tuple[tuple[float, ...], ...]  # the upper three rows of a (4, 4) matrix, as plain numbers


def _rows(matrix: FloatArray) -> Rows:
    return tuple(tuple(row) for row in matrix[:3].tolist())


def _by(rows: Rows, place: tuple[float, float, float]) -> tuple[float, float, float]:
    """A matrix times one place: for three numbers plain Python is five times as quick as numpy,
    and a view asks dozens of times a frame."""
    a, b, c = place
    (d, e, f, g), (h, i, j, k), (m, n, o, p) = rows
    return d * a + e * b + f * c + g, h * a + i * b + j * c + k, m * a + n * b + o * c + p


def _cross(one: Vector, other: Vector) -> Vector:
    (a, b, c), (d, e, f) = one, other
    return (b * f - c * e, c * d - a * f, a * e - b * d)


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """A grid in patient space.

    shape: (k, j, i) voxels. spacing: (i, j, k) millimetres, the order of SimpleITK.
    axes: unit vectors (LPS) of growing i, j and k; k need not be perpendicular to the slice
    (a gantry tilt shears the grid), and then spacing[2] is the step along axes[2].
    origin: centre of voxel (0, 0, 0).
    is_spatial: False for projections and captures, whose positions mean nothing in a patient.
    places: centre of voxel (0, 0) of every slice, ascending along the normal, where slices do not
    follow each other in even steps on one line. axes[2] and spacing[2] are then the line and the
    commonest step; affine and inverse speak of that even grid, `to_patient` and `to_index` of the
    slices as they lie (straight lines between neighbours).
    gaps: numbers of the slices (ascending) after which others are missing.
    """

    shape: tuple[int, int, int]
    spacing: Vector = (1.0, 1.0, 1.0)
    origin: PatientPoint = ORIGIN
    axes: tuple[Vector, Vector, Vector] = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    is_spatial: bool = True
    places: tuple[PatientPoint, ...] | None = None
    gaps: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if min(self.shape) < 1 or not all(map(isfinite, self.spacing)) or min(self.spacing) <= 0:
            raise GeometryError(say("The grid has no size."), f"{self.shape} {self.spacing}")
        # For nine numbers NumPy's determinant and cross product are slow.
        if abs(sum(map(mul, _cross(*self.axes[:2]), self.axes[2]))) < 1e-4:
            raise GeometryError(say("The image's axes lie in one plane."))
        if self.places is not None and not self._is_ascending():
            raise GeometryError(say("The slices' places do not follow each other."))

    def _is_ascending(self) -> bool:
        along = np.array(self.places, float).reshape(-1, 3) @ np.array(self.normal)
        is_whole = len(along) == self.shape[0] > 1 and all(
            0 <= k < len(along) - 1 for k in self.gaps
        )
        return is_whole and bool((np.diff(along) > 0).all())

    @property
    def is_even(self) -> bool:
        """Whether the slices follow each other in even steps: the affine says all."""
        return self.places is None

    @cached_property
    def ladder(self) -> Ladder:
        """Where uneven slices lie. Only for geometries with places."""
        step = np.array(self.axes[2], float) * self.spacing[2]
        return Ladder(np.array(self.places, float), np.array(self.normal), step, self.gaps)

    @cached_property
    def affine(self) -> FloatArray:
        """(4, 4): [i, j, k, 1] to LPS millimetres."""
        matrix = np.eye(4)
        matrix[:3, :3] = np.array(self.axes, float).T * np.array(self.spacing, float)
        matrix[:3, 3] = self.origin
        return matrix

    @cached_property
    def inverse(self) -> FloatArray:
        """(4, 4): LPS millimetres to [i, j, k, 1]."""
        return np.asarray(np.linalg.inv(self.affine), np.float64)

    @cached_property
    def normal(self) -> Vector:
        """Unit normal of the slices, axes[0] x axes[1]."""
        normal = _cross(*self.axes[:2])
        length = hypot(*normal)
        return (normal[0] / length, normal[1] / length, normal[2] / length)

    @property
    def slice_step(self) -> float:
        """Millimetres between neighbouring slices along the normal."""
        return abs(float(np.dot(np.array(self.axes[2]) * self.spacing[2], self.normal)))

    @property
    def voxel_mm3(self) -> float:
        """Volume of one voxel."""
        return abs(float(np.linalg.det(self.affine[:3, :3])))

    @cached_property
    def _to_patient(self) -> Rows:
        return _rows(self.affine)

    @cached_property
    def _to_voxel(self) -> Rows:
        return _rows(self.inverse)

    def to_patient(self, index: VoxelIndex) -> PatientPoint:
        """Centre of a voxel (or a place between) in millimetres."""
        if self.places is None:
            x, y, z = _by(self._to_patient, (index.i, index.j, index.k))
        else:
            x, y, z = self.to_patient_array([index])[0]
        return PatientPoint(float(x), float(y), float(z))

    def to_index(self, point: PatientPoint) -> VoxelIndex:
        """The place of a point in the array, not rounded, possibly outside."""
        if self.places is None:
            i, j, k = _by(self._to_voxel, point)
        else:
            k, j, i = self.to_index_array([point])[0]
        return VoxelIndex(float(k), float(j), float(i))

    def to_patient_array(self, indices: ArrayLike) -> FloatArray:
        """(n, 3) indices [k, j, i] to (n, 3) points [x, y, z]."""
        kji = np.asarray(indices, float)
        if self.places is None:
            result: FloatArray = kji[:, ::-1] @ self.affine[:3, :3].T + self.affine[:3, 3]
            return result
        in_plane: FloatArray = kji[:, :0:-1] @ self.affine[:3, :2].T
        return in_plane + self.ladder.origins(kji[:, 0])

    def to_index_array(self, points: ArrayLike) -> FloatArray:
        """(n, 3) points [x, y, z] to (n, 3) indices [k, j, i]."""
        xyz = np.asarray(points, float)
        if self.places is None:
            ijk: FloatArray = xyz @ self.inverse[:3, :3].T + self.inverse[:3, 3]
            return ijk[:, ::-1]
        k = self.ladder.numbers(xyz)
        ij = (xyz - self.ladder.origins(k)) @ np.linalg.pinv(self.affine[:3, :2]).T
        return np.column_stack([k, ij[:, ::-1]])

    def contains(self, point: PatientPoint) -> bool:
        """Whether the point lies within half a voxel of the grid, and not where slices miss."""
        index = self.to_index(point)
        if not all(-0.5 <= v <= n - 0.5 for v, n in zip(index, self.shape, strict=True)):
            return False
        return self.places is None or bool(self.ladder.covered(np.array([index.k]))[0])

    @property
    def centre(self) -> PatientPoint:
        """The middle of the grid."""
        k, j, i = self.shape
        return self.to_patient(VoxelIndex((k - 1) / 2, (j - 1) / 2, (i - 1) / 2))

    def same_grid(self, other: Geometry, tolerance_mm: float = 0.01) -> bool:
        """Whether two grids put every voxel at the same place."""
        if self is other:
            return True
        if self.shape != other.shape or (self.places is None) != (other.places is None):
            return False
        if self.places is not None and other.places is not None:
            if not np.allclose(self.places, other.places, atol=tolerance_mm):
                return False
            return bool(np.allclose(self.affine[:, :2], other.affine[:, :2], atol=tolerance_mm))
        return bool(np.allclose(self.affine, other.affine, atol=tolerance_mm))

    def box(self, first: tuple[int, int, int], shape: tuple[int, int, int]) -> Geometry:
        """The grid of some of the voxels; first is the (k, j, i) of its own first one."""
        k, n = first[0], shape[0]
        origin = PatientPoint(*self.to_patient_array([first])[0])
        corner = VoxelIndex(0, first[1], first[2])
        shift = np.subtract(self.to_patient(corner), self.to_patient(VoxelIndex(0, 0, 0)))
        places = None if self.places is None or n < 2 else self.places[k : k + n]
        if places is not None:
            places = tuple(PatientPoint(*(np.array(place) + shift)) for place in places)
        gaps = tuple(gap - k for gap in self.gaps if k <= gap < k + n - 1)
        return replace(self, shape=shape, origin=origin, places=places, gaps=gaps)

    @cached_property
    def nearest_axes(self) -> tuple[int, int, int]:
        """For the patient's x, y and z the array axis (0 k, 1 j, 2 i) that runs most along it."""
        cosines = np.abs(np.array(self.axes, float))[::-1]  # [array axis, patient axis]

        def agreement(order: tuple[int, ...]) -> float:
            return float(sum(cosines[axis, patient] for patient, axis in enumerate(order)))

        x, y, z = max(permutations((2, 1, 0)), key=agreement)
        return x, y, z

    def slice_number(self, k: int) -> int:
        """The number that slice k has for a reader, from 1: from the head to the feet, from the
        front to the back, from the patient's right to the left; films and captures as stored."""
        along = self.nearest_axes.index(0)
        runs_back = self.is_spatial and self.axes[2][along] * (1, 1, -1)[along] < 0
        return self.shape[0] - k if runs_back else k + 1

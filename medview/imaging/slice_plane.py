"""What every plane answers: how many slices, which numbers, where a pixel lies in the patient.

Orthogonal planes (`planes.Plane`) look at the array itself; others resample it. Views, tools,
marks and overlays ask only for what stands here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray, Geometry, PatientPoint
from medview.core.volume import Volume


@dataclass(frozen=True, eq=False)
class Sample:
    """The numbers of one slice as they lie on its pixels.

    numbers: (rows, columns) or (rows, columns, 3) for colour, possibly a look into the volume.
    Modality value = numbers * slope + intercept, each a number or (rows, 1) or (1, columns).
    blank: (rows, columns) where there is no image (padding, missing slices, outside the volume);
    None where all is image.
    """

    numbers: NDArray[np.generic]
    slope: float | NDArray[np.float32] = 1.0
    intercept: float | NDArray[np.float32] = 0.0
    blank: NDArray[np.bool_] | None = None

    def values(self) -> NDArray[np.float32]:
        """Modality values (rows, columns), float32; NaN where there is no image."""
        slope, intercept = np.float32(self.slope), np.float32(self.intercept)
        values = np.asarray(self.numbers, np.float32) * slope + intercept
        if self.blank is not None:
            values[self.blank] = np.nan
        return values


class SlicePlane(Protocol):
    """One way to slice a grid into parallel pictures; pixel centres are whole numbers."""

    @property
    def name(self) -> str:
        """axial, coronal, sagittal, native (as stored), or of the plane's own kind."""

    @property
    def is_native(self) -> bool:
        """Whether its slices are those that were acquired, number for number."""

    @property
    def is_spatial(self) -> bool:
        """Whether its places mean something in the patient."""

    @property
    def is_flat(self) -> bool:
        """Whether its slices are parallel planes."""

    @property
    def is_resampled(self) -> bool:
        """Whether its pixels are no voxels of the volume."""

    @property
    def own_geometry(self) -> Geometry:
        """The grid of the arrays that it cuts."""

    @property
    def count(self) -> int:
        """How many slices there are along the normal."""

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of a slice."""

    @property
    def framed(self) -> tuple[float, float]:
        """(rows, columns) that fill a view at first; turning a plane changes neither."""

    @property
    def rest(self) -> tuple[float, float]:
        """(row, column) in the middle of a view at first."""

    @property
    def reading_step(self) -> int:
        """+1 or -1: what leads to the next slice as it is read."""

    @property
    def reach(self) -> float:
        """How far from a slice's middle it shows, in slices: a half, more for slabs."""

    def sample(self, volume: Volume, index: int) -> Sample:
        """The numbers of a slice; an index outside is the nearest one inside."""

    def values(self, volume: Volume, index: int) -> NDArray[np.float32]:
        """Modality values (rows, columns) of a slice, float32; NaN where there is no image."""

    def to_patient(self, index: float, row: float, column: float) -> PatientPoint:
        """A place in a slice in patient millimetres."""

    def to_pixel(self, point: PatientPoint) -> tuple[float, float, float]:
        """(index, row, column) of a point, not rounded, possibly outside."""

    def matrix_at(self, index: float) -> FloatArray:
        """(4, 4): [index, row, column, 1] to LPS millimetres, true in the slice `index`."""

    @property
    def step_right(self) -> FloatArray:
        """(3,) millimetres (LPS) from a pixel to its right neighbour."""

    @property
    def step_down(self) -> FloatArray:
        """(3,) millimetres (LPS) from a pixel to the one below."""

    @property
    def in_plane(self) -> FloatArray:
        """(2, 2): [column, row] steps to millimetres [right, down] in the plane."""

    @property
    def normal_vector(self) -> FloatArray:
        """(3,) unit normal of the slices (LPS), right x down."""

    @property
    def step_mm(self) -> float:
        """Millimetres between neighbouring slices along their normal."""


class Flat(ABC):
    """What follows from the matrix of parallel, evenly stepped slices."""

    @property
    @abstractmethod
    def matrix(self) -> FloatArray:
        """(4, 4): [index, row, column, 1] to LPS millimetres."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of a slice."""

    @property
    def framed(self) -> tuple[float, float]:
        """(rows, columns) that fill a view at first: the whole slice."""
        return self.shape

    @property
    def rest(self) -> tuple[float, float]:
        """(row, column) in the middle of a view at first: the slice's own."""
        rows, columns = self.shape
        return (rows - 1) / 2, (columns - 1) / 2

    @cached_property
    def step_right(self) -> FloatArray:
        """(3,) millimetres (LPS) from a pixel to its right neighbour."""
        return np.asarray(self.matrix[:3, 2], np.float64)

    @cached_property
    def step_down(self) -> FloatArray:
        """(3,) millimetres (LPS) from a pixel to the one below."""
        return np.asarray(self.matrix[:3, 1], np.float64)

    @cached_property
    def in_plane(self) -> FloatArray:
        """(2, 2): [column, row] steps to millimetres [right, down] in the plane.

        Upper triangular: a gantry tilt shears the pixels, and they are drawn sheared.
        """
        across = float(np.linalg.norm(self.step_right))
        shift = float(self.step_down @ self.step_right) / across
        down = float(np.linalg.norm(self.step_down - self.step_right * (shift / across)))
        return np.array([[across, shift], [0.0, down]])

    @cached_property
    def normal_vector(self) -> FloatArray:
        """(3,) unit normal of the slices (LPS), right x down."""
        normal = np.cross(self.step_right, self.step_down)
        return np.asarray(normal / np.linalg.norm(normal), np.float64)

    @property
    def step_mm(self) -> float:
        """Millimetres between neighbouring slices along their normal."""
        return abs(float(self.matrix[:3, 0] @ self.normal_vector))

"""The three planes of a volume as strided looks at its array, and their place in the patient.

Each anatomical plane takes the nearest axis of the array as its normal; rows and columns are
flipped so that radiological convention holds: axial seen from the feet (right on the screen's
left), coronal from the front, sagittal with anterior on the screen's left. Nothing is interpolated:
for oblique acquisitions the planes follow the volume's own axes and the letters say so. Across
slices that lie unevenly a plane shows even lines, each from the slice that is nearest to it, and
nothing where slices are missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray, Geometry, PatientPoint, VoxelIndex
from medview.core.volume import Volume
from medview.imaging.lines import EvenLines, even_lines
from medview.imaging.slice_plane import Flat, Sample

PLANES = ("axial", "coronal", "sagittal")
# For each plane the patient axis (0 x, 1 y, 2 z) of normal, screen right, screen down, with the
# sign that screen right and screen down must have along it.
_CONVENTION = {
    "axial": (2, (0, 1), (1, 1)),
    "coronal": (1, (0, 1), (2, -1)),
    "sagittal": (0, (1, 1), (2, -1)),
}


# Along which patient axis, and which way, slices are read: to the feet, backwards, to the left.
_READING = {"axial": (2, -1), "coronal": (1, 1), "sagittal": (0, 1)}


@dataclass(frozen=True, kw_only=True)
class Plane(Flat):
    """One way to slice a grid along its own axes.

    name: axial, coronal, sagittal or native (as stored). normal, down, right: which array axis
    (0 k, 1 j, 2 i) is sliced along, grows downwards, grows to the right; flips: whether down and
    right run against the array. lines: for planes across uneven slices, which slice stands at
    each line; `geometry` is then the even grid that is shown.
    """

    name: str
    geometry: Geometry
    normal: int
    down: int
    right: int
    flips: tuple[bool, bool] = (False, False)
    lines: EvenLines | None = None

    @property
    def is_native(self) -> bool:
        """Whether its slices are those that were acquired, number for number."""
        return self.normal == 0

    @property
    def is_spatial(self) -> bool:
        """Whether its places mean something in the patient."""
        return self.name != "native"

    @property
    def is_flat(self) -> bool:
        """Its slices are parallel planes."""
        return True

    @property
    def is_resampled(self) -> bool:
        """Whether lines are shown that no slice stands on."""
        return self.lines is not None

    @property
    def reach(self) -> float:
        """How far from a slice's middle it shows, in slices."""
        return 0.5

    @property
    def reading_step(self) -> int:
        """+1 or -1 in the array for the next slice as it is read; films and captures as stored."""
        if self.name not in _READING:
            return 1
        axis, wanted = _READING[self.name]
        return 1 if self.matrix[axis, 0] * wanted >= 0 else -1

    @property
    def own_geometry(self) -> Geometry:
        """The grid of the arrays that `cut` takes."""
        return self.geometry if self.lines is None else self.lines.source

    @property
    def slice_of_line(self) -> NDArray[np.intp]:
        """The stored slice at each place along k, in the array's order."""
        if self.lines is None:
            return np.arange(self.geometry.shape[0])
        return self.lines.slices

    @property
    def count(self) -> int:
        """How many slices there are along the normal."""
        return self.geometry.shape[self.normal]

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of a slice."""
        return self.geometry.shape[self.down], self.geometry.shape[self.right]

    def cut(self, array: NDArray[np.generic], index: int) -> NDArray[np.generic]:
        """One slice of an array [k, j, i] or [k, j, i, 3]: a look through strides, no copy.

        Across uneven slices a copy, with the nearest voxel also where `missing` says that none is.
        """
        index = min(max(index, 0), self.count - 1)
        if self.lines is None:
            where: list[slice | int] = [slice(None)] * self.normal
            part = array[(*where, index)]
        else:
            part = self.lines.cut(array, self.normal, index)
        return self._turned(part)

    def missing(self, index: int) -> NDArray[np.bool_] | None:
        """(rows, columns) where no slice lies; None where all of the slice is covered."""
        if self.lines is None:
            return None
        found = self.lines.missing(self.normal, min(max(index, 0), self.count - 1))
        return np.asarray(self._turned(found), bool) if found.any() else None

    def _turned(self, part: NDArray[np.generic]) -> NDArray[np.generic]:
        """The two axes that are left, as they stand on the screen."""
        if self.down > self.right:
            part = part.swapaxes(0, 1)
        rows = slice(None, None, -1) if self.flips[0] else slice(None)
        columns = slice(None, None, -1) if self.flips[1] else slice(None)
        return part[rows, columns]

    def rescale(
        self, volume: Volume, index: int
    ) -> tuple[float | NDArray[np.float32], float | NDArray[np.float32]]:
        """Slope and intercept of a slice; arrays where they differ inside it (PET, cut across)."""
        if volume.per_slice is None:
            return volume.slope, volume.intercept
        if self.normal == 0:
            slope, intercept = volume.per_slice[min(max(index, 0), self.count - 1)]
            return float(slope), float(intercept)
        along_rows = self.down == 0
        both = volume.per_slice.astype(np.float32)[self.slice_of_line]
        if self.flips[0 if along_rows else 1]:
            both = both[::-1]
        shape = (-1, 1) if along_rows else (1, -1)
        return both[:, 0].reshape(shape), both[:, 1].reshape(shape)

    def sample(self, volume: Volume, index: int) -> Sample:
        """The numbers of a slice: a look into the volume, across uneven slices a copy."""
        stored = self.cut(volume.stored, index)
        blank = self.missing(index)
        if volume.is_colour:
            return Sample(stored, blank=blank)
        slope, intercept = self.rescale(volume, index)
        if volume.padding is not None:
            padded = is_padding(stored, volume.padding)
            blank = padded if blank is None else padded | blank
        return Sample(stored, slope, intercept, blank)

    def values(self, volume: Volume, index: int) -> NDArray[np.float32]:
        """Modality values of a slice (rows, columns), float32; padding and what is missing NaN."""
        return self.sample(volume, index).values()

    def to_voxel(self, index: float, row: float, column: float) -> VoxelIndex:
        """The place in the array of a place in a slice; pixel centres are whole numbers."""
        rows, columns = self.shape
        place = [0.0, 0.0, 0.0]
        place[self.normal] = index
        place[self.down] = rows - 1 - row if self.flips[0] else row
        place[self.right] = columns - 1 - column if self.flips[1] else column
        return VoxelIndex(*place)

    def to_patient(self, index: float, row: float, column: float) -> PatientPoint:
        """A place in a slice in patient millimetres."""
        return self.geometry.to_patient(self.to_voxel(index, row, column))

    def to_pixel(self, point: PatientPoint) -> tuple[float, float, float]:
        """(index, row, column) of a point, not rounded, possibly outside."""
        place = self.geometry.to_index(point)
        rows, columns = self.shape
        row, column = place[self.down], place[self.right]
        return (
            place[self.normal],
            rows - 1 - row if self.flips[0] else row,
            columns - 1 - column if self.flips[1] else column,
        )

    @cached_property
    def matrix(self) -> FloatArray:
        """(4, 4): [index, row, column, 1] to LPS millimetres."""
        zero = np.array(self.to_patient(0, 0, 0))
        matrix = np.eye(4)
        for position, unit in enumerate(np.eye(3)):
            matrix[:3, position] = np.array(self.to_patient(*unit)) - zero
        matrix[:3, 3] = zero
        return matrix

    def matrix_at(self, index: float) -> FloatArray:
        """(4, 4): `matrix` with the slice's own place, also where slices lie unevenly."""
        matrix = self.matrix.copy()
        matrix[:3, 3] = np.array(self.to_patient(index, 0, 0)) - matrix[:3, 0] * index
        return matrix


def is_padding(stored: NDArray[np.generic], padding: tuple[float, float]) -> NDArray[np.bool_]:
    """Which stored numbers are no image (PS3.3 C.7.5.1.1.2), same shape."""
    numbers = np.asarray(stored)
    low, high = padding
    return np.asarray(np.greater_equal(numbers, low) & np.less_equal(numbers, high))


def planes_of(geometry: Geometry) -> dict[str, Plane]:
    """The axial, coronal and sagittal plane of a grid, by name."""
    assigned = geometry.nearest_axes
    planes = {}
    for name, (normal, (right, right_sign), (down, down_sign)) in _CONVENTION.items():
        flips = (
            _runs_against(geometry, assigned[down], down, down_sign),
            _runs_against(geometry, assigned[right], right, right_sign),
        )
        is_across = assigned[normal] != 0 and not geometry.is_even
        lines = even_lines(geometry) if is_across else None
        planes[name] = Plane(
            name=name,
            geometry=geometry if lines is None else lines.geometry,
            normal=assigned[normal],
            down=assigned[down],
            right=assigned[right],
            flips=flips,
            lines=lines,
        )
    return planes


def native_plane(geometry: Geometry) -> Plane:
    """The plane in which the slices were acquired; as stored where positions mean nothing."""
    if geometry.is_spatial:
        return next(plane for plane in planes_of(geometry).values() if plane.normal == 0)
    return Plane(name="native", geometry=geometry, normal=0, down=1, right=2)


def _cosine(geometry: Geometry, array_axis: int, patient_axis: int) -> float:
    return geometry.axes[2 - array_axis][patient_axis]  # axes are i, j, k; arrays are k, j, i


def _runs_against(geometry: Geometry, array_axis: int, patient_axis: int, sign: int) -> bool:
    return _cosine(geometry, array_axis, patient_axis) * sign < 0

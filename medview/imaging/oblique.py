"""Planes that are turned freely: parallel slices resampled from the volume by our own kernel.

Pixels are squares as fine as the finest voxel edge; a slice shows the whole volume. Slices run as
they are read, and one of them goes through `anchor`, the place around which the plane was turned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from medview.core.geometry import FloatArray, Geometry, PatientPoint, Vector
from medview.core.volume import Volume
from medview.imaging.resampled import Resampled
from medview.imaging.sampling import Found, Layers, Source, linear, nearest
from medview.imaging.slabs import THIN, Slab, combined, nearest_slab
from medview.imaging.slice_plane import Sample

DRAFT_STEP = 2  # pixels of a slice along an edge that are one while it is turned
_DRAFT_SLICES = 9
_DRAFT_PIXELS, _COARSEST = 400_000, 4  # of all layers: some 5 ms without compiled kernels
_MOST_PIXELS = 1024  # along an edge
# Whether slices are read along right x down: backwards yes, to the feet and to the left no.
_RUNS_ALONG = {"axial": False, "coronal": True, "sagittal": False}


@dataclass(frozen=True, kw_only=True)
class ObliquePlane(Resampled):
    """Slices of a geometry in the plane of two unit vectors (LPS), right and down.

    is_smooth: whether numbers are interpolated; otherwise each pixel has that of its voxel.
    rest_mm: (right, down) from the anchor to the middle of a view, span_mm: (width, height) that
    fill it; None for the middle and the size of the whole slice.
    """

    ns_a_pixel: ClassVar[float] = 35.0

    name: str
    geometry: Geometry
    right: Vector
    down: Vector
    anchor: PatientPoint
    slab: Slab = THIN
    is_smooth: bool = True
    rest_mm: tuple[float, float] | None = None
    span_mm: tuple[float, float] | None = None

    @property
    def is_flat(self) -> bool:
        """Its slices are parallel planes."""
        return True

    @property
    def framed(self) -> tuple[float, float]:
        """(rows, columns) that fill a view at first: as much as before the plane was turned."""
        if self.span_mm is None:
            return self.shape
        return self.span_mm[1] / self.pixel_mm, self.span_mm[0] / self.pixel_mm

    @property
    def rest(self) -> tuple[float, float]:
        """(row, column) in the middle of a view at first: the anchor stays where it was."""
        if self.rest_mm is None:
            return super().rest
        _, row, column = self.to_pixel(self.anchor)
        return row + self.rest_mm[1] / self.pixel_mm, column + self.rest_mm[0] / self.pixel_mm

    @cached_property
    def _frame(self) -> FloatArray:
        """(3, 3) unit rows: along which slices are counted, down, right."""
        ahead = np.cross(self.right, self.down)
        sign = 1.0 if _RUNS_ALONG.get(self.name, True) else -1.0
        return np.array([sign * ahead / np.linalg.norm(ahead), self.down, self.right], float)

    @cached_property
    def _bounds(self) -> tuple[FloatArray, FloatArray]:
        """Where the volume begins and ends along the frame, millimetres from the anchor."""
        deep, high, wide = self.geometry.shape
        k = np.array([-0.5, deep - 0.5]) if self.geometry.is_even else np.arange(deep)
        corners = np.array(
            [(each, j, i) for each in k for j in (-0.5, high - 0.5) for i in (-0.5, wide - 0.5)]
        )
        along = (self.geometry.to_patient_array(corners) - np.array(self.anchor)) @ self._frame.T
        return along.min(axis=0), along.max(axis=0)

    @cached_property
    def pixel_mm(self) -> float:
        """The edge of a pixel, and the step between slices."""
        low, high = self._bounds
        return max(min(self.geometry.spacing), float((high - low).max()) / _MOST_PIXELS)

    @cached_property
    def _box(self) -> tuple[tuple[int, int, int], FloatArray]:
        """(slices, rows, columns), and millimetres from the anchor to the first voxel's centre."""
        low, high = (edge / self.pixel_mm for edge in self._bounds)
        # The outermost centre lies half a pixel inside; centres are whole steps from the anchor.
        first = np.ceil(low + 0.5 - 1e-6)
        last = np.floor(high - 0.5 + 1e-6)
        slices, rows, columns = (int(size) for size in np.maximum(last - first + 1, 1))
        return (slices, rows, columns), first * self.pixel_mm

    @property
    def count(self) -> int:
        """How many slices there are along the normal."""
        return self._box[0][0]

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of a slice."""
        return self._box[0][1:]

    @cached_property
    def matrix(self) -> FloatArray:
        """(4, 4): [index, row, column, 1] to LPS millimetres."""
        matrix = np.eye(4)
        matrix[:3, :3] = self._frame.T * self.pixel_mm
        matrix[:3, 3] = np.array(self.anchor) + self._box[1] @ self._frame
        return matrix

    @cached_property
    def _inverse(self) -> FloatArray:
        return np.asarray(np.linalg.inv(self.matrix), np.float64)

    def matrix_at(self, index: float) -> FloatArray:
        """(4, 4): [index, row, column, 1] to LPS millimetres; the same in every slice."""
        return self.matrix

    def to_patient(self, index: float, row: float, column: float) -> PatientPoint:
        """A place in a slice in patient millimetres."""
        x, y, z, _ = self.matrix @ (index, row, column, 1.0)
        return PatientPoint(float(x), float(y), float(z))

    def to_pixel(self, point: PatientPoint) -> tuple[float, float, float]:
        """(index, row, column) of a point, not rounded, possibly outside."""
        index, row, column, _ = self._inverse @ (*point, 1.0)
        return float(index), float(row), float(column)

    def sample(self, volume: Volume, index: int) -> Sample:
        """The numbers of a slice or slab, interpolated unless they are colours."""
        is_smooth = self.is_smooth and not volume.is_colour
        offsets = self.offsets if not volume.is_colour else (0.0,)
        parts = (self._slice(volume, index + offset, is_smooth=is_smooth) for offset in offsets)
        return combined(parts, self.slab.mode)

    def draft(self, volume: Volume, index: int) -> Sample:
        """The same from the nearest voxels and coarser, while the reader turns it."""
        offsets = self.slab.offsets(self.step_mm, most=_DRAFT_SLICES)
        if volume.is_colour:
            offsets = (0.0,)
        step, pixels = DRAFT_STEP, self.shape[0] * self.shape[1] * len(offsets)
        while pixels / step**2 > _DRAFT_PIXELS and step < _COARSEST:
            step += 1
        matrix, shape = self.lookup(index, step)
        ahead = self.matrix_at(index)[:3, 0]
        return nearest_slab(volume, matrix, shape, Layers(self.slab.mode, ahead, offsets))

    def thinned(self) -> ObliquePlane:
        """The slice in the middle of the slab."""
        return replace(self, slab=THIN)

    def _slice(
        self, volume: Volume, index: float, *, step: int = 1, is_smooth: bool = False
    ) -> Sample:
        source = Source.of(volume)
        matrix, shape = self.lookup(index, step)
        return (linear if is_smooth else nearest)(source, matrix, shape).sample(volume)

    def find_nearest(self, source: Source, index: int, offset: float) -> Found:
        """The numbers of another array's nearest voxels on a slice, or a layer of its slab."""
        matrix, shape = self.lookup(index + offset)
        return nearest(source, matrix, shape)

    def lookup(self, index: float, step: int = 1) -> tuple[FloatArray, tuple[int, int]]:
        """(4, 3): [row, column, 1] of a slice to LPS, and its shape; `step` pixels are one."""
        rows, columns = self.shape
        matrix = self.matrix_at(index)
        start = matrix @ (index, (step - 1) / 2, (step - 1) / 2, 1.0)
        found = np.column_stack([matrix[:, 1] * step, matrix[:, 2] * step, start])
        return found, (-(-rows // step), -(-columns // step))

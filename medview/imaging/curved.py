"""Curved planar reformation: a volume along a curve, straightened, and cut across it.

In the straightened picture a row is a step of arc length and a column a step to the side, both of
`pixel_mm`: lengths along the curve and across it are true millimetres, areas beside a bend are not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from medview.core.geometry import FloatArray, Geometry, PatientPoint
from medview.core.volume import Volume
from medview.imaging.curves import Curve
from medview.imaging.mpr import Mpr
from medview.imaging.oblique import DRAFT_STEP, ObliquePlane
from medview.imaging.planes import Plane
from medview.imaging.resampled import Resampled
from medview.imaging.sampling import Found, Source, linear_at, nearest_at
from medview.imaging.slabs import THIN, Slab, combined
from medview.imaging.slice_plane import Sample

CURVED = ("curved", "section")  # names of its planes
ROLL = math.radians(5.0)  # that a step of the wheel turns the straightened picture
WIDTH_MM = 60.0  # of the straightened picture
SECTION_MM = 60.0  # edge of a cross-section


@dataclass(frozen=True, kw_only=True)
class CurvedPlane(Resampled):
    """The straightened picture; `angle` (radians) turns it about the curve.

    Its one slice has the curve in the middle column, from the first point at the top.
    """

    ns_a_pixel: ClassVar[float] = 60.0

    geometry: Geometry
    curve: Curve
    angle: float = 0.0
    slab: Slab = THIN
    is_smooth: bool = True
    name: str = "curved"

    @property
    def is_flat(self) -> bool:
        """It is bent."""
        return False

    @property
    def pixel_mm(self) -> float:
        """Millimetres of a pixel, along the curve and across."""
        return self.curve.step_mm

    @property
    def count(self) -> int:
        """One picture."""
        return 1

    @cached_property
    def shape(self) -> tuple[int, int]:
        """(rows, columns): steps along the curve, and across it."""
        return len(self.curve.places), 2 * round(WIDTH_MM / 2 / self.pixel_mm) + 1

    @cached_property
    def sideways(self) -> FloatArray:
        """(n, 3) unit vectors to the right of the picture, row by row."""
        return math.cos(self.angle) * self.curve.across + math.sin(self.angle) * self.curve.aside

    @cached_property
    def _towards(self) -> FloatArray:
        """(n, 3) unit normals of the picture, row by row: right x down."""
        return np.cross(self.sideways, self.curve.tangents)

    @cached_property
    def matrix(self) -> FloatArray:
        """(4, 4): [index, row, column, 1] to millimetres, true in the first row alone."""
        matrix = np.eye(4)
        ways = (self._towards[0], self.curve.tangents[0], self.sideways[0])
        matrix[:3, :3] = np.stack(ways, axis=1) * self.pixel_mm
        matrix[:3, 3] = np.array(self.to_patient(0, 0, 0))
        return matrix

    def matrix_at(self, index: float) -> FloatArray:
        """(4, 4): see `matrix`; what needs every row asks `points`."""
        return self.matrix

    def to_patient(self, index: float, row: float, column: float) -> PatientPoint:
        """A place of the picture in patient millimetres; beyond the ends along the tangents."""
        last = len(self.curve.places) - 1
        at = min(max(row, 0.0), float(last))
        low = min(int(at), last - 1)
        share = at - low
        middle = (self.shape[1] - 1) / 2

        def there(values: FloatArray) -> FloatArray:
            return np.asarray(values[low] * (1 - share) + values[low + 1] * share, np.float64)

        place = there(self.curve.places) + there(self.curve.tangents) * (row - at) * self.pixel_mm
        place = place + there(self.sideways) * (column - middle) * self.pixel_mm
        place = place + there(self._towards) * index * self.pixel_mm
        x, y, z = place
        return PatientPoint(float(x), float(y), float(z))

    def to_pixel(self, point: PatientPoint) -> tuple[float, float, float]:
        """(pixels off the picture, row, column) of a point, by the curve's nearest place."""
        row = self.curve.nearest(point)
        at = round(row)
        off = (np.asarray(point, float) - self.curve.places[at]) / self.pixel_mm
        middle = (self.shape[1] - 1) / 2
        return float(off @ self._towards[at]), row, middle + float(off @ self.sideways[at])

    def points(self, rows: slice, offset: float = 0.0, step: int = 1) -> FloatArray:
        """(rows, columns, 3) places of pixels in the patient; `step` pixels are one."""
        lines = np.arange(rows.start, rows.stop) * step + (step - 1) // 2
        lines = np.minimum(lines, len(self.curve.places) - 1)
        columns = -(-self.shape[1] // step)
        across = (np.arange(columns) * step + (step - 1) / 2) - (self.shape[1] - 1) / 2
        start = self.curve.places[lines] + self._towards[lines] * (offset * self.pixel_mm)
        ways = self.sideways[lines] * self.pixel_mm
        return np.asarray(start[:, None, :] + across[None, :, None] * ways[:, None, :], np.float64)

    def sample(self, volume: Volume, index: int) -> Sample:
        """The straightened picture, or a slab of it."""
        return self._sample(volume, self.offsets, 1, is_smooth=self.is_smooth)

    def draft(self, volume: Volume, index: int) -> Sample:
        """The same coarser and from the nearest voxels, while the reader turns it."""
        offsets = self.slab.offsets(self.pixel_mm, most=9)
        return self._sample(volume, offsets, DRAFT_STEP, is_smooth=False)

    def _sample(
        self, volume: Volume, offsets: tuple[float, ...], step: int, *, is_smooth: bool
    ) -> Sample:
        source = Source.of(volume)
        if volume.is_colour:
            offsets, is_smooth = (0.0,), False
        shape = (-(-self.shape[0] // step), -(-self.shape[1] // step))
        cut = linear_at if is_smooth else nearest_at

        def layer(offset: float) -> Sample:
            found = cut(source, lambda rows: self.points(rows, offset, step), shape)
            return found.sample(volume)

        return combined((layer(offset) for offset in offsets), self.slab.mode)

    def find_nearest(self, source: Source, index: int, offset: float) -> Found:
        """The numbers of another array's nearest voxels on the picture, or a layer of its slab."""
        return nearest_at(source, lambda rows: self.points(rows, offset), self.shape)

    def thinned(self) -> CurvedPlane:
        """The picture in the middle of the slab."""
        return replace(self, slab=THIN)

    @cached_property
    def unrolled(self) -> Plane:
        """The straightened picture as a flat one, row for row: what is measured on it is true
        along the curve and across."""
        pixel = self.pixel_mm
        flat = Geometry(shape=(1, *self.shape), spacing=(pixel, pixel, pixel))
        return Plane(name="native", geometry=flat, normal=0, down=1, right=2)


def unroll(plane: CurvedPlane, point: PatientPoint) -> PatientPoint:
    """Where a place of the patient lies on the flat picture, millimetres."""
    _, row, column = plane.to_pixel(point)
    return plane.unrolled.to_patient(0, row, column)


def unrolled_volume(plane: CurvedPlane, volume: Volume) -> Volume:
    """The straightened picture as a volume of one slice; outside it is 0."""
    values = np.nan_to_num(plane.values(volume, 0))[None]
    return Volume(
        geometry=plane.unrolled.geometry, stored=values, unit=volume.unit,
        modality=volume.modality,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CrossSections(ObliquePlane):
    """Square pictures across a curve, one at every step along it, from its first point."""

    curve: Curve

    @property
    def is_flat(self) -> bool:
        """Each leans to its neighbours."""
        return False

    @property
    def _half(self) -> int:
        return round(SECTION_MM / 2 / self.pixel_mm)

    @cached_property
    def pixel_mm(self) -> float:
        """The edge of a pixel, and the step along the curve."""
        return self.curve.step_mm

    @property
    def count(self) -> int:
        """How many there are along the curve."""
        return len(self.curve.places)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return 2 * self._half + 1, 2 * self._half + 1

    @cached_property
    def matrix(self) -> FloatArray:
        """(4, 4): [index, row, column, 1] to millimetres, true in the first section alone."""
        return self.matrix_at(0)

    def matrix_at(self, index: float) -> FloatArray:
        """(4, 4): [index, row, column, 1] to LPS millimetres, true in and about one section."""
        at = int(np.clip(round(index), 0, self.count - 1))
        curve = self.curve
        ways = np.stack([curve.tangents[at], curve.aside[at], curve.across[at]], axis=1)
        matrix = np.eye(4)
        matrix[:3, :3] = ways * self.pixel_mm
        middle = np.array([at, self._half, self._half], float)
        matrix[:3, 3] = curve.places[at] - matrix[:3, :3] @ middle
        return matrix

    def flat_at(self, index: int) -> ObliquePlane:
        """The plane of one section, through the whole volume."""
        x, y, z = self.curve.places[index]
        return ObliquePlane(
            name=self.name,
            geometry=self.geometry,
            right=_three(self.curve.across[index]),
            down=_three(self.curve.aside[index]),
            anchor=PatientPoint(float(x), float(y), float(z)),
            slab=self.slab,
            is_smooth=self.is_smooth,
        )

    def to_patient(self, index: float, row: float, column: float) -> PatientPoint:
        """A place in a section in patient millimetres."""
        x, y, z, _ = self.matrix_at(index) @ (index, row, column, 1.0)
        return PatientPoint(float(x), float(y), float(z))

    def to_pixel(self, point: PatientPoint) -> tuple[float, float, float]:
        """(index, row, column) of a point, by the curve's nearest place."""
        nearest = round(self.curve.nearest(point))
        index, row, column, _ = np.linalg.inv(self.matrix_at(nearest)) @ (*point, 1.0)
        return float(index), float(row), float(column)


def curved_plane(
    name: str, geometry: Geometry, curve: Curve | None, mpr: Mpr
) -> CurvedPlane | CrossSections | None:
    """The straightened picture ("curved") or the sections of a curve; None without a curve."""
    if curve is None:
        return None
    slab, is_smooth = mpr.slab(name), mpr.is_smooth
    if name == "curved":
        return CurvedPlane(
            geometry=geometry, curve=curve, angle=mpr.roll, slab=slab, is_smooth=is_smooth
        )
    return cross_sections(geometry, curve, slab=slab, is_smooth=is_smooth)


def cross_sections(
    geometry: Geometry, curve: Curve, *, slab: Slab = THIN, is_smooth: bool = True
) -> CrossSections:
    """The sections of a volume across a curve."""
    first = PatientPoint(*(float(v) for v in curve.places[0]))
    return CrossSections(
        name="section",
        geometry=geometry,
        right=_three(curve.across[0]),
        down=_three(curve.aside[0]),
        anchor=first,
        curve=curve,
        slab=slab,
        is_smooth=is_smooth,
    )


def _three(vector: FloatArray) -> tuple[float, float, float]:
    x, y, z = vector
    return float(x), float(y), float(z)

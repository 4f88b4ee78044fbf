"""Where something is measured: the voxels, the slices, what a length is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray, Geometry, PatientPoint
from medview.core.study import Region
from medview.core.volume import Volume
from medview.imaging.oblique import ObliquePlane
from medview.imaging.planes import Plane, native_plane, planes_of
from medview.imaging.roi.shapes import across, pixels_of, polygon_area
from medview.imaging.slice_plane import SlicePlane

PIXELS = "{pixels}"
_PARALLEL = 0.999  # cosine


@dataclass(frozen=True, eq=False, kw_only=True)
class Site:
    """What a measurement is taken from.

    volume: its values; it need not be the volume that is drawn on (PET under CT). plane: the slices
    of `volume` that lie as the measurement does. calibration: Stack.calibration, or USER; factor:
    by how much lengths of the geometry are multiplied to be true (USER). regions: of ultrasound.
    ready: (k,) which slices hold voxels; None for all.
    """

    volume: Volume
    plane: SlicePlane
    calibration: str = "patient"
    factor: float = 1.0
    regions: tuple[Region, ...] = ()
    ready: NDArray[np.bool_] | None = None

    @property
    def is_in_pixels(self) -> bool:
        """Whether nothing is known of a pixel's size."""
        return self.calibration == "none"

    def length(self, start: Sequence[float], end: Sequence[float]) -> float:
        """Distance in millimetres, or in pixels."""
        if not self.is_in_pixels:
            return float(np.linalg.norm(np.subtract(end, start))) * self.factor
        places = pixels_of(self.plane, np.array([start, end], float))
        return float(np.hypot(*(places[1] - places[0])[1:]))

    def area(self, corners: FloatArray) -> float:
        """Of a polygon of (n, 3) corners: square millimetres, or pixels."""
        if not self.is_in_pixels:
            return polygon_area(corners) * self.factor**2
        return polygon_area(pixels_of(self.plane, corners)[:, 1:])

    def has_slice(self, index: int) -> bool:
        """Whether all voxels of a slice of the plane are there."""
        if self.ready is None or bool(self.ready.all()):
            return True
        is_acquired = self.plane.is_native and 0 <= index < len(self.ready)
        return is_acquired and bool(self.ready[index])

    def has_around(self, point: PatientPoint, radius: float) -> bool:
        """Whether all slices are there that a sphere reaches."""
        if self.ready is None or bool(self.ready.all()):
            return True
        geometry = self.volume.geometry
        k = geometry.to_index(point).k
        reach = radius / max(geometry.slice_step, 1e-6)
        low, high = max(0, int(np.floor(k - reach))), int(np.ceil(k + reach)) + 1
        return bool(self.ready[low:high].all())

    def region_of(self, points: Sequence[PatientPoint]) -> Region | None:
        """The ultrasound region that holds all points; the smallest where regions overlap."""
        places = [self.plane.to_pixel(point)[1:] for point in points]
        holding = [r for r in self.regions if all(r.holds(*place) for place in places)]
        return min(holding, key=lambda r: r.extent, default=None)


def plane_along(
    geometry: Geometry, normal: Sequence[float], through: PatientPoint | None = None
) -> SlicePlane | None:
    """The slices of a grid that lie as a measurement does.

    Where none of its own planes do: thin resampled ones, one of them through a place; None where
    no place is given. Two calls with one place give the same pixels.
    """
    if not geometry.is_spatial:
        return native_plane(geometry)
    for plane in planes_of(geometry).values():
        if abs(float(np.dot(plane.normal_vector, normal))) >= _PARALLEL:
            return plane
    if through is None:
        return None
    right, down = (PatientPoint(*(float(v) for v in way)) for way in across(normal))
    return ObliquePlane(name="oblique", geometry=geometry, right=right, down=down, anchor=through)


def in_units_of(
    plane: SlicePlane, points: Sequence[PatientPoint], region: Region
) -> tuple[SlicePlane, tuple[PatientPoint, ...]]:
    """The slice and the points in the units of an ultrasound region's pixels."""
    if not isinstance(plane, Plane):  # ultrasound regions lie on pictures as they were acquired
        return plane, tuple(points)
    down, across = region.spacing
    spacing = (across, down, plane.geometry.spacing[2])
    own = replace(plane, geometry=replace(plane.geometry, spacing=spacing))
    return own, tuple(own.to_patient(*plane.to_pixel(point)) for point in points)

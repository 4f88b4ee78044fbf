"""The numbers of a measurement: lengths, angles, areas, volumes and statistics with their units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from medview.core.geometry import FloatArray, PatientPoint
from medview.core.measured import quantity
from medview.core.results import Measurement, Quantity
from medview.core.study import Region
from medview.imaging.planes import Plane
from medview.imaging.roi.kinds import CLOSED, SOLID
from medview.imaging.roi.peak import peak
from medview.imaging.roi.shapes import angle, chest_widths, cobb_angle, crosses_itself, outline
from medview.imaging.roi.site import PIXELS, Site, in_units_of, plane_along
from medview.imaging.roi.statistics import (
    Histogram,
    histogram_of,
    planar_values,
    probe,
    sphere_values,
    statistics_of,
)

Points = Sequence[PatientPoint]

_UCUM = {
    "HU": "[hnsf'U]",
    "": "1",
    "SUVbw": "{SUVbw}g/ml",
    "SUVlbm": "{SUVlbm}g/ml",
    "SUVbsa": "{SUVbsa}cm2/ml",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """Numbers, and the calibration that lengths among them are true by."""

    quantities: tuple[Quantity, ...]
    calibration: str


def measured(kind: str, points: Points, site: Site) -> Measured:
    """The numbers of a measurement; see `kinds` for its points.

    Without calibration lengths are in pixels, as in ultrasound where no region holds all points.
    Values leave padding out and wait until all slices that they are of are there. On a slab or a
    turned plane they are those of the thin slice in its middle.
    """
    if type(site.plane) is not Plane:
        thin = plane_along(site.volume.geometry, site.plane.normal_vector.tolist(), points[0])
        site = site if thin is None else replace(site, plane=thin)
    if site.calibration != "US" or not site.regions:
        return Measured(tuple(_numbers(kind, points, site)), site.calibration)
    region = site.region_of(points)
    if region is None:
        site = replace(site, calibration="none")
        return Measured(tuple(_numbers(kind, points, site)), "none")
    if not region.is_length:
        return Measured(tuple(_along_axes(kind, points, site, region)), "US")
    plane, places = in_units_of(site.plane, points, region)
    found = list(_numbers(kind, places, replace(site, plane=plane)))
    if kind == "probe":  # its value lies where the picture has it
        found = list(_numbers(kind, points, site))
    return Measured(tuple(found), "US")


def again(measurement: Measurement, site: Site) -> Measurement:
    """The same measurement with its numbers as they are now.

    It stays as it is where the grid has no slices along it, and while slices that its values are
    of are not in memory, unless these values are of another unit.
    """
    along = plane_along(site.volume.geometry, measurement.normal, *measurement.points[:1])
    if along is None:
        return measurement
    site = replace(site, plane=along)
    if _waits(measurement.kind, measurement.points, site):
        unit = _UCUM.get(site.volume.unit, site.volume.unit)
        of_values = [q for q in measurement.quantities if q.concept in ("Mean", "Value")]
        if all(q.unit == unit for q in of_values) and of_values:
            return measurement
    now = measured(measurement.kind, measurement.points, site)
    return replace(measurement, quantities=now.quantities, calibration=now.calibration)


def _waits(kind: str, points: Points, site: Site) -> bool:
    """Whether slices that a measurement's values are of are not there yet."""
    if kind in SOLID:
        return not site.has_around(
            points[0], float(np.linalg.norm(np.subtract(points[1], points[0])))
        )
    if kind == "probe":
        return not site.has_around(points[0], 0.0)
    return kind in CLOSED and not site.has_slice(round(site.plane.to_pixel(points[0])[0]))


def histogram(kind: str, points: Points, site: Site) -> Histogram | None:
    """Of the values in a closed or solid shape; None where it has none."""
    return histogram_of(_values(kind, points, site))


def _numbers(kind: str, points: Points, site: Site) -> list[Quantity]:
    if kind in CLOSED:
        return _closed(kind, points, site)
    if kind in SOLID:
        return _solid(kind, points, site)
    return _SIMPLE.get(kind, _nothing)(points, site)


def _nothing(_points: Points, _site: Site) -> list[Quantity]:
    return []


def _of_length(concept: str, value: float, site: Site) -> Quantity:
    return quantity(concept, value, PIXELS if site.is_in_pixels else "mm")


def _length(points: Points, site: Site) -> list[Quantity]:
    return [_of_length("Length", site.length(points[0], points[1]), site)]


def _bidirectional(points: Points, site: Site) -> list[Quantity]:
    sizes = sorted((site.length(*points[:2]), site.length(*points[2:])), reverse=True)
    return [
        _of_length(concept, size, site)
        for concept, size in zip(("Long axis", "Short axis"), sizes, strict=True)
    ]


def _angle(points: Points, _site: Site) -> list[Quantity]:
    return [quantity("Angle", angle(points), "deg")]


def _cobb(points: Points, _site: Site) -> list[Quantity]:
    return [quantity("Cobb angle", cobb_angle(points), "deg")]


def _chest(points: Points, site: Site) -> list[Quantity]:
    heart, chest = chest_widths(points)
    wide = sum(site.length(*way) for way in heart)
    inner = site.length(*chest)
    found = [quantity("Cardiothoracic ratio", wide / inner, "1")] if inner else []
    return [
        *found,
        _of_length("Cardiac diameter", wide, site),
        _of_length("Thoracic diameter", inner, site),
    ]


def _probe(points: Points, site: Site) -> list[Quantity]:
    k = round(site.volume.geometry.to_index(points[0]).k)
    if site.ready is not None and (not 0 <= k < len(site.ready) or not site.ready[k]):
        return []
    value = probe(site.volume, points[0])
    unit = _UCUM.get(site.volume.unit, site.volume.unit)
    return [] if value is None else [Quantity(concept="Value", value=value, unit=unit)]


_SIMPLE: dict[str, Callable[[Points, Site], list[Quantity]]] = {
    "length": _length,
    "bidirectional": _bidirectional,
    "angle": _angle,
    "cobb": _cobb,
    "ctr": _chest,
    "probe": _probe,
}


def _closed(kind: str, points: Points, site: Site) -> list[Quantity]:
    unit = "{pixels}2" if site.is_in_pixels else "mm2"
    found = []
    if kind == "ellipse":
        axes = site.length(*points[:2]) * site.length(*points[2:])
        found = [quantity("Area", np.pi * axes / 4.0, unit)]
    elif not crosses_itself(corners := outline(kind, points), site.plane.normal_vector):
        found = [quantity("Area", site.area(corners), unit)]
    return found + _statistics(_values(kind, points, site), site, PIXELS)


def _solid(kind: str, points: Points, site: Site) -> list[Quantity]:
    radius = float(np.linalg.norm(np.subtract(points[1], points[0])))
    found = [
        quantity("Volume", 4.0 / 3.0 * np.pi * radius**3, "mm3"),
        quantity("Diameter", 2.0 * radius, "mm"),
    ]
    if kind == "suv_peak" and site.has_around(points[0], radius + 10.0):
        best = peak(site.volume, points[0], radius)
        unit = _UCUM.get(site.volume.unit, site.volume.unit)
        found = [*([quantity("Peak", best.value, unit)] if best is not None else []), *found]
    return found + _statistics(_values(kind, points, site), site, "{voxels}")


def _values(kind: str, points: Points, site: Site) -> FloatArray:
    if kind in SOLID:
        radius = float(np.linalg.norm(np.subtract(points[1], points[0])))
        is_there = site.has_around(points[0], radius)
        return sphere_values(site.volume, points[0], radius) if is_there else np.empty(0)
    if kind not in CLOSED:
        return np.empty(0)
    index = round(site.plane.to_pixel(points[0])[0])
    if not site.has_slice(index):
        return np.empty(0)
    return planar_values(site.volume, site.plane, kind, points)


def _statistics(values: FloatArray, site: Site, counted: str) -> list[Quantity]:
    found = statistics_of(values)
    if found is None:
        return []
    unit = _UCUM.get(site.volume.unit, site.volume.unit)
    return [
        quantity("Mean", found.mean, unit),
        quantity("Standard deviation", found.sd, unit),
        quantity("Minimum", found.minimum, unit),
        quantity("Maximum", found.maximum, unit),
        quantity("Median", found.median, unit),
        quantity("Count", float(found.count), counted),
    ]


def _along_axes(kind: str, points: Points, site: Site, region: Region) -> list[Quantity]:
    """In a spectrum or an M-mode picture: how far apart in each axis, never across both."""
    places = np.array([site.plane.to_pixel(point)[1:] for point in points])
    if kind == "probe":
        if region.units[0] == "cm/s" and region.zero_row is not None:
            rise = (places[0][0] - region.zero_row) * region.signed_down
            return [quantity("Velocity", float(rise), "cm/s")]
        return []
    if kind != "length":
        return []
    down, across = np.abs(places[1] - places[0]) * region.spacing
    named = {"s": "Time", "cm/s": "Velocity difference", "mm": "Depth"}
    return [
        quantity(named[unit], float(value), unit)
        for unit, value in zip(region.units[::-1], (across, down), strict=True)
        if unit in named
    ]

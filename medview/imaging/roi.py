"""What a ruler, an ellipse and a probe say: lengths, areas and statistics with their units.

All points are in patient space; a pixel belongs to an ellipse when its centre does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray, PatientPoint
from medview.core.numbers import unit_text
from medview.core.results import Code, Measurement, Quantity
from medview.core.study import Region
from medview.core.volume import Volume
from medview.imaging.planes import Plane
from medview.imaging.slice_plane import SlicePlane

PIXELS = "{pixels}"
_CODES = {
    "Length": Code("SCT", "410668003", "Length"),
    "Area": Code("SCT", "42798000", "Area"),
    "Mean": Code("SCT", "373098007", "Mean"),
    "Standard deviation": Code("SCT", "386136009", "Standard Deviation"),
    "Minimum": Code("SCT", "255605001", "Minimum"),
    "Maximum": Code("SCT", "56851009", "Maximum"),
}
_UCUM = {
    "HU": "[hnsf'U]",
    "": "1",
    "SUVbw": "{SUVbw}g/ml",
    "SUVlbm": "{SUVlbm}g/ml",
    "SUVbsa": "{SUVbsa}cm2/ml",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Of the pixels in a region: sd is the sample's (n - 1), 0 for one pixel."""

    count: int
    mean: float
    sd: float
    minimum: float
    maximum: float


def quantities(
    kind: str, volume: Volume, plane: SlicePlane, points: Sequence[PatientPoint], calibration: str
) -> tuple[Quantity, ...]:
    """The numbers of a measurement of kind length, ellipse or probe.

    points: two ends; four ends of an ellipse's axes (major, major, minor, minor, the order of
    SCOORD3D); or one place. Without calibration lengths are in pixels. Values leave padding out.
    """
    if kind == "length":
        unit = PIXELS if calibration == "none" else "mm"
        return (_quantity("Length", length(plane, points[0], points[1], calibration), unit),)
    if kind == "ellipse":
        return _ellipse_quantities(volume, plane, points, calibration)
    value = probe(volume, points[0])
    unit = _UCUM.get(volume.unit, volume.unit)
    return () if value is None else (Quantity(concept="Value", value=value, unit=unit),)


def in_region(
    plane: SlicePlane, points: Sequence[PatientPoint], regions: Sequence[Region]
) -> tuple[Plane, tuple[PatientPoint, ...]] | None:
    """The slice and the points as millimetres of the ultrasound region that holds all of them.

    None where no region holds them all: there a pixel has no one size.
    """
    if not isinstance(plane, Plane):
        return None
    places = [plane.to_pixel(point) for point in points]
    for region in regions:
        if all(region.holds(row, column) for _, row, column in places):
            down, across = region.spacing
            spacing = (across, down, plane.geometry.spacing[2])
            own = replace(plane, geometry=replace(plane.geometry, spacing=spacing))
            return own, tuple(own.to_patient(*place) for place in places)
    return None


def _quantity(concept: str, value: float, unit: str) -> Quantity:
    return Quantity(concept=concept, value=value, unit=unit, code=_CODES[concept])


def length(plane: SlicePlane, start: PatientPoint, end: PatientPoint, calibration: str) -> float:
    """Distance in millimetres, or in pixels where nothing is known about their size."""
    if calibration != "none":
        return float(np.linalg.norm(np.subtract(end, start)))
    steps = np.subtract(plane.to_pixel(end)[1:], plane.to_pixel(start)[1:])
    return float(np.hypot(*steps))


def _ellipse_quantities(
    volume: Volume, plane: SlicePlane, points: Sequence[PatientPoint], calibration: str
) -> tuple[Quantity, ...]:
    major = length(plane, points[0], points[1], calibration)
    minor = length(plane, points[2], points[3], calibration)
    area_unit = "{pixels}2" if calibration == "none" else "mm2"
    found = [_quantity("Area", np.pi * major * minor / 4.0, area_unit)]
    statistics = ellipse_statistics(volume, plane, points)
    if statistics is not None:
        unit = _UCUM.get(volume.unit, volume.unit)
        found += [
            _quantity("Mean", statistics.mean, unit),
            _quantity("Standard deviation", statistics.sd, unit),
            _quantity("Minimum", statistics.minimum, unit),
            _quantity("Maximum", statistics.maximum, unit),
        ]
    return tuple(found)


def ellipse_mask(
    plane: SlicePlane, points: Sequence[PatientPoint]
) -> tuple[NDArray[np.bool_], int]:
    """(rows, columns) which pixel centres lie in the ellipse, and the slice it lies on."""
    corners = np.array(points, float)
    middle = corners.mean(axis=0)
    axes = np.array([corners[1] - corners[0], corners[3] - corners[2]]) / 2.0
    index = round(plane.to_pixel(PatientPoint(*middle))[0])
    mask = np.zeros(plane.shape, bool)
    if min(np.linalg.norm(axes, axis=1)) <= 0:
        return mask, index
    rows, columns = _bounds(plane, middle, axes)
    if rows.size and columns.size:
        mask[np.ix_(rows, columns)] = _inside(plane, middle, axes, (index, rows, columns))
    return mask, index


def _bounds(
    plane: SlicePlane, middle: FloatArray, axes: FloatArray
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    corners = [middle + a * axes[0] + b * axes[1] for a in (-1, 1) for b in (-1, 1)]
    pixels = np.array([plane.to_pixel(PatientPoint(*corner))[1:] for corner in corners])
    low = np.maximum(np.floor(pixels.min(axis=0)), 0).astype(int)
    high = np.minimum(np.ceil(pixels.max(axis=0)) + 1, plane.shape).astype(int)
    return np.arange(low[0], high[0]), np.arange(low[1], high[1])


def _inside(
    plane: SlicePlane,
    middle: FloatArray,
    axes: FloatArray,
    where: tuple[int, NDArray[np.intp], NDArray[np.intp]],
) -> NDArray[np.bool_]:
    index, rows, columns = where
    start = np.array(plane.to_patient(index, 0, 0)) - middle
    reach = np.zeros((len(rows), len(columns)))
    for axis in axes:
        unit = axis / float(axis @ axis)
        along = (plane.step_down @ unit) * rows[:, None] + (plane.step_right @ unit) * columns
        reach += (along + start @ unit) ** 2
    # Centres on the very edge belong to it; rounding must not decide by chance.
    return np.asarray(reach <= 1.0 + 1e-9, bool)


def ellipse_statistics(
    volume: Volume, plane: SlicePlane, points: Sequence[PatientPoint]
) -> Statistics | None:
    """Modality values inside an ellipse, padding left out; None for colour or no pixel."""
    mask, index = ellipse_mask(plane, points)
    if volume.is_colour or not 0 <= index < plane.count or not mask.any():
        return None
    values = plane.values(volume, index)[mask].astype(np.float64)
    values = values[np.isfinite(values)]
    if values.size == 0:
        return None
    return Statistics(
        count=int(values.size),
        mean=float(values.mean()),
        sd=float(values.std(ddof=1)) if values.size > 1 else 0.0,
        minimum=float(values.min()),
        maximum=float(values.max()),
    )


def probe(volume: Volume, point: PatientPoint) -> float | None:
    """Modality value of the voxel around a point; None outside, on padding and for colour."""
    if volume.is_colour or not volume.geometry.contains(point):
        return None
    place = volume.geometry.to_index(point)
    k, j, i = (
        min(max(round(v), 0), n - 1) for v, n in zip(place, volume.geometry.shape, strict=True)
    )
    return volume.value_at(k, j, i)


def number(value: float) -> str:
    """A number with as many figures as a picture can bear; a true minus sign."""
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 1 or value == 0 else 3
    return f"{value:.{digits}f}".replace("-", "−")


def lines(measurement: Measurement) -> tuple[str, ...]:
    """What stands beside a measurement: number, unit and the mark of its calibration."""
    mark = "" if measurement.calibration in ("patient", "none") else f" {measurement.calibration}"
    found = {quantity.concept: quantity for quantity in measurement.quantities}
    shown = []
    for concept in ("Length", "Area", "Value"):
        if concept in found:
            quantity = found[concept]
            tail = mark if concept != "Value" else ""
            shown.append(f"{number(quantity.value)} {unit_text(quantity.unit)}{tail}".strip())
    if "Mean" in found:
        unit = unit_text(found["Mean"].unit)
        spread = found["Standard deviation"].value
        shown.append(f"{number(found['Mean'].value)} ± {number(spread)} {unit}".strip())
        low, high = found["Minimum"].value, found["Maximum"].value
        shown.append(f"{number(low)} … {number(high)} {unit}".strip())
    return tuple(shown)

"""Long and short axis of a closed surface in the plane where it is largest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medview.core.geometry import FloatArray, Geometry, PatientPoint
from medview.imaging.segment.surface import Surface

_ANGLES = 240


@dataclass(frozen=True, eq=False, kw_only=True)
class Axes:
    """Ends of the longest axis and of the longest one across it (LPS), their lengths in mm.

    normal: unit normal of the plane they lie in; area_mm2: the section's.
    """

    long_ends: tuple[PatientPoint, PatientPoint]
    short_ends: tuple[PatientPoint, PatientPoint]
    long_mm: float
    short_mm: float
    normal: tuple[float, float, float]
    area_mm2: float


def largest_axes(surface: Surface, geometry: Geometry) -> Axes:
    """Among the sections along the grid's three planes, at any height, the one of largest area."""
    frame = _frame(geometry)
    sections = [_largest_section(surface, frame, number) for number in range(3)]
    best = max(sections, key=lambda section: section[1])
    return _axes_of(*best)


def _frame(geometry: Geometry) -> FloatArray:
    """(3, 3) rows: right, down, normal; perpendicular also where the grid is sheared."""
    right = np.array(geometry.axes[0], float)
    normal = np.array(geometry.normal, float)
    return np.stack([right, np.cross(normal, right), normal])


def _largest_section(
    surface: Surface, frame: FloatArray, number: int
) -> tuple[FloatArray, float, FloatArray]:
    """(points, area, normal): the contour (n, 3) of the largest section across one axis."""
    normal = frame[number]
    u, v = frame[(number + 1) % 3], frame[(number + 2) % 3]
    middle = surface.centroid
    reach = float(surface.radii.mean())
    best: tuple[FloatArray, float, FloatArray] | None = None
    for height in np.linspace(-0.3, 0.3, 9) * reach:
        points = _contour(surface, middle + normal * height, u, v)
        a, b = (points - middle) @ u, (points - middle) @ v
        area = 0.5 * abs(float((a * np.roll(b, -1) - b * np.roll(a, -1)).sum()))
        if best is None or area > best[1]:
            best = points, area, normal
    if best is None:  # linspace is never empty
        raise ValueError(number)
    return best


def _contour(surface: Surface, middle: FloatArray, u: FloatArray, v: FloatArray) -> FloatArray:
    """(n, 3) points where the surface meets a plane, by bisection from a point inside."""
    angle = np.arange(_ANGLES) * (2 * np.pi / _ANGLES)
    ways = np.cos(angle)[:, None] * u + np.sin(angle)[:, None] * v
    low, high = np.zeros(_ANGLES), np.full(_ANGLES, 2.0 * float(surface.radii.max()) + 1.0)
    for _ in range(15):
        half = (low + high) / 2.0
        points = middle + ways * half[:, None] - surface.centre
        distance = np.linalg.norm(points, axis=1)
        units = points / np.maximum(distance, 1e-9)[:, None]
        inside = distance <= surface.towards(units)
        low, high = np.where(inside, half, low), np.where(inside, high, half)
    return np.asarray(middle + ways * low[:, None])


def _axes_of(points: FloatArray, area: float, normal: FloatArray) -> Axes:
    apart = np.linalg.norm(points[:, None, :] - points[None, :, :], axis=2)
    a, b = np.unravel_index(int(apart.argmax()), apart.shape)
    longest = points[b] - points[a]
    unit = longest / max(float(np.linalg.norm(longest)), 1e-9)
    c, d = _across(points, unit, np.cross(normal, unit))
    x, y, z = (float(part) for part in normal)
    return Axes(
        long_ends=(_point(points[a]), _point(points[b])),
        short_ends=(_point(c), _point(d)),
        long_mm=float(apart[a, b]),
        short_mm=float(np.linalg.norm(d - c)),
        normal=(x, y, z),
        area_mm2=area,
    )


def _across(
    points: FloatArray, unit: FloatArray, aside: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Ends of the longest chord along `aside`: contour points at the same place along `unit`."""
    along, over = points @ unit, points @ aside
    upper, lower = over >= np.median(over), over < np.median(over)
    places = np.linspace(along.min(), along.max(), 121)[1:-1]
    top, bottom = (
        np.interp(places, along[side][order], over[side][order])
        for side in (upper, lower)
        for order in [np.argsort(along[side])]
    )
    best = int((top - bottom).argmax())
    base = points.mean(axis=0)
    base = base + unit * (places[best] - base @ unit) - aside * (base @ aside)
    return base + aside * bottom[best], base + aside * top[best]


def _point(place: FloatArray) -> PatientPoint:
    return PatientPoint(*(float(v) for v in place))

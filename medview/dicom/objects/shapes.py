"""The graphic types of SCOORD and SCOORD3D as kinds of measurement (PS3.3 C.18.6, C.18.9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medview.core.geometry import FloatArray
from medview.dicom.objects.sr import MeasurementGroup

_ROUND = 0.05  # by how much the axes of an ellipsoid may differ in a sphere


@dataclass(frozen=True, eq=False)
class Shape:
    """A kind and its (n, 3) points, in the order of that kind."""

    kind: str
    points: FloatArray


def shape_of(
    group: MeasurementGroup, placed: Sequence[FloatArray], normal: FloatArray
) -> Shape | None:
    """What the regions of a group are together; None for what is not drawn.

    normal: of the slices that they lie on.
    """
    types = [region.graphic_type for region in group.regions]
    if len(placed) == 1:
        return _single(types[0], placed[0], group, normal)
    # One region may stand with each number that was taken from it.
    distinct = _distinct(placed)
    if len(distinct) == 1:
        return _single(types[0], distinct[0], group, normal)
    is_two_lines = len(distinct) == 2 and all(len(each) == 2 for each in distinct)
    if not is_two_lines or set(types) != {"POLYLINE"}:
        return None
    if _is_angle(group):
        return Shape("cobb", np.concatenate(distinct))
    lines = sorted(distinct, key=lambda each: -float(np.linalg.norm(each[1] - each[0])))
    return Shape("bidirectional", np.concatenate(lines))


def _distinct(placed: Sequence[FloatArray]) -> list[FloatArray]:
    found: list[FloatArray] = []
    for each in placed:
        if not any(one.shape == each.shape and np.allclose(one, each) for one in found):
            found.append(each)
    return found


def _single(
    graphic_type: str, points: FloatArray, group: MeasurementGroup, normal: FloatArray
) -> Shape | None:
    if graphic_type == "POLYGON":
        return _closed(points)
    if graphic_type == "POLYLINE":
        return _line(points, group)
    if graphic_type in ("POINT", "MULTIPOINT") and len(points) == 1:
        return Shape("probe", points)
    if graphic_type == "ELLIPSE" and len(points) == 4:
        return Shape("ellipse", points)
    if graphic_type == "CIRCLE" and len(points) == 2:
        return _circle(points, normal)
    return _sphere(points) if graphic_type == "ELLIPSOID" and len(points) == 6 else None


def _closed(points: FloatArray) -> Shape | None:
    ring = points[:-1] if np.allclose(points[0], points[-1]) else points
    return Shape("freehand", ring) if len(ring) >= 3 else None


def _line(points: FloatArray, group: MeasurementGroup) -> Shape | None:
    if len(points) == 2:
        return Shape("length", points)
    if len(points) > 3 and np.allclose(points[0], points[-1]):
        return _closed(points)
    if len(points) == 3 and _is_angle(group):
        return Shape("angle", points)
    return Shape("path", points) if len(points) > 2 else None


def _is_angle(group: MeasurementGroup) -> bool:
    return any(quantity.unit == "deg" for quantity in group.quantities)


def _circle(points: FloatArray, normal: FloatArray) -> Shape | None:
    """Middle and a place on the rim as an ellipse in the plane of its picture."""
    middle, rim = points
    across = rim - middle
    beside = np.cross(normal, across)
    if np.linalg.norm(beside) <= 0:
        return None
    beside = beside / np.linalg.norm(beside) * np.linalg.norm(across)
    return Shape("ellipse", np.array([middle - across, rim, middle - beside, middle + beside]))


def _sphere(points: FloatArray) -> Shape | None:
    axes = [float(np.linalg.norm(points[at + 1] - points[at])) for at in (0, 2, 4)]
    if min(axes) <= 0 or max(axes) / min(axes) > 1 + _ROUND:
        return None
    middle = points.mean(axis=0)
    radius = float(np.mean(axes)) / 2
    along = (points[1] - middle) / max(float(np.linalg.norm(points[1] - middle)), 1e-9)
    return Shape("sphere", np.array([middle, middle + radius * along]))

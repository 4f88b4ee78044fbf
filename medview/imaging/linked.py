"""Arithmetic of linked views: which slice answers to which, and where slices cut each other.

A map is a rigid 4 x 4 matrix from LPS millimetres of one stack to those of another.
"""

from __future__ import annotations

import math

import numpy as np

from medview.core.geometry import FloatArray, PatientPoint
from medview.imaging.slice_plane import SlicePlane

NEAR_DEG = 20.0  # slices that lean more to each other are not scrolled together
_STILL = 1e-3  # pixels: what moves less in its slice was moved along its normal
_PARALLEL = 1e-9  # how far from 1 the cosine of slices is that cut each other (0.003 degrees)
_FLAT_MM = 1e-6

Ends = tuple[tuple[float, float], tuple[float, float]]  # (row, column) twice


def carried(matrix: FloatArray, point: PatientPoint) -> PatientPoint:
    """The place in the other stack that answers to a place in the one."""
    x, y, z, _ = matrix @ (*point, 1.0)
    return PatientPoint(float(x), float(y), float(z))


def are_near_parallel(one: SlicePlane, other: SlicePlane, matrix: FloatArray) -> bool:
    """Whether slices of both lie within 20 degrees of each other, either side up."""
    normal = matrix[:3, :3] @ one.normal_vector
    return abs(float(normal @ other.normal_vector)) >= math.cos(math.radians(NEAR_DEG))


def is_scroll(plane: SlicePlane, before: PatientPoint, after: PatientPoint) -> bool:
    """Whether a place moved from slice to slice only, and not inside its slice."""
    _, row, column = plane.to_pixel(before)
    _, new_row, new_column = plane.to_pixel(after)
    return max(abs(row - new_row), abs(column - new_column)) < _STILL


def is_inside(plane: SlicePlane, point: PatientPoint) -> bool:
    """Whether a place lies within the pixels that a plane's slices have."""
    index, row, column = plane.to_pixel(point)
    rows, columns = plane.shape
    spans = ((index, plane.count), (row, rows), (column, columns))
    return all(-0.5 <= value <= count - 0.5 for value, count in spans)


def onto_plane(own: PatientPoint, target: PatientPoint, normal: FloatArray) -> PatientPoint:
    """`own` moved along a unit normal into the plane through `target`."""
    here = np.array(own)
    x, y, z = here + normal * float((np.array(target) - here) @ normal)
    return PatientPoint(float(x), float(y), float(z))


def scrolled(plane: SlicePlane, own: PatientPoint, target: PatientPoint) -> PatientPoint:
    """`own` in the slice nearest to `target`, at most the first or the last one."""
    _, row, column = plane.to_pixel(own)
    index = float(np.clip(round(plane.to_pixel(target)[0]), 0, plane.count - 1))
    return plane.to_patient(index, row, column)


def off_by(
    one: SlicePlane, point: PatientPoint, other: SlicePlane, own: PatientPoint, matrix: FloatArray
) -> float:
    """Millimetres from the slice of `own` to that of `point`, 0 where they are neighbours' share.

    Slices that stand nearer than the larger of both steps answer to each other.
    """
    normal = matrix[:3, :3] @ one.normal_vector
    apart = abs(float((np.array(carried(matrix, point)) - np.array(own)) @ normal))
    return 0.0 if apart <= max(one.step_mm, other.step_mm) else apart


def within_slice(plane: SlicePlane, own: PatientPoint, target: PatientPoint) -> PatientPoint:
    """The place of `target` seen along the normal, in the slice that holds `own`."""
    _, row, column = plane.to_pixel(target)
    return plane.to_patient(plane.to_pixel(own)[0], row, column)


def along_normal(normal: FloatArray, millimetres: float) -> FloatArray:
    """(4, 4): the map that moves by so much along a unit normal."""
    matrix = np.eye(4)
    matrix[:3, 3] = normal * millimetres
    return matrix


def cut_line(
    one: SlicePlane, index: int, other: SlicePlane, at: int, matrix: FloatArray
) -> Ends | None:
    """Where slice `index` of one plane cuts slice `at` of another, as far as the first reaches.

    matrix: from the space of the first to that of the second. The ends are places of the second
    plane's slice, possibly outside of it; None where the slices do not meet or are parallel.
    """
    normal = other.normal_vector
    if abs(float((matrix[:3, :3] @ one.normal_vector) @ normal)) > 1 - _PARALLEL:
        return None
    rows, columns = one.shape
    corners = [
        np.array(carried(matrix, one.to_patient(index, row, column)))
        for row, column in (
            (-0.5, -0.5), (-0.5, columns - 0.5), (rows - 0.5, columns - 0.5), (rows - 0.5, -0.5),
        )
    ]  # fmt: skip
    origin = np.array(other.to_patient(at, 0, 0))
    heights = [float((corner - origin) @ normal) for corner in corners]
    ends: list[tuple[float, float]] = []
    for number in range(4):
        a, b = heights[number - 1], heights[number]
        if (a > 0) != (b > 0) and abs(a - b) > _FLAT_MM:
            place = corners[number - 1] + (corners[number] - corners[number - 1]) * (a / (a - b))
            _, row, column = other.to_pixel(PatientPoint(*(float(v) for v in place)))
            ends.append((row, column))
    return (ends[0], ends[1]) if len(ends) == 2 else None

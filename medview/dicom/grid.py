"""From the places of slices to one grid and a verdict on it (PS3.3 C.7.6.2.1.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import Geometry, PatientPoint, Vector
from medview.core.words import Sentence, say

FloatArray = NDArray[np.float64]
SAME_PLACE_MM = 0.02
_TILTED_DEG = 0.1
_STRAIGHT_MM = 0.1


@dataclass(frozen=True)
class Grid:
    """Geometry of sorted slices, one of study.VERDICTS, tilt in degrees, and what to say of it."""

    geometry: Geometry
    verdict: str
    tilt_deg: float = 0.0
    notes: tuple[Sentence, ...] = ()


def normal_of(axes: FloatArray) -> FloatArray:
    """Unit normal of slices with (2, 3) axes; right-handed."""
    normal = np.cross(axes[0], axes[1])
    unit: FloatArray = normal / np.linalg.norm(normal)
    return unit


def commonest_step(steps: FloatArray) -> float:
    """The step that most neighbours share within 1 % or 0.01 mm; the smallest on a tie."""
    # Sorted, so that ten thousand slices need no matrix of all pairs.
    steps = np.sort(steps)
    tolerance = np.maximum(0.01, 0.01 * steps)
    above = np.searchsorted(steps, steps + tolerance, side="right")
    votes = above - np.searchsorted(steps, steps - tolerance, side="left")
    best = float(steps[votes == votes.max()].min())
    near = steps[np.abs(steps - best) <= max(0.01, 0.01 * best)]
    return float(near.mean())


def grid_of(
    axes: FloatArray,
    positions: FloatArray,
    size: tuple[int, int],
    spacing: tuple[float, float],
    thickness: float,
) -> Grid:
    """The grid of slices sorted along their normal.

    axes: (2, 3) of the first slice; positions: (n, 3), no two at one place; size: rows, columns;
    spacing: between rows and columns; thickness: for a single slice, which has no step.
    """
    normal = normal_of(axes)
    if len(positions) == 1:
        return Grid(_geometry(axes, normal, positions, size, (*spacing, thickness)), "single")
    way = positions[-1] - positions[0]
    steps = np.diff(positions @ normal)
    along = float(way @ normal)
    tilt = float(np.degrees(np.arctan2(np.linalg.norm(way - along * normal), abs(along))))
    verdict, step, notes = _evenness(steps, positions, way / along)
    if tilt > _TILTED_DEG:
        if verdict == "regular":
            verdict = "tilted"
        notes = (
            *notes,
            say("The slices are sheared by {tilt} degrees (gantry tilt).", tilt=f"{tilt:.1f}"),
        )
    else:
        tilt = 0.0
    step_vector = way / np.linalg.norm(way) if tilt else normal
    step_length = step * float(np.linalg.norm(way)) / along if tilt else step
    geometry = _geometry(axes, step_vector, positions, size, (*spacing, step_length))
    return Grid(geometry, verdict, round(tilt, 3), notes)


def _evenness(
    steps: FloatArray, positions: FloatArray, per_mm: FloatArray
) -> tuple[str, float, tuple[Sentence, ...]]:
    """regular, gaps or non-uniform; the step to use; and the words for it."""
    mean = float(steps.mean())
    base = commonest_step(steps)
    normal_places = np.concatenate(([0.0], np.cumsum(steps)))
    straight = positions[0] + normal_places[:, None] * per_mm
    bent = float(np.abs(positions - straight).max())
    if bent > _STRAIGHT_MM:
        said = say(
            "The slices do not lie on one straight line (off by {off} mm).", off=f"{bent:.2f}"
        )
        return "non-uniform", base, (said,)
    if (np.abs(steps - base) <= max(0.01, 0.01 * base)).all():
        return "regular", mean, ()
    ideal = np.arange(len(steps) + 1) * mean
    if np.abs(normal_places - ideal).max() <= 0.03 * mean:
        said = say(
            "Slice steps vary from {low} to {high} mm, as rounding does; the mean is used.",
            low=f"{steps.min():.3f}",
            high=f"{steps.max():.3f}",
        )
        return "regular", mean, (said,)
    whole = np.rint(steps / base)
    is_multiple = np.abs(steps - whole * base) <= np.maximum(0.02, 0.02 * steps)
    if is_multiple.all() and whole.min() >= 1 and whole.max() >= 2:
        missing = int((whole - 1).sum())
        said = say(
            "Missing slices: {count}; some steps are a multiple of {step} mm.",
            count=missing,
            step=f"{base:.2f}",
        )
        return "gaps", base, (said,)
    said = say(
        "Slices are not evenly spaced: steps from {low} to {high} mm.",
        low=f"{steps.min():.2f}",
        high=f"{steps.max():.2f}",
    )
    return "non-uniform", base, (said,)


def _geometry(
    axes: FloatArray,
    third: FloatArray,
    positions: FloatArray,
    size: tuple[int, int],
    spacing: tuple[float, float, float],
) -> Geometry:
    rows, columns = size
    row_step, column_step, slice_step = spacing
    return Geometry(
        shape=(len(positions), rows, columns),
        spacing=(column_step, row_step, slice_step),
        origin=PatientPoint(*(float(v) for v in positions[0])),
        axes=(_vector(axes[0]), _vector(axes[1]), _vector(third)),
    )


def _vector(values: FloatArray) -> Vector:
    return (float(values[0]), float(values[1]), float(values[2]))


def flat_geometry(count: int, size: tuple[int, int], spacing: tuple[float, float]) -> Geometry:
    """The grid of pictures that have no place in the patient; spacing between rows, columns."""
    return Geometry(
        shape=(count, size[0], size[1]),
        spacing=(spacing[1], spacing[0], 1.0),
        is_spatial=False,
    )

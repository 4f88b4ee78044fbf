"""From the places of slices to one grid and a verdict on it (PS3.3 C.7.6.2.1.1)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import Geometry, PatientPoint, Vector
from medview.core.words import Sentence, say

FloatArray = NDArray[np.float64]
SAME_PLACE_MM = 0.02
_TILTED_DEG = 0.1
_STRAIGHT_MM = 0.1
_ROUNDED = 0.03  # share of the mean step that places may be off and still be one step
_LONG = 1.75  # times the steps beside it
_FILLED = 0.9  # share of a step that a thick slice fills
_NAMED = 4  # gaps and parts that are named one by one


@dataclass(frozen=True)
class Grid:
    """Geometry of sorted slices, one of study.VERDICTS, tilt in degrees, and what to say of it."""

    geometry: Geometry
    verdict: str
    tilt_deg: float = 0.0
    notes: tuple[Sentence, ...] = ()


def normal_of(axes: FloatArray) -> FloatArray:
    """Unit normal of slices with (2, 3) axes; right-handed."""
    (a, b, c), (d, e, f) = axes.tolist()
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    return np.array(normal) / math.hypot(*normal)  # for three numbers NumPy's are slow


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
    thickness: FloatArray,
) -> Grid:
    """The grid of slices sorted along their normal.

    axes: (2, 3) of the first slice; positions: (n, 3), no two at one place; size: rows, columns;
    spacing: between rows and columns; thickness: (n,) millimetres, 0 where it is unknown: the
    step of a single slice, and what tells a thicker slice from a missing one.
    """
    normal = normal_of(axes)
    if len(positions) == 1:
        alone = float(thickness[0]) or 1.0
        return Grid(_geometry(axes, normal, positions, size, (*spacing, alone)), "single")
    way = positions[-1] - positions[0]
    along = float(way @ normal)
    tilt = float(np.degrees(np.arctan2(np.linalg.norm(way - along * normal), abs(along))))
    tilt = tilt if tilt > _TILTED_DEG else 0.0
    steps = _Steps.of(positions @ normal, _off_line(positions, normal), thickness)
    step_vector = way / np.linalg.norm(way) if tilt else normal
    step_length = steps.used * float(np.linalg.norm(way)) / along if tilt else steps.used
    geometry = _geometry(axes, step_vector, positions, size, (*spacing, step_length))
    if steps.verdict in ("gaps", "non-uniform"):
        places = tuple(PatientPoint(*_vector(place)) for place in positions)
        geometry = replace(geometry, places=places, gaps=steps.gaps)
    notes = [*steps.said(geometry)]
    if tilt:
        notes.append(
            say("The slices are sheared by {tilt} degrees (gantry tilt).", tilt=f"{tilt:.1f}")
        )
    verdict = "tilted" if tilt and steps.verdict == "regular" else steps.verdict
    return Grid(geometry, verdict, round(tilt, 3), tuple(notes))


def _off_line(positions: FloatArray, normal: FloatArray) -> FloatArray:
    """(n,) millimetres between slices and the straight line from the first to the last one."""
    way = positions[-1] - positions[0]
    along = (positions - positions[0]) @ normal
    straight = positions[0] + along[:, None] * (way / float(way @ normal))
    return np.asarray(np.abs(positions - straight).max(axis=1), np.float64)


@dataclass(frozen=True, eq=False)
class _Steps:
    """How slices follow each other.

    verdict: regular, gaps or non-uniform; used: the step of the grid; base: the commonest one;
    steps: (n - 1,) along the normal; gaps: after which slices others are missing; off: (n,)
    millimetres beside the line.
    """

    verdict: str
    used: float
    base: float
    steps: FloatArray
    off: FloatArray
    gaps: tuple[int, ...] = ()

    @staticmethod
    def of(along: FloatArray, off: FloatArray, thickness: FloatArray) -> _Steps:
        """Judge slices by their places along the normal, ascending."""
        steps = np.diff(along)
        mean, base = float(steps.mean()), commonest_step(steps)
        is_straight = bool((off <= _STRAIGHT_MM).all())
        ideal = along[0] + np.arange(len(along)) * mean
        is_rounded = bool(np.abs(along - ideal).max() <= _ROUNDED * mean)
        if is_straight and (_alike(steps, base).all() or is_rounded):
            return _Steps("regular", mean, base, steps, off)
        missing, is_multiple = _missing(steps, base, thickness)
        gaps = tuple(int(k) for k in np.flatnonzero(missing))
        is_gapped = is_straight and bool(gaps) and bool((is_multiple | _alike(steps, base)).all())
        return _Steps("gaps" if is_gapped else "non-uniform", base, base, steps, off, gaps)

    def said(self, geometry: Geometry) -> Iterator[Sentence]:
        """What is to be said of them, with the slices' numbers as a reader sees them."""
        low, high = float(self.steps.min()), float(self.steps.max())
        if self.verdict == "regular":
            if not _alike(self.steps, self.base).all():
                yield _rounded(f"{low:.3f}", f"{high:.3f}")
            return
        if self.verdict == "gaps":
            whole = np.rint(self.steps / self.used)[list(self.gaps)]
            yield say(
                "Missing slices: {count}; some steps are a multiple of {step} mm.",
                count=int((whole - 1).sum()),
                step=f"{self.used:.2f}",
            )
        elif (self.off > _STRAIGHT_MM).any():
            yield say(
                "The slices do not lie on one straight line (off by {off} mm at slice {number}).",
                off=f"{self.off.max():.2f}",
                number=geometry.slice_number(int(self.off.argmax())),
            )
        if self.verdict == "non-uniform" and not _alike(self.steps, self.used).all():
            yield say(
                "Slices are not evenly spaced: steps from {low} to {high} mm.",
                low=f"{low:.2f}",
                high=f"{high:.2f}",
            )
            yield from self._runs(geometry)
        yield from self._gaps(geometry)

    def _gaps(self, geometry: Geometry) -> Iterator[Sentence]:
        for k in self.gaps[:_NAMED]:
            one, other = sorted((geometry.slice_number(k), geometry.slice_number(k + 1)))
            yield say(
                "Between slices {one} and {other} lie {step} mm instead of {base} mm.",
                one=one,
                other=other,
                step=_mm(float(self.steps[k])),
                base=_mm(self.used),
            )
        if len(self.gaps) > _NAMED:
            yield say(
                "There {count:is|are} {count} more {count:gap|gaps}.", count=len(self.gaps) - _NAMED
            )

    def _runs(self, geometry: Geometry) -> Iterator[Sentence]:
        """Parts of the stack that have one step each, gaps left out."""
        begins = [0, *(k for k in range(1, len(self.steps))
                       if not _alike(self.steps[k - 1 : k], float(self.steps[k]))[0])]  # fmt: skip
        ends = [*begins[1:], len(self.steps)]
        runs = [(a, b) for a, b in zip(begins, ends, strict=True) if a not in self.gaps]
        if len(runs) > _NAMED:
            return
        named = [(*sorted(map(geometry.slice_number, run)), run[0]) for run in runs]
        for one, other, begin in sorted(named):
            yield say(
                "From slice {one} to {other} the step is {step} mm.",
                one=one,
                other=other,
                step=_mm(float(self.steps[begin])),
            )


def _alike(steps: FloatArray, base: float) -> NDArray[np.bool_]:
    return np.asarray(np.abs(steps - base) <= max(0.01, 0.01 * base), bool)


def _missing(
    steps: FloatArray, base: float, thickness: FloatArray
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which steps are too long, so that slices are missing there, and which are multiples.

    Too long is a multiple (two or more) of the commonest step, or much more than both steps
    beside it; never where a slice beside it is as thick as the step, as where a head's slices
    become thicker.
    """
    whole = np.rint(steps / base)
    is_multiple = (whole >= 2) & (np.abs(steps - whole * base) <= np.maximum(0.02, 0.02 * steps))
    beside = np.maximum(np.r_[0.0, steps[:-1]], np.r_[steps[1:], 0.0])
    is_long = is_multiple | ((steps > _LONG * beside) & (steps > 1.5 * base))
    filled = np.maximum(thickness[:-1], thickness[1:]) >= _FILLED * steps
    return np.asarray(is_long & ~filled), np.asarray(is_multiple & ~filled)


def _mm(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


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
        origin=PatientPoint(*_vector(positions[0])),
        axes=(_vector(axes[0]), _vector(axes[1]), _vector(third)),
    )


def _vector(values: FloatArray) -> Vector:
    x, y, z = values.tolist()
    return (x, y, z)


def flat_geometry(count: int, size: tuple[int, int], spacing: tuple[float, float]) -> Geometry:
    """The grid of pictures that have no place in the patient; spacing between rows, columns."""
    return Geometry(
        shape=(count, size[0], size[1]),
        spacing=(spacing[1], spacing[0], 1.0),
        is_spatial=False,
    )


def is_remark(note: Sentence) -> bool:
    """Whether a note on a stack only informs: nothing of what is seen or measured is in doubt."""
    return note.template == _rounded("", "").template


def _rounded(low: str, high: str) -> Sentence:
    return say(
        "Slice steps vary from {low} to {high} mm, as rounding does; the mean is used.",
        low=low,
        high=high,
    )

"""The phases of a 4-D series: stacks of one series at one place, told apart by time, b-value ..."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medview.core.study import Series, Stack

_DAY = 86_400.0
_USUAL_MS = 1000.0 / 8


def phases_of(series: Series, number: int) -> tuple[int, ...]:
    """The stacks that lie on the grid of stack `number` and differ from it by a 4-D tag alone.

    In the order of their pictures; itself alone where there is no other.
    """
    own = series.stacks[number]
    if not own.split_by or not own.geometry.is_spatial:
        return (number,)
    return tuple(
        other
        for other, stack in enumerate(series.stacks)
        if other == number or (_is_alike(own, stack) and own.geometry.same_grid(stack.geometry))
    )


def _is_alike(one: Stack, other: Stack) -> bool:
    return (
        bool(other.split_by)
        and one.stored_type == other.stored_type
        and one.frame_of_reference_uid == other.frame_of_reference_uid
    )


def phase_seconds(stacks: Sequence[Stack]) -> tuple[float, ...]:
    """Seconds of each phase since the first one; empty where the files' times do not rise."""
    times = [stack.seconds for stack in stacks]
    if len(times) < 2 or any(time is None for time in times):
        return ()
    known = np.array(times, float)
    steps = np.diff(known)
    steps[steps < -_DAY / 2] += _DAY  # over midnight
    if (steps <= 0).any():
        return ()
    return (0.0, *np.cumsum(steps).tolist())


def phase_ms(stacks: Sequence[Stack]) -> tuple[float, ...]:
    """How long each phase is to be shown in a cine: true times of a heart, else eight a second.

    Phases minutes apart (contrast, PET beds) are not waited for.
    """
    seconds = phase_seconds(stacks)
    if not seconds or seconds[-1] > 2.0:
        return (_USUAL_MS,) * len(stacks)
    steps = np.diff(seconds) * 1000.0
    return (*steps.tolist(), float(steps[-1]))


@dataclass(frozen=True, slots=True)
class Curve:
    """A value of every phase. seconds: since the first, or the phase's number where times are not
    known (is_timed tells). values: NaN where there is none."""

    seconds: tuple[float, ...]
    values: tuple[float, ...]
    unit: str
    is_timed: bool


def curve_of(stacks: Sequence[Stack], values: Sequence[float | None], unit: str) -> Curve:
    """The curve of one value a phase."""
    seconds = phase_seconds(stacks)
    places = seconds or tuple(float(number + 1) for number in range(len(stacks)))
    return Curve(
        places,
        tuple(float("nan") if value is None else float(value) for value in values),
        unit,
        bool(seconds),
    )


def curve_points(
    curve: Curve, width: float, height: float
) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """(n, 2) x and y of a plot of that size, y growing downwards, and the values at its lower and
    upper edge; phases without a value are left out."""
    places, values = np.array(curve.seconds), np.array(curve.values)
    known = np.isfinite(values)
    if not known.any():
        return np.empty((0, 2)), (0.0, 1.0)
    low, high = float(values[known].min()), float(values[known].max())
    span = high - low if high > low else max(abs(high), 1.0)
    low, high = (low - 0.05 * span, high + 0.05 * span)
    first, last = float(places[0]), float(places[-1])
    x = (places[known] - first) / max(last - first, 1e-9) * width
    y = height - (values[known] - low) / (high - low) * height
    return np.column_stack([x, y]), (low, high)

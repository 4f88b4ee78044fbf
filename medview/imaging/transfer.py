"""How values become colour and opacity in a picture of space: looks, and changes to them.

A look is a value: every change gives a new one, so that an editor can go back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray

Blend = str  # composite, mip, minip or mean
BLENDS: tuple[Blend, ...] = ("composite", "mip", "minip", "mean")
MOST_POINTS = 32
_LEAST_STEP = 1e-3  # of the range, between neighbouring points


@dataclass(frozen=True, slots=True)
class TransferPoint:
    """At `value` (modality units) tissue has this opacity (0 to 1 in 1.5 mm) and colour."""

    value: float
    opacity: float
    colour: str  # #rrggbb


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """points: ascending in value. blend: how samples on a ray join. name: English template.

    Between points opacity and colour run straight; beyond the ends they stay. is_lit: whether
    surfaces are shaded (composite alone). is_inside: the air round the body is left out, which
    would hide what is meant. is_own: made by the reader.
    """

    id: str
    name: str
    points: tuple[TransferPoint, ...]
    blend: Blend = "composite"
    is_lit: bool = True
    is_inside: bool = False
    is_own: bool = False

    @property
    def low(self) -> float:
        """The value of the first point."""
        return self.points[0].value

    @property
    def high(self) -> float:
        """The value of the last point."""
        return self.points[-1].value


def shifted(look: Look, by: float) -> Look:
    """The whole look moved along the values."""
    if not by:
        return look
    return replace(look, points=tuple(replace(p, value=p.value + by) for p in look.points))


def with_point(look: Look, value: float) -> Look:
    """One point more, on the line that is there: the picture stays as it is.

    The same look where it has as many points as it may, or one at this very value.
    """
    if len(look.points) >= MOST_POINTS or any(p.value == value for p in look.points):
        return look
    point = TransferPoint(value, opacity_at(look, value), colour_at(look, value))
    return replace(look, points=tuple(sorted((*look.points, point), key=lambda p: p.value)))


def without_point(look: Look, number: int) -> Look:
    """One point less; two always stay."""
    if len(look.points) <= 2 or not 0 <= number < len(look.points):
        return look
    return replace(look, points=look.points[:number] + look.points[number + 1 :])


def moved_point(look: Look, number: int, value: float, opacity: float) -> Look:
    """A point elsewhere: between its neighbours, opacity within 0 and 1."""
    points = look.points
    gap = max(_LEAST_STEP * (look.high - look.low), 1e-6)
    low = points[number - 1].value + gap if number else -np.inf
    high = points[number + 1].value - gap if number + 1 < len(points) else np.inf
    changed = replace(
        points[number],
        value=float(np.clip(value, low, max(low, high))),
        opacity=float(np.clip(opacity, 0.0, 1.0)),
    )
    return replace(look, points=(*points[:number], changed, *points[number + 1 :]))


def coloured_point(look: Look, number: int, colour: str) -> Look:
    """A point in another colour."""
    changed = replace(look.points[number], colour=colour)
    return replace(look, points=(*look.points[:number], changed, *look.points[number + 1 :]))


def opacity_at(look: Look, value: float) -> float:
    """The opacity of one value."""
    return float(np.interp(value, [p.value for p in look.points], [p.opacity for p in look.points]))


def opacities(look: Look, values: FloatArray) -> FloatArray:
    """The opacity of each value, same shape."""
    places = [p.value for p in look.points]
    return np.asarray(np.interp(values, places, [p.opacity for p in look.points]), np.float64)


def colour_at(look: Look, value: float) -> str:
    """The colour of one value as #rrggbb."""
    red, green, blue = (
        round(float(np.interp(value, [p.value for p in look.points], part)))
        for part in zip(*(rgb(p.colour) for p in look.points), strict=True)
    )
    return f"#{red:02x}{green:02x}{blue:02x}"


def rgb(colour: str) -> tuple[int, int, int]:
    """#rrggbb as three numbers of 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def projected(look: Look, blend: Blend, window: tuple[float, float]) -> Look:
    """The same series through another way of joining samples.

    A projection shows its values in grey from window's low to high; what is no longer a
    projection needs tissue of its own and is left to the caller.
    """
    low, high = window
    ramp = (TransferPoint(low, 0.0, "#000000"), TransferPoint(high, 1.0, "#ffffff"))
    return replace(look, points=ramp, blend=blend, is_lit=False, is_inside=blend == "minip")


def histogram(
    values: NDArray[np.int16 | np.float32], span: tuple[float, float], bins: int = 128
) -> NDArray[np.float32]:
    """(bins,) shares of 0 to 1 of voxels by value, by logarithm: rare tissue must be seen.

    A sample of some hundred thousand voxels; what lies outside `span` is not counted.
    """
    step = max(1, round((values.size / 300_000) ** (1 / 3)))
    counts, _ = np.histogram(values[::step, ::step, ::step], bins=bins, range=span)
    heights = np.log1p(counts.astype(np.float32))
    return np.asarray(heights / max(float(heights.max()), 1e-6), np.float32)


def value_span(
    values: NDArray[np.int16 | np.float32], looks: Sequence[Look] = ()
) -> tuple[float, float]:
    """Low and high end of an axis that shows a volume's values and every point of some looks."""
    sample = values[:: max(1, len(values) // 32), ::3, ::3]
    low, high = (float(v) for v in np.percentile(sample, (0.5, 99.9)))
    low = min([low, *(look.low for look in looks)])
    high = max([high, *(look.high for look in looks)])
    room = 0.04 * max(high - low, 1e-3)
    return low - room, high + room

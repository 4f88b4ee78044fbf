"""How a lesion grew between two dates: percent of diameter and volume, volume doubling time.

Volume doubling time: days * ln 2 / ln(V2 / V1), and of diameters alone, taken as those of spheres,
days * ln 2 / (3 * ln(d2 / d1)) (Schwartz, Cancer 14 (1961) 1272; as in NELSON, van Klaveren et al.,
N Engl J Med 361 (2009) 2221). Less than 25 % of volume (NELSON, the same) or 2 mm of diameter
(Fleischner 2017, MacMahon et al., Radiology 284 (2017) 228) is what measuring twice differs by.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

from medview.core.errors import InvalidInput
from medview.core.numbers import number_text
from medview.core.results import Measurement, Quantity
from medview.core.words import Sentence, say

GROWN_VOLUME = 0.25  # NELSON
GROWN_MM = 2.0  # Fleischner 2017
_MOST_DAYS = 10_000.0  # a doubling time beyond that says no more than that nothing grew


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """One lesion on one date: diameter in millimetres, volume in mm³ where it was measured."""

    diameter_mm: float | None = None
    volume_mm3: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """From the earlier date to the later one.

    diameter, volume: change as a share (0.26 is 26 % more), None where it was not measured on
    both dates. doubling_days: of the volume; negative for one that shrinks (days to the half),
    None where it stayed the same. is_by_diameter: it takes the lesion for a sphere.
    """

    days: int
    diameter: float | None
    volume: float | None
    doubling_days: float | None
    is_by_diameter: bool
    is_beyond_error: bool


def size_of(measurement: Measurement) -> Size | None:
    """What a measurement says of a lesion's size, None for one that says nothing of it.

    Long and short axis count by their mean, an ellipse and a sphere by the axes that were drawn.
    """
    found = {q.concept.lower(): q for q in measurement.quantities}
    volume = found.get("volume")
    mm3 = None if volume is None else _mm3(volume)
    diameter = _named_diameter(found)
    if diameter is None:
        diameter = _drawn_diameter(measurement)
    if diameter is None and mm3 is None:
        return None
    return Size(diameter_mm=diameter, volume_mm3=mm3)


def _named_diameter(found: dict[str, Quantity]) -> float | None:
    in_mm = {name: q.value for name, q in found.items() if q.unit == "mm" and q.value > 0}
    for name in ("mean diameter", "diameter"):
        if name in in_mm:
            return in_mm[name]
    if "long axis" in in_mm and "short axis" in in_mm:
        return (in_mm["long axis"] + in_mm["short axis"]) / 2
    return in_mm.get("long axis") or in_mm.get("length")


def _drawn_diameter(measurement: Measurement) -> float | None:
    """Of an ellipse: the mean of its axes."""
    if measurement.kind != "ellipse" or measurement.calibration == "none":
        return None
    if len(measurement.points) != 4:
        return None
    a, b, c, d = measurement.points
    mean = (math.dist(a, b) + math.dist(c, d)) / 2
    return mean if mean > 0 else None


def _mm3(quantity: Quantity) -> float | None:
    factor = {"mm3": 1.0, "mL": 1000.0, "cm3": 1000.0}.get(quantity.unit)
    return quantity.value * factor if factor is not None and quantity.value > 0 else None


def doubling_days(before: float, after: float, days: float) -> float | None:
    """Days in which a volume doubles; negative where it halves, None where it stays the same."""
    if math.isclose(before, after, rel_tol=1e-9):
        return None
    found = days * math.log(2.0) / math.log(after / before)
    return found if abs(found) <= _MOST_DAYS else None


def days_between(earlier: str, later: str) -> int:
    """Days from one ISO date to another. Raises InvalidInput where one is missing or not later."""
    try:
        days = (dt.date.fromisoformat(later[:10]) - dt.date.fromisoformat(earlier[:10])).days
    except ValueError as error:
        raise InvalidInput(
            say("Growth needs both study dates, and one is missing."),
        ) from error
    if days <= 0:
        raise InvalidInput(say("Growth needs two dates, and both measurements are of one day."))
    return days


def growth(before: Size, after: Size, days: int) -> Growth:
    """How one size became the other. Raises InvalidInput where nothing was measured on both."""
    diameter = _change(before.diameter_mm, after.diameter_mm)
    volume = _change(before.volume_mm3, after.volume_mm3)
    if diameter is None and volume is None:
        raise InvalidInput(say("Growth needs a diameter on both dates, or a volume on both."))
    doubling = None
    if volume is not None and before.volume_mm3 and after.volume_mm3:
        doubling = doubling_days(before.volume_mm3, after.volume_mm3, days)
    elif before.diameter_mm and after.diameter_mm:
        doubling = doubling_days(before.diameter_mm**3, after.diameter_mm**3, days)
    is_beyond = volume is not None and abs(volume) >= GROWN_VOLUME
    if volume is None and before.diameter_mm and after.diameter_mm:
        is_beyond = abs(after.diameter_mm - before.diameter_mm) >= GROWN_MM
    return Growth(
        days=days,
        diameter=diameter,
        volume=volume,
        doubling_days=doubling,
        is_by_diameter=volume is None,
        is_beyond_error=is_beyond,
    )


def _change(before: float | None, after: float | None) -> float | None:
    return after / before - 1.0 if before and after else None


def growth_lines(found: Growth) -> tuple[Sentence, ...]:
    """Growth in words, for the panel and the report."""
    lines = []
    if found.diameter is not None:
        lines.append(say("Diameter {change} %", change=signed(100 * found.diameter)))
    if found.volume is not None:
        lines.append(say("Volume {change} %", change=signed(100 * found.volume)))
    lines.append(_doubling_line(found))
    if not found.is_beyond_error:
        lines.append(
            say("Within what measuring twice differs by (25 % of volume, 2 mm of diameter).")
        )
    return tuple(lines)


def _doubling_line(found: Growth) -> Sentence:
    if found.doubling_days is None:
        return say("Unchanged over {days} {days:day|days}", days=found.days)
    values = {"doubling": number_text(round(abs(found.doubling_days))), "days": found.days}
    if found.doubling_days < 0:
        return say("Volume halves in {doubling} days (over {days} {days:day|days})", **values)
    if found.is_by_diameter:
        return say(
            "Volume doubles in {doubling} days, taken as a sphere (over {days} {days:day|days})",
            **values,
        )
    return say("Volume doubles in {doubling} days (over {days} {days:day|days})", **values)


def signed(value: float) -> str:
    """A change with its sign, the true minus, whole numbers."""
    return f"{value:+.0f}".replace("-", "−").replace("+0", "0").replace("−0", "0")


def growth_quantities(found: Growth) -> tuple[Quantity, ...]:
    """The same as numbers with units, for a structured report."""
    numbers = [
        ("Change of diameter", None if found.diameter is None else 100 * found.diameter, "%"),
        ("Change of volume", None if found.volume is None else 100 * found.volume, "%"),
        ("Volume doubling time", found.doubling_days, "d"),
        ("Days between", float(found.days), "d"),
    ]
    return tuple(
        Quantity(concept=concept, value=value, unit=unit)
        for concept, value, unit in numbers
        if value is not None
    )

"""What a plot of a series needs: days, values, how far its axis reaches."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from medview.record.chart import Series

_MARGIN = 0.12  # of the span, above and below
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class TrendScale:
    """seconds: since 1970, UTC, of each point. low, high: of the value axis, in the unit of the
    series. band: the reference range as far as the axis shows it, None where there is none.
    same_day: numbers of the points that share a day with another point that says something else.
    """

    seconds: tuple[float, ...]
    values: tuple[float, ...]
    low: float
    high: float
    band: tuple[float, float] | None
    same_day: frozenset[int]


def trend_scale(series: Series) -> TrendScale:
    """Places of the points of a series, and an axis with values and reference range in it."""
    values = tuple(point.value for point in series.points)
    bounds = [bound for bound in series.reference if bound is not None]
    low, high = min((*values, *bounds)), max((*values, *bounds))
    room = (high - low) * _MARGIN or max(abs(high) * _MARGIN, 0.5)
    low, high = low - room, high + room
    return TrendScale(
        seconds=tuple(_seconds(point.time) for point in series.points),
        values=values,
        low=low,
        high=high,
        band=_band(series, low, high) if bounds else None,
        same_day=_contradictions(series),
    )


def is_course(series: Series) -> bool:
    """Whether the series says something about time: different days with a value."""
    return len({point.time[:10] for point in series.points}) > 1


def _band(series: Series, low: float, high: float) -> tuple[float, float]:
    bottom, top = series.reference
    return (low if bottom is None else bottom, high if top is None else top)


def _seconds(time: str) -> float:
    try:
        moment = dt.datetime.fromisoformat(time)
    except ValueError:
        moment = dt.datetime.fromisoformat(time[:10])
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)  # the clock on the wall, wherever that hung
    return (moment - _EPOCH).total_seconds()


def _contradictions(series: Series) -> frozenset[int]:
    days: dict[str, list[int]] = {}
    for number, point in enumerate(series.points):
        if len(point.time) == len("2026-01-31"):  # times of a day may well differ
            days.setdefault(point.time, []).append(number)
    return frozenset(
        number
        for numbers in days.values()
        if len({series.points[n].value for n in numbers}) > 1
        for number in numbers
    )

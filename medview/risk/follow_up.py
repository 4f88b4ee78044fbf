"""When a guideline wants the next look, counted from the day of the study."""

from __future__ import annotations

import calendar
from datetime import date

from medview.risk.choose import day_of
from medview.risk.score import Band


def due(band: Band, study_date: str) -> tuple[str, str] | None:
    """First and last day (ISO) of the next look, None where the band names no months.

    study_date: ISO. A month without that day ends on its last one.
    """
    start = day_of(study_date)
    if band.months is None or start is None:
        return None
    first, last = (_later(start, months) for months in band.months)
    return first.isoformat(), last.isoformat()


def _later(day: date, months: int) -> date:
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))

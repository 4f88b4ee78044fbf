"""How old a value may be before it is marked, by concept; the defaults may be overruled."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from functools import cache

from medview.core.observation import Observation
from medview.core.paths import resources_dir


@cache
def usual_days() -> Mapping[str, int]:
    """The longest usual age in days by concept id, from `resources/staleness.json`."""
    loaded = json.loads((resources_dir() / "staleness.json").read_text(encoding="utf-8"))
    return {concept: int(days) for concept, days in loaded["days"].items()}


def day_of(time: str) -> dt.date | None:
    """The day of an ISO date or date-time, None where it is not a whole date."""
    try:
        return dt.date.fromisoformat(time[:10])
    except ValueError:
        return None


def age_in_days(one: Observation, on: dt.date) -> int | None:
    """Days from the value to `on`; None where its day is not known or lies after `on`."""
    day = day_of(one.time)
    return (on - day).days if day is not None and day <= on else None


def is_stale(one: Observation, on: dt.date, limits: Mapping[str, int] | None = None) -> bool:
    """Whether a value is older on that day than is usual; what has no limit never is.

    limits: days by concept that take the place of the usual ones; 0 means no limit.
    """
    own = (limits or {}).get(one.concept)
    days = own if isinstance(own, int) else usual_days().get(one.concept, 0)
    age = age_in_days(one, on)
    return bool(days) and age is not None and age > days

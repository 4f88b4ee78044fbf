"""What a file says of its patient that cannot be true, or is said otherwise inside of it."""

from __future__ import annotations

import datetime as dt

from medview.core.words import Sentence, say
from medview.record.document import PatientIdentity
from medview.record.identity import differ

_FIRST_YEAR = 1850
_SHOWN = 24  # characters of what was written


def checked_birth(birth: str, place: str, notes: list[Sentence], written: str = "") -> str:
    """An ISO birth date (also a year or month alone), empty and told where it is none.

    written: as it stands in the file, which tells what could not be read. place: where it stands.
    """
    shown = (written.strip() or birth)[:_SHOWN].strip()
    if not birth:
        if any(c.isdigit() for c in shown):
            notes.append(
                say(
                    "The birth date {date} is not used: day and month can be read in two ways, "
                    "or it is no date ({place}).",
                    date=shown, place=place,
                )
            )  # fmt: skip
        return ""
    if _is_possible(birth):
        return birth
    notes.append(
        say("The birth date {date} is not used: there is no such day ({place}).",
            date=shown, place=place)
    )  # fmt: skip
    return ""


def _is_possible(birth: str) -> bool:
    try:
        day = dt.date.fromisoformat((birth[:10] + "-01-01")[:10])
    except ValueError:
        return False
    return _FIRST_YEAR <= day.year <= dt.datetime.now().astimezone().year + 1


def conflict(inner: PatientIdentity, outer: PatientIdentity, place: str) -> Sentence | None:
    """What to say where a text inside a file is about somebody else than the file."""
    if not differ(inner, outer):
        return None
    return say(
        "A report inside ({place}) is about {inner}; the file around it is about {outer}. "
        "It is shown, but nothing is read from it.",
        place=place, inner=_shown(inner), outer=_shown(outer),
    )  # fmt: skip


def _shown(who: PatientIdentity) -> str:
    return " · ".join(part for part in (who.id, who.name, who.birth_date, who.sex) if part) or "-"

"""Who a document is about, as its first readable line and as observations."""

from __future__ import annotations

from medview.record.note import Value
from medview.record.readers.page import Page


def write_demographics(page: Page) -> None:
    """Name, sex and birth date in a line; sex and the age on the document's day are observed."""
    who = page.patient
    words = [
        w
        for w in (
            who.name,
            {"F": "female", "M": "male"}.get(who.sex, ""),
            f"born {who.birth_date}" if who.birth_date else "",
        )
        if w
    ]
    if not words:
        return
    span = page.write(", ".join(words))
    page.write("\n")
    if who.sex in ("F", "M"):
        page.observe("sex", who.sex, span, kind="header", original=", ".join(words))
    age = age_at(who.birth_date, page.date)
    if age is not None:
        page.observe(
            "age", age, span, value_of=Value(unit="a"), kind="header", original=who.birth_date
        )


def age_at(birth_date: str, date: str) -> int | None:
    """Whole years between two full ISO dates, None where one of them is not full."""
    if len(birth_date) < 10 or len(date) < 10:
        return None
    born, then = birth_date[:10], date[:10]
    years = int(then[:4]) - int(born[:4]) - (then[5:] < born[5:])
    return years if 0 <= years <= 130 else None

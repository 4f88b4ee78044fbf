"""Numbers and units as people write them in a text."""

from __future__ import annotations

import re

from medview.core.unit_names import WRITTEN_UNITS, ucum

__all__ = ["BEGIN", "END", "NUMBER", "UNIT", "number", "ucum"]

UNIT = "|".join(re.escape(w) for w in sorted(WRITTEN_UNITS, key=len, reverse=True) if w != "1")
NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
END = r"(?![A-Za-z0-9])"  # \b would not see an edge between Chinese and Latin letters
BEGIN = r"(?<![A-Za-z0-9])"


def number(written: str) -> int | float:
    """A number as written: 5 stays an integer, 1,200 loses its comma."""
    plain = written.replace(",", "")
    return float(plain) if "." in plain else int(plain)

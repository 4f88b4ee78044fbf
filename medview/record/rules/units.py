"""Numbers and units as people write them in a text."""

from __future__ import annotations

import re

from medview.core.unit_names import WRITTEN_UNITS, ucum

__all__ = ["BEGIN", "END", "NUMBER", "UNIT", "has_digit", "number", "ucum"]

UNIT = "|".join(re.escape(w) for w in sorted(WRITTEN_UNITS, key=len, reverse=True) if w != "1")
# As many digits as a result may have: a hundred nines are no size, and no number of JSON's.
# A comma before one or two digits is a decimal mark ("0,25 mg"), between threes it is none.
NUMBER = (
    r"\d{1,3}(?:,\d{3}){1,4}(?:\.\d{1,12})?"
    r"|(?<![\d,.])\d{1,4},\d{1,2}(?!\d|[,.]\d|\s?[\u4e00-\u9fff])"
    r"|\d{1,12}(?:\.\d{1,12})?"
)
_DECIMAL_COMMA = re.compile(r"\d{1,4},\d{1,2}")
END = r"(?![A-Za-z0-9])"  # \b would not see an edge between Chinese and Latin letters
BEGIN = r"(?<![A-Za-z0-9])"
_DIGIT = re.compile(r"\d")


def has_digit(text: str, span: tuple[int, int]) -> bool:
    """Whether a sentence holds a number; most of them do not, and need no grammar of numbers."""
    return _DIGIT.search(text, *span) is not None


def number(written: str) -> int | float:
    """A number as written: 5 stays an integer, 1,200 loses its comma, 0,25 is a quarter."""
    if _DECIMAL_COMMA.fullmatch(written):
        return float(written.replace(",", "."))
    plain = written.replace(",", "")
    return float(plain) if "." in plain else int(plain)

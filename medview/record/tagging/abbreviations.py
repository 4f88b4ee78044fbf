"""Short forms that a text explains: "acute renal failure (ARF)".

Schwartz and Hearst 2003 (10.1142/9789812776303_0042): the letters of the short form stand, in
order, in the words before the bracket, the first one at the beginning of a word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from medview.record.note import Span

_BRACKET = re.compile(r"[(\[]\s*([^()\[\]]{2,40}?)\s*[)\];,]")
_SHORT = re.compile(r"[A-Za-z0-9][A-Za-z0-9 /+.\-]{1,9}")


@dataclass(frozen=True, slots=True)
class Abbreviation:
    """A short form, what it stands for and where both are."""

    short: str
    short_span: Span
    long_span: Span


def abbreviations(text: str) -> list[Abbreviation]:
    """Every "long form (short form)" of a text."""
    found = []
    for match in _BRACKET.finditer(text):
        short = match[1]
        letters = sum(c.isalpha() for c in short)
        if not _SHORT.fullmatch(short) or letters < 2 or short.count(" ") > 1 or short.islower():
            continue
        begin = _window(text, match.start(), len(short))
        start = _long_form(text, begin, match.start(), short)
        if start is not None:
            end = len(text[: match.start()].rstrip())
            found.append(Abbreviation(short, match.span(1), (start, end)))
    return found


def _window(text: str, end: int, letters: int) -> int:
    """Where the words begin in which the long form may be: at most twice the letters of them."""
    most = min(letters + 5, letters * 2)
    words = list(re.finditer(r"\S+", text[max(0, end - 200) : end]))
    if not words:
        return end
    return max(0, end - 200) + words[max(0, len(words) - most)].start()


def _long_form(text: str, begin: int, end: int, short: str) -> int | None:
    """Where the shortest long form begins, None where the letters do not fit."""
    wanted = [c.lower() for c in short if c.isalnum()]
    position = end
    for number in range(len(wanted) - 1, -1, -1):
        position -= 1
        while position >= begin and not (
            text[position].lower() == wanted[number]
            and (number > 0 or position == begin or not text[position - 1].isalnum())
        ):
            position -= 1
        if position < begin:
            return None
    long = text[position:end].rstrip()
    return position if len(long) > len(short) and short not in long.split() else None

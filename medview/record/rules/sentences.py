"""Where sentences and clauses end, in English and Chinese."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from medview.record.note import Span

_ABBREVIATED = re.compile(
    r"(?:\b(?:Dr|Mr|Mrs|Ms|Prof|St|vs|e\.g|i\.e|approx|No|Fig|cf|ca|resp|dept|pt|max|min|incl)"
    r"|\b[A-Z])\.$",
    re.IGNORECASE,
)
_LONGEST = 1500  # characters of one sentence
_END = re.compile(
    r"[。！？]+[”’）)]*"
    r"|[.!?]+[\"')\]]*(?=\s|$)"
    r"|(?<=[\u4e00-\u9fff%）)])\.(?=[\u4e00-\u9fff])"
    r"|\r?\n[ \t]*(?=\r?\n)"
    r"|\r?\n(?=[ \t]*(?:[-•*·●]|\d+[.)、]|[A-Z\u4e00-\u9fff\[(（【“]|$))"
)


def sentences(text: str, start: int = 0, end: int | None = None) -> list[Span]:
    """Spans of sentences inside [start, end), without surrounding blanks, none empty."""
    end = len(text) if end is None else end
    found: list[Span] = []
    begin = start
    for match in _END.finditer(text, start, end):
        if text[match.start()] == "." and _is_inside(text, begin, match):
            continue
        _add(found, text, begin, match.end())
        begin = match.end()
    _add(found, text, begin, end)
    return found


def _is_inside(text: str, begin: int, match: re.Match[str]) -> bool:
    # "Dr. Smith" and "approx. 3 cm" go on; so does a full stop before a small letter.
    before = text[max(begin, match.start() - 8) : match.start() + 1]
    if _ABBREVIATED.search(before) and not before.endswith(("L.", "I.", "V.")):
        return True
    after = text[match.end() : match.end() + 2].lstrip(" ")
    return bool(after) and after[0].islower() and "\n" not in text[match.end() : match.end() + 2]


def _add(found: list[Span], text: str, start: int, end: int) -> None:
    # A text without full stops is cut at blanks or commas, so that every rule stays quick.
    while end - start > _LONGEST:
        cut = max(text.rfind(c, start, start + _LONGEST) for c in " ,，、\n")
        cut = cut + 1 if cut > start else start + _LONGEST
        _add(found, text, start, cut)
        start = cut
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    end -= len(piece) - len(piece.rstrip())
    if start < end:
        found.append((start, end))


def at(spans: Sequence[Span], position: int) -> int | None:
    """Index of the span that holds a position, None when none does."""
    index = bisect_right(spans, (position, 1 << 60)) - 1
    return index if index >= 0 and position < spans[index][1] else None

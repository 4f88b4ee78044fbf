"""Full-text search in both languages: words of English however they are bent, Chinese as written.

A query is a phrase, or several with a bar between them. Of English words case, accents, hyphens,
plurals and the spellings of both sides of the ocean do not matter (`haemorrhage`, `hemorrhages`),
and the last one may be unfinished. Chinese is found anywhere in the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from medview.core.progress import CancelToken

_PIECE = 1 << 15  # characters that are searched at once: others get their turn in between
_OVERLAP = 400  # characters of a match that may lie across two pieces
_HAN = r"\u3400-\u9fff"
_PART = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+")
_AROUND = 36  # characters of context to either side of a hit
MOST = 2_000


@dataclass(frozen=True, slots=True)
class Hit:
    """Words that were found: [start, end) of the text `key`, and the line around them."""

    key: str
    start: int
    end: int
    context: str


class _Folded(dict[int, str]):
    """Every character as the one that it is searched by: small, without accent, half-width."""

    def __missing__(self, code: int) -> str:
        plain = unicodedata.normalize("NFKD", chr(code))[:1].casefold()
        self[code] = plain if len(plain) == 1 else chr(code)
        return self[code]


_FOLDED = _Folded()


def folded(text: str) -> str:
    """The text with every character folded; as many characters as before."""
    return text.lower() if text.isascii() else text.translate(_FOLDED)


@cache
def pattern_of(query: str) -> re.Pattern[str] | None:
    """What finds a query in a folded text; None where the query holds no letter and no figure."""
    made = [found for phrase in query.split("|") if (found := _phrase(phrase.lstrip()))]
    return re.compile("|".join(made)) if made else None


def _phrase(query: str) -> str:
    parts = _PART.findall(folded(query))
    is_open = not query[-1:].isspace()
    made = [
        _part(part, is_last=number == len(parts) - 1 and is_open)
        for number, part in enumerate(parts)
    ]
    return rf"[^\w{_HAN}]*".join(made)


def _part(part: str, *, is_last: bool) -> str:
    if re.match(f"[{_HAN}]", part):
        return r"\s?".join(map(re.escape, part))
    word = rf"(?<![^\W_{_HAN}])" + _spellings(_stem(part))
    if is_last:
        return word + rf"[^\W_{_HAN}]*"
    return word + rf"(?:y|ies|s|e|es|is)?(?![^\W_{_HAN}])"


def _stem(word: str) -> str:
    """The word without the ending of a plural, by Harman's rules and those of Greek words."""
    if len(word) > 4 and word.endswith(("ies",)):
        return word[:-3]
    if len(word) > 5 and word.endswith(("is", "es")):  # metastasis, metastases
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us")):
        return word[:-1]
    return word[:-1] if len(word) > 4 and word.endswith("y") else word


def _spellings(stem: str) -> str:
    """A pattern for the stem: ae and oe as e, our as or."""
    if len(stem) < 4:
        return re.escape(stem)
    plain = re.sub(r"[ao]e", "e", stem).replace("our", "or")
    escaped = re.escape(plain)
    return re.sub("(?<!^)or", "ou?r", escaped.replace("e", "[ao]?e"))


def search(
    texts: Mapping[str, str], query: str, cancel: CancelToken | None = None
) -> tuple[Hit, ...]:
    """Every place of a query in some texts, in their order; `MOST` at most. Raises Cancelled."""
    pattern = pattern_of(query.lstrip())
    if pattern is None:
        return ()
    found: list[Hit] = []
    for key, text in texts.items():
        for start, end in _places(pattern, text, cancel):
            found.append(Hit(key, start, end, _context(text, start, end)))
            if len(found) >= MOST:
                return tuple(found)
    return tuple(found)


def _places(
    pattern: re.Pattern[str], text: str, cancel: CancelToken | None
) -> Iterator[tuple[int, int]]:
    done = 0
    for begin in range(0, max(1, len(text)), _PIECE):
        if cancel is not None:
            cancel.check()
        before = max(0, begin - 1)  # a word is not begun where a piece begins
        piece = folded(text[before : begin + _PIECE + _OVERLAP])
        for match in pattern.finditer(piece, begin - before):
            start, end = before + match.start(), before + match.end()
            if start >= begin + _PIECE:
                break
            if start >= done and end > start:
                done = end
                yield start, end


def _context(text: str, start: int, end: int) -> str:
    left, right = max(0, start - _AROUND), min(len(text), end + _AROUND)
    return " ".join(text[left:right].split())

"""How well typed letters name a line: whole words first, then their letters in order."""

from __future__ import annotations

_WHOLE, _BEGIN, _INSIDE, _SCATTERED = 0, 1, 2, 3
_PER_GAP = 0.01
_LEAST_SCATTERED = 2  # letters; one alone is scattered in everything
_MOST_GAPS = 14  # signs between scattered letters


def mismatch(typed: str, text: str) -> float | None:
    """0 for the text itself, more the worse it fits; None where a typed word is not in it.

    Every typed word counts: as a word of the text, as a beginning of one, as a part, or as letters
    in their order ("fh" finds "Flip horizontally").
    """
    line = text.casefold()
    total = 0.0
    for word in typed.casefold().split():
        cost = _cost(word, line)
        if cost is None:
            return None
        total += cost
    return total


def _cost(word: str, line: str) -> float | None:
    words = line.split()
    if word in words:
        return _WHOLE
    if any(each.startswith(word) for each in words):
        return _BEGIN
    at = line.find(word)
    if at >= 0:
        return _INSIDE + at * _PER_GAP
    return _scattered(word, line) if len(word) >= _LEAST_SCATTERED else None


def _scattered(word: str, line: str) -> float | None:
    """Letters in order, each next one soon or at a word's beginning."""
    at, gaps = line.find(word[0]), 0
    while at >= 0 and at and line[at - 1].isalnum():  # the first letter begins a word
        at = line.find(word[0], at + 1)
    if at < 0:
        return None
    for letter in word[1:]:
        following = line.find(letter, at + 1)
        if following < 0:
            return None
        gaps += following - at - 1
        at = following
    return _SCATTERED + gaps * _PER_GAP if gaps <= _MOST_GAPS else None

"""Where the characters of a note stand in a text widget: a part of it, with small words between."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

SHORT = 700  # characters of a long document that are shown before it is asked for
MOST = 8_000  # characters that are laid out at once, so that the window goes on answering


@dataclass(frozen=True, slots=True)
class Part:
    """Characters [start, end) of a note that a widget lays out; is_whole: no more was left out."""

    start: int
    end: int

    def is_whole(self, text: str) -> bool:
        """Whether all of the text is in it."""
        return self.start == 0 and self.end >= len(text)


def first_part(text: str) -> Part:
    """The beginning of a long text, to the end of a line; all of a short one."""
    if len(text) <= SHORT * 1.2:
        return Part(0, len(text))
    end = text.find("\n", SHORT)
    return Part(0, end if 0 < end < 2 * SHORT else SHORT)


def part_around(text: str, offset: int) -> Part:
    """As much as is laid out at once, with a place in it; from the top where that reaches it."""
    if offset < MOST:
        start = 0
    else:
        line = text.rfind("\n", 0, offset - 1000) + 1
        start = line if offset - line < MOST // 2 else offset - 1000
    return Part(start, min(len(text), start + MOST))


def units(text: str) -> int:
    """Length as Qt counts: a rare Han character is two units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


class Pieces:
    """Stretches of a note's text in the order in which they were written into a widget."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._offsets: list[int] = []  # of each stretch in the note
        self._ends: list[int] = []
        self._positions: list[int] = []  # of each stretch in the widget, in UTF-16 units

    def add(self, start: int, end: int, position: int) -> None:
        """Characters [start, end) begin at a position of the widget."""
        self._offsets.append(start)
        self._ends.append(end)
        self._positions.append(position)

    def position(self, offset: int, *, is_end: bool = False) -> int:
        """Where a place of the note stands; is_end: as the end of what stands before it."""
        key = offset - 1 if is_end else offset
        number = max(0, bisect_right(self._offsets, key) - 1)
        if not self._offsets:
            return 0
        start = self._offsets[number]
        inside = min(max(start, offset), self._ends[number])
        return self._positions[number] + units(self._text[start:inside])

    def offset(self, position: int) -> int:
        """Which place of the note a position of the widget is; small words are their left end."""
        number = max(0, bisect_right(self._positions, position) - 1)
        if not self._offsets:
            return 0
        start, end = self._offsets[number], self._ends[number]
        wanted = position - self._positions[number]
        piece = self._text[start:end]
        if piece.isascii():
            return start + min(wanted, len(piece))
        data = piece.encode("utf-16-le", "surrogatepass")[: 2 * wanted]
        return start + len(data.decode("utf-16-le", "replace"))

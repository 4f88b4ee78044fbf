"""How much a header holds, told before anything of it is kept: a hostile one is refused by itself.

The scan for a list of series keeps a handful of values; a copy needs every one, so its bounds are
nearer. Only tags, lengths and the marks of items are looked at.
"""

from __future__ import annotations

from medview.core.errors import UnreadableInstance
from medview.core.words import say
from medview.dicom.elements import (
    EXPLICIT,
    IMPLICIT,
    ITEM,
    ITEM_END,
    PIXEL_TAGS,
    SEQUENCE_END,
    UNDEFINED,
    ByteSource,
    Encoding,
    Malformed,
)
from medview.dicom.instance import Instance
from medview.dicom.keywords import vr_of
from medview.dicom.walker import Walker

LARGEST_PRIVATE = 1 << 22  # as the scan's; larger private values are never kept in a copy
_MOST_BYTES, _MOST_PARTS, _DEEPEST = 1 << 27, 250_000, 24
_MOST_UNCLEAR = 2 << 20  # bytes that pydicom may still try where this walk cannot follow


def large_private_tags(instance: Instance) -> frozenset[int]:
    """Private elements of the top level that need not be read, since no copy keeps them.

    Raises UnreadableInstance where the header holds more than fits into bounded memory.
    """
    with instance.open() as source:
        count = _Count(source, instance.path)
        offset = 0 if instance.inflated is not None else _begin(source)
        try:
            count.level(offset, source.size, instance.encoding, 0)
        except Malformed as fault:
            place = instance.elements.pixels
            rest = (source.size if place is None else place.offset) - count.reached
            if rest > _MOST_UNCLEAR:
                raise count.too_much(fault.tag) from fault
    return frozenset(count.large)


def _begin(source: ByteSource) -> int:
    return 132 if source.read(128, 4) == b"DICM" else 0


class _Count(Walker):
    """Counts elements, items and bytes of values; it keeps none."""

    def __init__(self, source: ByteSource, path: str) -> None:
        super().__init__(source, frozenset())
        self._path = path
        self._parts, self._bytes = _MOST_PARTS, _MOST_BYTES
        self.large: set[int] = set()
        self.reached = 0

    def too_much(self, tag: int) -> UnreadableInstance:
        """The sentence for a header that nobody could look through."""
        return UnreadableInstance(
            say("The header holds more than MedView can look through, so no copy is made."),
            self._path,
            tag=f"({tag >> 16:04X},{tag & 0xFFFF:04X})",
        )

    def level(self, offset: int, end: int, encoding: Encoding, depth: int) -> int:
        """Walk one data set or item; returns where it stopped."""
        while offset + 8 <= end:
            self.reached = offset
            is_meta = depth == 0 and self._source.read(offset, 2) == b"\x02\x00"
            how = EXPLICIT if is_meta else encoding
            tag, vr, length, start = self._header(offset, how)
            if tag in (ITEM_END, SEQUENCE_END):
                return start
            if depth == 0 and tag in PIXEL_TAGS:
                return end
            self._part(tag)
            if length == UNDEFINED or (vr_of(tag) if vr == "UN" else vr) == "SQ":
                inner = IMPLICIT if vr == "UN" and how.explicit else how  # PS3.5 6.2.2
                offset = self._below(tag, (start, length, end), inner, depth)
            else:
                offset = self._value(tag, start, length, end, depth)
        return offset

    def _part(self, tag: int) -> None:
        self._parts -= 1
        if self._parts < 0:
            raise self.too_much(tag)

    def _value(self, tag: int, start: int, length: int, end: int, depth: int) -> int:
        if start + length > end:
            raise Malformed(tag)
        if depth == 0 and tag >> 16 & 1 and length > LARGEST_PRIVATE:
            self.large.add(tag)
        else:
            self._bytes -= length
            if self._bytes < 0:
                raise self.too_much(tag)
        return start + length

    def _below(self, tag: int, where: tuple[int, int, int], encoding: Encoding, depth: int) -> int:
        start, length, limit = where
        end = limit if length == UNDEFINED else start + length
        if end > limit:
            raise Malformed(tag)
        if depth >= _DEEPEST:
            raise self.too_much(tag)
        offset = start
        while offset + 8 <= end:
            mark, _, size, inner = self._header(offset, encoding)
            if mark == SEQUENCE_END:
                return inner
            if mark != ITEM:
                raise Malformed(tag)
            self._part(tag)
            stop = end if size == UNDEFINED else inner + size
            if stop > end:
                raise Malformed(tag)
            reached = self.level(inner, stop, encoding, depth + 1)
            offset = reached if size == UNDEFINED else stop
        return end

"""A flat walk over the elements of a DICOM header: fast, bounded, tolerant of broken files.

Only wanted values are kept; everything else is skipped by its length, so that a vendor's private
block costs one read. Encoding rules: PS3.5 section 7, undefined lengths 7.5, UN 6.2.2.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from medview.dicom.charset import defined_terms
from medview.dicom.elements import (
    EXPLICIT,
    IMPLICIT,
    ITEM,
    ITEM_END,
    PIXEL_TAGS,
    SEQUENCE_END,
    UNDEFINED,
    ByteSource,
    Elements,
    Encoding,
    Malformed,
    PixelPlace,
)
from medview.dicom.encoding import LONG_VRS, SHORT_VRS
from medview.dicom.keywords import vr_of
from medview.dicom.repeats import Part, Plan, Repeats

_PLAIN = struct.Struct("<HH2sH")
_CHARSET = 0x00080005
_META_GROUP = b"\x02\x00"
_LARGEST_VALUE = 1 << 22
_DEEPEST = 24
# A header with more is made to tire a reader: in memory about a gigabyte, in time ten seconds.
_MOST_NESTED = 1_500_000  # items and elements inside sequences
_MOST_STEPS = 20_000  # buffers and sequences of the top level


class _Header(NamedTuple):
    tag: int
    vr: str
    length: int
    start: int


_LENGTH_FOLLOWS, _NEEDS_THOUGHT = -1, -2
_MOST_PLANS = 8192


def _plan(head: bytes, wanted: frozenset[int]) -> Plan:
    group, element, vr, length = _PLAIN.unpack(head)
    tag = group << 16 | element
    is_long = vr in LONG_VRS
    if tag in PIXEL_TAGS or tag == _CHARSET or vr == b"SQ" or not (is_long or vr in SHORT_VRS):
        return (tag, "", 0, _NEEDS_THOUGHT)
    kept = vr.decode() if tag in wanted else ""
    return (tag, kept, 12, _LENGTH_FOLLOWS) if is_long else (tag, kept, 8, 8 + length)


class Walker:
    """Walks one source; `wanted` are the top-level tags to keep (all, inside kept sequences)."""

    def __init__(
        self,
        source: ByteSource,
        wanted: frozenset[int],
        end: int | None = None,
        repeats: Repeats | None = None,
    ) -> None:
        self._source = source
        self._repeats = repeats = Repeats() if repeats is None else repeats
        self._wanted = wanted
        self._plans = repeats.plans
        self._end = source.size if end is None else end
        self._is_meta = False
        self._nested, self._steps = _MOST_NESTED, _MOST_STEPS
        self.charsets: tuple[str, ...] = ("",)

    def _header(self, offset: int, encoding: Encoding) -> _Header:
        buffer, at = self._source.window(offset, 12)
        if len(buffer) - at < 8:
            raise Malformed(0)
        order = ">" if encoding.big else "<"
        group, element = struct.unpack_from(order + "HH", buffer, at)
        tag = group << 16 | element
        if group == 0xFFFE or not encoding.explicit:
            return _Header(
                tag,
                vr_of(tag) if group != 0xFFFE else "",
                struct.unpack_from(order + "I", buffer, at + 4)[0],
                offset + 8,
            )
        vr = buffer[at + 4 : at + 6]
        if vr in SHORT_VRS:
            return _Header(
                tag, vr.decode(), struct.unpack_from(order + "H", buffer, at + 6)[0], offset + 8
            )
        if vr in LONG_VRS:
            if len(buffer) - at < 12:
                raise Malformed(tag)
            return _Header(
                tag, vr.decode(), struct.unpack_from(order + "I", buffer, at + 8)[0], offset + 12
            )
        # No VR where one must stand: some writers switch to implicit inside sequences.
        return _Header(tag, "UN", struct.unpack_from(order + "I", buffer, at + 4)[0], offset + 8)

    def data_set(self, offset: int, encoding: Encoding) -> Elements:
        """The top level, up to the pixels; a fault is noted and what was read before it stays."""
        found = Elements(encoding)
        try:
            self._elements(found, offset, self._end, keep_all=False, depth=0)
        except Malformed as error:
            found.fault = error.tag
        found.charsets = self.charsets
        return found

    def _elements(
        self, found: Elements, offset: int, end: int, *, keep_all: bool, depth: int
    ) -> int:
        """Reads elements into `found` until the end or a delimiter; returns where it stopped."""
        if depth > _DEEPEST:
            raise Malformed(ITEM)
        is_plain = depth == 0 and found.encoding == EXPLICIT
        while offset + 8 <= end:
            self._tire(depth, offset)
            offset = self._skim(found, offset, end) if is_plain else offset
            if offset + 8 > end:
                break
            if is_plain and (past := self._known_sequence(found, offset, end)):
                offset = past
                continue
            header = self._header(offset, found.encoding)
            if header.tag in (ITEM_END, SEQUENCE_END):
                return header.start
            if depth == 0 and header.tag in PIXEL_TAGS:
                found.pixels = PixelPlace(header.tag, header.vr, header.start, header.length)
                return end
            keep = keep_all or header.tag in self._wanted
            begin, offset = offset, self._element(found, header, end, keep=keep, depth=depth)
            if is_plain and header.vr == "SQ":
                self._learn_sequence(found, header.tag, begin, offset)
        if offset != end and depth == 0 and any(self._source.read(offset, end - offset)):
            raise Malformed(0)
        return offset

    def _tire(self, depth: int, offset: int) -> None:
        """Raises Malformed where a header goes on without end."""
        if depth:
            self._nested -= 1
        else:
            self._steps -= 1
        if self._nested < 0 or self._steps < 0:
            buffer, at = self._source.window(offset, 4)
            group, element = struct.unpack_from("<HH", buffer, at)
            raise Malformed(group << 16 | element)

    def _known_sequence(self, found: Elements, offset: int, end: int) -> int:
        """Where the sequence here ends, if it stood in a file before just so; else 0."""
        buffer, at = self._source.window(offset, 12)
        known = self._repeats.sequences.get(buffer[at : at + 8])
        if known is None or known.charsets != self.charsets or offset + len(known.raw) > end:
            return 0
        if not buffer.startswith(known.raw, at):
            return 0
        if known.items is not None:
            tag = buffer[at + 1] << 24 | buffer[at] << 16 | buffer[at + 3] << 8 | buffer[at + 2]
            found.sequences[tag] = known.items
        return offset + len(known.raw)

    def _learn_sequence(self, found: Elements, tag: int, begin: int, end: int) -> None:
        buffer, at = self._source.window(begin, 8)
        raw = buffer[at : at + end - begin]
        # One that ran to the end of the file might have gone on in a longer file.
        if len(raw) == end - begin and end + 8 < self._end:
            self._repeats.learn_sequence(raw, self.charsets, found.sequences.get(tag))

    def _element(
        self, found: Elements, header: _Header, end: int, *, keep: bool, depth: int
    ) -> int:
        """Keeps or skips one element; returns where the next one begins."""
        tag, vr, length, start = header
        if length == UNDEFINED or (keep and vr == "SQ"):
            is_unknown = vr == "UN" and found.encoding.explicit
            inner = IMPLICIT if is_unknown else found.encoding
            return self._sequence(found, tag, start, length, (inner, keep, depth, end))
        if start + length > end:
            raise Malformed(tag)
        if keep and length <= _LARGEST_VALUE:
            buffer, at = self._source.window(start, length)
            found.values[tag] = (vr, buffer[at : at + length])
            if tag == _CHARSET:
                self._take_charset(found, depth)
        return start + length

    def _skim(self, found: Elements, offset: int, end: int) -> int:
        """The plain elements of an explicit little-endian top level, in one tight loop.

        Stops before whatever needs thought (sequences, pixels, the end); nearly all the time of
        an index goes here, so it works on local names and one buffer.
        """
        buffer, at = self._source.window(offset, 12)
        base, values, spans = offset - at, found.values, self._repeats.spans
        last, limit = len(buffer), end - base
        least = min(last, limit)
        new: list[Part] = []
        while at + 12 <= last:
            head = buffer[at : at + 8]
            span = spans.get(head)
            if span is not None and span.raw:
                past = at + len(span.raw)
                if past > least:
                    break  # what is left of the buffer is walked with the next one
                if buffer.startswith(span.raw, at):
                    values.update(span.values)
                    at = past
                else:
                    self._repeats.part(span, buffer, at)
                continue
            tag, vr, start, stop = self._plan_of(head)
            if stop == _LENGTH_FOLLOWS:
                stop = start + int.from_bytes(buffer[at + 8 : at + 12], "little")
            if stop == _NEEDS_THOUGHT or at + stop > limit or (vr and at + stop > last):
                break
            kept = (tag, (vr, buffer[at + start : at + stop])) if vr else None
            if kept:
                values[tag] = kept[1]
            if span is None:
                self._repeats.step(buffer, new, (head, at, at + stop, kept))
            at += stop
        self._repeats.learn(buffer, new)
        return base + at

    def meta(self, found: Elements, offset: int) -> int:
        """The plain elements of the file meta information; returns where they end."""
        self._is_meta = True
        return self._skim(found, offset, self._end)

    def _plan_of(self, head: bytes) -> Plan:
        plan = self._plans.get(head)
        if plan is None:
            plan = _plan(head, self._wanted)
            if self._is_meta and not head.startswith(_META_GROUP):
                plan = (plan[0], "", 0, _NEEDS_THOUGHT)
            if len(self._plans) < _MOST_PLANS:
                self._plans[head] = plan
        return plan

    def _take_charset(self, found: Elements, depth: int) -> None:
        found.charsets = defined_terms(found.values[_CHARSET][1])
        if depth == 0:
            self.charsets = found.charsets

    def _sequence(
        self,
        found: Elements,
        tag: int,
        start: int,
        length: int,
        how: tuple[Encoding, bool, int, int],
    ) -> int:
        keep, limit = how[1], how[3]
        end = limit if length == UNDEFINED else start + length
        if end > limit:
            raise Malformed(tag)
        items: list[Elements] = []
        try:
            offset = self._items(items, tag, start, length, how)
        finally:  # of a damaged sequence the items before the damage stay
            if keep:
                found.sequences[tag] = tuple(items)
        return offset if length == UNDEFINED else end

    def _items(
        self,
        items: list[Elements],
        tag: int,
        start: int,
        length: int,
        how: tuple[Encoding, bool, int, int],
    ) -> int:
        encoding, keep, depth, limit = how
        end = limit if length == UNDEFINED else start + length
        offset = start
        while offset + 8 <= end:
            item_tag, _, item_length, item_start = self._header(offset, encoding)
            if item_tag == SEQUENCE_END:
                offset = item_start
                break
            if item_tag != ITEM:
                raise Malformed(tag)
            offset = self._item(items, item_start, item_length, (encoding, keep, depth, end))
        else:
            if length == UNDEFINED and offset < limit - 8:
                raise Malformed(tag)
        return offset

    def _item(
        self, items: list[Elements], start: int, length: int, how: tuple[Encoding, bool, int, int]
    ) -> int:
        encoding, keep, depth, limit = how
        end = limit if length == UNDEFINED else start + length
        self._tire(depth + 1, start - 8)
        if not keep and length != UNDEFINED and end <= limit:
            return end
        item = Elements(encoding, self.charsets)
        items.append(item)
        stopped = self._elements(item, start, min(end, limit), keep_all=keep, depth=depth + 1)
        if end > limit:
            raise Malformed(ITEM)
        return stopped if length == UNDEFINED else end

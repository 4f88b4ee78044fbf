"""Headers that are alike but for a few values: read by comparing what stands between those.

The files of a series have the same elements in the same order and differ in some values. What is
the same is compared in a few calls; an element that differs is walked by its length, as the walk
from element to element would do. Equal bytes decide that walk, so that this finds what it finds; a
header that compares otherwise is walked, and teaches which elements differ. Where all values are as
long as in a header before, all stands where it stood there, and is cut and compared in one call.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from medview.dicom.elements import (
    EXPLICIT,
    PIXEL_TAGS,
    UNDEFINED,
    Alike,
    ByteSource,
    Elements,
    PixelPlace,
)
from medview.dicom.encoding import LONG_VRS, SHORT_VRS

if TYPE_CHECKING:
    from medview.dicom.repeats import KnownSequence

_MOST_LIKENESSES, _FIRST_LESSONS, _FILES_A_LESSON = 6, 12, 40
_LONGEST_HEADER, _MOST_ELEMENTS = 1 << 18, 2000
_LONGEST_COMPARED = 256  # longer values that nobody wants are skipped by their length
_MOST_SIZES, _CUTS_A_SIZE = 64, 3
_WORTH_A_READ, _SLACK, _MOST_READ = 2048, 256, 1 << 15
Fetch = Callable[[int, int], bytes]  # so many bytes from an offset, fewer where the file ends
_BEGIN = 128  # of DICM: what the preamble holds decides nothing
_BEGIN_OF_PARTS = 4  # counted from there
_CHARSET = 0x00080005
# What decides how the rest is read: where these differ, headers are not alike.
_DECISIVE = frozenset((_CHARSET, 0x00020002, 0x00020010, 0x00080016))


class _Part(NamedTuple):
    """An element of the top level: its bytes, its tag, its VR where it is kept, else nothing."""

    raw: bytes
    tag: int
    vr: str
    is_long: bool
    may_vary: bool

    @property
    def head(self) -> bytes:
        """Tag and VR, or all of it where another value would be another header."""
        return self.raw[:6] if self.may_vary else self.raw


class _Step(NamedTuple):
    """Bytes that must stand here; then the length (`wide` bytes) and the value of what varies."""

    literal: bytes
    room: int  # bytes of both literal and length
    tag: int
    vr: str
    wide: int


class _Stretch(NamedTuple):
    """A part of a header that is read at once: what must stand in it, and what varies between.

    offset: in the file. said: the bytes that must be there. wanted: tag, VR and number of the
    fields to keep. A value that nobody wants is skipped, and an empty field stands for it.
    """

    offset: int
    fields: struct.Struct
    said: tuple[bytes, ...]
    wanted: tuple[tuple[int, str, int], ...]


class _Cut:
    """A kind of header with values of certain lengths: what is the same and what varies, by place.

    It finds what `_Likeness.match` finds: other bytes between the values, lengths among them, and
    it finds nothing.
    """

    def __init__(self, known: _Likeness, stretches: list[_Stretch], pixels: PixelPlace) -> None:
        self._stretches = [(*stretch, stretch.fields.size) for stretch in stretches]
        self.first_read = stretches[0].fields.size
        self.syntax = known.syntax
        self._known, self._alike, self._pixels = known.elements, known.alike, pixels

    def match(self, fetch: Fetch, buffer: bytes) -> Elements | None:
        """As `_Likeness.match`."""
        known, values = self._known, None
        for offset, fields, said, wanted, size in self._stretches:
            if offset != _BEGIN:
                buffer = fetch(size, offset)
            if len(buffer) < size:
                return None
            found = fields.unpack_from(buffer)
            if found[::2] != said:
                return None
            if values is None:
                values = known.values.copy()
            for tag, vr, number in wanted:
                values[tag] = (vr, found[number])
        assert values is not None  # noqa: S101 - there is one stretch at least
        return Elements(
            EXPLICIT, known.charsets, values, known.sequences, self._pixels, None, self._alike
        )


class _Likeness:
    """One kind of header: what is the same in all that were seen, and what was not."""

    def __init__(self, parts: list[_Part], elements: Elements, syntax: str) -> None:
        self.heads = [part.head for part in parts]
        self._known = [part.raw for part in parts]
        self._varies = [self._is_skipped(part) for part in parts]
        self.syntax = syntax
        self._take(parts, elements)

    @staticmethod
    def _is_skipped(part: _Part) -> bool:
        return part.may_vary and not part.vr and len(part.raw) > _LONGEST_COMPARED

    def refine(self, parts: list[_Part], elements: Elements) -> None:
        """Take in one more header with the same heads."""
        for index, part in enumerate(parts):
            if part.raw != self._known[index]:
                self._varies[index] = True
        self._take(parts, elements)

    def _take(self, parts: list[_Part], elements: Elements) -> None:
        steps: list[_Step] = []
        literal = b"DICM"
        for part, varies in zip(parts, self._varies, strict=True):
            if varies:
                literal += part.raw[:6]
                room = len(literal) + (6 if part.is_long else 2)
                steps.append(_Step(literal, room, part.tag, part.vr, 4 if part.is_long else 2))
                literal = b""
            else:
                literal += part.raw
        self.steps, self._last = steps, literal
        self._reads = self._reads_of(parts)
        self._pixels = elements.pixels
        self.elements = elements
        self.alike = Alike(frozenset(step.tag for step in steps), self.syntax)

    def _reads_of(self, parts: list[_Part]) -> list[int]:
        """How many bytes to read at a time, so that what is skipped is not read."""
        reads, begin, at = [], 0, _BEGIN_OF_PARTS
        for part, varies in zip(parts, self._varies, strict=True):
            if varies and not part.vr and len(part.raw) > _WORTH_A_READ:
                reads.append(at + 12 - begin)
                begin = at + len(part.raw)
            at += len(part.raw)
        return [min(count + _SLACK, _MOST_READ) for count in (*reads, at - begin)]

    @property
    def first_read(self) -> int:
        """How many bytes `match` likes to be given."""
        return self._reads[0]

    def match(self, fetch: Fetch, buffer: bytes) -> Elements | None:
        """The elements of a header that is alike; None for any other.

        buffer: what stands after the preamble, of any length.
        """
        at, base, size, reads = 0, _BEGIN, len(buffer), 0
        values = self.elements.values.copy()
        for literal, room, tag, vr, wide in self.steps:
            if at + room > size:
                reads += 1
                base, at = base + at, 0
                buffer = fetch(max(room, self._room(reads)), base)
                size = len(buffer)
                if room > size:
                    return None
            if not buffer.startswith(literal, at):
                return None
            at += room
            length = int.from_bytes(buffer[at - wide : at], "little")
            if length == UNDEFINED:
                return None
            if vr:
                if length > _LONGEST_HEADER:  # no header of this kind: nothing so long is asked for
                    return None
                if at + length > size:
                    base, at = base + at, 0
                    buffer = fetch(length + self._room(reads), base)
                    size = len(buffer)
                    if length > size:
                        return None
                values[tag] = (vr, buffer[at : at + length])
            at += length
        return self._ended(fetch, (base, at, buffer), values)

    def _ended(
        self, fetch: Fetch, where: tuple[int, int, bytes], values: dict[int, tuple[str, bytes]]
    ) -> Elements | None:
        base, at, buffer = where
        last = len(self._last)
        if at + last > len(buffer):
            base, at = base + at, 0
            buffer = fetch(last, base)
        if not buffer.startswith(self._last, at):
            return None
        known, pixels = self.elements, self._pixels
        assert pixels is not None  # noqa: S101 - only such headers are learnt
        place = PixelPlace(pixels.tag, pixels.vr, base + at + last, pixels.length)
        return Elements(EXPLICIT, known.charsets, values, known.sequences, place, None, self.alike)

    def cut(self, header: bytes, pixels: PixelPlace) -> _Cut:
        """For headers with values as long as in this one, which matches.

        header: from DICM to the head of the pixels.
        """
        stretches: list[_Stretch] = []
        form, said, at, begin = "", [], 0, 0
        wanted: list[tuple[int, str, int]] = []
        for _, room, tag, vr, wide in self.steps:
            said.append(header[at : at + room])
            at += room
            length = int.from_bytes(header[at - wide : at], "little")
            if not vr and length > _WORTH_A_READ:
                fields = struct.Struct(f"{form}{room}s")
                stretches.append(_Stretch(_BEGIN + begin, fields, (*said,), (*wanted,)))
                form, said, wanted, begin = "", [], [], at + length
            else:
                form += f"{room}s{length}s" if vr else f"{room}s{length}x0s"
                wanted += [(tag, vr, 2 * len(said) - 1)] if vr else []
            at += length
        fields = struct.Struct(f"{form}{len(self._last)}s")
        stretches.append(_Stretch(_BEGIN + begin, fields, (*said, self._last), (*wanted,)))
        return _Cut(self, stretches, pixels)

    def _room(self, reads: int) -> int:
        return self._reads[reads] if reads < len(self._reads) else _WORTH_A_READ


class Likenesses:
    """The kinds of header seen in a folder lately; for one set of wanted tags.

    Several threads may use it at once: what it gives is true by itself, whatever is learnt
    meanwhile.
    """

    def __init__(self) -> None:
        self._all: tuple[_Likeness, ...] = ()
        self._cuts: dict[int, tuple[_Cut, ...]] = {}  # by the size of their files
        self._credit = _FIRST_LESSONS * _FILES_A_LESSON

    @property
    def are_there(self) -> bool:
        """Whether anything was learnt."""
        return bool(self._all)

    def match(self, fetch: Fetch, size: int = 0) -> tuple[Elements, str] | None:
        """The elements of a header of a known kind and its transfer syntax. Raises as `fetch`.

        size: of the file, by which plain ones are known whose values are as long.
        """
        self._credit += 1
        cuts = self._cuts.get(size)
        if cuts is not None:
            buffer = fetch(cuts[0].first_read, _BEGIN)  # what is read for one does for all
            for cut in cuts:
                elements = cut.match(fetch, buffer)
                if elements is not None:
                    return elements, cut.syntax
        elif self._all:
            buffer = fetch(self._all[0].first_read, _BEGIN)
        else:
            return None
        for known in self._all:
            elements = known.match(fetch, buffer)
            if elements is not None:
                if known is not self._all[0]:
                    self._put_first(known)
                self._learn_cut(known, elements, fetch, size)
                return elements, known.syntax
        return None

    def _learn_cut(self, known: _Likeness, elements: Elements, fetch: Fetch, size: int) -> None:
        """Keep where the values of a header stand, for files as large as its own."""
        pixels = elements.pixels
        if pixels is None or pixels.length == UNDEFINED or pixels.offset > _LONGEST_HEADER:
            return
        others = self._cuts.get(size, ())
        if len(others) >= _CUTS_A_SIZE or (not others and len(self._cuts) >= _MOST_SIZES):
            return
        header = fetch(pixels.offset - _BEGIN, _BEGIN)
        if len(header) == pixels.offset - _BEGIN:
            made = known.cut(header, pixels)
            made.first_read = max((made.first_read, *(other.first_read for other in others)))
            self._cuts[size] = (made, *others)

    def learn(
        self,
        source: ByteSource,
        elements: Elements,
        syntax: str,
        wanted: frozenset[int],
        sequences: Mapping[bytes, KnownSequence],
    ) -> None:
        """Take in a whole explicit little-endian header that was walked, from preamble to pixels.

        sequences: what stood in files before, by their first eight bytes.
        """
        pixels = elements.pixels
        if self._credit < _FILES_A_LESSON or pixels is None or pixels.offset > _LONGEST_HEADER:
            return
        self._credit -= _FILES_A_LESSON
        header = source.read(0, pixels.offset)
        parts = _parts(header, wanted, sequences)
        if parts is None:
            return
        heads = [part.head for part in parts]
        known = next((one for one in self._all if one.heads == heads), None)
        if known is None:
            known = _Likeness(parts, elements, syntax)
        else:
            known.refine(parts, elements)
        self._cuts = {}  # what follows from a header is shared by all that vary alike
        self._put_first(known)

    def _put_first(self, known: _Likeness) -> None:
        others = [one for one in self._all if one is not known]
        self._all = (known, *others[: _MOST_LIKENESSES - 1])


def _parts(
    header: bytes, wanted: frozenset[int], sequences: Mapping[bytes, KnownSequence]
) -> list[_Part] | None:
    """Every element from DICM to the head of the pixels; None where one needs more thought."""
    parts: list[_Part] = []
    tags: set[int] = set()
    at = _BEGIN + 4
    while at < len(header) and len(parts) < _MOST_ELEMENTS:
        part = _part(header, at, wanted, sequences)
        if part is None or part.tag in tags:
            return None
        tags.add(part.tag)
        parts.append(part)
        at += len(part.raw)
    return parts if at == len(header) and parts and parts[-1].tag in PIXEL_TAGS else None


def _part(
    header: bytes, at: int, wanted: frozenset[int], sequences: Mapping[bytes, KnownSequence]
) -> _Part | None:
    tag = int.from_bytes(header[at : at + 2], "little") << 16
    tag |= int.from_bytes(header[at + 2 : at + 4], "little")
    vr = header[at + 4 : at + 6]
    is_long = vr in LONG_VRS
    if tag in PIXEL_TAGS:
        is_end = is_long and at + 12 == len(header)
        return _Part(header[at:], tag, "", is_long, may_vary=False) if is_end else None
    if not is_long and vr not in SHORT_VRS:
        return None
    is_meta = tag >> 16 == 2
    kept = vr.decode() if tag in wanted and not is_meta else ""
    if vr == b"SQ":
        known = sequences.get(header[at : at + 8])
        if known is None or not header.startswith(known.raw, at):
            return None
        return _Part(known.raw, tag, "", is_long=True, may_vary=False)
    if is_long:
        end = at + 12 + int.from_bytes(header[at + 8 : at + 12], "little")
    else:
        end = at + 8 + int.from_bytes(header[at + 6 : at + 8], "little")
    if end > len(header):
        return None
    return _Part(header[at:end], tag, kept, is_long, may_vary=tag not in _DECISIVE)

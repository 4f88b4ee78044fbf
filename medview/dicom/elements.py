"""A flat walk over the elements of a DICOM header: fast, bounded, tolerant of broken files.

Only wanted values are kept; everything else is skipped by its length, so that a vendor's private
block costs one read. Encoding rules: PS3.5 section 7, undefined lengths 7.5, UN 6.2.2.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from types import TracebackType
from typing import NamedTuple

from medview.dicom.charset import decode_text
from medview.dicom.keywords import tag_of, vr_of

PIXEL_TAGS = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
UNDEFINED = 0xFFFFFFFF
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_SHORT = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
VALUE_REPRESENTATIONS = _LONG | _SHORT
_BINARY = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "OF": "f", "OD": "d",
           "UV": "Q", "SV": "q"}  # fmt: skip
_TEXTS = frozenset(("SH", "LO", "ST", "LT", "UC", "UT", "PN", "UN"))
_PLAIN = struct.Struct("<HH2sH")
_CHARSET = 0x00080005
_LARGEST_VALUE = 1 << 22
_DEEPEST = 24
_CHUNK = 8192
_CAN_READ_INTO = hasattr(os, "preadv")
# A pipe in the place of a file must not make opening wait for ever: it is empty then.
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_SMALL = 256  # longer values are not worth remembering


class Encoding(NamedTuple):
    """How elements are written: with VR or without, which end first."""

    explicit: bool
    big: bool = False


IMPLICIT, EXPLICIT = Encoding(explicit=False), Encoding(explicit=True)


class Malformed(Exception):
    """An element cannot be as the header says; `tag` is the one at fault."""

    def __init__(self, tag: int) -> None:
        super().__init__(f"({tag >> 16:04X},{tag & 0xFFFF:04X})")
        self.tag = tag


FileStamp = tuple[int, int, int, int]


def file_stamp(status: os.stat_result) -> FileStamp:
    """What changes when a file is written to or put in another's place."""
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def read_fully(file: int, offset: int, target: memoryview) -> int:
    """Fill `target` from an open file; fewer bytes only where the file ends."""
    done = 0
    while done < len(target):
        if _CAN_READ_INTO:
            count = os.preadv(file, [target[done:]], offset + done)
        else:
            os.lseek(file, offset + done, os.SEEK_SET)
            part = os.read(file, len(target) - done)
            count = len(part)
            target[done : done + count] = part
        if not count:
            break
        done += count
    return done


def _read_all(file: int, count: int) -> bytes:
    """`count` bytes of an open file; fewer only where it ends."""
    parts: list[bytes] = []
    while count:
        part = os.read(file, count)
        if not part:
            break
        parts.append(part)
        count -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


class ByteSource:
    """Bytes by offset: an open file read in windows, or what was inflated from one.

    stamp: what tells whether the file is still the same (see `file_stamp`).
    """

    def __init__(self, path: str, data: bytes | None = None) -> None:
        self._file = -1
        self._buffer = data or b""
        self._base = 0
        self.size = len(self._buffer)
        self.stamp: FileStamp | None = None
        if data is None:
            self._file = os.open(path, _READ)
            status = os.fstat(self._file)
            self.size, self.stamp = status.st_size, file_stamp(status)

    def window(self, offset: int, count: int) -> tuple[bytes, int]:
        """A buffer and where `offset` lies in it, with `count` bytes after it if they exist."""
        at = offset - self._base
        if at < 0 or at + count > len(self._buffer):
            if self._file < 0:
                return self._buffer, offset
            os.lseek(self._file, offset, os.SEEK_SET)
            self._buffer = os.read(self._file, max(count, _CHUNK))
            self._base, at = offset, 0
        return self._buffer, at

    def read(self, offset: int, count: int) -> bytes:
        """At most `count` bytes; fewer at the end."""
        if self._file >= 0 and count > _CHUNK:  # a whole picture: no window, no second copy
            os.lseek(self._file, offset, os.SEEK_SET)
            return _read_all(self._file, min(count, max(0, self.size - offset)))
        buffer, at = self.window(offset, min(count, max(0, self.size - offset)))
        return buffer[at : at + count]

    def read_into(self, offset: int, target: memoryview) -> int:
        """Fill `target` without a copy between; returns how many bytes there were."""
        if self._file < 0:
            part = self._buffer[offset : offset + len(target)]
            target[: len(part)] = part
            return len(part)
        return read_fully(self._file, offset, target)

    def close(self) -> None:
        """Close the file; what was read stays."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __del__(self) -> None:
        self.close()

    def __enter__(self) -> ByteSource:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class PixelPlace(NamedTuple):
    """Where the pixels stand: `length` is UNDEFINED for encapsulated ones."""

    tag: int
    vr: str
    offset: int
    length: int


@dataclass(slots=True)
class Elements:
    """Values of one data set or item, by keyword; nothing is decoded before it is asked for."""

    encoding: Encoding
    charsets: tuple[str, ...] = ("",)
    values: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    sequences: dict[int, tuple[Elements, ...]] = field(default_factory=dict)
    pixels: PixelPlace | None = None
    fault: int | None = None  # the tag at which reading stopped

    def has(self, keyword: str) -> bool:
        """Whether the element is there and not empty."""
        tag = tag_of(keyword)
        return bool(self.values.get(tag, ("", b""))[1]) or bool(self.sequences.get(tag))

    def raw(self, keyword: str) -> bytes:
        """The bytes of the value."""
        return self.values.get(tag_of(keyword), ("", b""))[1]

    def items(self, keyword: str) -> tuple[Elements, ...]:
        """The items of a sequence, none where it is absent."""
        return self.sequences.get(tag_of(keyword), ())

    def text(self, keyword: str) -> str:
        """The decoded value, several values joined with a backslash, padding removed."""
        tag = tag_of(keyword)
        found = self.values.get(tag)
        if found is None:
            return ""
        vr, raw = found
        vr = vr_of(tag) if vr == "UN" else vr
        # The files of a series say nearly everything alike: each value is decoded once.
        decode = _text if len(raw) <= _SMALL else _text.__wrapped__
        return decode(vr, raw, self.charsets if vr in _TEXTS else (), self.encoding.big)

    def numbers(self, tag: int) -> tuple[float, ...]:
        """All numbers of an element; what is no number is left out. IS, DS and binary VRs."""
        found = self.values.get(tag)
        if found is None:
            return ()
        vr, raw = found
        vr = vr_of(tag) if vr == "UN" else vr
        decode = _numbers if len(raw) <= _SMALL else _numbers.__wrapped__
        return decode(vr, raw, self.encoding.big)

    def floats(self, keyword: str) -> tuple[float, ...]:
        """Finite numbers of an element."""
        found = self.numbers(tag_of(keyword))
        return tuple([float(v) for v in found if -1e300 < v < 1e300]) if found else ()

    def number(self, keyword: str) -> float | None:
        """The first number, None where there is none."""
        found = self.floats(keyword)
        return found[0] if found else None

    def integer(self, keyword: str, default: int = 0) -> int:
        """The first number as an integer."""
        found = self.floats(keyword)
        return int(found[0]) if found else default

    def private_bytes(self, tag: int, creator: str, maker: str = "") -> bytes:
        """The bytes of a private element of block 10, none where another creator holds it.

        maker: accept the element of a file whose creators were stripped when Manufacturer begins
        with this word.
        """
        block = self.values.get((tag & 0xFFFF0000) | 0x10)
        if block is None:
            if not maker or not self.text("Manufacturer").upper().startswith(maker):
                return b""
        elif block[1].strip(b" \0").decode("ascii", "replace") != creator:
            return b""
        return self.values.get(tag, ("", b""))[1]

    def private_text(self, tag: int, creator: str) -> str:
        """The text of a private element of block 10 in plain ASCII."""
        return self.private_bytes(tag, creator).decode("ascii", "replace").strip(" \0")

    def private(self, tag: int, creator: str, maker: str = "") -> tuple[float, ...]:
        """Numbers of a private element; see `private_bytes`."""
        if not self.private_bytes(tag, creator, maker):
            return ()
        if tag in self.values and self.values[tag][0] == "UN":
            raw = self.values[tag][1]
            return (
                struct.unpack("<f", raw)
                if creator.startswith("Philips") and len(raw) == 4
                else (tuple(_numbers_in_text(raw)))
            )
        return self.numbers(tag)


@lru_cache(maxsize=4096)
def _text(vr: str, raw: bytes, charsets: tuple[str, ...], big: bool) -> str:
    if vr in _BINARY:
        return "\\".join(str(number) for number in _numbers(vr, raw, big))
    if vr in _TEXTS:
        return decode_text(raw, charsets, is_name=vr == "PN")
    if b"\\" not in raw:
        return raw.decode("ascii", "replace").strip(" \0\r\n\t")
    return "\\".join(
        part.strip(" \0\r\n\t") for part in raw.decode("ascii", "replace").split("\\")
    ).strip(" \0")


@lru_cache(maxsize=4096)
def _numbers(vr: str, raw: bytes, big: bool) -> tuple[float, ...]:
    if vr in _BINARY:
        code = _BINARY[vr]
        count = len(raw) // struct.calcsize(code)
        order = ">" if big else "<"
        return struct.unpack_from(f"{order}{count}{code}", raw)
    return tuple(_numbers_in_text(raw))


def _numbers_in_text(raw: bytes) -> Iterator[float]:
    for part in raw.split(b"\\"):
        try:
            value = float(part.strip(b" \0"))
        except ValueError:
            continue
        if not math.isnan(value):
            yield value


class _Header(NamedTuple):
    tag: int
    vr: str
    length: int
    start: int


# What to do with an element that begins with certain eight bytes: its tag, its VR (empty where it
# is not wanted), where its value begins and ends, counted from the element's first byte.
_Plan = tuple[int, str, int, int]
_LENGTH_FOLLOWS, _NEEDS_THOUGHT = -1, -2
_MOST_PLANS = 8192
_plans: dict[frozenset[int], dict[bytes, _Plan]] = {}


def _plan(head: bytes, wanted: frozenset[int]) -> _Plan:
    group, element, vr, length = _PLAIN.unpack(head)
    tag = group << 16 | element
    is_long = vr in _LONG
    if tag in PIXEL_TAGS or tag == _CHARSET or vr == b"SQ" or not (is_long or vr in _SHORT):
        return (tag, "", 0, _NEEDS_THOUGHT)
    kept = vr.decode() if tag in wanted else ""
    return (tag, kept, 12, _LENGTH_FOLLOWS) if is_long else (tag, kept, 8, 8 + length)


def _plans_for(wanted: frozenset[int]) -> dict[bytes, _Plan]:
    """Plans made so far; headers use few beginnings again and again, hostile ones are forgotten."""
    known = _plans.setdefault(wanted, {})
    if len(known) >= _MOST_PLANS:
        known.clear()
    return known


class Walker:
    """Walks one source; `wanted` are the top-level tags to keep (all, inside kept sequences)."""

    def __init__(self, source: ByteSource, wanted: frozenset[int], end: int | None = None) -> None:
        self._source = source
        self._wanted = wanted
        self._plans = _plans_for(wanted)
        self._end = source.size if end is None else end
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
        if vr in _SHORT:
            return _Header(
                tag, vr.decode(), struct.unpack_from(order + "H", buffer, at + 6)[0], offset + 8
            )
        if vr in _LONG:
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
            raise Malformed(0)
        is_plain = depth == 0 and found.encoding == EXPLICIT
        while offset + 8 <= end:
            offset = self._skim(found, offset, end) if is_plain else offset
            if offset + 8 > end:
                break
            header = self._header(offset, found.encoding)
            if header.tag in (ITEM_END, SEQUENCE_END):
                return header.start
            if depth == 0 and header.tag in PIXEL_TAGS:
                found.pixels = PixelPlace(header.tag, header.vr, header.start, header.length)
                return end
            keep = keep_all or header.tag in self._wanted
            offset = self._element(found, header, end, keep=keep, depth=depth)
        if offset != end and depth == 0 and any(self._source.read(offset, end - offset)):
            raise Malformed(0)
        return offset

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
        base, plans, values = offset - at, self._plans, found.values
        last, limit = len(buffer), end - base
        while at + 12 <= last:
            head = buffer[at : at + 8]
            plan = plans.get(head)
            if plan is None:
                plan = _plan(head, self._wanted)
                if len(plans) < _MOST_PLANS:
                    plans[head] = plan
            tag, vr, start, stop = plan
            if stop < 0:
                if stop == _NEEDS_THOUGHT:
                    break
                stop = start + int.from_bytes(buffer[at + 8 : at + 12], "little")
            if at + stop > limit:
                break
            if vr:
                if at + stop > last:
                    break
                values[tag] = (vr, buffer[at + start : at + stop])
            at += stop
        return base + at

    def _take_charset(self, found: Elements, depth: int) -> None:
        raw = found.values[_CHARSET][1].decode("ascii", "replace")
        found.charsets = tuple(part.strip(" \0") for part in raw.split("\\"))
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
        if not keep and length != UNDEFINED and end <= limit:
            return end
        item = Elements(encoding, self.charsets)
        items.append(item)
        stopped = self._elements(item, start, min(end, limit), keep_all=keep, depth=depth + 1)
        if end > limit:
            raise Malformed(ITEM)
        return stopped if length == UNDEFINED else end

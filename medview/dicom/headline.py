"""What an index needs of a file, read in one short walk that ends at (0028,0011).

Nearly all files are explicit or implicit little endian with a preamble: those are walked here, on
the bytes, without a value being decoded. Whatever is unusual goes to `open_instance`, so that the
two agree on every file (a property test holds them together).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from medview.dicom.encoding import LONG_VRS, SHORT_VRS
from medview.dicom.forms import Forms, Part

INDEX_KEYWORDS = (
    "SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID", "StudyDate", "StudyTime",
    "AccessionNumber", "Modality", "StudyDescription", "SeriesDescription", "PatientName",
    "PatientID", "PatientBirthDate", "PatientSex", "BodyPartExamined", "StudyInstanceUID",
    "SeriesInstanceUID", "SeriesNumber", "InstanceNumber", "NumberOfFrames", "Rows", "Columns",
)  # fmt: skip
# The same by tag, written out: the dictionary of pydicom costs more than a thousand files.
INDEX_TAGS = (
    0x00080005, 0x00080016, 0x00080018, 0x00080020, 0x00080030, 0x00080050, 0x00080060,
    0x00081030, 0x0008103E, 0x00100010, 0x00100020, 0x00100030, 0x00100040, 0x00180015,
    0x0020000D, 0x0020000E, 0x00200011, 0x00200013, 0x00280008, 0x00280010, 0x00280011,
)  # fmt: skip
_SLOTS = {tag: slot for slot, tag in enumerate(INDEX_TAGS)}
_CLASS, _INSTANCE, _STUDY, _SERIES, _ROWS, _COLUMNS = 1, 2, 14, 15, 19, 20
_LAST = INDEX_TAGS[-1]
_TEXTLIKE = SHORT_VRS - frozenset(b"AT FD FL SL SS UL US".split())
_FIRST_READ, _MOST_READ, _LONG_SEQUENCE, _MOST_TEXT = 4096, 32_768, 262_144, 65_536
_MOST_PLANS, _DEEPEST = 8192, 24
_NOT_SO = frozenset((b"1.2.840.10008.1.2.2", b"1.2.840.10008.1.2.1.99"))  # big endian, deflated
_UNDEFINED = b"\xff\xff\xff\xff"
_TO_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0)
_ITEM, _ITEM_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0"
_SEQUENCE_END = b"\xfe\xff\xdd\xe0"


class Headline(NamedTuple):
    """The raw values of INDEX_TAGS in that order, and the file's size and time of change.

    Rows and columns are two bytes little endian, as in most files; all else is text as stored.
    """

    values: Sequence[bytes]
    size: int
    mtime_ns: int


class _Unusual(Exception):
    """This file is not for the short walk."""


class HeadlineReader:
    """Reads headlines of files, one after another; files like those before cost little.

    One thread uses it.
    """

    def __init__(self) -> None:
        self._forms = Forms(len(INDEX_TAGS))
        self._first_read = _FIRST_READ

    def read(self, path: str) -> Headline | None:
        """The headline of a DICOM file, None for any other file and for a DICOMDIR.

        Raises UnreadableInstance where the header is damaged or the system refuses the file.
        """
        try:
            file = os.open(path, _TO_READ)
            try:
                status = os.fstat(file)
                buffer = os.read(file, self._first_read)
                values = self._forms.match(buffer)
                if values is None:
                    values = self._walk(file, buffer)
            finally:
                os.close(file)
        except (_Unusual, OSError):
            return full_headline(path)
        return Headline(values, status.st_size, status.st_mtime_ns)

    def _walk(self, file: int, buffer: bytes) -> Sequence[bytes]:
        window = _Window(file, buffer)
        start, is_explicit = _start(buffer)
        values = [b""] * len(INDEX_TAGS)
        end = _elements(window, start, values, _EXPLICIT if is_explicit else _IMPLICIT)
        if not (values[_STUDY] and values[_SERIES] and values[_INSTANCE] and values[_CLASS]):
            raise _Unusual
        if not values[_COLUMNS]:
            return values
        if end > len(buffer):
            if end <= _MOST_READ:  # the next one is read in one go
                self._first_read = 1 << end.bit_length()
        elif self._forms.may_learn and (parts := _parts(buffer, start, end, is_explicit)):
            self._forms.learn(parts)
        return values


def _start(buffer: bytes) -> tuple[int, bool]:
    """Where the data set begins and whether it is explicit. Raises _Unusual."""
    if buffer[128:140] != b"DICM\x02\x00\x00\x00UL\x04\x00":
        raise _Unusual
    start = 144 + int.from_bytes(buffer[140:144], "little")
    if not 144 < start <= len(buffer) - 16 or buffer[start : start + 2] != b"\x08\x00":
        raise _Unusual
    if _syntax(buffer, start) in _NOT_SO:
        raise _Unusual
    return start, buffer[start + 4 : start + 6] in SHORT_VRS


def _syntax(buffer: bytes, end: int) -> bytes:
    """The transfer syntax of a meta header; before it stand only UIDs and two bytes of version."""
    at = buffer.find(b"\x02\x00\x10\x00UI", 144, end)
    if at < 0:
        raise _Unusual
    return buffer[at + 8 : min(at + 8 + buffer[at + 6], end)].rstrip(b"\0 ")


class _Window:
    """The part of an open file that is in memory; `base` is where it begins."""

    __slots__ = ("base", "buffer", "file")

    def __init__(self, file: int, buffer: bytes) -> None:
        self.file, self.buffer, self.base = file, buffer, 0

    def move(self, offset: int, needed: int) -> None:
        """Begin at `offset`, with so many bytes after it. Raises _Unusual where there are none."""
        os.lseek(self.file, offset, os.SEEK_SET)
        self.buffer, self.base = os.read(self.file, max(needed, _FIRST_READ)), offset
        if len(self.buffer) < needed:
            raise _Unusual


# What to do with an element that begins with certain eight bytes: its slot (-1: skip it), and how
# long it is as a whole, or one of these.
_LENGTH_FOLLOWS, _STOP, _SEQUENCE, _UNLIKELY = -1, -2, -3, -4
_Plan = tuple[int, int]


class _Plans(dict[bytes, _Plan]):
    """Plans made so far; headers use few beginnings again and again, hostile ones are forgotten."""

    def __init__(self, make: Callable[[bytes], _Plan]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, head: bytes) -> _Plan:
        plan = self._make(head)
        if len(self) < _MOST_PLANS:
            self[head] = plan
        return plan


def _explicit_plan(head: bytes) -> _Plan:
    tag = int.from_bytes(head[:2], "little") << 16 | int.from_bytes(head[2:4], "little")
    vr, length = head[4:6], 8 + int.from_bytes(head[6:8], "little")
    slot = _SLOTS.get(tag, -1)
    if tag > _LAST:
        return (-1, _STOP)
    if slot >= 0:
        is_fit = (vr == b"US" and length == 10) if slot >= _ROWS else vr in _TEXTLIKE
        return (slot, length) if is_fit else (-1, _UNLIKELY)
    if vr in SHORT_VRS:
        return (-1, length)
    if vr == b"SQ":
        return (-1, _SEQUENCE)
    return (-1, _LENGTH_FOLLOWS if vr in LONG_VRS else _UNLIKELY)


def _implicit_plan(head: bytes) -> _Plan:
    tag = int.from_bytes(head[:2], "little") << 16 | int.from_bytes(head[2:4], "little")
    slot = _SLOTS.get(tag, -1)
    if tag > _LAST:
        return (-1, _STOP)
    if head[4:] == _UNDEFINED:
        return (-1, _UNLIKELY if slot >= 0 else _SEQUENCE)
    length = 8 + int.from_bytes(head[4:], "little")
    if slot >= 0 and (length != 10 if slot >= _ROWS else length > _MOST_TEXT):
        return (-1, _UNLIKELY)
    return (slot, length)


_EXPLICIT, _IMPLICIT = _Plans(_explicit_plan), _Plans(_implicit_plan)


def _elements(window: _Window, at: int, values: list[bytes], plans: _Plans) -> int:
    """One tight loop over the data set; returns the offset at which it ended."""
    buffer, size, last = window.buffer, len(window.buffer), -1
    while True:
        if at + 12 > size:
            window.move(window.base + at, 8)
            buffer, at, size = window.buffer, 0, len(window.buffer)
        slot, length = plans[buffer[at : at + 8]]
        if slot >= 0:
            if at + length > size:
                window.move(window.base + at, length)
                buffer, at, size = window.buffer, 0, len(window.buffer)
            if slot <= last:
                raise _Unusual
            values[slot] = buffer[at + 8 : at + length]
            if slot == _COLUMNS:
                return window.base + at + length
            last = slot
        elif length < 0:
            if length == _STOP:
                return window.base + at
            length, buffer, at = _odd(window, at, length, is_explicit=plans is _EXPLICIT)
            size = len(buffer)
        at += length


def _odd(window: _Window, at: int, kind: int, *, is_explicit: bool) -> tuple[int, bytes, int]:
    """How long an element is whose first eight bytes do not say it; the window may move."""
    if kind == _UNLIKELY:
        raise _Unusual
    begin = 12 if is_explicit else 8
    said = window.buffer[at + begin - 4 : at + begin]
    if said != _UNDEFINED:
        return begin + int.from_bytes(said, "little"), window.buffer, at
    if kind != _SEQUENCE:
        raise _Unusual
    try:
        end = _items(window.buffer, at + begin, is_explicit, 0)
    except _Unusual:  # it may only be cut by the window
        window.move(window.base + at, 8)
        rest = os.read(window.file, _LONG_SEQUENCE)
        window.buffer, at = window.buffer + rest, 0
        end = _items(window.buffer, begin, is_explicit, 0)
    return end - at, window.buffer, at


def _items(buffer: bytes, at: int, is_explicit: bool, depth: int) -> int:
    """Where a sequence of undefined length ends, from its first item (PS3.5 section 7.5)."""
    while True:
        mark, length = buffer[at : at + 4], buffer[at + 4 : at + 8]
        at += 8
        if mark == _SEQUENCE_END and length == b"\0\0\0\0":
            return at
        if mark != _ITEM or depth > _DEEPEST:
            raise _Unusual
        if length == _UNDEFINED:
            at = _item(buffer, at, is_explicit, depth)
        else:
            at += int.from_bytes(length, "little")


def _item(buffer: bytes, at: int, is_explicit: bool, depth: int) -> int:
    """Where an item of undefined length ends, from its first element."""
    while buffer[at : at + 4] != _ITEM_END:
        vr, begin = buffer[at + 4 : at + 6], 8
        if not is_explicit:
            said = buffer[at + 4 : at + 8]
        elif vr in SHORT_VRS:
            said = buffer[at + 6 : at + 8]
        elif vr in LONG_VRS:
            begin, said = 12, buffer[at + 8 : at + 12]
        else:
            raise _Unusual
        if len(said) < 2:
            raise _Unusual
        if said == _UNDEFINED:
            if is_explicit and vr != b"SQ":
                raise _Unusual
            at = _items(buffer, at + begin, is_explicit, depth + 1)
        else:
            at += begin + int.from_bytes(said, "little")
    return at + 8


def _parts(buffer: bytes, start: int, end: int, is_explicit: bool) -> list[Part]:
    """Every element of a header that was walked to `end`, from the preamble on, flat.

    Nothing where the flat way does not lead to the same end: such a header teaches nothing.
    """
    parts = [Part(b"", b"", 128), Part(b"DICM", b"", 0)]
    at = 132
    while at < start:
        part = _part(buffer, at, is_explicit=True)
        if part.head[:4] == b"\x02\x00\x10\x00":  # another syntax is another form
            value = buffer[at + 8 : at + 8 + part.count]
            part = replace(part, fixed=value)
        parts.append(part)
        at += len(part.head) + len(part.length) + part.count
    if at != start:  # a length in the meta header that leads elsewhere
        return []
    depth = 0  # inside sequences of undefined length nothing is wanted
    while parts[-1].slot != _COLUMNS:
        if at >= end:
            return []
        part = _part(buffer, at, is_explicit=is_explicit)
        depth += part.length == _UNDEFINED
        depth -= part.head in (_ITEM_END, _SEQUENCE_END)
        parts.append(part if depth == 0 else replace(part, slot=-1))
        at += len(part.head) + len(part.length) + part.count
    return parts if at == end else []


def _part(buffer: bytes, at: int, *, is_explicit: bool) -> Part:
    """An element; of undefined length, an item or a delimiter only its first bytes."""
    begin, wide = 4, 4
    if is_explicit and buffer[at : at + 2] != b"\xfe\xff":
        is_short = buffer[at + 4 : at + 6] in SHORT_VRS
        begin, wide = (6, 2) if is_short else (8, 4)
    head, length = buffer[at : at + begin], buffer[at + begin : at + begin + wide]
    tag = int.from_bytes(head[:2], "little") << 16 | int.from_bytes(head[2:4], "little")
    has_value = length != _UNDEFINED and head != _ITEM_END  # the walk passes over its length too
    count = int.from_bytes(length, "little") if has_value else 0
    return Part(head, length, count, _SLOTS.get(tag, -1))


def full_headline(path: str) -> Headline | None:
    """The same by the tolerant walk of the whole header."""
    from medview.dicom.instance import DIRECTORY, NotDicom, open_instance

    try:
        instance = open_instance(path)
    except NotDicom:
        return None
    top = instance.elements
    if top.text("SOPClassUID") == DIRECTORY:
        return None
    values = [top.raw(keyword) for keyword in INDEX_KEYWORDS]
    for slot in (_ROWS, _COLUMNS):
        number = top.integer(INDEX_KEYWORDS[slot])
        is_there = bool(values[slot]) and 0 <= number < 65_536
        values[slot] = number.to_bytes(2, "little") if is_there else b""
    stamp = instance.stamp
    return Headline(values, instance.size, 0 if stamp is None else stamp[1])

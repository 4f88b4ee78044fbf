"""Bytes of a DICOM file and the elements found in them: values by keyword, decoded when asked."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import TracebackType
from typing import NamedTuple, TypeVar

from medview.dicom.charset import decode_text
from medview.dicom.keywords import tag_of, vr_of

PIXEL_TAGS = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
UNDEFINED = 0xFFFFFFFF
_BINARY = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "OF": "f", "OD": "d",
           "UV": "Q", "SV": "q"}  # fmt: skip
_TEXTS = frozenset(("SH", "LO", "ST", "LT", "UC", "UT", "PN", "UN"))
_CHUNK = 8192
_CAN_READ_INTO = hasattr(os, "preadv")
# A pipe in the place of a file must not make opening wait for ever: it is empty then.
TO_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
Found = TypeVar("Found")
_SMALL = 256  # longer values are not worth remembering
_UID, _NUMBER = tag_of("SOPInstanceUID"), tag_of("InstanceNumber")
_POSITION = tag_of("ImagePositionPatient")
_NOTHING = ("", b"")
_BLANKS = " \0\r\n\t"


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


def _sought(file: int, count: int, offset: int) -> bytes:
    os.lseek(file, offset, os.SEEK_SET)
    return os.read(file, count)


read_at: Callable[[int, int, int], bytes] = getattr(os, "pread", _sought)  # not on Windows


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
        self._base, self._file = 0, -1
        self.stamp: FileStamp | None = None
        if data is None:
            self._buffer = b""
            self._file = os.open(path, TO_READ)
            status = os.fstat(self._file)
            self.size, self.stamp = status.st_size, file_stamp(status)
        else:
            self._buffer = data
            self.size = len(data)

    def window(self, offset: int, count: int) -> tuple[bytes, int]:
        """A buffer and where `offset` lies in it, with `count` bytes after it if they exist."""
        at = offset - self._base
        if at < 0 or at + count > len(self._buffer):
            if self._file < 0:
                return self._buffer, offset
            self._buffer = read_at(self._file, max(count, _CHUNK), offset)
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


class Alike:
    """Headers that differ in the values of `varies` alone; `known`: what follows from the rest.

    syntax: their transfer syntax.
    """

    __slots__ = ("known", "syntax", "varies")

    def __init__(self, varies: frozenset[int], syntax: str = "") -> None:
        self.varies, self.syntax = varies, syntax
        self.known: dict[Callable[[Elements], object], object] = {}


class Own(NamedTuple):
    """What is another in each file of a series: decoded once, and by no memory of values.

    uid: SOP Instance UID. number: Instance Number. position: Image Position (Patient), as found.
    """

    uid: str
    number: float | None
    position: tuple[float, ...]


@dataclass(slots=True)
class Elements:
    """Values of one data set or item, by keyword; nothing is decoded before it is asked for.

    alike: what it shares with other headers, where it was read by comparing it with theirs.
    """

    encoding: Encoding
    charsets: tuple[str, ...] = ("",)
    values: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    sequences: dict[int, tuple[Elements, ...]] = field(default_factory=dict)
    pixels: PixelPlace | None = None
    fault: int | None = None  # the tag at which reading stopped
    alike: Alike | None = field(default=None, compare=False, repr=False)
    _own: Own | None = field(default=None, compare=False, repr=False)

    @property
    def own(self) -> Own:
        """What every picture says otherwise; worked out once, for values that change no more."""
        own = self._own
        if own is None:
            own = self._own = self._said_alone()
        return own

    def _said_alone(self) -> Own:
        """Each value as it nearly always is, or else as any other is decoded."""
        of = self.values.get
        (vr, uid), (number_vr, number), (place_vr, place) = (
            of(_UID, _NOTHING), of(_NUMBER, _NOTHING), of(_POSITION, _NOTHING)
        )  # fmt: skip
        at: tuple[float, ...] | None = None
        if place_vr == "DS" and len(place) <= _SMALL and b"_" not in place:
            try:
                one, two, three = place.split(b"\\")
                x, y, z = float(one), float(two), float(three)
                at = (x, y, z) if abs(x) + abs(y) + abs(z) < 1e300 else None
            except ValueError:
                pass
        return Own(
            uid.decode("ascii", "replace").strip(_BLANKS)
            if vr == "UI" and b"\\" not in uid
            else self.text("SOPInstanceUID"),
            float(number)
            if number_vr == "IS" and number.rstrip(b" ").isdigit()
            else self.number("InstanceNumber"),
            self.floats("ImagePositionPatient") if at is None else at,
        )

    def once(self, work: Callable[[Elements], Found], tags: frozenset[int]) -> Found:
        """What `work` says of these elements; worked out once for headers that are alike.

        work: a function of a module that looks at `tags`, sequences, encoding and the pixels' tag
        and length, and at nothing else. What it gives is shared: not to be changed.
        """
        alike = self.alike
        if alike is None:
            return work(self)
        try:
            return alike.known[work]  # type: ignore[return-value]
        except KeyError:
            found = work(self)
        if alike.varies.isdisjoint(tags):
            alike.known[work] = found
        return found

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
        found = self.values.get(tag_of(keyword))
        if found is None:
            return ()
        vr, raw = found
        if len(raw) > _SMALL or vr == "UN":
            return _finite(self.numbers(tag_of(keyword)))
        return _finite_numbers(vr, raw, self.encoding.big)

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


def one_of_each(headers: Iterable[Elements], tags: frozenset[int]) -> list[Elements]:
    """The headers without those that are alike to one before and cannot say another thing in
    `tags`, sequences, encoding and the pixels' tag and length (see `Elements.once`).
    """
    seen: set[int] = set()
    last: Alike | None = None  # of which no more need be asked
    found: list[Elements] = []
    for top in headers:
        alike = top.alike
        if alike is not None:
            if alike is last or id(alike) in seen:
                continue
            if alike.varies.isdisjoint(tags):
                seen.add(id(alike))
                last = alike
        found.append(top)
    return found


def worked_out(
    headers: Sequence[Elements], work: Callable[[Elements], Found], tags: frozenset[int]
) -> list[Found]:
    """What `Elements.once` gives for each header; those that are alike are asked once."""
    kinds = [top.once(work, tags) for top in one_of_each(headers, tags)]
    if all(said == kinds[0] for said in kinds):
        return kinds[:1] * len(headers)
    found: list[Found] = []
    last: Alike | None = None
    for top in headers:
        alike = top.alike
        if alike is None or alike is not last:
            said = top.once(work, tags)
            last = alike if alike is not None and alike.varies.isdisjoint(tags) else None
        found.append(said)
    return found


def say_alike(
    headers: Sequence[Elements], work: Callable[[Elements], object], tags: frozenset[int]
) -> bool:
    """Whether `Elements.once` gives the same for all headers."""
    return len({top.once(work, tags) for top in one_of_each(headers, tags)}) <= 1


@lru_cache(maxsize=4096)
def _text(vr: str, raw: bytes, charsets: tuple[str, ...], big: bool) -> str:
    if vr in _BINARY:
        return "\\".join(str(number) for number in _numbers(vr, raw, big))
    if vr in _TEXTS:
        return decode_text(raw, charsets, is_name=vr == "PN")
    if b"\\" not in raw:
        return raw.decode("ascii", "replace").strip(_BLANKS)
    return "\\".join(
        part.strip(_BLANKS) for part in raw.decode("ascii", "replace").split("\\")
    ).strip(" \0")


@lru_cache(maxsize=4096)
def _numbers(vr: str, raw: bytes, big: bool) -> tuple[float, ...]:
    if vr in _BINARY:
        code = _BINARY[vr]
        count = len(raw) // struct.calcsize(code)
        order = ">" if big else "<"
        return struct.unpack_from(f"{order}{count}{code}", raw)
    return tuple(_numbers_in_text(raw))


@lru_cache(maxsize=4096)
def _finite_numbers(vr: str, raw: bytes, big: bool) -> tuple[float, ...]:
    if vr in _BINARY:
        return _finite(_numbers(vr, raw, big))
    try:  # nearly always: places and numbers are others in every file
        if b"_" not in raw:
            return _finite([float(part) for part in raw.split(b"\\")])
    except ValueError:
        pass
    return _finite(tuple(_numbers_in_text(raw)))


def _finite(numbers: Sequence[float]) -> tuple[float, ...]:
    return tuple([float(v) for v in numbers if -1e300 < v < 1e300])


def _numbers_in_text(raw: bytes) -> Iterator[float]:
    for part in raw.split(b"\\"):
        try:
            value = float(part.strip(b" \0"))
        except ValueError:
            continue
        if not math.isnan(value) and b"_" not in part:  # Python's 1_000 is no decimal string
            yield value

"""One DICOM file: its header's wanted values and where its pixels stand."""

from __future__ import annotations

import os
import zlib
from functools import partial
from typing import NamedTuple

from medview.core.archive import MARK
from medview.core.errors import UnreadableInstance
from medview.core.words import Sentence, say
from medview.dicom.elements import (
    EXPLICIT,
    IMPLICIT,
    TO_READ,
    UNDEFINED,
    ByteSource,
    Elements,
    Encoding,
    FileStamp,
    file_stamp,
    read_at,
)
from medview.dicom.encoding import VALUE_REPRESENTATIONS
from medview.dicom.keywords import tag_of, wanted_tags
from medview.dicom.members import open_source
from medview.dicom.repeats import repeats_in
from medview.dicom.walker import Walker

EXPLICIT_LE, IMPLICIT_LE = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
EXPLICIT_BE, DEFLATED_LE = "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"
DIRECTORY = "1.2.840.10008.1.3.10"  # Media Storage Directory: a DICOMDIR
# JPEG and its kin, run lengths, frames deflated one by one.
_ENCAPSULATED = ("1.2.840.10008.1.2.4.", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.8.")
_META_TAGS = frozenset((0x00020002, 0x00020003, 0x00020010))
_MOST_INFLATED, _PART = 1 << 30, 1 << 22
_MOST_TIMES, _NEVER_SUSPECT = 200, 64 << 20  # deflate can go to 1032, images never do
EMPTY = say("The file is empty.")
ASK_FOR_THE_RIGHT = say("Ask whoever keeps the folder for the right to read it.")


def is_of_fragments(syntax: str) -> bool:
    """Whether a transfer syntax has the pixels in fragments (PS3.5 A.4)."""
    return syntax.startswith(_ENCAPSULATED)


class NotDicom(Exception):
    """The file is something else; `args[0]` is a Sentence that says why."""


class Instance(NamedTuple):
    """A file whose header could be read.

    path: the file. syntax: transfer syntax UID, guessed where the file does not say.
    inflated: the data set of a deflated file, None for all others. stamp: see `file_stamp`.
    """

    path: str
    elements: Elements
    syntax: str
    size: int
    notes: tuple[Sentence, ...] = ()
    inflated: bytes | None = None
    stamp: FileStamp | None = None

    @property
    def encoding(self) -> Encoding:
        """How the data set is written."""
        return self.elements.encoding

    @property
    def is_encapsulated(self) -> bool:
        """Whether the pixels stand in fragments; some writers state the length of all of them."""
        place = self.elements.pixels
        return place is not None and (place.length == UNDEFINED or is_of_fragments(self.syntax))

    def open(self) -> ByteSource:
        """The bytes that the offsets of this instance point into; close it after use."""
        if self.inflated is not None:
            return ByteSource(self.path, self.inflated)
        return open_source(self.path, whole=True)


def open_instance(path: str, wanted: frozenset[int] | None = None) -> Instance:
    """Walk the header of a file, keeping the wanted top-level tags (default: `wanted_tags`).

    Raises NotDicom, or UnreadableInstance with the tag.
    """
    wanted = wanted or wanted_tags()
    return like_others(path, wanted) or walked(path, wanted)


def walked(path: str, wanted: frozenset[int]) -> Instance:
    """As `open_instance`, of a file that is not `like_others`."""
    try:
        with open_source(path) as source:
            return _read(path, source, wanted)
    except OSError as error:
        raise UnreadableInstance(
            say("The system does not let MedView read this file."),
            path,
            detail=error.strerror or "",
            what_to_do=ASK_FOR_THE_RIGHT,
        ) from error


def like_others(path: str, wanted: frozenset[int]) -> Instance | None:
    """What a plain file says whose header is like one before; None for any other."""
    known = repeats_in(path.rpartition(os.sep)[0], wanted).likenesses
    if not known.are_there or MARK in path:
        return None
    try:
        file = os.open(path, TO_READ)
        try:
            status = os.fstat(file)  # before a byte is read: what is written later is another file
            alike = known.match(partial(read_at, file), status.st_size)
        finally:
            os.close(file)
    except OSError:  # said by who opens it next
        return None
    if alike is None:
        return None
    return Instance(path, alike[0], alike[1], status.st_size, (), None, file_stamp(status))


def _read(path: str, source: ByteSource, wanted: frozenset[int]) -> Instance:
    if source.size == 0:
        raise NotDicom(EMPTY)
    folder = path.rpartition(os.sep)[0]
    repeats = repeats_in(folder, wanted)
    if source.stamp is None:  # a member of an archive: files were looked at before
        alike = repeats.likenesses.match(
            lambda count, offset: source.read(offset, count), source.size
        )
        if alike is not None:
            return Instance(path, alike[0], alike[1], source.size)
    start = _start(source)
    meta, offset = _read_meta(source, start, folder)
    syntax = meta.text("TransferSyntaxUID")
    if offset >= source.size:
        raise UnreadableInstance(
            say("The file ends after its first header; there is no data."), path
        )
    inflated = None
    if syntax == DEFLATED_LE:
        inflated = _inflate(path, source.read(offset, source.size))
        source, offset = ByteSource(path, inflated), 0
    encoding = _encoding(source, offset, syntax)
    elements = Walker(source, wanted, repeats=repeats).data_set(offset, encoding)
    if not elements.has("SOPClassUID") and meta.has("MediaStorageSOPClassUID"):
        elements.values[tag_of("SOPClassUID")] = ("UI", meta.raw("MediaStorageSOPClassUID"))
    if not elements.values and not elements.sequences and elements.fault is not None and start == 0:
        raise NotDicom(say("Not a DICOM file."))
    instance = _checked(path, source, elements, syntax or _guessed(encoding), inflated)
    if start and syntax and inflated is None and elements.fault is None and encoding == EXPLICIT:
        repeats.likenesses.learn(source, elements, syntax, wanted, repeats.sequences)
    return instance


def _guessed(encoding: Encoding) -> str:
    if encoding.big:
        return EXPLICIT_BE
    return EXPLICIT_LE if encoding.explicit else IMPLICIT_LE


def _checked(
    path: str, source: ByteSource, elements: Elements, syntax: str, inflated: bytes | None
) -> Instance:
    is_directory = elements.text("SOPClassUID") == DIRECTORY
    if elements.fault is not None and elements.pixels is None and not is_directory:
        at = elements.fault or max(elements.values, default=0)
        tag = f"({at >> 16:04X},{at & 0xFFFF:04X})"
        said = say("The file breaks off or is damaged at element {tag}.", tag=tag)
        if not elements.fault:
            said = say("The file breaks off or is damaged after element {tag}.", tag=tag)
        raise UnreadableInstance(said, path, tag=tag)
    return Instance(path, elements, syntax, source.size, (), inflated, source.stamp)


def _start(source: ByteSource) -> int:
    """Where the first element stands: after preamble and DICM, or at the very beginning."""
    head = source.read(0, 144)
    if head[128:132] == b"DICM":
        if len(head) < 140:
            raise UnreadableInstance(say("The file ends after its preamble; there is no data."))
        return 132
    if not _looks_like_elements(head):
        raise NotDicom(say("Not a DICOM file."))
    return 0


def _looks_like_elements(head: bytes) -> bool:
    """Whether a file without preamble begins with a plausible element of group 2 or 8."""
    if len(head) < 16:
        return False
    if head[:4] in (b"\x00\x08\x00\x05", b"\x00\x08\x00\x08", b"\x00\x08\x00\x12",
                    b"\x00\x08\x00\x16", b"\x00\x08\x00\x18"):  # fmt: skip
        return head[4:6] in VALUE_REPRESENTATIONS
    group = int.from_bytes(head[:2], "little")
    if group not in (2, 8):
        return False
    if head[4:6] in VALUE_REPRESENTATIONS:
        return True
    return int.from_bytes(head[4:8], "little") <= 1024


def _read_meta(source: ByteSource, start: int, folder: str) -> tuple[Elements, int]:
    """The file meta information and where the data set begins (PS3.10 section 7.1)."""
    meta = Elements(EXPLICIT)
    walker = Walker(source, _META_TAGS, repeats=repeats_in(folder, _META_TAGS))
    offset = walker.meta(meta, start)
    buffer, at = source.window(offset, 12)
    base = offset - at
    while True:
        at = offset - base
        if at + 12 > len(buffer):
            buffer, at = source.window(offset, 12)
            base = offset - at
        if len(buffer) - at < 8 or buffer[at : at + 2] != b"\x02\x00":
            return meta, offset
        tag = 0x00020000 | buffer[at + 2] | buffer[at + 3] << 8
        vr = buffer[at + 4 : at + 6]
        if vr in (b"OB", b"UN", b"OW", b"UT", b"SQ"):
            begin, length = offset + 12, int.from_bytes(buffer[at + 8 : at + 12], "little")
        elif vr in VALUE_REPRESENTATIONS:
            begin, length = offset + 8, buffer[at + 6] | buffer[at + 7] << 8
        else:  # an implicit meta header is against the rules, yet it exists
            begin, length = offset + 8, int.from_bytes(buffer[at + 4 : at + 8], "little")
        if begin + length > source.size:
            raise UnreadableInstance(
                say(
                    "The file breaks off or is damaged at element {tag}.",
                    tag=f"(0002,{tag & 0xFFFF:04X})",
                ),
                tag=f"(0002,{tag & 0xFFFF:04X})",
            )
        if tag in _META_TAGS:
            meta.values[tag] = ("UI", source.read(begin, length))
        offset = begin + length


_FIRST_GROUP = (b"\x08\0", b"\0\x08")  # group 8, little and big endian


def _encoding(source: ByteSource, offset: int, syntax: str) -> Encoding:
    """What the transfer syntax says, unless the first element plainly says otherwise."""
    head = source.read(offset, 8)
    big = syntax == EXPLICIT_BE
    if not syntax and head[:1] == b"\0" and head[1:2] != b"\0":
        big = True
    if head[:2] in _FIRST_GROUP and head[4:6] in VALUE_REPRESENTATIONS:
        big = head[:2] == _FIRST_GROUP[1]
    if head[4:6] in VALUE_REPRESENTATIONS:
        return Encoding(explicit=True, big=big)
    return Encoding(explicit=False, big=big) if head[4:5] else IMPLICIT


def _inflate(path: str, packed: bytes) -> bytes:
    """The data set of a deflated file (PS3.5 annex A.5), unless it is beyond all reason."""
    most = min(_MOST_INFLATED, max(_NEVER_SUSPECT, _MOST_TIMES * len(packed)))
    machine = zlib.decompressobj(-zlib.MAX_WBITS)
    parts, size = [], 0
    try:
        while packed and not machine.eof and size <= most:
            parts.append(machine.decompress(packed, _PART))
            packed, size = machine.unconsumed_tail, size + len(parts[-1])
    except zlib.error as error:
        raise UnreadableInstance(say("The deflated data set is damaged."), path) from error
    if size > most:
        raise UnreadableInstance(say("The deflated data set is larger than MedView accepts."), path)
    return b"".join(parts)

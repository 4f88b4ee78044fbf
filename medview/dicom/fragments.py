"""Encapsulated pixels: fragments, offset tables, and which fragments make a frame (PS3.5 A.4)."""

from __future__ import annotations

import struct

from medview.core.errors import UnreadableInstance
from medview.core.words import say
from medview.dicom.elements import ITEM, SEQUENCE_END, ByteSource
from medview.dicom.instance import Instance

MOST_FRAMES = 250_000  # of one file; the largest slides have fewer tiles
Fragment = tuple[int, int]  # offset in the source, length
# How a code stream begins: JPEG and JPEG-LS (SOI), JPEG 2000 (SOC), JP2, JPEG XL.
_STARTS = (b"\xff\xd8", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0c", b"\xff\x0a")


def fragments_of(instance: Instance, source: ByteSource) -> list[list[Fragment]]:
    """The fragments of every frame. Raises UnreadableInstance when the items are damaged."""
    place = instance.elements.pixels
    if place is None:
        raise UnreadableInstance(say("The file holds no pixels."), instance.path)
    items, is_cut = _items(instance, source, place.offset)
    if not items:
        raise UnreadableInstance(say("The file holds no pixels."), instance.path, "(7FE0,0010)")
    table, fragments = items[0], items[1:]
    if is_cut or not fragments:
        said = say("The file breaks off inside its compressed pixels.")
        raise UnreadableInstance(said, instance.path, "(7FE0,0010)")
    frames = max(1, instance.elements.integer("NumberOfFrames", 1))
    if frames == 1:
        found = [fragments]
    elif len(fragments) == frames:
        found = [[fragment] for fragment in fragments]
    else:
        starts = _table(source, table, frames) or _extended_table(instance, frames)
        found = _cut(starts, fragments) or _by_starts(source, fragments)
    return found


def _items(instance: Instance, source: ByteSource, offset: int) -> tuple[list[Fragment], bool]:
    """Every item (the offset table first), and whether the file ends before they do."""
    items: list[Fragment] = []
    if instance.elements.integer("NumberOfFrames", 1) > MOST_FRAMES:
        raise too_many_frames(instance)
    order = ">" if instance.encoding.big else "<"
    while offset + 8 <= source.size:
        group, element, length = struct.unpack(order + "HHI", source.read(offset, 8))
        tag = group << 16 | element
        if tag == SEQUENCE_END:
            return items, False
        if tag != ITEM:
            # Some writers forget the delimiter; what stands before it is sound.
            return items, False
        offset += 8
        if len(items) > 2 * MOST_FRAMES:
            raise too_many_frames(instance)
        items.append((offset, min(length, source.size - offset)))
        if offset + length > source.size:
            return items, True
        offset += length
    return items, not _has_end(source, items[1:])


def too_many_frames(instance: Instance) -> UnreadableInstance:
    """What is said of a file with so many pictures that listing them would fill memory."""
    said = say("The file declares more pictures than MedView accepts ({most}).", most=MOST_FRAMES)
    return UnreadableInstance(said, instance.path, "(0028,0008)")


def _has_end(source: ByteSource, fragments: list[Fragment]) -> bool:
    """Whether a lone picture is whole although the delimiter after it is missing."""
    if len(fragments) != 1 or fragments[0][1] < 4:
        return False
    offset, length = fragments[0]
    return source.read(offset + length - 4, 4).rstrip(b"\0").endswith(b"\xff\xd9")


def _table(source: ByteSource, table: Fragment, frames: int) -> tuple[int, ...]:
    """The Basic Offset Table; empty where it is absent or of another length."""
    raw = source.read(*table) if table[1] == 4 * frames else b""
    return struct.unpack(f"<{frames}I", raw) if len(raw) == 4 * frames else ()


def _extended_table(instance: Instance, frames: int) -> tuple[int, ...]:
    """The Extended Offset Table (7FE0,0001): offsets of 64 bits."""
    raw = instance.elements.raw("ExtendedOffsetTable")
    return struct.unpack(f"<{frames}Q", raw) if len(raw) == 8 * frames else ()


def _cut(starts: tuple[int, ...], fragments: list[Fragment]) -> list[list[Fragment]]:
    """Frames as a table says; empty where there is none or it does not fit the fragments."""
    base = fragments[0][0] - 8
    by_start = {fragment[0] - 8 - base: index for index, fragment in enumerate(fragments)}
    try:
        cuts = [by_start[start] for start in starts]
    except KeyError:
        return []
    ends = [*cuts[1:], len(fragments)]
    if cuts != sorted(set(cuts)):
        return []
    return [fragments[begin:end] for begin, end in zip(cuts, ends, strict=True)] if cuts else []


def _by_starts(source: ByteSource, fragments: list[Fragment]) -> list[list[Fragment]]:
    """A new frame wherever a fragment begins like a code stream."""
    frames: list[list[Fragment]] = []
    for fragment in fragments:
        if not frames or source.read(fragment[0], 4).startswith(_STARTS):
            frames.append([])
        frames[-1].append(fragment)
    return frames


def join(source: ByteSource, fragments: list[Fragment]) -> bytes:
    """The code stream of one frame."""
    if len(fragments) == 1:
        return source.read(*fragments[0])
    return b"".join(source.read(offset, length) for offset, length in fragments)

"""Pixels of a copy: the same bytes in pieces, or decoded, blacked out and written uncompressed."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from medview.core.errors import UnreadableInstance
from medview.core.words import say
from medview.dicom.anonymize.text_in_pixels import Box, is_packed
from medview.dicom.anonymize.tree import Item
from medview.dicom.elements import ITEM, SEQUENCE_END, UNDEFINED, ByteSource, Encoding
from medview.dicom.encoding import element_header, mark
from medview.dicom.instance import DEFLATED_LE, EXPLICIT_LE, Instance
from medview.dicom.pixel_format import FLOAT_PIXELS, PixelFormat, has_image, pixel_format
from medview.dicom.pixels import Array, PixelReader

_PIECE = 1 << 20
_JPEG, _JPEG_2000 = b"\xff\xd8", b"\xff\x4f\xff\x51"
_BOXED = (b"jP  ", b"JXL ")
_NOTES = (b"xml ", b"uuid", b"uinf", b"jp2i", b"Exif", b"jumb", b"brob")
# Application segments that decoders need: JFIF, JPEG-LS and Adobe colour transforms.
_NEEDED = frozenset((0xE0, 0xE8, 0xEE))


def copied(instance: Instance, check: Callable[[], None]) -> Iterator[bytes]:
    """The pixel element as it stands, in pieces; comments inside JPEG streams become zeros.

    What follows it in the file (padding, signatures, stray bytes) is not part of it.
    """
    place = instance.elements.pixels
    if place is None:
        return
    encoding = instance.encoding
    with instance.open() as source:
        if place.length == UNDEFINED:
            yield element_header(place.tag, place.vr or "OB", UNDEFINED, encoding)
            yield from _fragments(source, place.offset, check)
            yield mark(SEQUENCE_END, 0)
            return
        there = min(place.length, source.size - place.offset)
        yield element_header(place.tag, place.vr or "OW", there + there % 2, encoding)
        shown = min(there, _shown(instance, there))
        yield from _pieces(source, place.offset, shown, check)
        yield from _noughts(there - shown + there % 2)


def _shown(instance: Instance, there: int) -> int:
    """How many bytes the picture takes; what stands behind its last frame is nobody's picture."""
    if not has_image(instance.elements):
        return there
    form = pixel_format(instance)
    bits = form.rows * form.columns * form.samples * form.bits_allocated * form.frames
    return (bits + 15) // 16 * 2  # big-endian words hold their first byte last


def _noughts(count: int) -> Iterator[bytes]:
    for begin in range(0, count, _PIECE):
        yield bytes(min(_PIECE, count - begin))


def _pieces(
    source: ByteSource, offset: int, length: int, check: Callable[[], None]
) -> Iterator[bytes]:
    end = offset + length
    while offset < end:
        check()
        piece = source.read(offset, min(_PIECE, end - offset))
        if not piece:
            raise UnreadableInstance(say("The file became shorter while it was read."))
        yield piece
        offset += len(piece)


def _fragments(source: ByteSource, offset: int, check: Callable[[], None]) -> Iterator[bytes]:
    while offset + 8 <= source.size:
        group, element, length = struct.unpack("<HHI", source.read(offset, 8))
        if group << 16 | element != ITEM:
            return
        offset += 8
        there = min(length, source.size - offset)
        yield mark(ITEM, there + there % 2)
        head = bytearray(source.read(offset, min(there, _PIECE)))
        silence(head)
        yield bytes(head)
        yield from _pieces(source, offset + len(head), there - len(head), check)
        yield b"\0" * (there % 2)
        offset += length


def silence(stream: bytearray) -> None:
    """Overwrite comments and camera data in the head of a JPEG or JPEG 2000 stream with zeros.

    Lengths stay, so offset tables stay right. Markers: ISO 10918-1 B.1.1.3, ISO 15444-1 A.2.
    """
    if stream[4:8] in _BOXED:
        _silence_boxes(stream)
        return
    is_jpeg = stream.startswith(_JPEG)
    if not is_jpeg and not stream.startswith(_JPEG_2000):
        return
    at = 2
    while at + 4 <= len(stream) and stream[at] == 0xFF:
        marker, length = stream[at + 1], stream[at + 2] << 8 | stream[at + 3]
        if marker == 0xFF:
            at += 1
            continue
        if marker in ((0xDA, 0xD9) if is_jpeg else (0x90, 0xD9)) or length < 2:
            return
        is_comment = marker == 0xFE if is_jpeg else marker == 0x64
        is_note = is_jpeg and 0xE0 <= marker <= 0xEF and marker not in _NEEDED
        if is_comment or is_note:
            # A JPEG 2000 comment begins with two bytes that say how it is written.
            start = at + (4 if is_jpeg else 6)
            stop = min(at + 2 + length, len(stream))
            stream[start:stop] = bytes(max(0, stop - start))
        at += 2 + length


def _silence_boxes(stream: bytearray) -> None:
    """The boxes of JP2 (ISO 15444-1 I.4) and JPEG XL files that hold notes and not the picture."""
    at = 0
    while at + 8 <= len(stream):
        length, kind = int.from_bytes(stream[at : at + 4], "big"), bytes(stream[at + 4 : at + 8])
        head = 16 if length == 1 else 8
        if length == 1:
            length = int.from_bytes(stream[at + 8 : at + 16], "big")
        end = len(stream) if length == 0 else min(at + length, len(stream))
        if end < at + head:
            return
        if kind in _NOTES:
            stream[at + head : end] = bytes(end - at - head)
        elif kind == b"jp2c":
            inner = stream[at + head : end]
            silence(inner)
            stream[at + head : end] = inner
        at = end


def blanked(
    instance: Instance, top: Item, boxes: Sequence[Box], check: Callable[[], None]
) -> Iterator[bytes]:
    """The pixel element uncompressed, frame by frame, the boxes black in each.

    Changes what `top` says of the pixels. Raises UnreadableInstance where a frame cannot be read.
    """
    with PixelReader(instance) as reader:
        form = reader.form
        if is_packed(instance):
            raise UnreadableInstance(
                say("Pixels that are written like this cannot be blacked out."), instance.path
            )
        first = reader.stored(0)
        photometric = _photometric(form, first.is_rgb)
        _describe(top, form, photometric)
        length = first.values.nbytes * form.frames
        if length >= UNDEFINED:
            raise UnreadableInstance(say("Uncompressed, the pixels do not fit into a file."))
        tag = instance.elements.pixels.tag if instance.elements.pixels else FLOAT_PIXELS
        vr = {0x7FE00008: "OF", 0x7FE00009: "OD"}.get(tag, "OW")
        encoding = Encoding(explicit=instance.encoding.explicit)
        yield element_header(tag, vr, length + length % 2, encoding)
        for index in range(form.frames):
            check()
            values = first.values if index == 0 else reader.stored(index).values
            yield _black(values, boxes, photometric).tobytes()
        yield b"\0" * (length % 2)


def syntax_of_copy(instance: Instance, *, is_blanked: bool) -> str:
    """The transfer syntax of a copy: as it was, but for what was deflated or decoded."""
    is_decoded = is_blanked and instance.is_encapsulated
    return EXPLICIT_LE if instance.syntax == DEFLATED_LE or is_decoded else instance.syntax


def _photometric(form: PixelFormat, is_rgb: bool) -> str:
    if is_rgb or form.photometric in ("YBR_RCT", "YBR_ICT"):
        return "RGB"
    return "YBR_FULL" if form.photometric.startswith("YBR") else form.photometric


def _describe(top: Item, form: PixelFormat, photometric: str) -> None:
    top.put(0x00280004, "CS", photometric)
    if form.samples > 1:
        top.put(0x00280006, "US", b"\0\0")
    if not form.is_float:
        top.put(0x00280102, "US", struct.pack("<H", form.bits_stored - 1))
    top.put(0x00280301, "CS", "NO")
    for tag in (0x7FE00001, 0x7FE00002):  # offset tables of compressed pixels
        top.elements.pop(tag, None)


def _black(values: Array, boxes: Sequence[Box], photometric: str) -> Array:
    black = np.array(values, dtype=values.dtype.newbyteorder("<"), order="C")
    darkest = black.max() if photometric == "MONOCHROME1" else black.min()
    for box in boxes:
        area = black[box.top : box.bottom, box.left : box.right]
        if black.ndim == 2:
            area[...] = darkest
        else:
            area[...] = (0, 128, 128)[: area.shape[2]] if photometric == "YBR_FULL" else 0
    return black

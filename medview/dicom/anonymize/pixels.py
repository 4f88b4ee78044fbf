"""Pixels of a copy: the same bytes in pieces, or decoded, blacked out and written uncompressed."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from medview.core.errors import UnreadableInstance
from medview.core.words import say
from medview.dicom.anonymize.streams import silence, silence_deflated
from medview.dicom.anonymize.text_in_pixels import Box, is_packed
from medview.dicom.anonymize.tree import Item
from medview.dicom.codecs import DEFLATED_FRAME, RLE, why_not_decodable
from medview.dicom.elements import ITEM, SEQUENCE_END, UNDEFINED, ByteSource, Encoding
from medview.dicom.encoding import element_header, mark
from medview.dicom.fragments import fragments_of, join
from medview.dicom.instance import DEFLATED_LE, EXPLICIT_LE, Instance
from medview.dicom.overlays import embedded_bits
from medview.dicom.pixel_format import FLOAT_PIXELS, PixelFormat, has_image, pixel_format
from medview.dicom.pixels import Array, PixelReader

_PIECE = 1 << 20


def copied(instance: Instance, check: Callable[[], None]) -> Iterator[bytes]:
    """The pixel element as it stands, in pieces; notes inside of compressed streams are blanked.

    What follows it in the file (padding, signatures, stray bytes) is not part of it.
    """
    place = instance.elements.pixels
    if place is None:
        return
    encoding = instance.encoding
    with instance.open() as source:
        if place.length == UNDEFINED:
            yield element_header(place.tag, place.vr or "OB", UNDEFINED, encoding)
            if has_image(instance.elements) and why_not_decodable(instance.syntax) is None:
                yield from _streams(instance, source, check)
            else:
                yield from _items(source, place.offset, check)
            yield mark(SEQUENCE_END, 0)
            return
        there = min(place.length, source.size - place.offset)
        yield element_header(place.tag, place.vr or "OW", there + there % 2, encoding)
        shown = min(there, _shown(instance, there))
        pieces = _pieces(source, place.offset, shown, check)
        yield from _without_planes(instance, pieces)
        yield from _noughts(there - shown + there % 2)


def _shown(instance: Instance, there: int) -> int:
    """How many bytes the picture takes; what stands behind its last frame is nobody's picture."""
    if not has_image(instance.elements):
        return there
    form = pixel_format(instance)
    # In whole words: big-endian ones hold their first byte last.
    return (form.frame_bits * form.frames + 15) // 16 * 2


def _without_planes(instance: Instance, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pixels with nought where unused bits are overlay planes: those go wherever they are."""
    bits = embedded_bits(instance)
    if not bits:
        yield from pieces
        return
    size = pixel_format(instance).bits_allocated // 8
    word = np.dtype(f"{'>' if instance.encoding.big else '<'}u{size}")
    kept = word.type((1 << 8 * size) - 1 - sum(1 << bit for bit in bits))
    for piece in pieces:
        whole = len(piece) - len(piece) % size
        yield (np.frombuffer(piece[:whole], word) & kept).astype(word).tobytes() + piece[whole:]


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


def _streams(instance: Instance, source: ByteSource, check: Callable[[], None]) -> Iterator[bytes]:
    """The items of compressed pixels: the offset table, then each frame without notes in it."""
    frames = fragments_of(instance, source)
    count = max(1, instance.elements.integer("NumberOfFrames", 1))
    is_rle = instance.syntax == RLE
    plane = instance.elements.integer("Rows") * instance.elements.integer("Columns") * is_rle
    yield _item(_table(instance, source, count))
    for number, fragments in enumerate(frames):
        check()
        stream = bytearray(join(source, fragments))
        if number < count and instance.syntax == DEFLATED_FRAME:
            silence_deflated(stream, pixel_format(instance).frame_bits // 8 + _PIECE)
        elif number < count:
            silence(stream, plane)
        else:  # what stands behind the last frame is nobody's picture
            stream = bytearray(len(stream))
        at = 0
        for _, length in fragments:
            yield _item(bytes(stream[at : at + length]))
            at += length


def _item(value: bytes) -> bytes:
    return mark(ITEM, len(value) + len(value) % 2) + value + b"\0" * (len(value) % 2)


def _table(instance: Instance, source: ByteSource, count: int) -> bytes:
    """The Basic Offset Table; empty, as it may be, where it has not one entry a frame."""
    place = instance.elements.pixels
    length = 0 if place is None else int.from_bytes(source.read(place.offset + 4, 4), "little")
    return source.read(place.offset + 8, length) if place and length == 4 * count else b""


def _items(source: ByteSource, offset: int, check: Callable[[], None]) -> Iterator[bytes]:
    """The items as they stand: of videos, whose pictures no mark parts, and of what is no image."""
    while offset + 8 <= source.size:
        group, element, length = struct.unpack("<HHI", source.read(offset, 8))
        if group << 16 | element != ITEM:
            return
        offset += 8
        there = min(length, source.size - offset)
        yield mark(ITEM, there + there % 2)
        yield from _pieces(source, offset, there, check)
        yield b"\0" * (there % 2)
        offset += length


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

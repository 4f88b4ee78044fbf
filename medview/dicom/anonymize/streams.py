"""Compressed streams without notes: whatever no decoder needs for the picture is overwritten.

Lengths stay, so tables of frame offsets stay right. Markers: ISO 10918-1 B.1.1, ISO 15444-1 A.2.
"""

from __future__ import annotations

import re
import struct
import zlib

_JPEG, _JPEG_2000 = b"\xff\xd8", b"\xff\x4f\xff\x51"
_BOXED = (b"jP  ", b"JXL ")
# The boxes of JP2 (ISO 15444-1 I.4) and JPEG XL files that hold the picture and how it is drawn.
_OF_PICTURE = frozenset((*_BOXED, b"ftyp", b"jp2h", b"rreq", b"jxlc", b"jxlp", b"jxll", b"jbrd"))
# No marker stands inside of coded data: after FF comes 0, in JPEG-LS less than 80, or a restart.
_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")
_END, _SCAN, _COMMENT = 0xD9, 0xDA, 0xFE
# Application segments that decoders need, by marker and name, and how much of each: JFIF without
# its small picture, the colour transforms of JPEG-LS and of Adobe.
_NEEDED = {(0xE0, b"JFIF\0"): 14, (0xE8, b"mrfx"): 5, (0xEE, b"Adobe"): 12}
_TILE, _DATA, _NOTE = 0x90, 0x93, 0x64
_HEAD_OF_RLE, _NO_RUN = 64, b"\x80"


def silence(stream: bytearray, plane: int = 0) -> None:
    """Overwrite comments, camera data and stray bytes in the stream of one frame.

    plane: rows times columns, by which the ends of RLE segments are known. What is no stream that
    DICOM knows stays as it is.
    """
    if stream[4:8] in _BOXED:
        _silence_boxes(stream)
    elif stream.startswith(_JPEG):
        _silence_jpeg(stream)
    elif stream.startswith(_JPEG_2000):
        _silence_jpeg_2000(stream)
    elif plane:
        _silence_rle(stream, plane)


def silence_deflated(stream: bytearray, most: int) -> None:
    """Zeros behind the end of a deflated frame, of which at most so many bytes are inflated."""
    machine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        machine.decompress(stream, most)
    except zlib.error:
        return  # nobody can show it
    if machine.eof:
        blank(stream, len(stream) - len(machine.unused_data), len(stream))


def blank(stream: bytearray, start: int, stop: int) -> None:
    """Zeros from start to stop, as far as the stream goes."""
    stop = min(stop, len(stream))
    if start < stop:
        stream[start:stop] = bytes(stop - start)


def _silence_jpeg(stream: bytearray) -> None:
    at = 2
    while found := _MARKER.search(stream, at):
        # Between segments nothing but fill bytes may stand.
        stream[at : found.start()] = b"\xff" * (found.start() - at)
        at, marker = found.start(), stream[found.start() + 1]
        if marker == _END:
            blank(stream, at + 2, len(stream))
            return
        length = int.from_bytes(stream[at + 2 : at + 4], "big")
        if length < 2:
            return
        end = at + 2 + length
        if marker == _COMMENT or 0xE0 <= marker <= 0xEF:
            blank(stream, at + 4 + _needed(marker, stream[at + 4 : end]), end)
        at = end
        if marker == _SCAN:
            coded = _MARKER.search(stream, at)
            if coded is None:
                return
            at = coded.start()


def _needed(marker: int, payload: bytearray) -> int:
    """How many bytes of an application segment a decoder looks at."""
    counts = (n for (kind, name), n in _NEEDED.items() if kind == marker and name in payload[:5])
    return next(counts, 0)


def _silence_jpeg_2000(stream: bytearray) -> None:
    at, tile_end = 2, 0
    while at + 2 <= len(stream) and stream[at] == 0xFF:
        marker = stream[at + 1]
        if marker == _END:
            blank(stream, at + 2, len(stream))
            return
        if marker == _DATA:
            at = tile_end or stream.find(b"\xff\xd9", at + 2)
            tile_end = 0
            if at < 0:
                return
            continue
        length = int.from_bytes(stream[at + 2 : at + 4], "big")
        if length < 2:
            return
        if marker == _TILE:
            size = int.from_bytes(stream[at + 6 : at + 10], "big")  # 0: to the end of the stream
            tile_end = at + size if size > length else 0
        elif marker == _NOTE:  # its first two bytes say how it is written
            blank(stream, at + 6, at + 2 + length)
        at += 2 + length


def _silence_boxes(stream: bytearray) -> None:
    at = 0
    while at + 8 <= len(stream):
        length, kind = int.from_bytes(stream[at : at + 4], "big"), bytes(stream[at + 4 : at + 8])
        head = 16 if length == 1 else 8
        if length == 1:
            length = int.from_bytes(stream[at + 8 : at + 16], "big")
        end = len(stream) if length == 0 else min(at + length, len(stream))
        if end < at + head:
            return
        if kind == b"jp2c":
            inner = stream[at + head : end]
            silence(inner)
            stream[at + head : end] = inner
        elif kind not in _OF_PICTURE:
            blank(stream, at + head, end)
        at = end


def _silence_rle(stream: bytearray, plane: int) -> None:
    """The unused part of the header and what follows the last run of each segment (PS3.5 G.5)."""
    if len(stream) < _HEAD_OF_RLE:
        return
    count, *starts = struct.unpack_from("<16I", stream)
    starts = starts[:count]
    if not 1 <= count <= 15 or starts[0] != _HEAD_OF_RLE or starts != sorted(starts):
        return
    blank(stream, 4 + 4 * count, _HEAD_OF_RLE)
    for start, end in zip(starts, [*starts[1:], len(stream)], strict=True):
        at, left = start, plane
        while left > 0 and at < end:
            run = stream[at]
            if run < 128:
                at, left = at + run + 2, left - run - 1
            else:
                at, left = at + 1 + (run > 128), left - (257 - run) * (run > 128)
        if left <= 0 and stream[at:end].strip(b"\0"):
            stream[at:end] = _NO_RUN * (end - at)

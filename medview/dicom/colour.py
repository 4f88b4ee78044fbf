"""Colour of a picture as red, green and blue of 8 bits (PS3.3 C.7.6.3.1.2, C.7.9)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import UnreadableInstance
from medview.core.words import say
from medview.dicom.codecs import Decoded
from medview.dicom.elements import Elements
from medview.dicom.pixel_format import PixelFormat

Bytes = NDArray[np.uint8]
_COLOURS = ("Red", "Green", "Blue")
_DEEPEST = 4  # an indirect segment may not even name another one


def is_colour(form: PixelFormat) -> bool:
    """Whether a picture of this format is shown in colour."""
    return form.samples >= 3 or form.photometric == "PALETTE COLOR"


def to_rgb(decoded: Decoded, top: Elements, form: PixelFormat) -> Bytes:
    """[rows, columns, 3] of a stored colour frame. Raises UnreadableInstance without a palette."""
    if form.photometric == "PALETTE COLOR":
        return _from_palette(decoded.values, top, form)
    values = _eight_bits(decoded.values, form)
    if values.shape[2] == 4:
        return _from_four(values, form.photometric)
    if decoded.is_rgb or not form.photometric.startswith("YBR"):
        return values
    if form.photometric in ("YBR_RCT", "YBR_ICT"):
        return values  # undone by the JPEG 2000 decoder
    return _from_partial_ybr(values) if "PARTIAL" in form.photometric else _from_ybr(values)


def _from_four(values: Bytes, photometric: str) -> Bytes:
    """Four samples, all retired: ARGB (alpha is no colour), CMYK (inks on white)."""
    if photometric == "CMYK":
        black = 255 - values[..., 3:].astype(np.uint16)
        return np.asarray((255 - values[..., :3].astype(np.uint16)) * black // 255, np.uint8)
    first = 1 if photometric == "ARGB" else 0
    return np.ascontiguousarray(values[..., first : first + 3])


def _from_partial_ybr(values: Bytes) -> Bytes:
    """YBR_PARTIAL_422 (CCIR 601-2: Y 16 to 235, colour 16 to 240) to RGB (C.7.6.3.1.2)."""
    y = (values[..., 0].astype(np.float32) - 16) * np.float32(1.1644)
    blue, red = (values[..., n].astype(np.float32) - 128 for n in (1, 2))
    rgb = np.stack((y + 1.5960 * red, y - 0.3917 * blue - 0.8130 * red, y + 2.0173 * blue), -1)
    return np.asarray(np.clip(np.rint(rgb), 0, 255), np.uint8)


def _eight_bits(values: NDArray[np.generic], form: PixelFormat) -> Bytes:
    spare = form.bits_stored - 8
    if values.dtype == np.uint8 and spare <= 0:
        return np.ascontiguousarray(values, np.uint8)
    wide = values.astype(np.uint64)
    if spare > 0:
        wide >>= np.uint64(spare)
    return wide.astype(np.uint8)


def _from_ybr(values: Bytes) -> Bytes:
    """YBR_FULL to RGB (PS3.3 C.7.6.3.1.2)."""
    y, blue, red = (values[..., n].astype(np.float32) for n in range(3))
    blue -= 128
    red -= 128
    rgb = np.stack(
        (y + 1.402 * red, y - 0.344136 * blue - 0.714136 * red, y + 1.772 * blue), axis=-1
    )
    eight: Bytes = np.clip(np.rint(rgb), 0, 255).astype(np.uint8)
    return eight


def _from_palette(values: NDArray[np.generic], top: Elements, form: PixelFormat) -> Bytes:
    index = values.astype(np.int64)
    tables = [_palette(top, colour, form) for colour in _COLOURS]
    # Some writers declare 16 bits and fill only the lower byte, in all three tables.
    is_wide = max(int(entries.max()) for entries, _ in tables) > 255
    planes = [
        (entries >> (8 if is_wide else 0))[np.clip(index - first, 0, entries.size - 1)]
        for entries, first in tables
    ]
    return np.stack(planes, axis=-1).astype(np.uint8)


def _palette(top: Elements, colour: str, form: PixelFormat) -> tuple[NDArray[np.uint16], int]:
    """One colour's table, and the first stored value that it maps."""
    numbers = top.floats(f"{colour}PaletteColorLookupTableDescriptor")
    if len(numbers) < 3:
        raise UnreadableInstance(say("The picture's colour table is missing."), tag="(0028,1101)")
    count, first, bits = int(numbers[0]) & 0xFFFF or 65536, int(numbers[1]), int(numbers[2])
    if form.is_signed and first > 32767:
        first -= 65536
    order = ">" if top.encoding.big else "<"
    segmented = top.raw(f"Segmented{colour}PaletteColorLookupTableData")
    raw = top.raw(f"{colour}PaletteColorLookupTableData")
    if segmented and not raw:
        kind = "u1" if bits <= 8 else f"{order}u2"
        data = np.frombuffer(_whole(segmented, kind), kind)
        entries = _expand(tuple(data.tolist()), count, is_bytes=bits <= 8)
    elif bits <= 8 and len(raw) < 2 * count:
        entries = np.frombuffer(raw, "u1").astype(np.uint16)
    else:
        entries = np.frombuffer(_whole(raw, "u2"), f"{order}u2").astype(np.uint16)
    if entries.size == 0:
        raise UnreadableInstance(say("The picture's colour table is missing."), tag="(0028,1201)")
    return entries[:count], first


def _whole(raw: bytes, kind: str) -> bytes:
    size = np.dtype(kind).itemsize
    return raw[: len(raw) // size * size]


def _expand(data: tuple[int, ...], count: int, *, is_bytes: bool) -> NDArray[np.uint16]:
    """A segmented table (PS3.3 C.7.9.2): discrete 0, linear 1, indirect 2 segments."""
    out: list[int] = []
    _expand_from(_Segments(data, is_bytes), (0, len(data)), out, (count, 0))
    return np.array(out[:count], np.uint16)


class _Segments(NamedTuple):
    """The numbers of a segmented table, bytes or words."""

    data: tuple[int, ...]
    is_bytes: bool

    def target(self, at: int) -> tuple[int, int]:
        """Where the indirect segment at `at` points to, and where the next segment begins.

        Its offset counts bytes from the first segment; it takes four bytes or two words.
        """
        size, parts = (8, 4) if self.is_bytes else (16, 2)
        offset = sum(self.data[at + 2 + n] << (size * n) for n in range(parts))
        return offset if self.is_bytes else offset // 2, at + 2 + parts


def _expand_from(
    segments: _Segments, part: tuple[int, int], out: list[int], limits: tuple[int, int]
) -> None:
    """Unroll some segments from a place on; part: (place, how many), limits: (entries, depth)."""
    (at, left), (count, depth), data = part, limits, segments.data
    longest = 4 if segments.is_bytes else 2
    while at + 1 < len(data) and left > 0 and len(out) < count and depth < _DEEPEST:
        kind, length = data[at], data[at + 1]
        left -= 1
        if kind == 0:
            out.extend(data[at + 2 : at + 2 + length])
            at += 2 + length
        elif kind == 1 and at + 2 < len(data):
            start = out[-1] if out else 0
            line = np.linspace(start, data[at + 2], length + 1)[1:]
            out.extend(int(v) for v in np.rint(line))
            at += 3
        elif kind == 2 and at + 1 + longest < len(data):
            place, after = segments.target(at)
            _expand_from(segments, (place, length), out, (count, depth + 1))
            at = after
        else:
            return

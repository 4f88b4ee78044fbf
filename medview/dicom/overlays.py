"""Overlay planes, groups 6000 to 601E: packed apart or in unused bits of the pixels (C.9.2)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import UnreadableInstance
from medview.core.volume import GraphicPlane
from medview.dicom.elements import Elements, FileStamp
from medview.dicom.frames import Frame
from medview.dicom.instance import Instance, open_instance
from medview.dicom.keywords import OVERLAY_GROUPS, OVERLAY_ROWS
from medview.dicom.pixel_format import pixel_format
from medview.dicom.pixels import PixelReader
from medview.dicom.shutters import shutter_group

_ROWS, _COLUMNS, _FRAMES, _NAME, _ORIGIN, _FRAME_ORIGIN, _BIT, _LABEL, _DATA = (
    0x0010, 0x0011, 0x0015, 0x0022, 0x0050, 0x0051, 0x0102, 0x1500, 0x3000,
)  # fmt: skip
_PARTS = (_ROWS, _COLUMNS, _FRAMES, _NAME, _ORIGIN, _FRAME_ORIGIN, _BIT, _LABEL, _DATA)
_WANTED = frozenset(group | part for group in OVERLAY_GROUPS for part in _PARTS)
_LARGEST = 1 << 16


_ROW_TAGS = frozenset(OVERLAY_ROWS)


def has_overlays(instance: Instance) -> bool:
    """Whether the header speaks of an overlay plane."""
    return instance.elements.once(_speaks_of_one, _ROW_TAGS)


def _speaks_of_one(top: Elements) -> bool:
    return not _ROW_TAGS.isdisjoint(top.values)


def overlays_of(frame: Frame) -> tuple[GraphicPlane, ...]:
    """The overlay planes of one picture; empty ones and impossible ones are left out, and so is
    the one that is a shutter.

    Raises UnreadableInstance, OSError where the file cannot be read any more.
    """
    found = _elements(frame.instance.path, frame.instance.stamp)
    hiding = shutter_group(frame.instance.elements)
    drawn = (group for group in OVERLAY_GROUPS if group >> 16 != hiding)
    planes = (_plane(found, group, frame) for group in drawn)
    return tuple(plane for plane in planes if plane is not None)


def bitmap_shutter_of(frame: Frame) -> GraphicPlane | None:
    """The overlay plane whose bits hide pixels, None where there is none. Raises as above."""
    hiding = shutter_group(frame.instance.elements)
    if hiding is None or hiding << 16 not in OVERLAY_GROUPS:
        return None
    found = _elements(frame.instance.path, frame.instance.stamp)
    return _plane(found, hiding << 16, frame)


def embedded_bits(instance: Instance) -> tuple[int, ...]:
    """The bits of uncompressed pixels that are overlay planes and none of the picture."""
    if not has_overlays(instance) or instance.is_encapsulated:
        return ()
    form = pixel_format(instance)
    if form.is_float or form.samples != 1 or form.bits_allocated not in (8, 16, 32):
        return ()
    found = _elements(instance.path, instance.stamp)
    low = form.high_bit + 1 - form.bits_stored
    inside = (
        _one(found, group | _BIT, 0)
        for group in OVERLAY_GROUPS
        if group | _BIT in found.values and group | _DATA not in found.values
    )
    spare = set(range(form.bits_allocated)) - set(range(low, form.high_bit + 1))
    return tuple(spare.intersection(inside))


@lru_cache(maxsize=2)  # every frame of a file asks for the same
def _elements(path: str, stamp: FileStamp | None) -> Elements:
    del stamp
    return open_instance(path, _WANTED).elements


def _one(found: Elements, tag: int, default: int) -> int:
    numbers = _numbers(found, tag)
    return numbers[0] if numbers else default


def _numbers(found: Elements, tag: int) -> list[int]:
    return [int(number) for number in found.numbers(tag) if abs(number) < _LARGEST]


def _plane(found: Elements, group: int, frame: Frame) -> GraphicPlane | None:
    rows, columns = _one(found, group | _ROWS, 0), _one(found, group | _COLUMNS, 0)
    if not (0 < rows <= _LARGEST and 0 < columns <= _LARGEST):
        return None
    number = _overlay_frame(found, group, frame.index)
    if number is None:
        return None
    data = found.values.get(group | _DATA)
    if data is not None and data[1]:
        swapped = found.encoding.big and data[0] == "OW"
        bits = _apart(data[1], number * rows * columns, rows * columns, is_swapped=swapped)
    else:
        bits = _embedded(frame, _one(found, group | _BIT, 0))
        rows, columns = frame.size
    if bits is None or not bits.any():
        return None
    origin = _numbers(found, group | _ORIGIN)[:2]
    top, left = origin if len(origin) == 2 else (1, 1)
    packed = np.packbits(bits.reshape(rows, columns), axis=1, bitorder="little")
    return GraphicPlane(packed=packed, size=(rows, columns), place=(top - 1, left - 1))


def _overlay_frame(found: Elements, group: int, index: int) -> int | None:
    """Which frame of the overlay lies over a picture, None for none (C.9.3).

    A plane that says nothing of frames lies over every picture of the file.
    """
    if not found.numbers(group | _FRAMES) and not found.numbers(group | _FRAME_ORIGIN):
        return 0
    number = index - (_one(found, group | _FRAME_ORIGIN, 1) - 1)
    return number if 0 <= number < _one(found, group | _FRAMES, 1) else None


def _apart(raw: bytes, first: int, count: int, *, is_swapped: bool) -> NDArray[np.uint8] | None:
    """Overlay Data: bits run on over the ends of rows and frames, the lowest bit first."""
    if is_swapped:
        raw = np.frombuffer(raw[: len(raw) // 2 * 2], ">u2").astype("<u2").tobytes()
    part = np.frombuffer(raw[first // 8 : (first + count + 7) // 8], np.uint8)
    bits = np.unpackbits(part, bitorder="little")[first % 8 :][:count]
    return bits if bits.size == count else None


def _embedded(frame: Frame, bit: int) -> NDArray[np.uint8] | None:
    """A plane in a bit of the pixels above or below those that are stored (retired, yet used)."""
    if frame.instance.is_encapsulated:
        return None
    with PixelReader(frame.instance) as reader:
        form = reader.form
        low = form.high_bit + 1 - form.bits_stored
        if form.is_float or form.samples != 1 or not 0 <= bit < form.bits_allocated:
            return None
        if low <= bit <= form.high_bit:
            return None  # a bit of the picture itself
        try:
            words = reader.words(frame.index)
        except UnreadableInstance:
            return None
    return np.asarray((words.astype(np.uint32) >> np.uint32(bit)) & 1, np.uint8)

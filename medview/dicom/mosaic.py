"""Mosaics: many slices tiled into one picture, cut apart where the file says how.

Geometry after nibabel's `doc/source/dicom/dicom_mosaic.rst` and `siemens_csa.rst`: the position in
the header is that of the big picture; which way the slices go is told by Siemens' own header.
United Imaging's frame sequence (0065,1051) gives each slice its own place.
"""

from __future__ import annotations

import math
import struct
from dataclasses import replace

import numpy as np

from medview.core.archive import open_binary
from medview.core.errors import MedViewError
from medview.dicom.frames import FloatArray, Frame, Tile
from medview.dicom.keywords import CSA_IMAGE_HEADER, MOSAIC_COUNT

_MOST_TAGS, _MOST_ITEMS = 128, 128
_LARGEST_HEADER = 1 << 20


def tiles_of(frame: Frame) -> list[Frame]:
    """The slices of a mosaic as frames of their own; any other frame alone.

    A mosaic whose Siemens header was stripped stays one picture: nothing else says which way its
    slices go.
    """
    if frame.is_mosaic and "VFRAME" in frame.image_type.split("\\"):
        return _united_imaging(frame)
    if not frame.is_mosaic or frame.position is None or frame.axes is None or not frame.spacing:
        return [frame]
    csa = _csa_numbers(_csa_bytes(frame))
    normal = csa.get("SliceNormalVector", ())
    found = frame.instance.elements.private(*MOSAIC_COUNT)
    count = int(next(iter(found or csa.get("NumberOfImagesInMosaic", ())), 0))
    side = math.ceil(math.sqrt(max(count, 0)))
    rows, columns = frame.size
    if len(normal) < 3 or count < 2 or rows % side or columns % side:
        return [frame]
    size = (rows // side, columns // side)
    step = _step(frame, np.array(normal[:3]))
    if step is None:
        return [frame]
    first = _first_place(frame, size)
    return [
        replace(
            frame,
            tile=Tile(
                number // side * size[0], number % side * size[1], size, first + number * step
            ),
        )
        for number in range(count)
    ]


def _united_imaging(frame: Frame) -> list[Frame]:
    """Tiles row by row, as many columns as the root of their number, rounded up (dcm2niix)."""
    from medview.dicom.united_imaging import places_in

    places = places_in(frame.instance.path)
    across = math.ceil(math.sqrt(len(places)))
    rows, columns = frame.size
    if len(places) < 2 or frame.axes is None or not frame.spacing:
        return [frame]
    down = -(-len(places) // across)
    if rows % down or columns % across:
        return [frame]
    size = (rows // down, columns // across)
    return [
        replace(frame, tile=Tile(n // across * size[0], n % across * size[1], size, place))
        for n, place in enumerate(places)
    ]


def _step(frame: Frame, told: FloatArray) -> FloatArray | None:
    """From one slice to the next: along the normal, the way that Siemens' header tells."""
    assert frame.axes is not None  # noqa: S101 - tiles_of looked
    normal = np.cross(frame.axes[0], frame.axes[1])
    agreement = float(normal @ told)
    distance = frame.floats("SpacingBetweenSlices") or frame.floats("SliceThickness")
    if not distance or distance[0] <= 0 or abs(agreement) < 0.9:
        return None
    return np.asarray(normal * np.sign(agreement) * distance[0], np.float64)


def _first_place(frame: Frame, size: tuple[int, int]) -> FloatArray:
    """The first voxel of a tile: the tiles' middle is the big picture's."""
    assert frame.axes is not None  # noqa: S101 - tiles_of looked
    assert frame.spacing is not None  # noqa: S101
    assert frame.position is not None  # noqa: S101
    down, right = ((whole - part) / 2 for whole, part in zip(frame.size, size, strict=True))
    shift = frame.axes[0] * frame.spacing[1] * right + frame.axes[1] * frame.spacing[0] * down
    return np.asarray(np.array(frame.position) + shift, np.float64)


def _csa_bytes(frame: Frame) -> bytes:
    """Siemens' image header; read only for mosaics, an index of other files never pays for it."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    tag, creator = CSA_IMAGE_HEADER
    block = tag & 0xFFFF0000 | 0x10
    try:
        with open_binary(frame.instance.path) as file:
            made = dcmread(file, stop_before_pixels=True, force=True, specific_tags=[tag, block])
        owner = str(made[block].value).strip() if block in made else ""
        value = made[tag].value if tag in made else b""
    except (OSError, MedViewError, InvalidDicomError, ValueError, KeyError, NotImplementedError):
        return b""
    is_own = owner == creator and isinstance(value, bytes)
    return bytes(value)[:_LARGEST_HEADER] if is_own else b""


def _csa_numbers(raw: bytes) -> dict[str, tuple[float, ...]]:
    """The numbers of a CSA header of either version by name; empty where it is damaged."""
    found: dict[str, tuple[float, ...]] = {}
    is_second = raw[:4] == b"SV10"
    try:
        (count,) = struct.unpack_from("<I", raw, 8 if is_second else 0)
        offset, first_items = (16 if is_second else 8), 0
        for tag in range(min(count, _MOST_TAGS)):
            name = raw[offset : offset + 64].split(b"\0")[0].decode("ascii", "replace")
            (items,) = struct.unpack_from("<i", raw, offset + 76)
            first_items = items if tag == 0 else first_items
            offset += 84
            values = []
            for _ in range(min(items, _MOST_ITEMS)):
                head = struct.unpack_from("<4i", raw, offset)
                length = head[1] if is_second else head[0] - first_items
                if length < 0 or offset + 16 + length > len(raw):
                    return found
                values.append(raw[offset + 16 : offset + 16 + length])
                offset += 16 + -(-length // 4) * 4
            found[name] = tuple(_numbers(values))
    except struct.error:
        return found
    return found


def csa_without_text(raw: bytes) -> bytes:
    """A CSA header of version 2 with the two entries by which mosaics are cut, and no others.

    Siemens' own also holds the whole protocol as free text. Empty where `raw` is of no mosaic.
    """
    told = _csa_numbers(raw[:_LARGEST_HEADER])
    kept = {
        name: told.get(name, ())[:3] for name in ("NumberOfImagesInMosaic", "SliceNormalVector")
    }
    if not all(kept.values()):
        return b""
    parts = [b"SV10\4\3\2\1", struct.pack("<II", len(kept), 77)]
    for name, numbers in kept.items():
        parts.append(
            struct.pack("<64si4siii", name.encode(), len(numbers), b"DS", 0, len(numbers), 77)
        )
        for number in numbers:
            text = f"{number:.10g}".encode() + b"\0"
            size = len(text)
            parts.append(
                struct.pack("<4i", size, size, 77, size) + text.ljust(-(-size // 4) * 4, b"\0")
            )
    return b"".join(parts)


def _numbers(values: list[bytes]) -> list[float]:
    numbers = []
    for value in values:
        try:
            numbers.append(float(value.split(b"\0")[0]))
        except ValueError:
            continue
    return numbers

"""United Imaging's private header: where the slices of its mosaics lie."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from medview.core.archive import open_binary
from medview.core.errors import MedViewError
from medview.dicom.frames import FloatArray

_GROUP, _CREATOR = 0x0065, "Image Private Header"
_COUNT, _FRAMES = 0x50, 0x51  # MRNumberOfSlicesInVolume, MRVFrameSequence
_MOST_SLICES = 4096


def places_in(path: str) -> list[FloatArray]:
    """The centre of the first voxel of each slice, LPS millimetres, in the order of the tiles.

    None where the header was stripped, is damaged, or does not give every slice its own place.
    """
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        with open_binary(path) as file:
            made = dcmread(file, stop_before_pixels=True, force=True)
        block = made.private_block(_GROUP, _CREATOR)
        count, items = int(block[_COUNT].value), block[_FRAMES].value
        places = [_place(item) for item in items[:_MOST_SLICES]]
    except (OSError, MedViewError, InvalidDicomError, ValueError, KeyError, TypeError,
            AttributeError, NotImplementedError, RecursionError):  # fmt: skip
        return []
    return places if len(places) == count else []


def _place(item: Any) -> FloatArray:
    """Raises KeyError, TypeError or ValueError where there is none."""
    place = np.array([float(part) for part in item["ImagePositionPatient"].value], np.float64)
    if len(place) != 3 or not all(map(math.isfinite, place)):
        raise ValueError(place)
    return place

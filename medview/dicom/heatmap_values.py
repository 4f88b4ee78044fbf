"""The values behind a heatmap that is stored as a picture, in a private element of that picture.

A projection has no plane in space, so its heatmap is a Secondary Capture: colours over the image.
Colours cannot be told from what they cover; what MedView reads back are these numbers. Others see
the picture alone, and an anonymiser that drops private elements leaves it whole.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray
from pydicom.datadict import add_private_dict_entry
from pydicom.dataset import Dataset

CREATOR = "MEDVIEW HEATMAP"
_GROUP, _SCALE, _LEVELS = 0x0071, 0x01, 0x02
_TOP = 65535

# An archive may keep files without value representations, or call those of others unknown.
add_private_dict_entry(CREATOR, (_GROUP << 16) + _SCALE, "FD", "Largest Value")
add_private_dict_entry(CREATOR, (_GROUP << 16) + _LEVELS, "OB", "Levels")


def keep_values(dataset: Dataset, values: NDArray[np.float32]) -> None:
    """Put values [j, i], 0 and more, into a picture; exact to a 65,535th of the largest. What is
    no number becomes 0."""
    known = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    scale = max(float(known.max(initial=0.0)), 1e-6)
    levels = np.rint(np.clip(known / scale, 0, 1) * _TOP).astype("<u2")
    packed = zlib.compress(levels.tobytes(), 6)
    block = dataset.private_block(_GROUP, CREATOR, create=True)
    block.add_new(_SCALE, "FD", scale)
    block.add_new(_LEVELS, "OB", packed + b"\0" * (len(packed) % 2))


def kept_values(dataset: Dataset, shape: tuple[int, int]) -> NDArray[np.float32] | None:
    """The values [j, i] that lie in a picture, None where it has none.

    shape: rows and columns. Raises ValueError where they are damaged.
    """
    try:
        block = dataset.private_block(_GROUP, CREATOR)
        scale, packed = block[_SCALE].value, block[_LEVELS].value
    except KeyError:
        return None
    is_as_written = isinstance(scale, float) and isinstance(packed, bytes)
    if not is_as_written:
        raise ValueError("kind")
    most = 2 * shape[0] * shape[1]
    try:
        raw = zlib.decompressobj().decompress(packed, most + 1)
    except zlib.error as error:
        raise ValueError("levels") from error
    if len(raw) != most or not np.isfinite(scale):
        raise ValueError("size")
    levels = np.frombuffer(raw, "<u2").reshape(shape)
    return np.asarray(levels * np.float32(scale / _TOP), np.float32)

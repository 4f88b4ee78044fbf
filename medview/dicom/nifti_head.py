"""What a NIfTI header says of its grid, looked at before a library makes good what is wrong.

After nifti1.h and nifti2.h (nifti.nimh.nih.gov): ITK takes 1 mm where pixdim is 0 or no number,
and says nothing.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import NamedTuple


class _Layout(NamedTuple):
    """Offsets and struct codes of one version of the header."""

    dim: tuple[int, str]
    pixdim: tuple[int, str]
    codes: tuple[int, str]  # qform_code, sform_code
    quaternion: tuple[int, str]  # b, c, d and the offsets x, y, z
    rows: tuple[int, str]  # of the affine matrix


_LAYOUTS = {
    348: _Layout((40, "h"), (76, "8f"), (252, "2h"), (256, "6f"), (280, "12f")),
    540: _Layout((16, "q"), (104, "8d"), (344, "2i"), (352, "6d"), (400, "12d")),
}


def is_grid_told(path: str) -> bool:
    """Whether the size of a voxel and its place are numbers that a grid can have.

    A header that cannot be read is not judged here: True.
    """
    head = _head(path)
    for order in "<>":
        size = struct.unpack_from(f"{order}i", head)[0] if len(head) >= 4 else 0
        layout = _LAYOUTS.get(size)
        if layout is not None and len(head) >= size:
            return _is_told(head, order, layout)
    return True


def _is_told(head: bytes, order: str, layout: _Layout) -> bool:
    def numbers(field: tuple[int, str]) -> tuple[float, ...]:
        return struct.unpack_from(order + field[1], head, field[0])

    count = max(1, min(3, int(numbers(layout.dim)[0])))
    sizes = numbers(layout.pixdim)[1 : count + 1]
    by_quaternion, by_rows = (code > 0 for code in numbers(layout.codes))
    placed = (*(numbers(layout.quaternion) if by_quaternion else ()),
              *(numbers(layout.rows) if by_rows else ()))  # fmt: skip
    return all(map(math.isfinite, (*sizes, *placed))) and all(sizes)


def _head(path: str) -> bytes:
    """The first bytes, unpacked; empty where the file does not give them."""
    try:
        with Path(path).open("rb") as file:
            is_packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if is_packed else Path(path).open("rb") as file:
            return bytes(file.read(540))
    except (OSError, EOFError, zlib.error):
        return b""

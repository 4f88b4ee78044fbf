"""Masks and heatmaps as NIfTI-1 (.nii.gz), placed by the grid's affine.

Written by hand rather than through ITK: ITK refuses a sheared grid (gantry tilt) and keeps silent
about a full disk. Source of the layout: nifti1.h of the NIfTI Data Format Working Group.
"""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import GeometryError, UnreadableInstance
from medview.core.files import write_whole
from medview.core.geometry import FloatArray, Geometry
from medview.core.words import say

_TYPES: dict[np.dtype[Any], int] = {np.dtype(np.uint8): 2, np.dtype(np.float32): 16}
_HEADER = 352  # 348 bytes and four that say "no extensions"
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def write_nifti(values: NDArray[np.generic], geometry: Geometry, path: Path) -> Path:
    """Write [k, j, i] uint8 or float32 values; raises WriteFailed, GeometryError if uneven.

    The affine stands in sform (RAS, millimetres) and, for an unsheared grid, in qform too.
    """
    if not geometry.is_even:
        raise GeometryError(say("The slices are sheared or uneven; such a file cannot say so."))
    data = np.ascontiguousarray(values)
    packed = gzip.compress(_header(data, geometry) + data.tobytes(), compresslevel=3, mtime=0)
    return write_whole(path, packed)


def _header(data: NDArray[np.generic], geometry: Geometry) -> bytes:
    affine = _LPS_TO_RAS @ geometry.affine
    k, j, i = data.shape
    quaternion, qfac = _quaternion(affine)
    header = bytearray(_HEADER)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, i, j, k, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, _TYPES[data.dtype], data.dtype.itemsize * 8)
    struct.pack_into("<8f", header, 76, qfac, *geometry.spacing, 1, 1, 1, 1)
    struct.pack_into("<3f", header, 108, _HEADER, 1, 0)
    header[123] = 2  # millimetres
    struct.pack_into("<2h", header, 252, 0 if quaternion is None else 1, 1)
    struct.pack_into("<6f", header, 256, *(quaternion or (0, 0, 0)), *affine[:3, 3])
    struct.pack_into("<12f", header, 280, *affine[:3].ravel())
    header[344:348] = b"n+1\0"
    return bytes(header)


def _quaternion(affine: FloatArray) -> tuple[tuple[float, float, float] | None, float]:
    """(b, c, d) of the rotation and qfac; None for a sheared grid."""
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    qfac = 1.0 if np.linalg.det(axes) > 0 else -1.0
    if not np.allclose(axes.T @ axes, np.eye(3), atol=1e-4):
        return None, qfac
    axes[:, 2] *= qfac
    # The eigenvector form (Bar-Itzhack 2000) has no special cases near half turns.
    m = axes
    symmetric = np.array(
        [
            [m[0, 0] - m[1, 1] - m[2, 2], 0, 0, 0],
            [m[0, 1] + m[1, 0], m[1, 1] - m[0, 0] - m[2, 2], 0, 0],
            [m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], m[2, 2] - m[0, 0] - m[1, 1], 0],
            [m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], np.trace(m)],
        ]
    )
    _, vectors = np.linalg.eigh(symmetric, UPLO="L")
    b, c, d, _ = vectors[:, -1] * (1.0 if vectors[3, -1] >= 0 else -1.0)
    return (float(b), float(c), float(d)), qfac


def read_nifti(path: Path, shape: tuple[int, int, int]) -> NDArray[np.generic]:
    """Values [k, j, i] of a file that `write_nifti` wrote, checked against the expected shape.

    Raises UnreadableInstance; never unpacks more than the shape needs.
    """
    voxels = shape[0] * shape[1] * shape[2]
    try:
        with gzip.open(path) as file:
            data = file.read(_HEADER + voxels * 4 + 1)
        kinds = {code: dtype for dtype, code in _TYPES.items()}
        kind = kinds[struct.unpack_from("<h", data, 70)[0]]
        fits = struct.unpack_from("<8h", data, 40)[:4] == (3, *reversed(shape))
        values: NDArray[np.generic] = np.frombuffer(data[_HEADER:], kind, voxels).reshape(shape)
    except (OSError, EOFError, ValueError, KeyError, struct.error) as error:
        raise _damaged(path) from error
    if not fits:
        raise _damaged(path)
    return values


def _damaged(path: Path) -> UnreadableInstance:
    return UnreadableInstance(say("A stored mask or heatmap is damaged."), str(path))

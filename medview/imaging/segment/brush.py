"""What a round brush covers on its way between two places of the patient."""

from __future__ import annotations

import numpy as np

from medview.core.geometry import FloatArray, Geometry, PatientPoint
from medview.core.volume import Volume
from medview.imaging.segment.box import EMPTY, Bits, Box

Slab = tuple[FloatArray, float]  # unit normal (LPS) and half the thickness in mm


def stroke(
    geometry: Geometry,
    way: tuple[PatientPoint, PatientPoint],
    radius_mm: float,
    slab: Slab | None = None,
) -> tuple[Box, Bits]:
    """The voxels whose centres lie within `radius_mm` of the line between two points.

    slab: for a flat brush, only those that lie in the slice through the line. At least the voxel
    under the end is covered, however thin the brush.
    """
    a, b = np.array(way[0], float), np.array(way[1], float)
    reach = np.full(3, max(radius_mm, 0.0))
    ends = np.array([a, b])
    low, high = ends.min(axis=0) - reach, ends.max(axis=0) + reach
    corners = np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1])
                        for z in (low[2], high[2])])  # fmt: skip
    places = geometry.to_index_array(corners)
    first = np.floor(places.min(axis=0)).astype(int)
    last = np.ceil(places.max(axis=0)).astype(int)
    box = Box(_triple(first), _triple(last - first + 1)).cut(Box((0, 0, 0), geometry.shape))
    if box.is_empty:
        return EMPTY, np.zeros((0, 0, 0), bool)
    inside = _covered(geometry, box, (a, b), radius_mm, slab)
    here = np.round(geometry.to_index_array(b[None])[0]).astype(int) - np.array(box.first)
    if ((here >= 0) & (here < box.shape)).all():
        inside[tuple(here)] = True
    return box, inside


def in_window(volume: Volume, box: Box, inside: Bits, window: tuple[float, float]) -> Bits:
    """Of the voxels that a brush covers those whose value lies in a window, its ends included."""
    part = np.asarray(volume.stored[box.slices], np.float32)
    if volume.per_slice is None:
        values = part * np.float32(volume.slope) + np.float32(volume.intercept)
    else:
        rescale = volume.per_slice[box.slices[0]].astype(np.float32)[:, :, None, None]
        values = part * rescale[:, 0] + rescale[:, 1]
    return np.asarray(inside & (values >= window[0]) & (values <= window[1]), bool)


def _covered(
    geometry: Geometry,
    box: Box,
    way: tuple[FloatArray, FloatArray],
    radius_mm: float,
    slab: Slab | None,
) -> Bits:
    a, b = way
    along = b - a
    length = float(along @ along)
    x, y, z = _centres(geometry, box, a)
    share = np.zeros((1, 1, 1), np.float32)
    if length > 0:
        share = np.clip((x * along[0] + y * along[1] + z * along[2]) / np.float32(length), 0, 1)
    pairs = zip((x, y, z), along.astype(np.float32), strict=True)
    gap = sum((part - share * step) ** 2 for part, step in pairs)
    inside = np.asarray(gap <= np.float32(radius_mm**2))
    if slab is not None:
        normal, half = slab
        depth = x * np.float32(normal[0]) + y * np.float32(normal[1]) + z * np.float32(normal[2])
        inside &= np.abs(depth) <= np.float32(half)
    return inside


def _centres(geometry: Geometry, box: Box, start: FloatArray) -> tuple[np.ndarray, ...]:
    """x, y and z of voxel centres less `start`, broadcast to the box, float32."""
    k, j, i = (np.arange(f, f + n, dtype=np.float64) for f, n in zip(*box, strict=True))
    zero = np.zeros((len(k), 3))
    zero[:, 0] = k
    by_slice = geometry.to_patient_array(zero) - start
    steps = geometry.affine[:3, :2]
    parts = []
    for axis in range(3):
        part = by_slice[:, axis][:, None, None] + (
            j[None, :, None] * steps[axis, 1] + i[None, None, :] * steps[axis, 0]
        )
        parts.append(part.astype(np.float32))
    return tuple(parts)


def _triple(numbers: np.ndarray) -> tuple[int, int, int]:
    return int(numbers[0]), int(numbers[1]), int(numbers[2])

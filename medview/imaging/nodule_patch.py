"""The patch that a nodule model looks at: five slices of 64 x 64 pixels and the nodule's outline.

As the training patches were made: axial slices at 10, 30, 50, 70 and 90 % of the nodule's height
(a small nodule repeats one), centred on it, pixels of 0.8 mm, rows from front to back, columns from
the patient's right to left, each slice stretched from the least to the greatest value of the 128 x
128 pixels around the nodule to 0-255. The size of the square that was stretched is not known for
the training patches; whoever looks at a patch must not depend on it.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import InputRefused
from medview.core.geometry import Geometry, PatientPoint, Vector, VoxelIndex
from medview.core.volume import Volume
from medview.core.words import say

SLICES, PIXELS, PIXEL_MM = 5, 64, 0.8
_HEIGHTS = (0.1, 0.3, 0.5, 0.7, 0.9)
_STRETCHED = 128  # pixels of the series, the side of the square that is stretched
_OUTLINE_BIT = 8  # in a packed pixel: the grey value below it
_LEAST_COSINE = 0.9  # between the grid and the patient's axes: about 25 degrees

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def pack(grey: NDArray[np.uint8], outline: Mask) -> NDArray[np.uint16]:
    """Grey and outline [slice, j, i] as one number a pixel: the outline is bit 8."""
    return (grey.astype(np.uint16) | (outline.astype(np.uint16) << _OUTLINE_BIT)).astype(np.uint16)


def unpack(stored: NDArray[np.generic]) -> tuple[NDArray[np.uint8], Mask]:
    """What `pack` packed. Raises InputRefused for what is no patch."""
    is_patch = stored.dtype == np.uint16 and stored.shape == (SLICES, PIXELS, PIXELS)
    if not is_patch or int(stored.max()) >> (_OUTLINE_BIT + 1):
        raise InputRefused(
            say("This model looks at one nodule, not at a whole series."),
            what_to_do=say("Click the nodule with the nodule tool."),
        )
    numbers = stored.astype(np.uint16)
    return (numbers & 255).astype(np.uint8), (numbers >> _OUTLINE_BIT).astype(bool)


def patch_volume(stored: NDArray[np.uint16], geometry: Geometry | None = None) -> Volume:
    """A packed patch as a volume; without a place in a patient where none is known."""
    own = geometry or Geometry(shape=(SLICES, PIXELS, PIXELS), spacing=(PIXEL_MM, PIXEL_MM, 1.0))
    return Volume(geometry=own, stored=stored, modality="CT")


def cut_patch(volume: Volume, mask: Mask, first: tuple[int, int, int]) -> Volume:
    """The packed patch of a nodule of a CT. mask: bool [k, j, i] from voxel `first` of the volume.

    Slices are taken as they are, never between two; in them lines between pixels. Beyond the
    series its edge repeats. Raises InputRefused where slices are no axial ones in even steps, or
    nothing is marked.
    """
    geometry = volume.geometry
    if not mask.any():
        raise InputRefused(say("Nothing is marked as the nodule."))
    order, signs = _to_patient_axes(geometry)
    marked = np.argwhere(mask) + np.array(first)  # [n, (k, j, i)]
    up = 2 - order[2]  # the array axis that runs along the patient
    levels = np.arange(marked[:, up].min(), marked[:, up].max() + 1)
    centre = marked.mean(0)
    grids = [_grid(geometry, order, signs, centre, level) for level in _chosen(levels, signs[2])]
    grey = np.stack([_stretched(volume, grid, centre, up) for grid in grids])
    outline = np.stack([_marked_at(mask, grid - np.array(first)) for grid in grids])
    if not outline.any():
        raise InputRefused(say("Nothing is marked as the nodule."))
    placed = _geometry_of(geometry, order, signs, grids)
    return patch_volume(pack(grey, outline), placed)


def _to_patient_axes(geometry: Geometry) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Which own axis (0 is i) runs along the patient's left, back and head, and its sign."""
    axes = np.array(geometry.axes, float)
    order = max(permutations(range(3)), key=lambda p: sum(abs(axes[p[n], n]) for n in range(3)))
    along = [float(axes[own, n]) for n, own in enumerate(order)]
    if min(abs(value) for value in along) < _LEAST_COSINE or not geometry.is_even:
        raise InputRefused(
            say("The model was made for upright axial slices in even steps."),
            what_to_do=say("Take a series that was not tilted."),
        )
    return tuple(order), tuple(1 if value > 0 else -1 for value in along)


def _chosen(levels: NDArray[np.int64], sign: int) -> list[int]:
    ordered = levels if sign > 0 else levels[::-1]
    return [int(ordered[int(share * len(ordered))]) for share in _HEIGHTS]


def _grid(
    geometry: Geometry, order: tuple[int, ...], signs: tuple[int, ...], centre: Floats, level: int
) -> Floats:
    """[64, 64, (k, j, i)]: where the pixels of a slice lie in the volume's array."""
    steps = (np.arange(PIXELS) - (PIXELS - 1) / 2) * PIXEL_MM
    places = np.empty((PIXELS, PIXELS, 3))
    places[...] = centre
    places[..., 2 - order[2]] = level
    places[..., 2 - order[0]] += signs[0] * steps[None, :] / geometry.spacing[order[0]]
    places[..., 2 - order[1]] += signs[1] * steps[:, None] / geometry.spacing[order[1]]
    return places


def _stretched(volume: Volume, grid: Floats, centre: Floats, up: int) -> NDArray[np.uint8]:
    """A slice's pixels, 0-255 between the extremes of the square around the nodule."""
    from scipy.ndimage import map_coordinates

    level = int(grid[0, 0, up])
    box = [slice(None)] * 3
    box[up] = slice(level, level + 1)
    across = [axis for axis in range(3) if axis != up]
    for axis in across:
        begin = round(float(centre[axis])) - _STRETCHED // 2
        begin = max(0, min(begin, volume.geometry.shape[axis] - _STRETCHED))
        box[axis] = slice(begin, begin + _STRETCHED)
    square = _values(volume, (box[0], box[1], box[2]))
    starts = np.array([part.start for part in box], float)
    places = np.moveaxis(grid - starts, -1, 0)
    pixels = map_coordinates(square, places, order=1, mode="nearest")
    low, high = float(square.min()), float(square.max())
    if not high > low:
        raise InputRefused(say("The image is empty: all its values are the same."))
    shares = np.clip((pixels - low) / (high - low), 0, 1)
    return np.asarray(np.round(shares * 255), np.uint8)


def _values(volume: Volume, box: tuple[slice, slice, slice]) -> Floats:
    stored = volume.stored[box].astype(np.float64)
    if volume.per_slice is None:
        return stored * volume.slope + volume.intercept
    rescale = volume.per_slice[box[0]]
    return np.asarray(stored * rescale[:, 0, None, None] + rescale[:, 1, None, None], np.float64)


def _marked_at(mask: Mask, places: Floats) -> Mask:
    from scipy.ndimage import map_coordinates

    # grid-constant: nothing is marked beyond the box, and half a voxel around it fades.
    share = map_coordinates(
        mask.astype(np.float32), np.moveaxis(places, -1, 0), order=1, mode="grid-constant"
    )
    return np.asarray(share >= 0.5)


def _geometry_of(
    own: Geometry, order: tuple[int, ...], signs: tuple[int, ...], grids: list[Floats]
) -> Geometry:
    """The patch's grid in the patient; five levels that repeat lie a fifth of a step apart."""
    corner = own.to_patient(VoxelIndex(*grids[0][0, 0]))
    last = own.to_patient(VoxelIndex(*grids[-1][0, 0]))
    height = float(np.linalg.norm(np.subtract(last, corner))) / (SLICES - 1)
    axes = [np.array(own.axes[a]) * s for a, s in zip(order, signs, strict=True)]
    return Geometry(
        shape=(SLICES, PIXELS, PIXELS),
        spacing=(PIXEL_MM, PIXEL_MM, max(height, own.spacing[order[2]] / SLICES)),
        origin=PatientPoint(*corner),
        axes=(_vector(axes[0]), _vector(axes[1]), _vector(axes[2])),
    )


def _vector(values: Floats) -> Vector:
    return (float(values[0]), float(values[1]), float(values[2]))

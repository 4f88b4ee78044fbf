"""Binary morphology with radii in millimetres, on grids whose voxels need not be cubes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]
Spacing = tuple[float, float, float]


def box_around(mask: Mask, margin_mm: float, spacing: Spacing) -> tuple[slice, slice, slice]:
    """The part of the array that holds the mask and a margin; all of it when the mask is empty.

    Distances are costly: only where something is are they asked for.
    """
    sides = []
    for axis, (length, step) in enumerate(zip(mask.shape, spacing, strict=True)):
        others = tuple(n for n in range(3) if n != axis)
        there = np.flatnonzero(mask.any(others))
        margin = int(np.ceil(margin_mm / step)) + 1
        first, last = (int(there[0]), int(there[-1])) if there.size else (0, length)
        sides.append(slice(max(0, first - margin), min(length, last + 1 + margin)))
    return sides[0], sides[1], sides[2]


def dilate(mask: Mask, radius_mm: float, spacing: Spacing) -> Mask:
    """All voxels within a radius of the mask."""
    grown = mask.copy()
    if mask.any():
        box = box_around(mask, radius_mm, spacing)
        grown[box] = ndimage.distance_transform_edt(~mask[box], sampling=spacing) <= radius_mm
    return grown


def erode(mask: Mask, radius_mm: float, spacing: Spacing) -> Mask:
    """All voxels farther than a radius from the outside; the array's rim is no outside."""
    shrunk = mask.copy()
    if not mask.all():
        box = box_around(mask, 0, spacing)
        shrunk[box] = ndimage.distance_transform_edt(mask[box], sampling=spacing) > radius_mm
    return shrunk


def close_in_box(mask: Mask, radius_mm: float, spacing: Spacing) -> Mask:
    """Fill gaps narrower than two radii, and what is enclosed; the mask itself stays."""
    box = box_around(mask, 0, spacing)
    margin = [int(np.ceil(radius_mm / step)) + 1 for step in spacing]
    padded = np.pad(mask[box], [(m, m) for m in margin])
    closed = erode(dilate(padded, radius_mm, spacing), radius_mm, spacing) | padded
    closed = ndimage.binary_fill_holes(closed)
    whole = mask.copy()
    whole[box] = closed[tuple(slice(m, -m) for m in margin)]
    return whole


def drop_open_parts(added: Mask, inside: Mask, max_open: float) -> Mask:
    """Keep those parts of `added` whose edges look mostly at `inside`, slice by slice [s].

    max_open: the largest share of a part's outer edges that may look elsewhere. A vessel or a
    nodule in a lung is all but enclosed; a wedge of chest wall between two ribs is not.
    """
    within_slice = np.zeros((3, 3, 3), bool)
    within_slice[1] = ndimage.generate_binary_structure(2, 1)
    parts, count = ndimage.label(added, within_slice)
    padded, enclosing = np.pad(parts, 1), np.pad(inside, 1)
    edges = np.zeros((2, count + 1))
    for axis in (1, 2):
        for step in (1, -1):
            beside = np.roll(padded, step, axis)  # the rim of padding takes what wraps around
            outer = (beside > 0) & (padded == 0)
            for row, wanted in enumerate((enclosing, ~enclosing)):
                edges[row] += np.bincount(beside[outer & wanted], minlength=count + 1)
    keep = edges[1] <= max_open * (edges[0] + edges[1])
    keep[0] = False
    return np.asarray(keep[parts])


def largest(mask: Mask) -> Mask:
    """The largest connected part (faces), empty when the mask is."""
    parts, count = ndimage.label(mask)
    if count == 0:
        return mask.copy()
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray(parts == sizes.argmax())


def fill_each_slice(mask: Mask) -> Mask:
    """Fill what is enclosed within each slice [s]."""
    return np.stack([ndimage.binary_fill_holes(picture) for picture in mask])


def nearest_label(labels: NDArray[np.uint8], spacing: Spacing) -> NDArray[np.uint8]:
    """For every voxel the label of the labelled voxel nearest to it."""
    if not labels.any():
        return labels.copy()
    indices = ndimage.distance_transform_edt(
        labels == 0, sampling=spacing, return_distances=False, return_indices=True
    )
    return np.asarray(labels[tuple(indices)])


def grow_within(seeds: NDArray[np.uint8], mask: Mask) -> NDArray[np.uint8]:
    """Spread labels voxel by voxel inside a mask until all that can be reached is labelled."""
    box = box_around(mask, 0, (1.0, 1.0, 1.0))
    labels = seeds.copy()
    labels[box] = _grow(seeds[box], mask[box])
    return labels


def _grow(seeds: NDArray[np.uint8], mask: Mask) -> NDArray[np.uint8]:
    labels = seeds.copy()
    open_ = mask & (labels == 0)
    while True:
        spread = ndimage.grey_dilation(labels, footprint=ndimage.generate_binary_structure(3, 1))
        new = open_ & (spread > 0)
        if not new.any():
            return labels
        labels[new] = spread[new]
        open_ &= ~new

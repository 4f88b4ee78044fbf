"""A step that leaves out what lies around the body, before anything is computed on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medview.ai.worker.steps import FloatArray, State, step
from medview.core.errors import InputRefused, ModelUnavailable
from medview.core.geometry import Geometry, VoxelIndex
from medview.core.words import say

_LOOK_MM = 4.0  # a body is found on every so many millimetres' voxel
Box = tuple[slice, slice, slice]


@step("crop", say("Preparing the image"))
def crop(state: State, to: str, above: float = -300.0, margin_mm: float = 8.0) -> None:
    """Keep the box around the body alone: a third of a CT slice is air and table.

    to: `body`, the largest part with values over `above`, looked for on a coarse grid, with a
    margin around it; or `nonzero`, every value that is not 0 (as nnU-Net crops). Results still
    come back on the whole grid, with background outside. Raises InputRefused for an empty image.
    """
    if to == "body":
        box = _body(state, above, margin_mm)
    elif to == "nonzero":
        box = _box_of(state.image != 0, (1, 1, 1), state.geometry, 0.0)
    else:
        raise ModelUnavailable(say("The model crops to what is unknown ({what}).", what=to))
    state.crop(box, _within(state.geometry, box))


def _body(state: State, above: float, margin_mm: float) -> Box:
    grid = state.geometry
    steps = [max(1, int(_LOOK_MM / mm)) for mm in grid.spacing[::-1]]
    coarse: FloatArray = state.peek(steps)
    parts, count = ndimage.label(coarse > above)
    if not count:
        raise InputRefused(say("The image is empty: there is no body in it."))
    largest = int(np.bincount(parts.ravel())[1:].argmax()) + 1
    return _box_of(parts == largest, steps, grid, margin_mm)


def _box_of(
    mask: NDArray[np.bool_], steps: tuple[int, ...] | list[int], grid: Geometry, margin_mm: float
) -> Box:
    """The box of a mask that was taken every `steps` voxels; a voxel may be a step beyond it."""
    edges = []
    for axis in range(3):
        found = np.flatnonzero(mask.any(axis=tuple(n for n in range(3) if n != axis)))
        if not len(found):
            raise InputRefused(say("The image is empty: all its values are the same."))
        margin = int(np.ceil(margin_mm / grid.spacing[2 - axis])) + steps[axis] - 1
        first = max(0, int(found[0]) * steps[axis] - margin)
        edges.append(slice(first, min(grid.shape[axis], int(found[-1]) * steps[axis] + margin + 1)))
    return edges[0], edges[1], edges[2]


def _within(grid: Geometry, box: Box) -> Geometry:
    k, j, i = box
    return Geometry(
        shape=(k.stop - k.start, j.stop - j.start, i.stop - i.start),
        spacing=grid.spacing,
        origin=grid.to_patient(VoxelIndex(k.start, j.start, i.start)),
        axes=grid.axes,
        is_spatial=grid.is_spatial,
    )

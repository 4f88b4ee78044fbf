"""Steps that bring a net's answer back to the input's grid and measure it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medview.ai.worker.input_steps import sample_at
from medview.ai.worker.lines import Lines, lines
from medview.ai.worker.steps import FloatArray, State, step
from medview.core.errors import ModelUnavailable
from medview.core.geometry import Geometry, VoxelIndex
from medview.core.results import Code, Quantity
from medview.core.words import say

if TYPE_CHECKING:
    from medview.ai.worker.forward import Answer

_DRAWING = say("Drawing the result")


@step("restore", _DRAWING)
def restore(state: State, slab_slices: int = 8, order: int = 1) -> None:
    """Bring logits or probabilities to the input's grid and take the best class of each voxel.

    By place in the patient, whatever the steps before did to the array. Class-wise values exist
    only for `slab_slices` slices at a time (a whole float volume a class would fill the memory),
    and what is finished is shown while the network still works on the rest.
    """
    wanted = state.volume.geometry
    along = lines(state.geometry, wanted) if order == 1 else None
    if along is not None and not state.has_logits and state.answer is not None:
        state.label_map = _as_it_comes(state, state.answer, along, slab_slices)
        return
    if state.logits is None or state.logits.ndim != 4:
        raise ModelUnavailable(say("The model reads a network's answer before it has one."))
    labels = np.zeros(wanted.shape, np.uint8)
    for first in range(0, wanted.shape[0], slab_slices):
        state.context.cancel.check()
        slab = _slab(wanted, first, min(slab_slices, wanted.shape[0] - first))
        labels[first : first + slab.shape[0]] = _best(state.logits, state.geometry, slab, order)
    state.label_map = labels


def _as_it_comes(state: State, answer: Answer, along: Lines, slab_slices: int) -> NDArray[np.uint8]:
    from medview.ai.worker.label_bands import label_bands

    labels = np.zeros(state.volume.geometry.shape, np.uint8)

    def look() -> None:
        state.context.cancel.check()
        state.context.show(labels)

    label_bands(answer.bands(), along, labels, slab_slices, look)
    return labels


def _slab(grid: Geometry, first: int, slices: int) -> Geometry:
    return Geometry(
        shape=(slices, *grid.shape[1:]),
        spacing=grid.spacing,
        origin=grid.to_patient(VoxelIndex(first, 0, 0)),
        axes=grid.axes,
    )


def _best(logits: FloatArray, own: Geometry, slab: Geometry, order: int) -> NDArray[np.uint8]:
    best = sample_at(logits[0], own, slab, order)
    labels = np.zeros(slab.shape, np.uint8)
    for value in range(1, logits.shape[0]):
        sampled = sample_at(logits[value], own, slab, order)
        labels[sampled > best] = value
        np.maximum(best, sampled, out=best)
    return labels


@step("components", _DRAWING)
def components(state: State, keep: str, min_ml: float = 0.0, connectivity: int = 26) -> None:
    """Keep the largest connected part: of all labels together (`largest`) or of each (`each`).

    With `all` every part of `min_ml` and more stays.
    """
    labels = _label_map(state)
    masks = [labels > 0]
    if keep == "each":
        masks = [labels == value for value in np.unique(labels[labels > 0])]
    rank = {6: 1, 18: 2, 26: 3}.get(connectivity, 3)
    for mask in masks:
        parts, count = ndimage.label(mask, ndimage.generate_binary_structure(3, rank))
        if count == 0:
            continue
        sizes = np.bincount(parts.ravel())[1:]
        kept = sizes * state.volume.geometry.voxel_mm3 / 1000 >= min_ml
        if keep != "all":
            kept &= np.arange(count) == int(sizes.argmax())
        labels[mask & ~np.isin(parts, np.flatnonzero(kept) + 1)] = 0


@step("measure", _DRAWING)
def measure(state: State, list: list[str]) -> None:  # noqa: A002 - the field's name in the schema
    """Add the quantities named (`volume_ml`) for every output label, also where it is empty.

    Where a calibration knows how far volumes are off (calib.json `conformal`), with an interval.
    """
    folder = state.context.folder
    if folder is None or list != ["volume_ml"]:
        raise ModelUnavailable(say("The model measures what this version does not know."))
    counts = np.bincount(_label_map(state).ravel(), minlength=256)
    code = Code("SCT", "118565006", "Volume")
    limits = folder.calibration().get("conformal", {}).get("volume", {})
    for label in folder.outputs:
        volume = float(counts[label.value]) * state.volume.geometry.voxel_mm3 / 1000
        share = limits.get(str(label.value))
        interval = None if share is None else (volume * max(0, 1 - share), volume * (1 + share))
        quantity = Quantity(concept="volume", value=volume, unit="mL", code=code, interval=interval)
        state.measures.append((label.value, quantity))


def _label_map(state: State) -> NDArray[np.uint8]:
    if state.label_map is None:
        raise ModelUnavailable(say("The model reads a network's answer before it has one."))
    return state.label_map

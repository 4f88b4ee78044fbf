"""Preprocessing as nnU-Net v2 does it, in steps of the closed set; after its default functions.

Order there: transpose, crop to what is not zero, normalise, resample, fill up to the patch. The way
back: cut off what was filled up, resample, take the best class, background outside the crop.
`benchmarks/nnunet_import.py` compares all of it with nnunetv2 itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medview.ai.worker.steps import FloatArray, State, step
from medview.core.errors import InputRefused, ModelUnavailable
from medview.core.geometry import Geometry, VoxelIndex
from medview.core.words import say

_PREPARING, _DRAWING = say("Preparing the image"), say("Drawing the result")
_ANISOTROPIC = 3.0  # largest spacing by smallest: beyond it slices are resampled by themselves


@step("crop_foreground", _PREPARING)
def crop_foreground(state: State) -> None:
    """Keep the box around all voxels that are not 0; outside it the result is background."""
    place = ndimage.find_objects(_foreground(state.image).astype(np.uint8))
    if not place:
        raise InputRefused(say("The image is empty: all its values are the same."))
    box = place[0]
    state.set_image(state.image[box], part(state.geometry, box))
    state.grids["crop"] = state.geometry


def _foreground(image: FloatArray) -> NDArray[np.bool_]:
    return np.asarray(ndimage.binary_fill_holes(image != 0), bool)


def part(own: Geometry, box: tuple[slice, ...]) -> Geometry:
    """The grid of a box [k, j, i] of a grid."""
    first = VoxelIndex(*(float(side.start) for side in box))
    return Geometry(
        shape=(box[0].stop - box[0].start, box[1].stop - box[1].start, box[2].stop - box[2].start),
        spacing=own.spacing,
        origin=own.to_patient(first),
        axes=own.axes,
        is_spatial=own.is_spatial,
    )


@step("scale_grey", _PREPARING)
def scale_grey(
    state: State, mode: str, low: float = 0.0, high: float = 0.0, mean: float = 0.0, sd: float = 1.0
) -> None:
    """Grey values as nnU-Net scales them.

    fixed: cut to low and high, less mean, by sd (its CTNormalization); foreground: mean 0 and
    deviation 1 over the foreground alone, 0 outside; whole: over everything; unit: 0 to 1.
    """
    image = state.image
    if mode == "fixed":
        image = (np.clip(image, low, high) - np.float32(mean)) / np.float32(max(sd, 1e-8))
    elif mode == "foreground":
        mask = _foreground(image)
        image = np.where(mask, _standard(image, image[mask]), image)
    elif mode == "whole":
        image = _standard(image, image)
    elif mode == "unit":
        image = (image - image.min()) / max(float(image.max() - image.min()), 1e-8)
    else:
        raise ModelUnavailable(say("The model asks for an unknown scaling ({mode}).", mode=mode))
    state.set_image(image, state.geometry)


def _standard(image: FloatArray, of: FloatArray) -> Any:
    values = of.astype(np.float64)
    return (image - values.mean()) / max(float(values.std()), 1e-8)


@step("fit_spacing", _PREPARING)
def fit_spacing(
    state: State, spacing_mm: list[float], order: int = 3, separate: str = "auto", order_z: int = 0
) -> None:
    """Bring the grid to a spacing (i, j, k), the box staying exactly where it is.

    separate auto: where a spacing is more than three times another, old or new, slices across the
    coarse axis are resampled one by one and between them by `order_z`. Values stay in the range
    that they had.
    """
    own = state.geometry
    state.grids["before"] = own
    # 0: as it is, across the slices of a model of planes
    spacing = [n or has for n, has in zip(spacing_mm, own.spacing, strict=True)]
    sizes = [max(1, round(n * has / wanted)) for n, has, wanted in
             zip(own.shape, own.spacing[::-1], spacing[::-1], strict=True)]  # fmt: skip
    axis = coarse_axis(own.spacing[::-1], tuple(spacing[::-1])) if separate == "auto" else None
    state.coarse_axis = axis
    state.order_z = order_z
    geometry = fitted(own, (sizes[0], sizes[1], sizes[2]))
    state.set_image(resized(state.image, geometry.shape, order, axis, order_z), geometry)


def coarse_axis(old: tuple[float, ...], new: tuple[float, ...]) -> int | None:
    """The one axis [k, j, i] that is coarse in the old spacing or else the new; None for none."""
    for spacing in (old, new):
        if max(spacing) / min(spacing) > _ANISOTROPIC:
            coarse = [n for n, value in enumerate(spacing) if value == max(spacing)]
            return coarse[0] if len(coarse) == 1 else None
    return None


def fitted(own: Geometry, shape: tuple[int, int, int]) -> Geometry:
    """A grid of another shape in the same box."""
    ratio = [has / wants for has, wants in zip(own.shape[::-1], shape[::-1], strict=True)]
    spacing = [step * share for step, share in zip(own.spacing, ratio, strict=True)]
    first = [(share - 1) / 2 for share in ratio]  # of the new first centre, in old voxels (i, j, k)
    return Geometry(
        shape=shape,
        spacing=(spacing[0], spacing[1], spacing[2]),
        origin=own.to_patient(VoxelIndex(first[2], first[1], first[0])),
        axes=own.axes,
        is_spatial=own.is_spatial,
    )


def resized(
    image: FloatArray, shape: tuple[int, ...], order: int, axis: int | None, order_z: int
) -> FloatArray:
    """An array in the same box with another shape; see `fit_spacing`."""
    if image.shape == shape:
        return image
    if axis is None:
        return _zoomed(image, shape, order)
    in_slice = tuple(n for number, n in enumerate(shape) if number != axis)
    slices = [_zoomed(one, in_slice, order) for one in np.moveaxis(image, axis, 0)]
    return _between(np.stack(slices), shape[axis], order_z, axis)


def _between(slices: FloatArray, count: int, order: int, axis: int) -> FloatArray:
    if len(slices) != count:
        along = len(slices) / count * (np.arange(count) + 0.5) - 0.5
        if order == 0:
            # as `map_coordinates` rounds: half upwards
            nearest = np.clip(np.floor(along + 0.5).astype(int), 0, len(slices) - 1)
            slices = slices[nearest]
        else:
            slices = _zoomed(slices, (count, *slices.shape[1:]), order)
    return np.asarray(np.moveaxis(slices, 0, axis), np.float32)


def _zoomed(image: FloatArray, shape: tuple[int, ...], order: int) -> FloatArray:
    if image.shape == shape:
        return image
    factors = [wants / has for has, wants in zip(image.shape, shape, strict=True)]
    values = image.astype(np.float64)
    found = ndimage.zoom(values, factors, order=order, mode="nearest", grid_mode=True)
    return np.asarray(np.clip(found, values.min(), values.max()), np.float32)


@step("pad_to", _PREPARING)
def pad_to(state: State, size: list[int], value: float = 0.0) -> None:
    """Add voxels of `value` around the image until it has at least `size` (i, j, k)."""
    state.grids["inner"] = own = state.geometry
    need = [max(0, wants - has) for has, wants in zip(own.shape, size[::-1], strict=True)]
    before = [n // 2 for n in need]
    widths = [(b, n - b) for b, n in zip(before, need, strict=True)]
    padded = np.pad(state.image, widths, constant_values=value)
    geometry = Geometry(
        shape=(padded.shape[0], padded.shape[1], padded.shape[2]),
        spacing=own.spacing,
        origin=own.to_patient(VoxelIndex(*(-float(b) for b in before))),
        axes=own.axes,
        is_spatial=own.is_spatial,
    )
    state.set_image(padded, geometry)


@step("unpad", _DRAWING)
def unpad(state: State) -> None:
    """Cut off of the net's answer what `pad_to` added; slices as before where they were coarse.

    Coarse slices are few, so that the whole answer exists for them alone; else it stays uncomputed.
    """
    inner, before = state.grids.get("inner"), state.grids.get("before")
    axis = state.coarse_axis if state.order_z == 0 else None
    if inner is not None and inner.shape == state.geometry.shape and axis is None:
        return  # nothing to do, and the answer need not be whole at any time
    if inner is None:
        raise ModelUnavailable(say("The model reads a network's answer before it has one."))
    first = [round(n) for n in state.geometry.to_index(inner.origin)]
    k, j, i = (slice(f, f + n) for f, n in zip(first, inner.shape, strict=True))
    if axis is None and state.answer is not None and not state.has_logits:
        state.answer.kept, state.geometry = (k, j, i), inner
        return
    if state.logits is None or state.logits.ndim != 4:
        raise ModelUnavailable(say("The model reads a network's answer before it has one."))
    logits, geometry = state.logits[:, k, j, i], inner
    if axis is not None and before is not None:  # `fit_spacing` leaves both or neither
        shape = list(inner.shape)
        shape[axis] = before.shape[axis]
        logits = np.stack([
            _between(np.moveaxis(one, axis, 0), shape[axis], 0, axis) for one in logits
        ])  # fmt: skip
        geometry = fitted(inner, (shape[0], shape[1], shape[2]))
    state.logits = np.ascontiguousarray(logits)
    state.geometry = geometry


@step("background_outside", _DRAWING)
def background_outside(state: State) -> None:
    """Background outside the box that `crop_foreground` kept."""
    crop = state.grids.get("crop")
    if crop is None or state.label_map is None:
        raise ModelUnavailable(say("The model reads a network's answer before it has one."))
    own = state.volume.geometry
    ends = [VoxelIndex(0, 0, 0), VoxelIndex(*(n - 1.0 for n in crop.shape))]
    corners = np.array([own.to_index(crop.to_patient(end)) for end in ends])
    low, high = np.round(corners.min(0)).astype(int), np.round(corners.max(0)).astype(int)
    kept = tuple(slice(max(0, a), b + 1) for a, b in zip(low, high, strict=True))
    labels = np.zeros_like(state.label_map)
    labels[kept] = state.label_map[kept]
    state.label_map = labels

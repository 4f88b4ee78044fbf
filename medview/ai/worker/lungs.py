"""Lungs, airway and body from a chest CT by fixed rules: thresholds, parts, sides, closing.

Found on a coarse grid (about 2 mm), where every rule is cheap, then carried to the full grid, where
the surface is decided again by the density of each voxel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medview.ai.worker.airway import find_airway
from medview.ai.worker.coarse import Coarse, coarsen, hounsfield, slabs
from medview.ai.worker.morphology import (
    Mask,
    box_around,
    close_in_box,
    dilate,
    drop_open_parts,
    erode,
    fill_each_slice,
    grow_within,
    largest,
    nearest_label,
)
from medview.core.errors import InputRefused
from medview.core.progress import CancelToken, Progress
from medview.core.volume import Volume
from medview.core.words import say

RIGHT, LEFT, AIRWAY, BODY = 1, 2, 3, 4
_GAS_HU, _GAS_SHARE = -950.0, 0.8  # gas in stomach or bowel is nearly all air; lung is not
_OPEN_MM = 2.5  # thinner bridges (skin to table top) do not belong to the body


# Share of a filled gap's edges in a slice that may look out of the lung: vessels at the hilum and
# nodules at the pleura have about a third, wedges of chest wall beside the spine a half.
_MAX_OPEN = 0.4


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Limits in HU, mm and mL; see `ops.STEP_FIELDS["lungs"]` and the model's card."""

    grid_mm: float
    body_above_hu: float
    air_below_hu: float
    airway_below_hu: float
    airway_max_ml: float
    close_mm: float
    min_lung_ml: float


def segment(
    volume: Volume, rules: Rules, progress: Progress, cancel: CancelToken
) -> NDArray[np.uint8]:
    """Label map on the volume's grid: 1 right lung, 2 left lung, 3 airway, 4 rest of the body.

    Raises InputRefused when there is no body or no lung in the volume.
    """
    stage = str(say("Finding lungs and airways"))
    progress(0, 4, stage)
    coarse = coarsen(volume, rules.grid_mm, cancel)
    progress(1, 4, stage)
    body = find_body(coarse, rules.body_above_hu)
    if body.sum() * coarse.voxel_ml < rules.min_lung_ml:
        raise InputRefused(say("No body was found in this series."))
    air = (coarse.values < rules.air_below_hu) & body
    airway = find_airway(coarse, body, air, rules.airway_below_hu, rules.airway_max_ml)
    cancel.check()
    progress(2, 4, stage)
    sides = find_sides(coarse, air & ~dilate(airway, rules.grid_mm, coarse.spacing), body, rules)
    cancel.check()
    progress(3, 4, stage)
    return refine(volume, coarse, _Found(body, airway, sides, air), rules, cancel)


def find_body(coarse: Coarse, above_hu: float) -> Mask:
    """The largest dense part with what it encloses in each axial slice, without the table."""
    dense = coarse.values > above_hu
    opened = largest(erode(dense, _OPEN_MM, coarse.spacing))
    body = dilate(opened, _OPEN_MM + 0.5, coarse.spacing) & dense
    return fill_each_slice(body)


def find_sides(coarse: Coarse, air: Mask, body: Mask, rules: Rules) -> NDArray[np.uint8]:
    """Right (1) and left (2) lung on the coarse grid, closed over vessels and nodules.

    Raises InputRefused when nothing inside the body looks like lung.
    """
    parts, count = ndimage.label(air)
    sizes = np.bincount(parts.ravel(), minlength=count + 1) * coarse.voxel_ml
    large = np.flatnonzero(sizes[1:] >= rules.min_lung_ml) + 1
    kept = [int(label) for label in large if _is_lung(coarse.values[parts == label])]
    if not kept:
        raise InputRefused(say("No lungs were found in this series."))
    labels = np.zeros(air.shape, np.uint8)
    middle = _midline(body)
    for label in kept:
        part = parts == label
        if _spans_both_sides(part, middle):
            labels = np.maximum(labels, _parted(part, coarse, middle))
        else:
            labels[part] = RIGHT if _centre(part) < middle else LEFT
    refused = [label for label in large if label not in kept]
    _take_up_small_parts(labels, air & ~np.isin(parts, refused), coarse)
    closed = np.zeros_like(labels)
    for side in (RIGHT, LEFT):
        own = labels == side
        added = close_in_box(own, rules.close_mm, coarse.spacing) & ~own
        whole = own | drop_open_parts(added, own, _MAX_OPEN)
        closed[whole & (closed == 0) & (labels != LEFT + RIGHT - side)] = side
    return closed


def _is_lung(values: NDArray[np.float32]) -> bool:
    return float((values < _GAS_HU).mean()) < _GAS_SHARE


def _midline(body: Mask) -> float:
    columns = np.flatnonzero(body.any((0, 1)))
    weights = body.sum((0, 1))[columns]
    return float((columns * weights).sum() / weights.sum())


def _centre(part: Mask) -> float:
    weights = part.sum((0, 1))
    return float((np.arange(weights.size) * weights).sum() / weights.sum())


def _spans_both_sides(part: Mask, middle: float) -> bool:
    split = round(middle)
    right, left = float(part[..., :split].sum()), float(part[..., split:].sum())
    return min(right, left) > 0.2 * max(right, left)


def _parted(part: Mask, coarse: Coarse, middle: float) -> NDArray[np.uint8]:
    """Two lungs that touch: eroded until they part, then grown back to where they were."""
    for radius in np.arange(1.0, 9.0) * min(coarse.spacing):
        pieces, _ = ndimage.label(erode(part, float(radius), coarse.spacing))
        sizes = np.bincount(pieces.ravel())
        sizes[0] = 0
        first, second = (int(n) for n in np.argsort(sizes)[::-1][:2]) if sizes.size > 2 else (0, 0)
        if second and sizes[second] > 0.2 * sizes[first]:
            seeds = np.zeros(part.shape, np.uint8)
            for piece in (first, second):
                mask = pieces == piece
                seeds[mask] = RIGHT if _centre(mask) < middle else LEFT
            if {RIGHT, LEFT} <= set(np.unique(seeds)):
                return grow_within(seeds, part)
    labels = np.zeros(part.shape, np.uint8)  # no neck between them: the body's middle parts them
    split = round(middle)
    labels[..., :split][part[..., :split]] = RIGHT
    labels[..., split:][part[..., split:]] = LEFT
    return labels


def _take_up_small_parts(labels: NDArray[np.uint8], air: Mask, coarse: Coarse) -> None:
    """Give islands of air close to a lung (cut off by fissures or vessels) to that lung."""
    near = dilate(labels > 0, 2.5 * max(coarse.spacing), coarse.spacing) & air & (labels == 0)
    box = box_around(near, 3 * max(coarse.spacing), coarse.spacing)
    labels[near] = nearest_label(labels[box], coarse.spacing)[near[box]]


@dataclass(frozen=True, eq=False)
class _Found:
    """Masks on the coarse grid."""

    body: Mask
    airway: Mask
    sides: NDArray[np.uint8]
    air: Mask


def refine(
    volume: Volume, coarse: Coarse, found: _Found, rules: Rules, cancel: CancelToken
) -> NDArray[np.uint8]:
    """Carry coarse masks to the full grid; within one coarse voxel of a surface density decides."""
    code = coarse.to_fine_order(_plan(found, coarse))
    index_k, index_j, index_i = coarse.fine_indices(volume.geometry.shape)
    labels = np.zeros(volume.geometry.shape, np.uint8)
    for part in slabs(volume.geometry.shape, coarse.factors[0]):
        cancel.check()
        planned = code[index_k[part]][:, index_j][:, :, index_i]
        labels[part] = _decide(planned, hounsfield(volume, part), rules)
    return labels


# What is planned for a voxel, as bits: sure or perhaps lung, its side, airway, body.
_SURE_LUNG, _MAYBE_LUNG, _IS_LEFT, _MAYBE_AIRWAY, _SURE_BODY, _MAYBE_BODY = 1, 2, 4, 8, 16, 32


def _plan(found: _Found, coarse: Coarse) -> NDArray[np.uint8]:
    one = max(coarse.spacing) * 1.01
    lung = found.sides > 0
    added = lung & ~found.air
    airway_near = dilate(found.airway, one, coarse.spacing)
    sure = (erode(lung, one, coarse.spacing) | added) & ~airway_near
    maybe = dilate(lung, one, coarse.spacing)
    plan = np.zeros(lung.shape, np.uint8)
    plan[sure] |= _SURE_LUNG
    plan[maybe] |= _MAYBE_LUNG
    box = box_around(lung, one, coarse.spacing)
    plan[box][nearest_label(found.sides[box], coarse.spacing) == LEFT] |= _IS_LEFT
    plan[airway_near] |= _MAYBE_AIRWAY
    plan[erode(found.body, one, coarse.spacing)] |= _SURE_BODY
    plan[dilate(found.body, one, coarse.spacing)] |= _MAYBE_BODY
    return plan


_IS_AIR, _IS_DENSE = 64, 128  # of the voxel itself, not of the plan


def _decision(code: int) -> int:
    """The label for a plan and a density, in order of what outweighs what."""
    if code & _MAYBE_AIRWAY and code & _IS_AIR:
        return AIRWAY
    if code & _SURE_LUNG or (code & _MAYBE_LUNG and code & _IS_AIR):
        return LEFT if code & _IS_LEFT else RIGHT
    if code & _SURE_BODY or (code & _MAYBE_BODY and code & _IS_DENSE):
        return BODY
    return 0


_DECISIONS = np.array([_decision(code) for code in range(256)], np.uint8)


def _decide(
    plan: NDArray[np.uint8], values: NDArray[np.float32], rules: Rules
) -> NDArray[np.uint8]:
    code = plan.copy()
    code |= (values < rules.air_below_hu).view(np.uint8) * np.uint8(_IS_AIR)
    code |= (values > rules.body_above_hu).view(np.uint8) * np.uint8(_IS_DENSE)
    return _DECISIONS[code]

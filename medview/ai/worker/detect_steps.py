"""The step of models that detect: from a map of probabilities to boxes with scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medview.ai.worker.steps import FloatArray, State, calibrated_number, step
from medview.core.errors import ModelUnavailable
from medview.core.geometry import Geometry, PatientPoint, VoxelIndex
from medview.core.words import say

_REACH_MM = 40.0  # how far from its peak a box may reach


@dataclass(frozen=True)
class Detection:
    """One place that a model points at: the label, its score, the eight corners of its box (edges
    of voxels, k slowest) and its middle, in patient millimetres."""

    label_value: int
    score: float
    corners: tuple[PatientPoint, ...]
    centre: PatientPoint
    size_mm: float


@step("boxes", say("Looking for places"))
def boxes(state: State, least: float | str, nms_mm: float, most: int = 200) -> None:
    """Peaks of each label's probability from `least` on, and the box of what is at least half as
    probable around each.

    Non-maximum suppression by distance: of peaks nearer than `nms_mm` the most probable stays.
    Channel n of the net's answer belongs to output n.
    """
    folder = state.context.folder
    if state.logits is None or state.logits.ndim != 4 or folder is None:
        raise ModelUnavailable(say("The model reads a network's answer before it has one."))
    if len(state.logits) != len(folder.outputs) or nms_mm < 0 or most < 1:
        raise ModelUnavailable(say("The model's boxes do not fit its network."))
    limit = calibrated_number(state.context, least)
    for channel, label in zip(state.logits, folder.outputs, strict=True):
        state.context.cancel.check()
        peaks = _kept(_peaks(channel, limit), state, nms_mm, most)
        state.detections += [_detection(channel, peak, state.geometry, label.value)
                             for peak in peaks]  # fmt: skip


def _peaks(channel: FloatArray, limit: float) -> list[tuple[float, tuple[int, int, int]]]:
    """Local maxima, the most probable first; of equal neighbours one."""
    highest = channel == ndimage.maximum_filter(channel, 3)
    parts, count = ndimage.label(highest & (channel >= limit), np.ones((3, 3, 3)))
    if not count:
        return []
    places = ndimage.maximum_position(channel, parts, range(1, count + 1))
    found = [(float(channel[place]), (int(place[0]), int(place[1]), int(place[2])))
             for place in places]  # fmt: skip
    return sorted(found, key=lambda peak: (-peak[0], peak[1]))


def _kept(
    peaks: list[tuple[float, tuple[int, int, int]]], state: State, nms_mm: float, most: int
) -> list[tuple[float, tuple[int, int, int]]]:
    """The first `most`, greedy, by distance in the patient."""
    kept: list[tuple[float, tuple[int, int, int]]] = []
    places = np.array([place for _, place in peaks], float).reshape(-1, 3)
    middles = np.zeros((min(most, len(peaks)), 3))  # of the kept
    for peak, middle in zip(peaks, state.geometry.to_patient_array(places), strict=True):
        state.context.cancel.check()
        count = len(kept)
        if count == most:
            break
        if count and np.linalg.norm(middles[:count] - middle, axis=1).min() < nms_mm:
            continue
        middles[count] = middle
        kept.append(peak)
    return kept


def _detection(
    channel: FloatArray, peak: tuple[float, tuple[int, int, int]], geometry: Geometry, value: int
) -> Detection:
    score, place = peak
    first, last = _extent(channel, place, score / 2, geometry)
    low, high = np.array(first) - 0.5, np.array(last) + 0.5
    corners = tuple(
        geometry.to_patient(VoxelIndex(float(k), float(j), float(i)))
        for k in (low[0], high[0]) for j in (low[1], high[1]) for i in (low[2], high[2])
    )  # fmt: skip
    spacing = np.array(geometry.spacing[::-1])
    return Detection(
        label_value=value,
        score=score,
        corners=corners,
        centre=geometry.to_patient(VoxelIndex(*((low + high) / 2))),
        size_mm=float(((high - low) * spacing).max()),
    )


def _extent(
    channel: FloatArray, place: tuple[int, int, int], least: float, geometry: Geometry
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last voxel of the part around a peak that reaches `least`."""
    spacing = np.array(geometry.spacing[::-1])
    reach = np.maximum(1, np.ceil(_REACH_MM / spacing)).astype(int)
    start = np.maximum(0, np.array(place) - reach)
    window = tuple(slice(a, p + r + 1) for a, p, r in zip(start, place, reach, strict=True))
    parts, _ = ndimage.label(channel[window] >= least, np.ones((3, 3, 3)))
    own = parts == parts[tuple(np.array(place) - start)]
    where = np.nonzero(own)
    return (
        start + np.array([axis.min() for axis in where]),
        start + np.array([axis.max() for axis in where]),
    )

"""From what a pipeline gives to findings: volumes, centroids, probabilities, and why in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medview.ai.certainty import (
    ABSTAIN,
    PRESENT,
    WEAK,
    answer_said,
    conformal_answer,
    volume_said,
    weak_said,
)
from medview.ai.folder import ModelFolder
from medview.ai.worker.why import explain_class, explain_label, explain_measure
from medview.core.geometry import Geometry, PatientPoint, VoxelIndex
from medview.core.observation import concepts
from medview.core.results import Code, Finding, Label, Quantity
from medview.core.words import Sentence, say

if TYPE_CHECKING:
    from medview.ai.worker.pipeline import PipelineResult

_UNLIKE = say(
    "No answer: how sure the model is was measured on pictures like its training, which this one "
    "is not."
)
VOLUME = Code("SCT", "118565006", "Volume")


@dataclass(frozen=True)
class Extent:
    """Voxels of one label, and their centre of mass in patient millimetres."""

    count: int
    centroid: PatientPoint


def heatmap_id(run_id: str, class_name: str) -> str:
    """The id of a run's heatmap of one class."""
    return f"{run_id}-heat-{class_name}"


def find(
    folder: ModelFolder, given: PipelineResult, geometry: Geometry, run_id: str
) -> tuple[Finding, ...]:
    """The findings of a run, in the order of the model's outputs.

    A label without a voxel is no finding. Class scores are probabilities of 0 to 1; measures
    without a label become findings of their own.
    """
    return (
        *_segmentations(folder, given, geometry, run_id),
        *_classes(folder, given, run_id),
        *_detections(folder, given, run_id),
        *_whole_image(folder, given, run_id),
    )


def _segmentations(
    folder: ModelFolder, given: PipelineResult, geometry: Geometry, run_id: str
) -> Iterator[Finding]:
    if given.label_map is None:
        return
    extents = measure_extents(given.label_map, geometry)
    limits = folder.calibration().get("conformal", {})
    for label in folder.outputs:
        extent = extents.get(label.value)
        if extent is None:
            continue
        volume_mm3 = extent.count * geometry.voxel_mm3
        measurements = _measurements(label, given, volume_mm3)
        yield Finding(
            id=f"{run_id}-{label.value}",
            kind="segmentation",
            label=label.name,
            code=label.code,
            volume_mm3=volume_mm3,
            centroid=extent.centroid,
            measurements=measurements,
            answer_said=volume_said(measurements[0].interval, limits),
            label_map_id=f"{run_id}-labels",
            label_value=label.value,
            explanation=explain_label(folder, label, volume_mm3 / 1000),
        )


def _measurements(label: Label, given: PipelineResult, volume_mm3: float) -> tuple[Quantity, ...]:
    """The volume first."""
    own = [quantity for value, quantity in given.measures if value == label.value]
    own.sort(key=lambda quantity: quantity.code != VOLUME)
    if own and own[0].code == VOLUME:
        return tuple(own)
    volume = Quantity(concept="volume", value=volume_mm3 / 1000, unit="mL", code=VOLUME)
    return (volume, *own)


def measure_extents(label_map: NDArray[np.uint8], geometry: Geometry) -> dict[int, Extent]:
    """Count and centre of every label that has a voxel; one pass, slice by slice."""
    rows, columns = np.arange(label_map.shape[1]), np.arange(label_map.shape[2])
    sums: dict[int, NDArray[np.float64]] = {}
    for k, picture in enumerate(label_map):
        for value in np.flatnonzero(np.bincount(picture.ravel(), minlength=256)[1:]) + 1:
            mask = picture == value
            by_row, by_column = mask.sum(1), mask.sum(0)
            count = float(by_row.sum())
            part = np.array([count, k * count, by_row @ rows, by_column @ columns], float)
            sums[int(value)] = sums.get(int(value), np.zeros(4)) + part
    return {
        value: Extent(int(total[0]), geometry.to_patient(VoxelIndex(*(total[1:] / total[0]))))
        for value, total in sums.items()
    }


def _classes(folder: ModelFolder, given: PipelineResult, run_id: str) -> Iterator[Finding]:
    heatmaps = {name for name, _ in given.heatmaps}
    is_called = False  # whether an output that is not weak counts as present
    limits = folder.calibration().get("conformal", {})
    for label in folder.outputs:
        probability = given.scores.get(label.name)
        if probability is None:
            continue
        if label.weak and not is_called:
            continue  # it tells apart the ill alone
        threshold = given.thresholds.get(label.name)
        has_heatmap = label.name in heatmaps
        answer = WEAK if label.weak else _answer(given, float(probability), limits)
        said = _said(folder, given, label, answer)
        is_called = is_called or _counts_as_present(answer, float(probability), threshold)
        yield Finding(
            id=f"{run_id}-{label.value}",
            kind="classification",
            label=label.name,
            code=label.code,
            score=float(probability),
            probability=float(probability),
            interval=given.intervals.get(label.name),
            measurements=_as_concept(label, float(probability), given.intervals.get(label.name)),
            heatmap_id=heatmap_id(run_id, label.name) if has_heatmap else None,
            explanation=explain_class(
                folder, label, float(probability), threshold, has_heatmap, said
            ),
            answer=answer,
            answer_said=said,
        )


def _counts_as_present(answer: str, probability: float, threshold: float | None) -> bool:
    """By its limits of certainty where it has some (no answer is no yes), else by its threshold."""
    if answer:
        return answer == PRESENT
    return threshold is not None and probability >= threshold


def _said(folder: ModelFolder, given: PipelineResult, label: Label, answer: str) -> Sentence | None:
    calib = folder.calibration()
    if answer == WEAK:
        return weak_said(calib["weaker"][label.name])
    if answer and _is_unlike(given):
        return _UNLIKE
    return answer_said(answer, calib.get("conformal", {}))


def _is_unlike(given: PipelineResult) -> bool:
    return any(not check.ok for check in given.checks)


def _answer(given: PipelineResult, probability: float, limits: Mapping[str, Any]) -> str:
    # Limits hold for pictures like those of the calibration; of others they say nothing.
    answer = conformal_answer(probability, limits)
    return ABSTAIN if answer and _is_unlike(given) else answer


def _detections(folder: ModelFolder, given: PipelineResult, run_id: str) -> Iterator[Finding]:
    """The most certain first. A score is a probability only where the model is calibrated."""
    labels = {label.value: label for label in folder.outputs}
    is_calibrated = any(step["op"] == "temperature" for step in folder.pipeline)
    ordered = sorted(given.detections, key=lambda found: -found.score)
    for number, found in enumerate(ordered, start=1):
        label = labels[found.label_value]
        yield Finding(
            id=f"{run_id}-box-{number}",
            kind="detection",
            label=label.name,
            code=label.code,
            score=found.score,
            probability=found.score if is_calibrated else None,
            centroid=found.centre,
            measurements=(Quantity(concept="diameter", value=found.size_mm, unit="mm"),),
            corners=found.corners,
        )


def _as_concept(
    label: Label, probability: float, interval: tuple[float, float] | None
) -> tuple[Quantity, ...]:
    if not label.concept:
        return ()
    percent = None if interval is None else (100 * interval[0], 100 * interval[1])
    value = 100 * probability
    return (Quantity(concept=label.concept, value=value, unit="%", interval=percent),)


def _whole_image(folder: ModelFolder, given: PipelineResult, run_id: str) -> Iterator[Finding]:
    for number, (value, quantity) in enumerate(given.measures):
        if value is None:
            known = concepts().get(quantity.concept)
            yield Finding(
                id=f"{run_id}-measure-{number}",
                kind="measure",
                label=quantity.concept if known is None else known.title,
                code=quantity.code,
                measurements=(quantity,),
                explanation=explain_measure(folder),
            )

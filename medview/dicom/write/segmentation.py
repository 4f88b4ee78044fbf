"""A label map as DICOM Segmentation (BINARY), every frame placed by its own position."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from medview.core.errors import GeometryError, MedViewError, WriteFailed
from medview.core.geometry import FloatArray, Geometry
from medview.core.results import Label, LabelMap, ModelRun
from medview.core.study import Stack
from medview.core.words import say
from medview.dicom.uids import derived_uid
from medview.dicom.write.codes import (
    ANATOMY,
    DEVICE,
    algorithm_sequence,
    coded,
    colour_of,
    series_description,
    type_of,
)
from medview.dicom.write.files import save_dataset, tolerating_sources
from medview.dicom.write.sources import Sources

SERIES_NUMBER = 9001
# Viewers misplace the rest when empty frames are left out (highdicom #214), so they are kept as
# long as the file stays moderate: 1 bit a voxel, about 1 KB of position a frame.
_FRAMES_WRITTEN_WHOLE = 2000
_POSITION_TOLERANCE_MM = 0.05


@dataclass(frozen=True, eq=False)
class WrittenSegmentation:
    """The object for those that refer to it, its file, and the number of each label's segment."""

    path: Path
    dataset: Dataset
    segments: dict[int, int]


def tracking_uid(run: ModelRun, label_value: int) -> str:
    """The same for a finding's segment and its group in the SR, and later where it is known."""
    own = next((f for f in run.findings if f.label_value == label_value), None)
    if own is not None and own.tracking_uid:
        return own.tracking_uid
    return derived_uid("finding", run.id, str(label_value))


def segmentation_uid(run: ModelRun) -> str:
    """The SOP Instance UID of a run's SEG: written again it is the same object."""
    return derived_uid("seg", run.id)


def tracking_id(run: ModelRun, name: str) -> str:
    """Readable and unique inside one report."""
    return f"{run.model.name} {run.model.version}: {name}"[:64]


def write_segmentation(
    run: ModelRun, sources: Sources, out: Path, uid: str = ""
) -> WrittenSegmentation | None:
    """Write the run's label map; None when it holds no voxel (the SR says "found nothing").

    uid: SOP Instance UID of a map that is not the run's own; "" for its own.

    Segments are numbered 1..n in the order of the labels that occur; absent ones are left out.
    Raises GeometryError when the map does not lie on the stack's grid, WriteFailed.
    """
    if run.label_map is None or not run.label_map.voxels.any():
        return None
    present = _present_labels(run.label_map)
    numbered = _renumber(run.label_map.voxels, present)
    dataset = _build(run, sources, run.label_map, numbered, uid or segmentation_uid(run))
    save_dataset(dataset, out)
    segments = {label.value: number for number, label in enumerate(present, start=1)}
    return WrittenSegmentation(out, dataset, segments)


def _present_labels(label_map: LabelMap) -> list[Label]:
    values = set(np.unique(label_map.voxels).tolist()) - {0}
    named = [label for label in label_map.labels if label.value in values]
    unnamed = values - {label.value for label in named}
    if unnamed:
        raise WriteFailed(
            say("The mask holds a label that the model does not name."), str(min(unnamed))
        )
    return named


def _renumber(voxels: NDArray[np.uint8], present: list[Label]) -> NDArray[np.uint8]:
    table = np.zeros(256, np.uint8)
    for number, label in enumerate(present, start=1):
        table[label.value] = number
    return table[voxels]


def _build(
    run: ModelRun,
    sources: Sources,
    label_map: LabelMap,
    numbered: NDArray[np.uint8],
    uid: str,
) -> Dataset:
    present = _present_labels(label_map)
    try:
        with tolerating_sources():
            dataset = hd.seg.Segmentation(
                source_images=list(
                    sources.datasets[:1] if sources.is_multi_frame else sources.datasets
                ),
                pixel_array=numbered,
                segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
                segment_descriptions=[
                    _describe(run, label, number) for number, label in enumerate(present, start=1)
                ],
                series_instance_uid=derived_uid("seg series", run.id),
                series_number=SERIES_NUMBER,
                sop_instance_uid=uid,
                instance_number=1,
                content_label="AI_SEG",
                content_description=f"AI {run.model.name} {run.model.version}"[:64],
                omit_empty_frames=len(numbered) * len(present) > _FRAMES_WRITTEN_WHOLE,
                series_description=series_description("segmentation", run.model),
                **DEVICE,
                **place_frames(sources, label_map.geometry),
            )
            complete_orientation(dataset, sources)
    except MedViewError:
        raise
    except Exception as error:  # highdicom raises many kinds, with values in their text
        raise WriteFailed(
            say("The mask cannot be written as a DICOM segmentation of this series."),
            detail=type(error).__name__,
        ) from error
    return dataset


def complete_orientation(dataset: Dataset, sources: Sources) -> None:
    """On images without positions the letters at the edges are all there is (type 2C)."""
    if hd.spatial.get_image_coordinate_system(sources.first) is None:
        dataset.PatientOrientation = sources.first.get("PatientOrientation") or []


def _describe(run: ModelRun, label: Label, number: int) -> hd.seg.SegmentDescription:
    description = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=label.name[:64],
        segmented_property_category=coded(label.category or ANATOMY),
        segmented_property_type=coded(type_of(label)),
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm_sequence(run),
        tracking_uid=tracking_uid(run, label.value),
        tracking_id=tracking_id(run, label.name),
        display_color=colour_of(label),
    )
    if label.modifier is not None:
        kind = description.SegmentedPropertyTypeCodeSequence[0]
        kind.SegmentedPropertyTypeModifierCodeSequence = [coded(label.modifier)]
    return description


def place_frames(sources: Sources, geometry: Geometry) -> dict[str, Any]:
    """highdicom's arguments that put plane k of an array where the grid says it lies.

    Empty for images without positions (a projection): there the one frame is the image's own.
    """
    if hd.spatial.get_image_coordinate_system(sources.first) is None:
        if geometry.shape[0] != 1:
            raise GeometryError(say("Images without positions take a mask of one picture only."))
        return {}
    system = hd.CoordinateSystemNames.PATIENT
    spacing = geometry.spacing
    return {
        "plane_positions": [
            hd.PlanePositionSequence(system, [float(v) for v in position])
            for position in frame_positions(sources.stack, geometry)
        ],
        "plane_orientation": hd.PlaneOrientationSequence(
            system, [float(v) for axis in geometry.axes[:2] for v in axis]
        ),
        "pixel_measures": hd.PixelMeasuresSequence(
            pixel_spacing=[spacing[1], spacing[0]],  # rows' distance first (PS3.3 10.7.1.3)
            slice_thickness=geometry.slice_step,
            spacing_between_slices=(
                geometry.slice_step if geometry.shape[0] > 1 and geometry.is_even else None
            ),
        ),
    }


def frame_positions(stack: Stack, geometry: Geometry) -> FloatArray:
    """(k, 3) LPS of each plane's first voxel.

    The stack's own grid: what the files say of each frame, which is finer than an average step
    where slices are uneven. Another grid: its affine. Raises GeometryError when the two say
    they are the same grid but lie apart.
    """
    k = geometry.shape[0]
    corners = np.zeros((k, 3))
    corners[:, 0] = np.arange(k)
    by_grid = geometry.to_patient_array(corners)
    given = [frame.position for frame in stack.frames]
    if not geometry.same_grid(stack.geometry) or k != len(given) or None in given:
        return by_grid
    by_file: FloatArray = np.array(given, float)
    if stack.verdict in ("regular", "tilted", "single"):
        apart = float(np.linalg.norm(by_file - by_grid, axis=1).max())
        if apart > max(_POSITION_TOLERANCE_MM, 0.1 * min(geometry.spacing)):
            raise GeometryError(say("The mask does not lie where the images lie."))
    return by_file

"""Segments that a reader drew or corrected, as one DICOM Segmentation a stack.

Segments may overlap. Each says how it came about: drawn by hand, or begun by an algorithm and
corrected (then with what it was begun from), by whom and when.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from medview import __version__
from medview.core.errors import MedViewError, WriteFailed
from medview.core.results import Code, Label, ModelRun
from medview.core.words import say
from medview.dicom.uids import derived_uid, new_uid
from medview.dicom.write.codes import (
    AI_FAMILY,
    ANATOMY,
    DEVICE,
    MANUFACTURER,
    algorithm_sequence,
    coded,
    colour_of,
    type_of,
)
from medview.dicom.write.files import save_dataset, tolerating_sources
from medview.dicom.write.segmentation import (
    WrittenSegmentation,
    complete_orientation,
    frame_positions,
)
from medview.dicom.write.sources import Sources

SERIES_NUMBER = 9004
ABNORMALITY = Code("SCT", "49755003", "Morphologically Abnormal Structure")
_ABNORMAL = ("4147007", "27925004")  # mass, nodule
SOURCE = Code("DCM", "121322", "Source image for image processing operation")
EDGE_DETECTION = Code("DCM", "123103", "Edge Detection")
_FRAMES_WRITTEN_WHOLE = 2000  # see `segmentation`: empty frames between are kept while few
_MOST_BYTES = 2 << 30


@dataclass(frozen=True, eq=False, kw_only=True)
class DrawnSegment:
    """One segment: its voxels (bool, k j i) over a box of the stack's grid from `first` on.

    origin: what an algorithm began, empty for one drawn by hand. is_click: by one click on it.
    made_by, made_at: who and when (ISO). run, began_as: the model's run that it corrects and
    the SEG of that run; tracking: UID and name of the finding.
    """

    id: str
    label: Label
    first: tuple[int, int, int]
    voxels: NDArray[np.bool_]
    origin: str = ""
    is_click: bool = False
    made_by: str = ""
    made_at: str = ""
    run: ModelRun | None = None
    began_as: WrittenSegmentation | None = None
    tracking: tuple[str, str] | None = None


def write_drawn_segments(
    segments: Sequence[DrawnSegment], sources: Sources, out: Path, uid: str = ""
) -> WrittenSegmentation | None:
    """Write segments of one stack; None where none of them holds a voxel.

    The result's `segments` count the given ones from 0. uid: SOP Instance UID of what is the same
    object whenever it is written. Raises GeometryError, WriteFailed.
    """
    there = [segment for segment in segments if segment.voxels.any()]
    if not there:
        return None
    first = min(segment.first[0] for segment in there)
    last = max(segment.first[0] + segment.voxels.shape[0] for segment in there)
    try:
        with tolerating_sources():
            dataset = _build(there, sources, (first, last), uid or new_uid())
            _refer(dataset, there)
            complete_orientation(dataset, sources)
    except MedViewError:
        raise
    except Exception as error:  # highdicom raises many kinds, with values in their text
        raise WriteFailed(
            say("The segments cannot be written as a DICOM segmentation of this series."),
            detail=type(error).__name__,
        ) from error
    numbers = {n: there.index(s) + 1 for n, s in enumerate(segments) if s in there}
    return WrittenSegmentation(save_dataset(dataset, out), dataset, numbers)


def _refer(dataset: Dataset, segments: Sequence[DrawnSegment]) -> None:
    """The segmentations that these were corrected from, as source images (PS3.3 C.12.4)."""
    began = [s.began_as.dataset for s in segments if s.began_as is not None]
    if not began:
        return
    items = []
    for uid, first in {str(each.SOPInstanceUID): each for each in began}.items():
        item = Dataset()
        item.ReferencedSOPClassUID = first.SOPClassUID
        item.ReferencedSOPInstanceUID = uid
        item.PurposeOfReferenceCodeSequence = [coded(SOURCE)]
        items.append(item)
    dataset.SourceImageSequence = items
    dataset.DerivationDescription = "Corrected by a reader"


def _build(
    segments: Sequence[DrawnSegment], sources: Sources, slices: tuple[int, int], uid: str
) -> Dataset:
    geometry = sources.stack.geometry
    system = hd.CoordinateSystemNames.PATIENT
    places = frame_positions(sources.stack, geometry)[slices[0] : slices[1]]
    spacing = geometry.spacing
    count = (slices[1] - slices[0]) * len(segments)
    between = geometry.slice_step if geometry.shape[0] > 1 and geometry.is_even else None
    return hd.seg.Segmentation(
        source_images=list(sources.datasets[:1] if sources.is_multi_frame else sources.datasets),
        pixel_array=_pixels(segments, slices, geometry.shape[1:]),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_describe(s, n) for n, s in enumerate(segments, start=1)],
        series_instance_uid=derived_uid("series", uid),
        series_number=SERIES_NUMBER,
        sop_instance_uid=uid,
        instance_number=1,
        content_label="SEGMENTS",
        content_description="Segments by the reader",
        content_creator_name=_creator(segments),
        omit_empty_frames=count > _FRAMES_WRITTEN_WHOLE,
        series_description="segments (MedView)",
        plane_positions=[
            hd.PlanePositionSequence(system, [float(v) for v in place]) for place in places
        ],
        plane_orientation=hd.PlaneOrientationSequence(
            system, [float(v) for axis in geometry.axes[:2] for v in axis]
        ),
        pixel_measures=hd.PixelMeasuresSequence(
            pixel_spacing=[spacing[1], spacing[0]],  # rows' distance first (PS3.3 10.7.1.3)
            slice_thickness=geometry.slice_step,
            spacing_between_slices=between,
        ),
        **DEVICE,
    )


def _pixels(
    segments: Sequence[DrawnSegment], slices: tuple[int, int], size: tuple[int, ...]
) -> NDArray[np.uint8]:
    """(frames, rows, columns, segments): they may overlap."""
    rows, columns = size
    shape = (slices[1] - slices[0], rows, columns, len(segments))
    if int(np.prod(shape)) > _MOST_BYTES:
        raise WriteFailed(say("These segments are too large for one file; save fewer of them."))
    pixels = np.zeros(shape, np.uint8)
    for number, segment in enumerate(segments):
        (k, j, i), (depth, height, width) = segment.first, segment.voxels.shape
        k -= slices[0]
        pixels[k : k + depth, j : j + height, i : i + width, number] = segment.voxels
    return pixels


def _describe(segment: DrawnSegment, number: int) -> hd.seg.SegmentDescription:
    types = hd.seg.SegmentAlgorithmTypeValues
    is_manual = not segment.origin and not segment.is_click
    label = segment.label
    own = derived_uid("segment", segment.id), f"{label.name} {segment.id[:8]}"
    uid, name = segment.tracking or own
    is_abnormal = label.code is not None and label.code.value in _ABNORMAL
    category = label.category or (ABNORMALITY if is_abnormal else ANATOMY)
    description = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=label.name[:64],
        segmented_property_category=coded(category),
        segmented_property_type=coded(type_of(label)),
        algorithm_type=types.MANUAL if is_manual else types.SEMIAUTOMATIC,
        algorithm_identification=None if is_manual else _algorithm(segment),
        tracking_uid=uid,
        tracking_id=name[:64],
        display_color=colour_of(label),
    )
    if label.modifier is not None:
        kind = description.SegmentedPropertyTypeCodeSequence[0]
        kind.SegmentedPropertyTypeModifierCodeSequence = [coded(label.modifier)]
    told = [f"corrected from {segment.origin}" if segment.origin else "", segment.made_by,
            segment.made_at]  # fmt: skip
    description.SegmentDescription = ", ".join(word for word in told if word)[:1024]
    return description


def _algorithm(segment: DrawnSegment) -> hd.AlgorithmIdentificationSequence:
    if segment.run is not None:
        return algorithm_sequence(segment.run)
    if segment.is_click:
        return hd.AlgorithmIdentificationSequence(
            name="nodule click",
            family=coded(EDGE_DETECTION),
            version=__version__,
            source=MANUFACTURER,
        )
    return hd.AlgorithmIdentificationSequence(
        name=segment.origin[:64], family=coded(AI_FAMILY), version="corrected by a reader"
    )


def _creator(segments: Sequence[DrawnSegment]) -> str | None:
    names = {segment.made_by for segment in segments if segment.made_by}
    return names.pop().replace("^", " ")[:64] if len(names) == 1 else None

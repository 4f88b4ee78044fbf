"""DICOM Segmentation to label maps, each frame placed by its own position (PS3.3 A.51, C.8.20)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from highdicom.color import CIELabColor
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from medview.core.archive import open_binary
from medview.core.errors import GeometryError, UnreadableInstance
from medview.core.geometry import FloatArray, Geometry, PatientPoint
from medview.core.results import Code, Label, LabelMap
from medview.core.words import Sentence, say
from medview.dicom.grid import grid_of
from medview.dicom.write.files import tolerating_sources

# Colour-blind-safe (Okabe and Ito 2008), for segments that recommend none.
_COLOURS = ("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#d55e00", "#cc79a7", "#0072b2")
_MOST_VOXELS = 1 << 30
_ON_A_PLANE = 0.25  # of a slice step
_DECODE_ERRORS = (ValueError, RuntimeError, NotImplementedError, AttributeError, KeyError,
                  TypeError, IndexError, OSError, MemoryError)  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Segmentation:
    """What a SEG holds. Segments that overlap stand in further label maps.

    kind: BINARY, FRACTIONAL (taken as present from half of the maximum on) or LABELMAP.
    refers_to: series UIDs of the images it was made from.
    """

    uid: str
    description: str
    kind: str
    patient_id: str
    refers_to: tuple[str, ...]
    label_maps: tuple[LabelMap, ...]
    notes: tuple[Sentence, ...] = ()


@dataclass(frozen=True, eq=False)
class _Frames:
    """Decoded frames with the segment (None in a label map) and plane of each."""

    pixels: NDArray[np.generic]
    segments: list[int | None]
    planes: list[int]
    geometry: Geometry


def read_segmentation(path: str, onto: Geometry | None = None) -> Segmentation:
    """Read a SEG; with `onto` (the images' grid) on that grid, else on the grid of its frames.

    Raises UnreadableInstance for a broken or unsupported file, GeometryError when the frames do
    not lie on `onto`.
    """
    with tolerating_sources():
        dataset = _open(path)
        try:
            return _read(dataset, onto)
        except _DECODE_ERRORS as error:
            raise UnreadableInstance(
                say("This segmentation cannot be read."), path, detail=type(error).__name__
            ) from error


def _open(path: str) -> Dataset:
    try:
        with open_binary(path) as file:
            dataset = dcmread(file)
    except (InvalidDicomError, *_DECODE_ERRORS) as error:
        raise UnreadableInstance(
            say("This segmentation cannot be read."), path, detail=type(error).__name__
        ) from error
    if "SegmentSequence" not in dataset:
        raise UnreadableInstance(say("This file holds no segments."), path)
    if "TotalPixelMatrixRows" in dataset:
        raise UnreadableInstance(say("Segmentations of microscopy slides are not read."), path)
    voxels = int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("NumberOfFrames") or 1)
    if not 0 < voxels <= _MOST_VOXELS:
        raise UnreadableInstance(say("This segmentation is too large to be read."), path)
    return dataset


def _read(dataset: Dataset, onto: Geometry | None) -> Segmentation:
    frames = _frames(dataset, onto)
    kind = str(dataset.get("SegmentationType", "BINARY"))
    labels = [_label(item, number) for number, item in enumerate(dataset.SegmentSequence)]
    masks = _masks(dataset, kind, frames, labels)
    notes = (
        [say("The segmentation holds probabilities; from half of the maximum on it is shown.")]
        if kind == "FRACTIONAL"
        else []
    )
    if kind != "LABELMAP" and not masks.keys() >= {n for n in frames.segments if n is not None}:
        notes.append(say("Frames of the segmentation name segments that it does not describe."))
    label_maps = _pack(str(dataset.SOPInstanceUID), frames.geometry, labels, masks)
    if len(label_maps) > 1:
        notes.append(say("Some segments overlap each other."))
    return Segmentation(
        uid=str(dataset.SOPInstanceUID),
        description=str(dataset.get("SeriesDescription", "") or ""),
        kind=kind,
        patient_id=str(dataset.get("PatientID", "") or ""),
        refers_to=tuple(
            str(item.SeriesInstanceUID) for item in dataset.get("ReferencedSeriesSequence", ())
        ),
        label_maps=label_maps,
        notes=tuple(notes),
    )


def _group(frame: Dataset, shared: Dataset, name: str) -> Dataset | None:
    for owner in (frame, shared):
        if owner.get(name):
            item: Dataset = owner[name].value[0]
            return item
    return None


def _frames(dataset: Dataset, onto: Geometry | None) -> _Frames:
    pixels: NDArray[np.generic] = dataset.pixel_array
    pixels = pixels[None] if pixels.ndim == 2 else pixels
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    per_frame = list(dataset.get("PerFrameFunctionalGroupsSequence") or [Dataset()])
    if len(per_frame) != len(pixels):
        raise ValueError("frames")
    segments: list[int | None] = []
    for frame in per_frame:
        named = _group(frame, shared, "SegmentIdentificationSequence")
        segments.append(None if named is None else int(named.ReferencedSegmentNumber))
    positions = [_group(frame, shared, "PlanePositionSequence") for frame in per_frame]
    if None in positions:
        return _Frames(pixels, segments, [0] * len(pixels), _flat(dataset, onto, len(pixels)))
    corners = np.array([p.ImagePositionPatient for p in positions if p is not None], float)
    geometry = onto or _own_grid(dataset, per_frame[0], shared, corners)
    groups = ("PlaneOrientationSequence", "PixelMeasuresSequence")
    _fits(geometry, dataset, [_group(per_frame[0], shared, name) for name in groups], onto)
    return _Frames(pixels, segments, _planes(corners, geometry, onto), geometry)


def _flat(dataset: Dataset, onto: Geometry | None, frames: int) -> Geometry:
    """A mask of a projection: the image's own plane."""
    shape = (1, int(dataset.Rows), int(dataset.Columns))
    if frames > len(dataset.SegmentSequence) or (onto is not None and onto.shape != shape):
        raise GeometryError(say("The segmentation does not say where its frames lie."))
    return onto or Geometry(shape=shape, is_spatial=False)


def _own_grid(dataset: Dataset, first: Dataset, shared: Dataset, corners: FloatArray) -> Geometry:
    orientation = _group(first, shared, "PlaneOrientationSequence")
    measures = _group(first, shared, "PixelMeasuresSequence")
    if orientation is None or measures is None:
        raise GeometryError(say("The segmentation does not say where its frames lie."))
    axes = np.array(orientation.ImageOrientationPatient, float).reshape(2, 3)
    along = corners @ np.cross(axes[0], axes[1])
    _, unique = np.unique(np.round(along, 2), return_index=True)
    spacing = (float(measures.PixelSpacing[0]), float(measures.PixelSpacing[1]))
    between = measures.get("SpacingBetweenSlices") or measures.get("SliceThickness") or 1.0
    size = (int(dataset.Rows), int(dataset.Columns))
    thickness = np.full(len(unique), float(between))
    grid = grid_of(axes, corners[unique], size, spacing, thickness)
    if grid.verdict != "gaps":
        return grid.geometry
    # Empty frames may be left out of a file: the planes between are there, without a mask.
    step = grid.geometry.slice_step
    count = round(float(along.max() - along.min()) / step) + 1
    return Geometry(
        shape=(count, *size),
        spacing=grid.geometry.spacing,
        origin=PatientPoint(*corners[unique[0]]),
        axes=grid.geometry.axes,
    )


def _fits(
    geometry: Geometry, dataset: Dataset, groups: list[Dataset | None], onto: Geometry | None
) -> None:
    if onto is None:
        return
    orientation, measures = groups
    same_size = geometry.shape[1:] == (int(dataset.Rows), int(dataset.Columns))
    axes = np.array(orientation.ImageOrientationPatient, float) if orientation else np.zeros(6)
    stated = measures.get("PixelSpacing") if measures else None
    pixel = geometry.spacing[1::-1] if stated is None else [float(n) for n in stated]
    same_pixels = np.allclose(pixel, geometry.spacing[1::-1], rtol=0.01)
    same_axes = np.allclose(axes, np.ravel(geometry.axes[:2]), atol=1e-3)
    if not (same_size and same_axes and same_pixels):
        raise GeometryError(say("The segmentation lies on another grid than these images."))


def _planes(corners: FloatArray, geometry: Geometry, onto: Geometry | None) -> list[int]:
    indices = geometry.to_index_array(corners)
    nearest = np.rint(indices[:, 0])
    is_near = bool(np.abs(indices[:, 0] - nearest).max() <= _ON_A_PLANE)
    is_inside = bool(nearest.min() >= 0 and nearest.max() < geometry.shape[0])
    is_aligned = bool(np.abs(indices[:, 1:]).max() <= _ON_A_PLANE)
    if is_near and is_inside and is_aligned:
        return [int(k) for k in nearest]
    if onto is not None:
        raise GeometryError(say("The segmentation lies on another grid than these images."))
    # Uneven planes: one after the other, as the images themselves are shown.
    order = np.unique(np.round(corners @ np.array(geometry.normal), 2), return_inverse=True)[1]
    return [int(k) for k in order]


def _masks(
    dataset: Dataset, kind: str, frames: _Frames, labels: list[Label]
) -> dict[int, NDArray[np.bool_]]:
    """Label value to its mask on the whole grid."""
    masks = {label.value: np.zeros(frames.geometry.shape, bool) for label in labels if label.value}
    half = 0.5 * float(dataset.get("MaximumFractionalValue") or 1)
    for picture, segment, plane in zip(frames.pixels, frames.segments, frames.planes, strict=True):
        if kind == "LABELMAP":
            for value in np.unique(picture):
                if int(value) in masks:
                    masks[int(value)][plane] |= picture == value
        elif segment in masks:
            masks[segment][plane] |= picture >= half if kind == "FRACTIONAL" else picture > 0
    return masks


def _pack(
    uid: str, geometry: Geometry, labels: list[Label], masks: dict[int, NDArray[np.bool_]]
) -> tuple[LabelMap, ...]:
    """As few label maps as the overlaps allow; a label keeps its number where it fits 8 bits."""
    packed: list[tuple[NDArray[np.uint8], list[Label]]] = []
    for label in labels:
        mask = masks.get(label.value)
        if mask is None:
            continue
        for voxels, members in packed:
            if len(members) < 255 and not voxels[mask].any():
                break
        else:
            voxels, members = np.zeros(geometry.shape, np.uint8), []
            packed.append((voxels, members))
        taken = {member.value for member in members}
        fits = label.value <= 255 and label.value not in taken
        value = label.value if fits else min(set(range(1, 256)) - taken)
        voxels[mask] = value
        members.append(_numbered(label, value))
    return tuple(
        LabelMap(id=f"{uid}/{number}", geometry=geometry, voxels=voxels, labels=tuple(members))
        for number, (voxels, members) in enumerate(packed)
    )


def _numbered(label: Label, value: int) -> Label:
    return Label(
        value=value,
        name=label.name,
        colour=label.colour,
        code=label.code,
        category=label.category,
        modifier=label.modifier,
    )


def _label(item: Dataset, index: int) -> Label:
    kind = item.get("SegmentedPropertyTypeCodeSequence")
    modifiers = kind[0].get("SegmentedPropertyTypeModifierCodeSequence") if kind else None
    return Label(
        value=int(item.SegmentNumber),
        name=re.sub(r"\s+", " ", str(item.get("SegmentLabel", "") or "")) or f"{index + 1}",
        colour=_colour(item) or _COLOURS[index % len(_COLOURS)],
        code=_code(kind),
        category=_code(item.get("SegmentedPropertyCategoryCodeSequence")),
        modifier=_code(modifiers),
    )


def _colour(item: Dataset) -> str | None:
    value = item.get("RecommendedDisplayCIELabValue")
    if value is None or len(value) != 3:
        return None
    colour = CIELabColor.from_dicom_value([int(v) for v in value]).to_rgb(clip=True)
    return "#" + "".join(f"{round(channel):02x}" for channel in colour)


def _code(sequence: Any) -> Code | None:
    if not sequence:
        return None
    item = sequence[0]
    value = item.get("CodeValue") or item.get("LongCodeValue") or item.get("URNCodeValue")
    return Code(
        str(item.get("CodingSchemeDesignator", "") or ""),
        str(value or ""),
        str(item.get("CodeMeaning", "") or ""),
    )

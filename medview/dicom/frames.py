"""What one picture says of itself: place, direction, pixel size, what tells volumes apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from operator import mul
from typing import Any, Generic, NamedTuple, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from medview.dicom import nuclear
from medview.dicom.elements import Elements, worked_out
from medview.dicom.instance import Instance
from medview.dicom.keywords import MOSAIC_COUNT, PRIVATE_B_VALUES, tag_of

FloatArray = NDArray[np.float64]
PROJECTION_MODALITIES = frozenset(("CR", "DX", "MG", "XA", "RF", "PX", "IO", "RG"))

# Functional groups in which the enhanced objects keep a value (PS3.3 C.7.6.16).
_GROUP_OF = {
    "ImagePositionPatient": ("PlanePositionSequence",),
    "ImageOrientationPatient": ("PlaneOrientationSequence",),
    "PixelSpacing": ("PixelMeasuresSequence",),
    "SliceThickness": ("PixelMeasuresSequence",),
    "RescaleSlope": ("PixelValueTransformationSequence",),
    "RescaleIntercept": ("PixelValueTransformationSequence",),
    "RescaleType": ("PixelValueTransformationSequence",),
    "WindowCenter": ("FrameVOILUTSequence",),
    "WindowWidth": ("FrameVOILUTSequence",),
    "WindowCenterWidthExplanation": ("FrameVOILUTSequence",),
    "VOILUTFunction": ("FrameVOILUTSequence",),
    "VOILUTSequence": ("FrameVOILUTSequence",),
    "TemporalPositionIndex": ("FrameContentSequence",),
    "TemporalPositionIdentifier": ("FrameContentSequence",),
    "StackID": ("FrameContentSequence",),
    "FrameAcquisitionNumber": ("FrameContentSequence",),
    "FrameAcquisitionDateTime": ("FrameContentSequence",),
    "DimensionIndexValues": ("FrameContentSequence",),
    "InversionTime": ("MRModifierSequence",),
    "FlipAngle": ("MRTimingAndRelatedParametersSequence",),
    "ConvolutionKernel": ("CTReconstructionSequence",),
    "EffectiveEchoTime": ("MREchoSequence",),
    "DiffusionBValue": ("MRDiffusionSequence",),
    "DiffusionGradientOrientation": ("MRDiffusionSequence", "DiffusionGradientDirectionSequence"),
    "FrameType": (
        "MRImageFrameTypeSequence",
        "CTImageFrameTypeSequence",
        "PETFrameTypeSequence",
        "XAXRFFrameCharacteristicsSequence",
        "USImageDescriptionSequence",
    ),
    "FrameLaterality": ("FrameAnatomySequence",),
    "NominalCardiacTriggerDelayTime": ("CardiacSynchronizationSequence",),
}


Value = TypeVar("Value")


class Lazy(Generic[Value]):
    """A property that is worked out once, as `functools.cached_property`, without the lock that
    makes that one slow before Python 3.12."""

    def __init__(self, work: Callable[[Any], Value]) -> None:
        self._work, self.__doc__ = work, work.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, holder: None, owner: type) -> Lazy[Value]: ...
    @overload
    def __get__(self, holder: object, owner: type) -> Value: ...
    def __get__(self, holder: object, owner: type) -> Value | Lazy[Value]:
        if holder is None:
            return self
        found = self._found(holder)
        holder.__dict__[self._name] = found
        return found

    def _found(self, holder: Any) -> Value:
        found: Value = self._work(holder)
        return found


class Shared(Lazy[Value]):
    """The same, worked out by the first of all frames that say the same about it (`Frame.twin`)."""

    def _found(self, holder: Frame) -> Value:
        twin = holder.twin
        found: Value = self._work(holder) if twin is holder else getattr(twin, self._name)
        return found


class Tile(NamedTuple):
    """A slice inside a mosaic: its first row and column there, its own size, its first voxel."""

    row: int
    column: int
    size: tuple[int, int]
    position: FloatArray


@dataclass(eq=False)  # not frozen: that would make each one cost three times as much
class Frame:
    """One picture of an instance; `groups` are its functional groups, nearest first.

    tile: where it is a slice cut out of a mosaic.
    """

    instance: Instance
    index: int
    groups: tuple[Elements, ...] = ()
    tile: Tile | None = None

    def holder(self, keyword: str) -> Elements:
        """The item that holds a value for this frame: its own group, the shared one, the top."""
        for group in self.groups:
            if group.has(keyword):  # a sequence of the group itself
                return group
            for item in _nested(group, _GROUP_OF.get(keyword, ())):
                if item.has(keyword):
                    return item
        return self.instance.elements

    def floats(self, keyword: str) -> tuple[float, ...]:
        """Numbers of this frame."""
        return self.holder(keyword).floats(keyword)

    def text(self, keyword: str) -> str:
        """Text of this frame."""
        return self.holder(keyword).text(keyword)

    @Lazy
    def twin(self) -> Frame:
        """The first frame whose header says the same about all but the place; see `with_twins`."""
        return self

    @Shared
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        if self.tile is not None:
            return self.tile.size
        top = self.instance.elements
        return top.integer("Rows"), top.integer("Columns")

    @Lazy
    def position(self) -> tuple[float, float, float] | None:
        """Centre of the first voxel, LPS millimetres."""
        top = self.instance.elements
        if self.tile is not None:
            x, y, z = self.tile.position.tolist()
        elif top.once(nuclear.is_nuclear, _NUCLEAR_TAGS):
            place = nuclear.place_of(top, self.index)
            if place is None:
                return None
            x, y, z = place.tolist()
        else:
            found = self.floats("ImagePositionPatient") if self.groups else top.own.position
            if len(found) < 3:
                return None
            x, y, z = found[:3]
        return (x, y, z)

    @Shared
    def axes(self) -> FloatArray | None:
        """(2, 3) unit vectors of growing column and row; None where the header has no true pair."""
        flat = self.floats("ImageOrientationPatient")[:6]
        if len(flat) < 6 and nuclear.is_nuclear(self.instance.elements):
            found = nuclear.axes_of(self.instance.elements)
            flat = () if found is None else tuple(found.tolist())
        if len(flat) < 6:
            return None
        row, column = flat[:3], flat[3:]
        lengths = math.hypot(*row), math.hypot(*column)  # for six numbers NumPy's are slow
        product = lengths[0] * lengths[1]
        if min(lengths) < 0.5 or abs(sum(map(mul, row, column))) > 0.05 * product:
            return None
        return np.array([[v / lengths[0] for v in row], [v / lengths[1] for v in column]])

    @Shared
    def spacing(self) -> tuple[float, float] | None:
        """Pixel Spacing as (between rows, between columns) millimetres."""
        found = self.floats("PixelSpacing")
        return (found[0], found[1]) if len(found) >= 2 and min(found[:2]) > 0 else None

    @Shared
    def image_type(self) -> str:
        """Frame Type, or Image Type, in capitals."""
        return (self.text("FrameType") or self.text("ImageType")).upper()

    @Shared
    def is_projection(self) -> bool:
        """X-rays through the whole body: radiographs, and the scout of a CT."""
        modality = self.instance.elements.text("Modality").upper()
        if modality in PROJECTION_MODALITIES:
            return True
        return modality == "CT" and "LOCALIZER" in self.image_type.split("\\")

    @Shared
    def is_mosaic(self) -> bool:
        """Siemens, United Imaging: many slices tiled into one picture without their places."""
        top = self.instance.elements
        if self.tile is not None:
            return False
        kinds = self.image_type.split("\\")
        is_named = "MOSAIC" in kinds or "VFRAME" in kinds
        return is_named or bool(top.private(*MOSAIC_COUNT))

    @Shared
    def is_placeable(self) -> bool:
        """Whether the picture has a place in the patient if it has a position."""
        return not (
            self.is_projection or self.is_mosaic or self.axes is None or self.spacing is None
        )

    @Lazy
    def is_spatial(self) -> bool:
        """Whether the picture has a place in the patient."""
        return self.is_placeable and self.position is not None

    @Lazy
    def b_value(self) -> float | None:
        """Diffusion weighting in s/mm2, from the standard or a maker's private element."""
        found = self.floats("DiffusionBValue")
        if found:
            return found[0]
        for tag, creator, maker in PRIVATE_B_VALUES:
            private = self.instance.elements.private(tag, creator, maker)
            if private:
                # GE adds multiples of a million to flag its own processing.
                return private[0] % 1_000_000 if creator.startswith("GEMS") else private[0]
        return None

    @Lazy
    def instance_number(self) -> int | None:
        """Instance Number, None where it is absent."""
        found = self.instance.elements.own.number
        return None if found is None else int(found)

    @Lazy
    def order(self) -> tuple[float, str, str, int]:
        """Where the picture stands when positions do not tell (ladder of sorting without IPP)."""
        top = self.instance.elements
        number = self.instance_number
        time = top.text("AcquisitionTime") or top.text("ContentTime")
        return (number if number is not None else np.inf, time, self.instance.path, self.index)


# All that shared properties and the pixel type look at, besides functional groups.
_ALIKE_KEYWORDS = (
    "Rows", "Columns", "ImageOrientationPatient", "PixelSpacing", "FrameType", "ImageType",
    "Modality", "SamplesPerPixel", "BitsAllocated", "PixelRepresentation",
    "PhotometricInterpretation", "NumberOfFrames", "PresentationLUTShape",
)  # fmt: skip
_OWN_SEQUENCES = frozenset(map(tag_of, ("ModalityLUTSequence", "SequenceOfUltrasoundRegions")))
_ALIKE_TAGS = (
    *(tag_of(keyword) for keyword in _ALIKE_KEYWORDS),
    MOSAIC_COUNT[0],
    (MOSAIC_COUNT[0] & 0xFFFF0000) | 0x10,
)
_LIKENESS_TAGS = frozenset(_ALIKE_TAGS)
_COUNT_TAGS = frozenset((tag_of("NumberOfFrames"),))
_NUCLEAR_TAGS = frozenset((tag_of("NumberOfFrames"), tag_of("Modality")))


def with_twins(frames: Sequence[Frame]) -> Sequence[Frame]:
    """The frames, told for each the first one that says the same bytes about all but the place.

    What follows from those bytes is worked out once. Frames of which sequences say more, or vectors
    in nuclear medicine, are their own.
    """
    tops = [frame.instance.elements for frame in frames]
    twins: dict[Hashable, Frame] = {}
    last: Hashable = None
    for frame, said in zip(frames, worked_out(tops, _likeness, _LIKENESS_TAGS), strict=True):
        if said is None or frame.groups or frame.tile is not None:
            continue
        if said is not last:
            twin, last = twins.setdefault(said, frame), said
            is_placeable = twin.is_placeable
        if twin is not frame:
            at = frame.instance.elements.own.position[:3]
            is_placed = len(at) == 3
            # As `Lazy` does, without a dictionary being made of a frame's attributes.
            frame.twin = twin
            frame.position = at if is_placed else None  # type: ignore[assignment]
            frame.is_spatial = is_placeable and is_placed
    return frames


def _likeness(top: Elements) -> Hashable:
    """All but the place that a picture says of itself; None where a sequence may say more."""
    if not _OWN_SEQUENCES.isdisjoint(top.sequences) or nuclear.is_nuclear(top):
        return None
    return top.encoding, tuple(map(top.values.get, _ALIKE_TAGS))


def _nested(group: Elements, keywords: tuple[str, ...]) -> tuple[Elements, ...]:
    """The items of the named sequences of a group, inner ones first."""
    found: list[Elements] = []
    for keyword in keywords:
        for item in group.items(keyword):
            found.append(item)
            for inner in keywords:
                found[:0] = item.items(inner)
    return tuple(found)


def frames_of(instance: Instance) -> list[Frame]:
    """Every picture of an instance that can be there, in file order; at least one.

    A file that declares more frames than it has bytes for has only those that fit.
    """
    top = instance.elements
    if top.once(_is_single, _COUNT_TAGS):
        return [Frame(instance, 0)]
    count = top.integer("NumberOfFrames", 1)
    count = min(count, max(1, most_frames(instance))) if count > 1 else 1
    per_frame = top.items("PerFrameFunctionalGroupsSequence")
    shared = top.items("SharedFunctionalGroupsSequence")[:1]
    if not per_frame and not shared:
        return [Frame(instance, index) for index in range(count)]
    return [Frame(instance, index, per_frame[index : index + 1] + shared) for index in range(count)]


def frames_of_all(instances: Sequence[Instance]) -> list[Frame]:
    """As `frames_of`, of all files of a series."""
    single = worked_out([one.elements for one in instances], _is_single, _COUNT_TAGS)
    found: list[Frame] = []
    for instance, is_single in zip(instances, single, strict=True):
        if is_single:
            found.append(Frame(instance, 0))
        else:
            found.extend(frames_of(instance))
    return found


def _is_single(top: Elements) -> bool:
    has_groups = top.items("PerFrameFunctionalGroupsSequence") or top.items(
        "SharedFunctionalGroupsSequence"
    )
    return top.integer("NumberOfFrames", 1) <= 1 and not has_groups


def most_frames(instance: Instance) -> int:
    """How many frames the bytes of the file allow, begun ones counted."""
    top, place = instance.elements, instance.elements.pixels
    if place is None or instance.is_encapsulated:
        return instance.size // 8  # no fragment is shorter than its own header
    bits = top.integer("Rows") * top.integer("Columns") * max(1, top.integer("SamplesPerPixel", 1))
    bits *= max(1, top.integer("BitsAllocated", 1))
    return -(-min(place.length, instance.size - place.offset) * 8 // max(1, bits))

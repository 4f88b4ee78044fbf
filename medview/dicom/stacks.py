"""Frames of one series into stacks: what has one size, one direction and one place each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from medview.core.geometry import PatientPoint
from medview.core.study import FrameRef, Stack
from medview.core.words import Sentence, say
from medview.dicom.calibration import calibrate
from medview.dicom.elements import Elements
from medview.dicom.frames import FloatArray, Frame, with_twins
from medview.dicom.grid import SAME_PLACE_MM, Grid, flat_geometry, grid_of, normal_of
from medview.dicom.nuclear import is_nuclear, parts_of
from medview.dicom.pixel_format import pixel_format
from medview.dicom.saying import labelled, without_place
from medview.dicom.ultrasound import regions_of
from medview.dicom.values import values_of

_SAME_AXES = 2e-3  # difference of direction cosines, about a tenth of a degree
_MOST_DIMENSIONS = 6
_MOST_NAMED = 4
Notes = tuple[Sentence, ...]


@dataclass(frozen=True)
class Group:
    """Frames that may be a stack; `split_by` names what parts it from the rest of its series."""

    frames: list[Frame]
    split_by: tuple[str, ...] = ()
    notes: Notes = ()
    has_surplus: bool = False
    rank: int = 0  # of a volume that only the order of the images tells


def _first(*keywords: str) -> Callable[[Frame], Hashable]:
    def value(frame: Frame) -> Hashable:
        for keyword in keywords:
            found = frame.text(keyword)
            if found:
                return found
        return ""

    return value


def _direction(frame: Frame) -> Hashable:
    return tuple(round(v, 3) for v in frame.floats("DiffusionGradientOrientation"))


def _dimension(number: int) -> Callable[[Frame], Hashable]:
    """The place of an enhanced frame along one of the dimensions that its file declares."""

    def value(frame: Frame) -> Hashable:
        found = frame.floats("DimensionIndexValues")
        return found[number] if number < len(found) else ""

    return value


# What may tell the volumes of a 4-D series apart, in the order in which it is tried.
_VOLUME_TAGS: tuple[tuple[str, Callable[[Frame], Hashable]], ...] = (
    ("ImageType", lambda frame: frame.image_type),
    ("TemporalPosition", _first("TemporalPositionIdentifier", "TemporalPositionIndex")),
    ("DiffusionBValue", lambda frame: frame.b_value),
    ("DiffusionGradientOrientation", _direction),
    ("EchoTime", _first("EffectiveEchoTime", "EchoTime")),
    ("EchoNumbers", _first("EchoNumbers")),
    ("TriggerTime", _first("TriggerTime", "NominalCardiacTriggerDelayTime")),
    ("InversionTime", _first("InversionTime")),
    ("FlipAngle", _first("FlipAngle")),
    ("FrameReferenceTime", _first("FrameReferenceTime")),
    ("StackID", _first("StackID")),
    ("ConvolutionKernel", _first("ConvolutionKernel")),
    ("ContrastBolusAgent", _first("ContrastBolusAgent")),
    ("AcquisitionNumber", _first("FrameAcquisitionNumber", "AcquisitionNumber")),
    *((f"Dimension {n + 1}", _dimension(n)) for n in range(_MOST_DIMENSIONS)),
    ("AcquisitionTime", _first("AcquisitionTime")),
    ("ContentTime", _first("ContentTime")),
)


@dataclass(frozen=True)
class Beside:
    """What other files say of a series: notes on single files by path, real-world value maps."""

    notes: Mapping[str, Notes] = field(default_factory=dict)
    maps: Mapping[str, tuple[Elements, ...]] = field(default_factory=dict)


def stacks_of(frames: Sequence[Frame], beside: Beside) -> tuple[Stack, ...]:
    """The stacks of one series, in the order of their first pictures.

    Notes on files go to the stacks that show them.
    """
    groups: list[Group] = []
    for group in _by_kind(frames):
        if group.frames[0].is_spatial:
            for part in _by_frame_of_reference(group):
                groups.extend(_by_volume(part))
        else:
            groups.append(replace(group, frames=sorted(group.frames, key=lambda f: f.order)))
    if len(groups) > 1:
        groups.sort(key=lambda group: min(frame.order for frame in group.frames))
    return tuple(_stack(group, beside) for group in groups)


def _by_kind(frames: Sequence[Frame]) -> list[Group]:
    """Parts of one size, pixel type, direction, image type and pixel spacing."""
    directions: list[FloatArray] = []
    parts: dict[tuple[Hashable, ...], list[Frame]] = defaultdict(list)
    kinds: dict[Frame, tuple[Hashable, ...]] = {}
    for frame, twin in zip(frames, with_twins(frames), strict=True):
        if frame.is_spatial and twin.is_spatial:
            # Nothing but the place tells these two apart.
            if twin not in kinds:
                kinds[twin] = _kind(twin, directions)
            parts[kinds[twin]].append(frame)
        else:
            parts[_kind(frame, directions)].append(frame)
    names = ("picture", "size", "pixel type", "orientation", "ImageType", "PixelSpacing",
             "nuclear")  # fmt: skip
    varying = tuple(
        name for index, name in enumerate(names) if len({key[index] for key in parts}) > 1
    )
    return [Group(part, varying) for part in parts.values()]


def _kind(frame: Frame, directions: list[FloatArray]) -> tuple[Hashable, ...]:
    top = frame.instance.elements
    is_own = frame.is_projection or (not frame.is_spatial and top.integer("NumberOfFrames", 1) > 1)
    pixel_type = (
        top.integer("SamplesPerPixel", 1),
        top.integer("BitsAllocated"),
        top.integer("PixelRepresentation"),
        top.text("PhotometricInterpretation"),
    )
    spacing = tuple(round(v, 4) for v in frame.spacing or ())
    return (
        frame.instance.path if is_own else frame.is_spatial,
        frame.size,
        pixel_type,
        _direction_number(frame, directions),
        # The first three values; a maker's later ones count where they part pictures of one place.
        tuple(frame.image_type.split("\\")[:3]) if frame.is_spatial else (),
        spacing,
        parts_of(top, frame.index) if is_nuclear(top) else (),
    )


def _direction_number(frame: Frame, directions: list[FloatArray]) -> int:
    """Which of the directions seen so far this frame has; a new one is added."""
    axes = frame.axes
    if axes is None or not frame.is_spatial:
        return -1
    for number, known in enumerate(directions):
        if np.abs(known - axes).max() <= _SAME_AXES:
            return number
    directions.append(axes)
    return len(directions) - 1


def _by_frame_of_reference(group: Group) -> list[Group]:
    """One part a frame of reference, unless all of them make one grid.

    Anonymisers and archives rewrite these UIDs: where no two pictures share a place and the steps
    are even over all of them, the UID alone parts nothing.
    """
    parts: dict[str, list[Frame]] = defaultdict(list)
    for frame in group.frames:
        parts[frame.instance.elements.text("FrameOfReferenceUID")].append(frame)
    if len(parts) == 1:
        return [group]
    is_each = all(len(part) == 1 for part in parts.values())
    if is_each or _is_one_grid(group.frames):
        said = say(
            "Every picture names another frame of reference; all else agrees: shown as one stack."
        ) if is_each else say(
            "The pictures name {count} frames of reference; all else agrees: shown as one stack.",
            count=len(parts),
        )  # fmt: skip
        return [replace(group, notes=(*group.notes, said))]
    split_by = (*group.split_by, "FrameOfReferenceUID")
    return [replace(group, frames=part, split_by=split_by) for part in parts.values()]


def _is_one_grid(frames: Sequence[Frame]) -> bool:
    """Whether the frames lie at one place each, in even steps on one line."""
    if max(_places(frames)) + 1 < len(frames):
        return False
    grid, _ = _spatial_grid(Group(list(frames)))
    return grid.verdict in ("regular", "tilted")


def _places(frames: Sequence[Frame]) -> list[int]:
    """A number for each frame's place along the normal; equal where two lie at one place."""
    first = frames[0].axes
    assert first is not None  # noqa: S101 - only spatial groups come here
    normal = normal_of(first)
    along = np.array([frame.position for frame in frames], float) @ normal
    order = np.argsort(along, kind="stable")
    steps = np.concatenate(([0], (np.diff(along[order]) > SAME_PLACE_MM).cumsum()))
    places = np.empty(len(frames), int)
    places[order] = steps
    return [int(place) for place in places]


def _by_volume(group: Group) -> list[Group]:
    """Parts in which no two frames lie at one place."""
    places = _places(group.frames)
    count = max(places) + 1
    if count == len(places):
        return [group]
    if count == 1:
        said = say("All {count} pictures lie at one position.", count=len(places))
        frames = sorted(group.frames, key=lambda frame: frame.order)
        return [replace(group, frames=frames, notes=(*group.notes, said), has_surplus=True)]
    for name, value_of in _VOLUME_TAGS:
        parts = _parts(group.frames, places, value_of)
        if parts is not None:
            split_by = (*group.split_by, name)
            return [
                small
                for part in parts
                for small in _by_volume(replace(group, frames=part, split_by=split_by))
            ]
    return _by_rank(group, places)


def _parts(
    frames: Sequence[Frame], places: Sequence[int], value_of: Callable[[Frame], Hashable]
) -> list[list[Frame]] | None:
    """Frames by value, if every value stands at every place equally often; else None."""
    parts: dict[Hashable, list[int]] = defaultdict(list)
    for index, frame in enumerate(frames):
        parts[value_of(frame)].append(index)
    if len(parts) < 2:
        return None
    count = max(places) + 1
    for part in parts.values():
        at = [places[index] for index in part]
        if len(set(at)) != count or len(at) % count:
            return None
    ordered = sorted(parts.items(), key=lambda item: _sortable(item[0]))
    return [[frames[index] for index in part] for _, part in ordered]


def _sortable(value: Hashable) -> tuple[float, str]:
    try:
        return (float(str(value)), "")
    except ValueError:
        return (np.inf, str(value))


def _by_rank(group: Group, places: Sequence[int]) -> list[Group]:
    """Nothing tells the volumes apart: first pictures of each place, second ones, and so on."""
    at_place: dict[int, list[Frame]] = defaultdict(list)
    for frame, place in zip(group.frames, places, strict=True):
        at_place[place].append(frame)
    ranked: dict[int, list[Frame]] = defaultdict(list)
    for frames in at_place.values():
        for rank, frame in enumerate(sorted(frames, key=lambda frame: frame.order)):
            ranked[rank].append(frame)
    is_even = len({len(part) for part in ranked.values()}) == 1
    notes = group.notes
    if not is_even:
        said = say(
            "Some positions hold more pictures than others; the surplus is a stack of its own."
        )
        doubled = [at for at, frames in sorted(at_place.items()) if len(frames) > 1]
        named = ", ".join(
            "{}: {}".format(
                _millimetres(at_place[at][0]),
                " + ".join(str(f.instance_number) for f in at_place[at] if f.instance_number),
            )
            for at in doubled[:_MOST_NAMED]
        )
        notes = (*notes, said, say("More than one image lies at {named}.", named=named))
    else:
        said = say("Only the order of the images tells the {count} volumes apart.",
                   count=len(ranked))  # fmt: skip
        notes = (*notes, said)
    return [
        Group(part, (*group.split_by, "InstanceNumber"), notes, not is_even, rank + 1)
        for rank, part in ranked.items()
    ]


def _millimetres(frame: Frame) -> str:
    """Where a slice lies along the patient's axis that its normal is nearest to."""
    assert frame.axes is not None  # noqa: S101 - only spatial groups come here
    axis = int(np.abs(normal_of(frame.axes)).argmax())
    return f"{'xyz'[axis]} {_place_of(frame)[axis]:.1f} mm"


def _stack(group: Group, beside: Beside) -> Stack:
    notes: list[Sentence] = list(group.notes)
    first = group.frames[0]
    if first.is_spatial:
        grid, frames = _spatial_grid(group)
        calibration = "patient"
    else:
        frames = group.frames
        spacing, calibration, said = calibrate(first)
        verdict = "projection" if first.is_projection else "not-spatial"
        said = (*said, *without_place(first, len(frames)))
        grid = Grid(flat_geometry(len(frames), first.size, spacing), verdict, 0.0, said)
    notes.extend(grid.notes)
    for path in dict.fromkeys(frame.instance.path for frame in frames):
        notes.extend(beside.notes.get(path, ()))
    top = frames[0].instance.elements
    values = values_of(frames, beside.maps)
    notes.extend(values.notes)
    return Stack(
        frames=tuple(_reference(frame) for frame in frames),
        geometry=grid.geometry,
        verdict=grid.verdict,
        tilt_deg=grid.tilt_deg,
        unit=values.unit,
        factor=values.factor,
        values_said=values.said,
        scales=values.scales,
        split_by=", ".join(group.split_by) or None,
        transfer_syntax=frames[0].instance.syntax,
        photometric=top.text("PhotometricInterpretation"),
        stored_type=str(pixel_format(frames[0].instance).dtype),
        frame_of_reference_uid=top.text("FrameOfReferenceUID"),
        notes=tuple({note.english(): note for note in notes}.values()),
        badges=_badges(frames, grid),
        calibration=calibration,
        regions=regions_of(top)[0] if calibration == "US" else (),
        label=_label(group),
    )


def _label(group: Group) -> Sentence | None:
    """What parts a group from the rest of its series, as few words as there can be."""
    said = [labelled(name, group.frames[0], value_of) for name, value_of in _VOLUME_TAGS
            if name in group.split_by]  # fmt: skip
    if group.rank:
        said.append(say("volume {number}", number=group.rank))
    told = [one for one in said if one is not None]
    if not told:
        return None
    return told[0] if len(told) == 1 else say("{one}, {other}", one=told[0], other=told[1])


def _spatial_grid(group: Group) -> tuple[Grid, list[Frame]]:
    first = group.frames[0]
    axes, spacing = first.axes, first.spacing
    assert axes is not None  # noqa: S101 - is_spatial says so
    assert spacing is not None  # noqa: S101 - is_spatial says so
    is_one_place = group.has_surplus and max(_places(group.frames)) == 0
    frames = list(group.frames)
    if is_one_place:
        grid = grid_of(axes, np.array([first.position]), first.size, spacing, _thick(frames[:1]))
        geometry = replace(grid.geometry, shape=(len(frames), *first.size))
        verdict = "duplicates" if len(frames) > 1 or group.has_surplus else "single"
        return replace(grid, geometry=geometry, verdict=verdict), frames
    normal = normal_of(axes)
    places = np.array([_place_of(frame) for frame in frames])
    order = np.argsort(places @ normal, kind="stable")
    frames, positions = [frames[n] for n in order], places[order]
    grid = grid_of(axes, positions, first.size, spacing, _thick(frames))
    return (replace(grid, verdict="duplicates") if group.has_surplus else grid), frames


def _thick(frames: Sequence[Frame]) -> FloatArray:
    """Slice Thickness of each frame, 0 where it is unknown."""
    found = [next(iter(frame.floats("SliceThickness")), 0.0) for frame in frames]
    return np.asarray(np.maximum(np.array(found, float), 0.0), np.float64)


def _place_of(frame: Frame) -> FloatArray:
    assert frame.position is not None  # noqa: S101 - is_spatial says so
    return frame.position


def _reference(frame: Frame) -> FrameRef:
    place = frame.position if frame.is_spatial else None
    return FrameRef(
        path=frame.instance.path,
        frame=frame.index,
        tile=None if frame.tile is None else (frame.tile.row, frame.tile.column),
        sop_instance_uid=frame.instance.elements.text("SOPInstanceUID"),
        instance_number=frame.instance_number,
        position=None if place is None else PatientPoint(*(float(v) for v in place)),
    )


def _badges(frames: Sequence[Frame], grid: Grid) -> tuple[str, ...]:
    top = frames[0].instance.elements
    badges = {
        "LOSSY": any(
            frame.instance.elements.text("LossyImageCompression") == "01" for frame in frames
        ),
        "BURNED-IN": top.text("BurnedInAnnotation").upper() == "YES",
        "DERIVED": frames[0].image_type.startswith("DERIVED"),
        "TILT": grid.tilt_deg > 0,
        "UNEVEN": grid.verdict == "non-uniform",
        "GAPS": bool(grid.geometry.gaps),
        "MOSAIC": frames[0].tile is not None,
    }
    return tuple(badge for badge, holds in badges.items() if holds)

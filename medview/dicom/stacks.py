"""Frames of one series into stacks: what has one size, one direction and one place each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from medview.core.geometry import PatientPoint
from medview.core.study import FrameRef, Projection, Stack
from medview.core.words import Sentence, say
from medview.dicom.calibration import calibrate
from medview.dicom.damage import is_damaged
from medview.dicom.elements import Elements, one_of_each, say_alike, worked_out
from medview.dicom.frames import FloatArray, Frame
from medview.dicom.grid import Grid, flat_geometry, grid_of, normal_of
from medview.dicom.keywords import tag_of
from medview.dicom.modality import is_inverse, table_type
from medview.dicom.nuclear import is_nuclear, parts_of
from medview.dicom.pixel_format import pixel_format
from medview.dicom.projections import lossy_ratio, projection_of
from medview.dicom.saying import without_place
from medview.dicom.splitting import Group, Notes, by_volume, label_of, places_of, positions_of
from medview.dicom.timing import frame_times, seconds_of
from medview.dicom.ultrasound import regions_of
from medview.dicom.values import mixed_values, values_of

_SAME_AXES = 2e-3  # difference of direction cosines, about a tenth of a degree


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
                groups.extend(by_volume(part))
        else:
            groups.append(replace(group, frames=sorted(group.frames, key=lambda f: f.order)))
    if len(groups) > 1:
        groups.sort(key=lambda group: min(frame.order for frame in group.frames))
    return tuple(_stack(group, beside) for group in groups)


def _by_kind(frames: Sequence[Frame]) -> list[Group]:
    """Parts of one size, pixel type, direction, image type and pixel spacing."""
    directions: list[FloatArray] = []
    parts: dict[tuple[Hashable, ...], list[Frame]] = defaultdict(list)
    last: Frame | None = None  # the twin of the frame before
    for frame in frames:
        twin = frame.twin
        if frame.is_spatial and twin.is_spatial:
            # Nothing but the place tells these two apart.
            if twin is not last:
                part, last = parts[_kind(twin, directions)], twin
            part.append(frame)
        else:
            parts[_kind(frame, directions)].append(frame)
    names = ("picture", "size", "pixel type", "orientation", "ImageType", "PixelSpacing",
             "nuclear", "ultrasound regions")  # fmt: skip
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
        # Neither is kept slice by slice: a volume goes through tables or through none.
        table_type(top),
        is_inverse(top),
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
        # What a pixel is worth is told for the whole stack.
        regions_of(top)[0] if top.has("SequenceOfUltrasoundRegions") else (),
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
    if len(group.frames) == 1:
        return [group]
    tops = [frame.instance.elements for frame in group.frames]
    if say_alike(tops, _frame_of_reference, _REFERENCE_TAGS):
        return [group]
    references = worked_out(tops, _frame_of_reference, _REFERENCE_TAGS)
    parts: dict[str, list[Frame]] = defaultdict(list)
    for reference, frame in zip(references, group.frames, strict=True):
        parts[reference].append(frame)
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


_REFERENCE_TAGS = frozenset((tag_of("FrameOfReferenceUID"),))


def _frame_of_reference(top: Elements) -> str:
    return top.text("FrameOfReferenceUID")


def _is_one_grid(frames: Sequence[Frame]) -> bool:
    """Whether the frames lie at one place each, in even steps on one line."""
    if max(places_of(frames)) + 1 < len(frames):
        return False
    grid, _ = _spatial_grid(Group(list(frames)))
    return grid.verdict in ("regular", "tilted")


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
    if beside.notes:
        for path in dict.fromkeys(frame.instance.path for frame in frames):
            notes.extend(beside.notes.get(path, ()))
    top = frames[0].instance.elements
    taken = None if first.is_spatial else projection_of(frames[0])
    tops = [frame.instance.elements for frame in frames]
    values = values_of(frames, tops, beside.maps)
    notes.extend(values.notes)
    notes.extend(mixed_values(frames, tops))
    return Stack(
        frames=tuple(_references(frames)),
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
        badges=_badges(frames[0], tops, grid, notes),
        calibration=calibration,
        regions=regions_of(top)[0] if calibration == "US" else (),
        label=label_of(group) or _film_label(taken),
        projection=taken,
        lossy_ratio=lossy_ratio(top),
        seconds=seconds_of(frames[0]),
        frame_ms=frame_times(top, len(frames)),
    )


def _film_label(taken: Projection | None) -> Sentence | None:
    """Films of one series are told apart by what they are marked with."""
    return say("{text}", text=taken.title) if taken is not None and taken.title else None


def _spatial_grid(group: Group) -> tuple[Grid, list[Frame]]:
    first = group.frames[0]
    axes, spacing = first.axes, first.spacing
    assert axes is not None  # noqa: S101 - is_spatial says so
    assert spacing is not None  # noqa: S101 - is_spatial says so
    if len(group.frames) == 1 and not group.has_surplus:
        place = np.array([first.position])
        return grid_of(axes, place, first.size, spacing, _thick(group.frames)), group.frames
    is_one_place = group.has_surplus and max(places_of(group.frames)) == 0
    frames = list(group.frames)
    if is_one_place:
        grid = grid_of(axes, np.array([first.position]), first.size, spacing, _thick(frames[:1]))
        geometry = replace(grid.geometry, shape=(len(frames), *first.size))
        verdict = "duplicates" if len(frames) > 1 or group.has_surplus else "single"
        return replace(grid, geometry=geometry, verdict=verdict), frames
    normal = normal_of(axes)
    places = positions_of(frames)
    order = np.argsort(places @ normal, kind="stable")
    frames, positions = [frames[n] for n in order.tolist()], places[order]
    grid = grid_of(axes, positions, first.size, spacing, _thick(frames))
    return (replace(grid, verdict="duplicates") if group.has_surplus else grid), frames


_THICKNESS_TAGS = frozenset((tag_of("SliceThickness"),))


def _thickness(top: Elements) -> float:
    return next(iter(top.floats("SliceThickness")), 0.0)


def _thick(frames: Sequence[Frame]) -> FloatArray:
    """Slice Thickness of each frame, 0 where it is unknown."""
    if any(frame.groups for frame in frames):
        found = [next(iter(frame.floats("SliceThickness")), 0.0) for frame in frames]
    else:
        tops = [frame.instance.elements for frame in frames]
        found = worked_out(tops, _thickness, _THICKNESS_TAGS)
    return np.asarray(np.maximum(np.array(found, float), 0.0), np.float64)


def _references(frames: Sequence[Frame]) -> Iterator[FrameRef]:
    made = tuple.__new__  # as `_make`, which counts the fields again
    for frame in frames:
        instance, tile = frame.instance, frame.tile
        place = frame.position if frame.is_spatial else None
        uid, number, _ = instance.elements.own
        yield made(FrameRef, (
            instance.path,
            frame.index,
            None if tile is None else (tile.row, tile.column),
            uid,
            None if number is None else int(number),
            None if place is None else made(PatientPoint, place),
        ))  # fmt: skip


_LOSSY_TAGS = frozenset((tag_of("LossyImageCompression"),))


def _is_lossy(top: Elements) -> bool:
    return top.text("LossyImageCompression") == "01"


def _badges(
    first: Frame, tops: Sequence[Elements], grid: Grid, notes: Iterable[Sentence]
) -> tuple[str, ...]:
    top = tops[0]
    badges = {
        "DAMAGED": is_damaged(notes),
        "LOSSY": any(map(_is_lossy, one_of_each(tops, _LOSSY_TAGS))),
        "BURNED-IN": top.text("BurnedInAnnotation").upper() == "YES",
        "DERIVED": first.image_type.startswith("DERIVED"),
        "TILT": grid.tilt_deg > 0,
        "UNEVEN": grid.verdict == "non-uniform",
        "GAPS": bool(grid.geometry.gaps),
        "MOSAIC": first.tile is not None,
    }
    return tuple(badge for badge, holds in badges.items() if holds)

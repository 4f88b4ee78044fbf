"""The volumes of a 4-D series: what tells pictures of one place apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from medview.core.words import Sentence, say
from medview.dicom.frames import FloatArray, Frame
from medview.dicom.grid import SAME_PLACE_MM, normal_of
from medview.dicom.saying import labelled

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


def places_of(frames: Sequence[Frame]) -> list[int]:
    """A number for each frame's place along the normal; equal where two lie at one place."""
    first = frames[0].axes
    assert first is not None  # noqa: S101 - only spatial groups come here
    normal = normal_of(first)
    along = positions_of(frames) @ normal
    order = np.argsort(along, kind="stable")
    steps = np.concatenate(([0], (np.diff(along[order]) > SAME_PLACE_MM).cumsum()))
    places = np.empty(len(frames), int)
    places[order] = steps
    return places.tolist()


def by_volume(group: Group) -> list[Group]:
    """Parts in which no two frames lie at one place."""
    if len(group.frames) == 1:
        return [group]
    places = places_of(group.frames)
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
                for small in by_volume(replace(group, frames=part, split_by=split_by))
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
    return f"{'xyz'[axis]} {place_of(frame)[axis]:.1f} mm"


def positions_of(frames: Sequence[Frame]) -> FloatArray:
    """(n, 3) positions of frames that are spatial."""
    flat = chain.from_iterable(map(place_of, frames))
    return np.fromiter(flat, np.float64, 3 * len(frames)).reshape(-1, 3)


def place_of(frame: Frame) -> tuple[float, float, float]:
    """The position of a frame that is spatial."""
    assert frame.position is not None  # noqa: S101 - is_spatial says so
    return frame.position


def label_of(group: Group) -> Sentence | None:
    """What parts a group from the rest of its series, as few words as there can be."""
    said = [labelled(name, group.frames[0], value_of) for name, value_of in _VOLUME_TAGS
            if name in group.split_by]  # fmt: skip
    if group.rank:
        said.append(say("volume {number}", number=group.rank))
    told = [one for one in said if one is not None]
    if not told:
        return None
    return told[0] if len(told) == 1 else say("{one}, {other}", one=told[0], other=told[1])

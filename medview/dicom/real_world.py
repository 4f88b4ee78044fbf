"""Real-world value maps: stored values in a unit of their own (PS3.3 C.7.6.16.2.11)."""

from __future__ import annotations

from collections.abc import Sequence

from medview.core.study import ValueScale
from medview.core.words import Sentence, say
from medview.dicom.elements import Elements, one_of_each
from medview.dicom.frames import Frame
from medview.dicom.modality import rescale_of

Scales = tuple[ValueScale, ...]


def real_world_scales(
    frames: Sequence[Frame],
    tops: Sequence[Elements],
    outside: dict[str, tuple[Elements, ...]],
) -> tuple[Scales, tuple[Sentence, ...]]:
    """The maps that hold for every frame, from modality values, and what is to be said.

    tops: the header of each frame. outside: items of Real World Value Mapping objects by the SOP
    Instance UID that they refer to.
    A map that differs from frame to frame is left out with a sentence: no number can be given for
    the stack.
    """
    kinds = one_of_each(tops, frozenset())
    has_maps = any(top.items("RealWorldValueMappingSequence") for top in kinds)
    if not outside and not has_maps and not any(frame.groups for frame in frames):
        return (), ()
    found = [_scales(frame, outside) for frame in frames]
    if not any(found):
        return (), ()
    common = tuple(
        scale for scale in found[0] if all(any(scale.is_like(o) for o in one) for one in found)
    )
    known = {scale.unit for scale in common}
    lost = dict.fromkeys(s.unit or "1" for one in found for s in one if s.unit not in known)
    said = (
        say("Real-world values in {unit} differ from image to image and are not shown.", unit=unit)
        for unit in lost
    )
    return common, tuple(said)


def _scales(frame: Frame, outside: dict[str, tuple[Elements, ...]]) -> Scales:
    items = [
        *frame.holder("RealWorldValueMappingSequence").items("RealWorldValueMappingSequence"),
        *outside.get(frame.instance.elements.text("SOPInstanceUID"), ()),
    ]
    scales = [scale for item in items if (scale := _scale(frame, item)) is not None]
    return tuple({scale.unit: scale for scale in scales}.values())


def _scale(frame: Frame, item: Elements) -> ValueScale | None:
    """value = slope * stored + intercept, or one of a table, told from modality values.

    None where neither is there.
    """
    slope, intercept = item.number("RealWorldValueSlope"), item.number("RealWorldValueIntercept")
    units = item.items("MeasurementUnitsCodeSequence")
    entries = item.floats("RealWorldValueLUTData")
    if not units or not (slope or entries):
        return None
    rise, base = rescale_of(frame)
    ends = [_end(item, which) for which in ("First", "Last")]
    low, high = sorted(rise * end + base for end in ends) if None not in ends else (None, None)  # type: ignore[operator]
    table = () if slope else _table(entries, ends, is_falling=rise < 0)
    if not slope and not table:
        return None
    code = units[0].text("CodeValue")
    name = item.text("LUTExplanation") or item.text("LUTLabel")
    return ValueScale(
        unit=_SHOWN.get(code, code),
        factor=slope / rise if slope else 1.0,
        offset=(intercept or 0.0) - slope / rise * base if slope else 0.0,
        table=table,
        low=low,
        high=high,
        said=say("{unit}: {name}, by the file's real-world value map.", unit=code, name=name),
    )


def _table(
    entries: tuple[float, ...], ends: Sequence[float | None], *, is_falling: bool
) -> tuple[float, ...]:
    """Real World Value LUT Data (0040,9212) by growing modality value; none where its length is
    not that of the values mapped."""
    first, last = ends
    if first is None or last is None or len(entries) != last - first + 1:
        return ()
    return entries[::-1] if is_falling else entries


def _end(item: Elements, which: str) -> float | None:
    """First or last value mapped; a number whatever the VR."""
    exact = item.number(f"DoubleFloatRealWorldValue{which}ValueMapped")
    return item.number(f"RealWorldValue{which}ValueMapped") if exact is None else exact


_SHOWN = {"{SUVbw}g/ml": "SUVbw", "{SUVlbm}g/ml": "SUVlbm", "{SUVbsa}cm2/ml": "SUVbsa", "1": ""}


def maps_by_image(objects: Sequence[Elements]) -> dict[str, tuple[Elements, ...]]:
    """Items of Real World Value Mapping objects by the image that they are about."""
    found: dict[str, tuple[Elements, ...]] = {}
    for top in objects:
        for group in top.items("ReferencedImageRealWorldValueMappingSequence"):
            maps = group.items("RealWorldValueMappingSequence")
            for image in group.items("ReferencedImageSequence"):
                uid = image.text("ReferencedSOPInstanceUID")
                if uid:
                    found[uid] = (*found.get(uid, ()), *maps)
    return found

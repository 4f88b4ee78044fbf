"""What the numbers of a stack mean: unit, SUV, real-world values; what its pictures differ in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from medview.core.study import ValueScale
from medview.core.words import Sentence, say
from medview.dicom.elements import Elements, say_alike
from medview.dicom.frames import Frame
from medview.dicom.keywords import RESCALE_TAGS, tag_of
from medview.dicom.modality import padding_of, unit_of
from medview.dicom.pixel_format import FORMAT_TAGS, format_of
from medview.dicom.real_world import real_world_scales
from medview.dicom.suv import NoSuv, suv_of


@dataclass(frozen=True, kw_only=True)
class Values:
    """unit and factor of modality values as they are shown and whence, other scales, notes."""

    unit: str
    factor: float = 1.0
    said: Sentence | None = None
    scales: tuple[ValueScale, ...] = ()
    notes: tuple[Sentence, ...] = ()


def values_of(
    frames: Sequence[Frame], tops: Sequence[Elements], maps: Mapping[str, tuple[Elements, ...]]
) -> Values:
    """The values of a stack: PET as SUVbw where all that it needs is there, else as stored.

    tops: the header of each frame.
    """
    unit = unit_of(frames[0])
    mapped, notes = real_world_scales(frames, tops, dict(maps))
    if tops[0].text("Modality").upper() != "PT":
        return Values(unit=unit, scales=mapped, notes=notes)
    try:
        suv = suv_of(frames, mapped)
    except NoSuv as reason:
        return Values(unit=unit, scales=mapped, notes=(*notes, reason.args[0]))
    known = {suv.main.unit, *(scale.unit for scale in suv.more)}
    others = [s.after(suv.main.factor) for s in mapped if s.unit not in known]
    raw = [] if unit in ("", "g/mL") else [ValueScale(unit=unit, factor=1 / suv.main.factor)]
    return Values(
        unit=suv.main.unit,
        factor=suv.main.factor,
        said=suv.main.said,
        scales=(*suv.more, *raw, *others),
        notes=(*notes, *suv.notes),
    )


def mixed_values(frames: Sequence[Frame], tops: Sequence[Elements]) -> Iterator[Sentence]:
    """What is to be said where pictures of one stack differ in what is kept once for all.

    tops: the header of each frame.
    """
    plain = tops
    if any(frame.groups for frame in frames):
        plain = [top for top, frame in zip(tops, frames, strict=True) if not frame.groups]
    if not say_alike(plain, _padding, _PADDING_TAGS):
        yield say(
            "The pictures name different padding: the first one's is left out of sums in all."
        )
    if _are_units_mixed(frames, tops):
        yield say(
            "The pictures give their values in different units: the first one's is shown for all."
        )
    if not say_alike(plain, _has_rescale, _RESCALE_TAGS):
        bare = sum(not _has_rescale(top) for top in plain)
        yield say(
            "{count} of {all} pictures lack the rescale of the others: their values have no unit.",
            count=bare,
            all=len(plain),
        )


def _are_units_mixed(frames: Sequence[Frame], tops: Sequence[Elements]) -> bool:
    if say_alike(tops, _unit_words, _UNIT_TAGS):
        return False
    by_words = dict(zip(map(_unit_words, tops), frames, strict=True))
    return len(set(map(unit_of, by_words.values()))) > 1


_PADDING_TAGS = frozenset((*FORMAT_TAGS, *(
    tag_of(f"{kind}PixelPadding{end}")
    for kind in ("", "Float", "DoubleFloat") for end in ("Value", "RangeLimit")
)))  # fmt: skip
_RESCALE_TAGS = frozenset(RESCALE_TAGS[:-1])  # without the private block that holds them


_UNIT_TAGS = frozenset(map(tag_of, ("Modality", "RescaleType", "Units", "SOPClassUID")))


def _unit_words(top: Elements) -> frozenset[tuple[int, str, bytes]]:
    return frozenset((tag, *top.values.get(tag, ("", b""))) for tag in _UNIT_TAGS)


def _padding(top: Elements) -> tuple[float, float] | None:
    form = format_of(top)
    return None if form.samples > 1 else padding_of(top, form)


def _has_rescale(top: Elements) -> bool:
    return not _RESCALE_TAGS.isdisjoint(top.values)

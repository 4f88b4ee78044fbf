"""What the numbers of a stack mean: unit, SUV, real-world values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medview.core.study import ValueScale
from medview.core.words import Sentence
from medview.dicom.elements import Elements
from medview.dicom.frames import Frame
from medview.dicom.modality import unit_of
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


def values_of(frames: Sequence[Frame], maps: Mapping[str, tuple[Elements, ...]]) -> Values:
    """The values of a stack: PET as SUVbw where all that it needs is there, else as stored."""
    unit = unit_of(frames[0])
    mapped, notes = real_world_scales(frames, dict(maps))
    if frames[0].instance.elements.text("Modality").upper() != "PT":
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

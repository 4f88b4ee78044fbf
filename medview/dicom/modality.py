"""From stored values to modality values: rescale, tables, padding, windows, unit (PS3.3 C.11)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medview.core.volume import FileWindow, VoiTable
from medview.dicom.elements import Elements
from medview.dicom.frames import Frame
from medview.dicom.keywords import PHILIPS_MR_SCALE, RESCALE_TAGS
from medview.dicom.pixel_format import PixelFormat

_UNIT_OF_PET = {
    "BQML": "Bq/mL", "CNTS": "{counts}", "CPS": "{counts}/s", "GML": "g/mL", "CM2ML": "cm2/mL",
    "PROPCNTS": "", "PROPCPS": "", "PCNT": "%", "1CM": "/cm", "MLMING": "mL/min/g",
}  # fmt: skip
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def unit_of(frame: Frame) -> str:
    """UCUM-like word for modality values: HU for CT, the PET unit, Rescale Type; "" for none."""
    top = frame.instance.elements
    modality, kind = top.text("Modality").upper(), frame.text("RescaleType").upper()
    if frame.is_projection or top.integer("SamplesPerPixel", 1) > 1:
        return ""
    if modality == "PT":
        return _UNIT_OF_PET.get(top.text("Units").upper(), "")
    if modality == "CT" and kind in ("", "HU") and not _is_rescale_whole(frame):
        return ""
    if kind and kind not in ("US", "UNSPECIFIED", "NORMALIZED"):
        return "HU" if kind == "HU" else frame.text("RescaleType").strip()
    is_capture = top.text("SOPClassUID").startswith(_SECONDARY_CAPTURE)
    return "HU" if modality == "CT" and not is_capture and not kind else ""


def _is_rescale_whole(frame: Frame) -> bool:
    """Whether values can be HU: a slope alone, or one of 0, leaves them in nobody's unit."""
    slope, said = frame.floats("RescaleSlope"), frame.text("RescaleSlope").strip()
    return bool(frame.floats("RescaleIntercept")) and (slope[:1] != (0.0,) if slope else not said)


def rescale_of(frame: Frame) -> tuple[float, float]:
    """Slope and intercept; a slope of 0 means that none was meant.

    The standard's rescale comes first. Where a Philips MR file lacks it, its private floating
    point scale holds: value = (stored - intercept) / slope (Chenevert 2014,
    doi:10.1593/tlo.13811, with the display slope 1 and intercept 0 that such files imply).
    """
    top = frame.instance.elements
    return _rescale(frame, top) if frame.groups else top.once(_rescale_of_all, _RESCALE_TAGS)


_RESCALE_TAGS = frozenset(RESCALE_TAGS)


def _rescale_of_all(top: Elements) -> tuple[float, float]:
    """What holds for every frame of a file without functional groups."""
    return _rescale(top, top)


def _rescale(said: Frame | Elements, top: Elements) -> tuple[float, float]:
    if not said.floats("RescaleSlope"):
        private = _philips_scale(top)
        if private is not None:
            return private
    slope = (said.floats("RescaleSlope") or (1.0,))[0]
    intercept = (said.floats("RescaleIntercept") or (0.0,))[0]
    return (slope if slope else 1.0, intercept)


def _philips_scale(top: Elements) -> tuple[float, float] | None:
    slope_tag, intercept_tag, creator = PHILIPS_MR_SCALE
    slope, intercept = (top.private(tag, creator)[:1] for tag in (slope_tag, intercept_tag))
    if not slope or not np.isfinite(slope[0]) or slope[0] == 0:
        return None
    return 1.0 / slope[0], -(intercept[0] if intercept else 0.0) / slope[0]


def padding_of(top: Elements, form: PixelFormat) -> tuple[float, float] | None:
    """Stored values, low and high, that are no image; in the stored type's own sign."""
    if form.is_float:
        kind = "DoubleFloat" if form.bits_allocated == 64 else "Float"
        value, limit = (top.number(f"{kind}PixelPadding{end}") for end in ("Value", "RangeLimit"))
        return _ordered(value, limit)
    value, limit = (
        _stored(top, "PixelPaddingValue", form),
        _stored(top, "PixelPaddingRangeLimit", form),
    )
    return _ordered(value, limit)


def _ordered(value: float | None, limit: float | None) -> tuple[float, float] | None:
    if value is None:
        return None
    other = value if limit is None else limit
    return (min(value, other), max(value, other))


def _stored(top: Elements, keyword: str, form: PixelFormat) -> float | None:
    """A US-or-SS value: the bits are those of a stored value, whatever VR was written."""
    value = top.number(keyword)
    if value is None:
        return None
    bits = max(16, form.bits_allocated)
    if form.is_signed and value >= 1 << (bits - 1):
        return value - (1 << bits)
    if not form.is_signed and value < 0:
        return value + (1 << bits)
    return value


def windows_of(frame: Frame) -> tuple[FileWindow, ...]:
    """Every window of the file whose width is legal (C.11.2.1.2), as its own frame says it."""
    centres, widths = frame.floats("WindowCenter"), frame.floats("WindowWidth")
    names = frame.text("WindowCenterWidthExplanation").split("\\")
    is_exact = voi_function_of(frame) != "LINEAR"
    pairs = []
    for index, (centre, width) in enumerate(zip(centres, widths, strict=False)):
        if width >= 1 or (is_exact and width > 0):
            name = names[index].strip() if index < len(names) else ""
            pairs.append((centre, width, name))
    return tuple(pairs)


def scaled(windows: tuple[FileWindow, ...], factor: float) -> tuple[FileWindow, ...]:
    """Windows for modality values that were multiplied by a factor."""
    return tuple((centre * factor, width * factor, name) for centre, width, name in windows)


def voi_function_of(frame: Frame) -> str:
    """LINEAR, LINEAR_EXACT or SIGMOID; an unknown word means the default (C.11.2.1.3)."""
    said = frame.text("VOILUTFunction").upper()
    return said if said in ("LINEAR_EXACT", "SIGMOID") else "LINEAR"


def tables_of(frame: Frame, form: PixelFormat) -> tuple[VoiTable, ...]:
    """The VOI LUTs of a frame (C.11.2.1.1); those without entries are left out."""
    found = []
    for item in frame.holder("VOILUTSequence").items("VOILUTSequence"):
        # The first mapped value is signed where modality values can be below zero.
        slope, intercept = rescale_of(frame)
        lowest = -(1 << (form.bits_stored - 1)) if form.is_signed else 0
        has_negative = min(lowest * slope, 0) + intercept < 0
        table = lookup_table(item, "LUTDescriptor", "LUTData", is_signed=has_negative)
        if table is None:
            continue
        entries, first = table
        bits = min(16, max(1, int(item.floats("LUTDescriptor")[2])))
        # Some writers declare fewer bits than they use, or 16 for bytes in words.
        bits = max(bits, int(entries.max()).bit_length())
        name = item.text("LUTExplanation")
        wide = entries.astype(np.uint16)
        found.append(VoiTable(first=float(first), entries=wide, bits=bits, name=name))
    return tuple(found)


def modality_table(top: Elements, form: PixelFormat) -> tuple[NDArray[np.generic], int] | None:
    """The Modality LUT as (table, first stored value that it maps), or None (C.11.1)."""
    items = top.items("ModalityLUTSequence")
    if not items:
        return None
    return lookup_table(items[0], "LUTDescriptor", "LUTData", is_signed=form.is_signed)


def table_type(top: Elements) -> str:
    """The type of what the Modality LUT gives, "" where there is none."""
    items = top.items("ModalityLUTSequence")
    table = lookup_table(items[0], "LUTDescriptor", "LUTData", is_signed=False) if items else None
    return "" if table is None else table[0].dtype.str


def is_inverse(top: Elements) -> bool:
    """Whether Presentation LUT Shape makes the lowest value white (PS3.3 C.11.6)."""
    return top.text("PresentationLUTShape").upper() == "INVERSE"


def lookup_table(
    item: Elements, descriptor: str, data: str, *, is_signed: bool
) -> tuple[NDArray[np.generic], int] | None:
    """A LUT's entries and its first mapped value, whose sign is that of its input (C.11.1.1)."""
    numbers = item.floats(descriptor)
    if len(numbers) < 3:
        return None
    count = int(numbers[0]) & 0xFFFF or 65536
    first = int(numbers[1])
    if is_signed and first > 32767:
        first -= 65536
    if not is_signed and first < 0:
        first += 65536
    raw = item.raw(data)
    order = ">" if item.encoding.big else "<"
    is_bytes = int(numbers[2]) <= 8 and len(raw) < 2 * count
    whole = raw if is_bytes else raw[: len(raw) // 2 * 2]
    table = np.frombuffer(whole, "u1" if is_bytes else order + "u2")[:count]
    if table.size == 0:
        return None
    return table.astype("u1" if is_bytes else "u2"), first

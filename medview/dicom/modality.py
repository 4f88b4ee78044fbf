"""From stored values to modality values: rescale, tables, padding, windows, unit (PS3.3 C.11)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medview.dicom.elements import Elements
from medview.dicom.frames import Frame
from medview.dicom.keywords import tag_of
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
    if kind and kind not in ("US", "UNSPECIFIED", "NORMALIZED"):
        return "HU" if kind == "HU" else frame.text("RescaleType").strip()
    is_capture = top.text("SOPClassUID").startswith(_SECONDARY_CAPTURE)
    has_rescale = bool(frame.floats("RescaleSlope") or frame.floats("RescaleIntercept"))
    return "HU" if modality == "CT" and not is_capture and not kind and has_rescale else ""


def rescale_of(frame: Frame) -> tuple[float, float]:
    """Slope and intercept; a slope of 0 means that none was meant."""
    slope = (frame.floats("RescaleSlope") or (1.0,))[0]
    intercept = (frame.floats("RescaleIntercept") or (0.0,))[0]
    return (slope if slope else 1.0, intercept)


def padding_of(top: Elements, form: PixelFormat) -> tuple[float, float] | None:
    """Stored values, low and high, that are no image; in the stored type's own sign."""
    value, limit = (
        _stored(top, "PixelPaddingValue", form),
        _stored(top, "PixelPaddingRangeLimit", form),
    )
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


def windows_of(frame: Frame) -> tuple[tuple[float, float, str], ...]:
    """Every (centre, width, name) of the file whose width is legal (C.11.2.1.2)."""
    centres, widths = frame.floats("WindowCenter"), frame.floats("WindowWidth")
    names = frame.text("WindowCenterWidthExplanation").split("\\")
    is_exact = frame.text("VOILUTFunction").upper() in ("LINEAR_EXACT", "SIGMOID")
    pairs = []
    for index, (centre, width) in enumerate(zip(centres, widths, strict=False)):
        if width >= 1 or (is_exact and width > 0):
            pairs.append((centre, width, names[index].strip() if index < len(names) else ""))
    return tuple(pairs)


def scaled(
    windows: tuple[tuple[float, float, str], ...], factor: float
) -> tuple[tuple[float, float, str], ...]:
    """Windows for modality values that were multiplied by a factor."""
    return tuple((centre * factor, width * factor, name) for centre, width, name in windows)


def modality_table(top: Elements, form: PixelFormat) -> tuple[NDArray[np.generic], int] | None:
    """The Modality LUT as (table, first stored value that it maps), or None (C.11.1)."""
    items = top.items("ModalityLUTSequence")
    if not items:
        return None
    return lookup_table(items[0], form, "LUTDescriptor", "LUTData")


def lookup_table(
    item: Elements, form: PixelFormat, descriptor: str, data: str
) -> tuple[NDArray[np.generic], int] | None:
    """A LUT's entries and its first mapped value, whose sign is the image's (C.11.1.1)."""
    numbers = item.numbers(tag_of(descriptor))
    if len(numbers) < 3:
        return None
    count = int(numbers[0]) & 0xFFFF or 65536
    first = int(numbers[1])
    if form.is_signed and first > 32767:
        first -= 65536
    if not form.is_signed and first < 0:
        first += 65536
    raw = item.raw(data)
    order = ">" if item.encoding.big else "<"
    is_bytes = int(numbers[2]) <= 8 and len(raw) < 2 * count
    table = np.frombuffer(raw, "u1" if is_bytes else order + "u2", count=-1)[:count]
    if table.size == 0:
        return None
    return table.astype("u1" if is_bytes else "u2"), first

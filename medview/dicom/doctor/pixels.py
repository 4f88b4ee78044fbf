"""Checks of the pixel description against the bytes (PS3.3 C.7.6.3), and of what makes numbers."""

from __future__ import annotations

from collections.abc import Iterator

from medview.core.errors import UnreadableInstance
from medview.core.words import say
from medview.dicom.doctor.case import Case
from medview.dicom.doctor.finding import ERROR, REMARK, WARNING, Check, Finding, declare
from medview.dicom.doctor.words import (
    CHECK_SENDER,
    FIX_AT_SOURCE,
    LOST,
    NO_EFFECT,
    SEND_AGAIN,
    TELL_MAKER,
    WRONG_LENGTHS,
    WRONG_PICTURE,
)
from medview.dicom.doubts import KINDS
from medview.dicom.pixel_format import PixelFormat, pixel_format

_FORMAT_NAMES = (
    "Rows", "Columns", "BitsAllocated", "SamplesPerPixel", "PhotometricInterpretation",
)  # fmt: skip
_IMAGES = "1.2.840.10008.5.1.4.1.1."
_SECTIONAL = frozenset(_IMAGES + n for n in ("2", "4", "128", "2.1", "4.1", "130"))
_CT = frozenset((_IMAGES + "2",))
_PROJECTION = frozenset(_IMAGES + n for n in ("1.1", "1.1.1", "1.2", "1.2.1", "12.1", "12.2"))
_ONE_SAMPLE = frozenset(("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"))
_THREE = frozenset(("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT",
                    "YBR_PARTIAL_422", "HSV", "XYB"))  # fmt: skip

DESCRIPTION = declare(Check(
    id="pixel.description", severity=ERROR, title=say("The description of the pixels is wrong"),
    causes=WRONG_PICTURE, what_to_do=FIX_AT_SOURCE,
))  # fmt: skip
INCOMPLETE = declare(Check(
    id="pixel.incomplete", severity=WARNING, title=say("The description of the pixels has a gap"),
    causes=say("Programs guess what is missing, each in its own way."), what_to_do=FIX_AT_SOURCE,
))  # fmt: skip
NO_PIXELS = declare(Check(
    id="pixel.missing", severity=ERROR, title=say("An image without pixels"),
    causes=say("There is nothing to show."), what_to_do=SEND_AGAIN,
))  # fmt: skip
SHORT = declare(Check(
    id="pixel.short", severity=ERROR, title=say("The pixels end early"),
    causes=LOST, what_to_do=SEND_AGAIN,
))  # fmt: skip
LONG = declare(Check(
    id="pixel.long", severity=REMARK, title=say("More pixel bytes than the description needs"),
    causes=say("The rest is not shown; it may be a picture that Number of Frames forgets."),
    what_to_do=TELL_MAKER,
))  # fmt: skip
BITS = declare(Check(
    id="pixel.bits", severity=WARNING, title=say("The bits of a pixel contradict one another"),
    causes=say("Grey values may be shifted or wrapped around."), what_to_do=CHECK_SENDER,
))  # fmt: skip
SAMPLES = declare(Check(
    id="pixel.samples", severity=ERROR, title=say("Colour model and samples per pixel disagree"),
    causes=WRONG_PICTURE, what_to_do=FIX_AT_SOURCE,
))  # fmt: skip
PLANAR = declare(Check(
    id="pixel.planar", severity=WARNING, title=say("Planar Configuration is missing"),
    causes=say("Colours are shown right only if they stand pixel by pixel."),
    what_to_do=CHECK_SENDER,
))  # fmt: skip
PALETTE = declare(Check(
    id="pixel.palette", severity=ERROR, title=say("The palette is missing"),
    causes=WRONG_PICTURE, what_to_do=FIX_AT_SOURCE,
))  # fmt: skip
WINDOW = declare(Check(
    id="pixel.window", severity=WARNING, title=say("The window of the file is illegal"),
    causes=say("Some programs show the picture black or white; MedView takes another window."),
    what_to_do=say("Set a window by hand; tell the maker of the system that wrote the file."),
))  # fmt: skip
RESCALE = declare(Check(
    id="pixel.rescale", severity=ERROR, title=say("Rescale Slope or Intercept is missing or zero"),
    causes=say("Values are no Hounsfield units; do not compare them with any."),
    what_to_do=FIX_AT_SOURCE,
))  # fmt: skip
SPACING = declare(Check(
    id="pixel.spacing", severity=WARNING, title=say("The size of a pixel is not stated"),
    causes=say("No length can be measured in millimetres."), what_to_do=FIX_AT_SOURCE,
))  # fmt: skip
SPACING_VALUE = declare(Check(
    id="pixel.spacing-value", severity=ERROR, title=say("The size of a pixel is impossible"),
    causes=WRONG_LENGTHS, what_to_do=FIX_AT_SOURCE,
))  # fmt: skip
FRAMES = declare(Check(
    id="pixel.frames", severity=WARNING, title=say("Number of Frames is no count"),
    causes=WRONG_PICTURE, what_to_do=FIX_AT_SOURCE,
))  # fmt: skip
SMALLEST = declare(Check(
    id="pixel.representation", severity=REMARK, title=say("Pixel Representation is missing"),
    causes=NO_EFFECT, what_to_do=TELL_MAKER,
))  # fmt: skip


def pixel_findings(case: Case) -> Iterator[Finding]:
    """What is wrong with the picture's description."""
    top = case.top
    sop_class = top.text("SOPClassUID")
    if not case.has_pixels:
        if sop_class in _SECTIONAL | _PROJECTION:
            said = say("The object is an image by its class and holds no pixels.")
            yield case.finding(NO_PIXELS, said, 0x7FE00010)
        return
    if not (top.has("Rows") or top.has("Columns")):
        return
    if top.has("NumberOfFrames") and not (0 < (top.number("NumberOfFrames") or 0) < 1e9):
        said = say("It says {text}.", text=top.text("NumberOfFrames")[:32])
        yield case.finding(FRAMES, said, "NumberOfFrames")
    form = None
    if case.instance is not None:
        try:
            form = pixel_format(case.instance)
        except UnreadableInstance as error:
            yield case.finding(DESCRIPTION, error.what, error.tag)
    yield from _contradictions(case)
    if form is not None:
        yield from _size(case, form)
    yield from _numbers(case, sop_class)


def _contradictions(case: Case) -> Iterator[Finding]:
    top = case.top
    for keyword in _FORMAT_NAMES:
        if not top.has(keyword) and not top.values.get(0x7FE00008):
            said = say("{keyword} is missing.", keyword=keyword)
            yield case.finding(INCOMPLETE, said, keyword)
    if case.anatomy.find(0x7FE00010) and not top.has("BitsStored"):  # floats have none
        said = say("{keyword} is missing.", keyword="BitsStored")
        yield case.finding(INCOMPLETE, said, "BitsStored")
    allocated, stored = top.integer("BitsAllocated"), top.integer("BitsStored")
    high = top.integer("HighBit", stored - 1)
    if stored > allocated > 0 or (top.has("BitsStored") and stored < 1):
        said = say("{stored} bits are stored in {allocated}.", stored=stored, allocated=allocated)
        yield case.finding(BITS, said, "BitsStored")
    elif stored and high != stored - 1:
        said = say("High Bit is {high} with {stored} bits stored.", high=high, stored=stored)
        yield case.finding(BITS, said, "HighBit")
    if top.has("BitsAllocated") and not top.has("PixelRepresentation"):
        yield case.finding(SMALLEST, say("It is read as unsigned."), "PixelRepresentation")
    elif top.integer("PixelRepresentation") not in (0, 1):
        said = say("It says {text}.", text=top.text("PixelRepresentation"))
        yield case.finding(BITS, said, "PixelRepresentation")
    yield from _colours(case)


def _colours(case: Case) -> Iterator[Finding]:
    top = case.top
    model, samples = (
        top.text("PhotometricInterpretation").upper(),
        top.integer("SamplesPerPixel", 1),
    )
    wanted = 1 if model in _ONE_SAMPLE else 3 if model in _THREE else samples
    if model and model not in KINDS:
        said = say("{model} is no colour model that DICOM knows.", model=model[:32])
        yield case.finding(DESCRIPTION, said, "PhotometricInterpretation")
    elif samples != wanted:
        said = say("{model} has {wanted} {wanted:sample|samples}; the header says {samples}.",
                   model=model, wanted=wanted, samples=samples)  # fmt: skip
        yield case.finding(SAMPLES, said, "SamplesPerPixel")
    if samples > 1 and not top.has("PlanarConfiguration"):
        yield case.finding(PLANAR, say("It is read pixel by pixel."), "PlanarConfiguration")
    elif samples > 1 and top.integer("PlanarConfiguration") not in (0, 1):
        said = say("It says {text}.", text=top.text("PlanarConfiguration")[:32])
        yield case.finding(DESCRIPTION, said, "PlanarConfiguration")
    if model == "PALETTE COLOR" and not top.has("RedPaletteColorLookupTableDescriptor"):
        said = say("{keyword} is missing.", keyword="RedPaletteColorLookupTableDescriptor")
        yield case.finding(PALETTE, said, "RedPaletteColorLookupTableDescriptor")


def _size(case: Case, form: PixelFormat) -> Iterator[Finding]:
    instance = case.instance
    place = instance.elements.pixels if instance is not None else None
    if instance is None or place is None or instance.is_encapsulated:
        return
    said_model = case.top.text("PhotometricInterpretation").upper()
    there = min(place.length, instance.size - place.offset)
    needed = (form.frame_bits * form.frames + 7) // 8
    if there < needed:
        row = max(1, form.frame_bits // form.rows) / 8
        whole = int(there // row)
        said = say("{there} of {needed} bytes are there: {rows} of {all} rows are sound.",
                   there=there, needed=needed, rows=whole, all=form.rows * form.frames)  # fmt: skip
        yield case.finding(SHORT, said, place.tag, place.offset)
    elif form.photometric == "YBR_FULL" != said_model and "422" in said_model:
        said = say("The pixels hold the colour of every column, unlike {kind}.", kind=said_model)
        yield case.finding(DESCRIPTION, said, "PhotometricInterpretation")
    elif there > needed + needed % 2:
        said = say("{there} bytes are there, {needed} are needed.", there=there, needed=needed)
        yield case.finding(LONG, said, place.tag, place.offset)


def _numbers(case: Case, sop_class: str) -> Iterator[Finding]:
    top = case.top
    widths = top.floats("WindowWidth")
    explained = top.text("VOILUTFunction").upper()
    if any(width <= 0 or (width < 1 and explained in ("", "LINEAR")) for width in widths):
        said = say("The width is {text}.", text=top.text("WindowWidth"))
        yield case.finding(WINDOW, said, "WindowWidth")
    elif len(widths) != len(top.floats("WindowCenter")):
        said = say("Centres and widths differ in number.")
        yield case.finding(WINDOW, said, "WindowCenter")
    is_number = top.has("RescaleSlope") and top.has("RescaleIntercept")
    if sop_class in _CT and not is_number and not case.anatomy.find(0x00283000):
        is_localizer = "LOCALIZER" in top.text("ImageType")
        if not is_localizer:
            said = say("A CT picture needs both.")
            yield case.finding(RESCALE, said, "RescaleSlope")
    elif top.has("RescaleSlope") and top.number("RescaleSlope") == 0:
        yield case.finding(RESCALE, say("The slope is zero."), "RescaleSlope")
    yield from _spacing(case, sop_class)


def _spacing(case: Case, sop_class: str) -> Iterator[Finding]:
    top = case.top
    spacing = top.floats("PixelSpacing")
    if spacing and (len(spacing) != 2 or min(spacing) <= 0 or max(spacing) > 1e4):
        said = say("It says {text}.", text=top.text("PixelSpacing"))
        yield case.finding(SPACING_VALUE, said, "PixelSpacing")
    elif not spacing and sop_class in _SECTIONAL - {_IMAGES + "2.1", _IMAGES + "4.1",
                                                     _IMAGES + "130"}:  # fmt: skip
        said = say("{keyword} is missing.", keyword="PixelSpacing")
        yield case.finding(SPACING, said, "PixelSpacing")
    elif not spacing and sop_class in _PROJECTION and not top.has("ImagerPixelSpacing"):
        said = say("{keyword} is missing.", keyword="ImagerPixelSpacing")
        yield case.finding(SPACING, said, "ImagerPixelSpacing")

"""What a header says of its pixels that cannot be so: the picture is shown, with a word on it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from operator import mul

from medview.core.words import Sentence, say
from medview.dicom.elements import UNDEFINED, Elements
from medview.dicom.instance import EXPLICIT_BE, Instance
from medview.dicom.keywords import tag_of
from medview.dicom.pixel_format import FORMAT_TAGS, PixelFormat, format_of

KINDS = frozenset((
    "MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "ARGB", "CMYK", "HSV", "XYB",
    "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT",
))  # fmt: skip


# How many numbers each must have; what they scale or place is wrong without them.
_NUMBERS = {
    "RescaleSlope": 1, "RescaleIntercept": 1, "PixelSpacing": 2, "ImageOrientationPatient": 6,
}  # fmt: skip
OFF_UNIT = 1e-3  # of a direction vector's length, and of the cosine between the two
_MOST_PADDING = 1 << 20  # bytes behind the pixels that are looked at
_FARTHEST = 1e5  # mm; a table moves by metres
_PLACE = {"ImagePositionPatient": 3}  # another one in every file of a series
_POSITION = tag_of("ImagePositionPatient")
_OTHER_ORDER = say(
    "The transfer syntax names the other byte order: header and pixels are read as the header "
    "stands."
)
_FORMAT_TAGS = frozenset(FORMAT_TAGS)
DOUBTED_TAGS = frozenset((*FORMAT_TAGS, *map(tag_of, _NUMBERS)))


def doubts_of(instance: Instance) -> tuple[Sentence, ...]:
    """Sentences on values of the Image Pixel module (PS3.3 C.7.6.3) that no image may have.

    Raises UnreadableInstance, without the file's name, as `format_of` does.
    """
    top = instance.elements
    said = top.once(doubts_of_header, DOUBTED_TAGS)
    if is_far(top):
        said = (*_numbers(top, _PLACE), *_far_place(top), *said)
    if instance.encoding.big != (instance.syntax == EXPLICIT_BE):
        said = (*said, _OTHER_ORDER)
    place = top.pixels
    if place is None or place.length == UNDEFINED:
        return said
    end = place.offset + place.length
    if end > instance.size or not top.once(is_measured, _FORMAT_TAGS):
        said = (*said, *_excess(instance, format_of(top)))
    return (*said, *_after(instance)) if end + 8 <= instance.size else said


def is_far(top: Elements) -> bool:
    """Whether the place of the picture is there and is none, or none in a room."""
    if _POSITION not in top.values:
        return False
    at = top.own.position
    return len(at) < 3 or min(at) < -_FARTHEST or max(at) > _FARTHEST


def is_measured(top: Elements) -> bool:
    """Whether the pixels' length is no more than rows, columns and frames take."""
    form = format_of(top)
    if "422" in top.text("PhotometricInterpretation") and not form.is_subsampled:
        return False
    return top.pixels is not None and top.pixels.length * 8 <= form.frame_bits * form.frames


def doubts_of_header(top: Elements) -> tuple[Sentence, ...]:
    """What DOUBTED_TAGS say that cannot be so. Raises UnreadableInstance as `format_of` does."""
    form = format_of(top)
    said = (
        _number_of_frames(top), _numbers(top, _NUMBERS), _rescale(top), _directions(top),
        _bits(top, form), _colours(top, form),
    )  # fmt: skip
    return tuple(sentence for part in said for sentence in part)


def number_note(top: Elements) -> tuple[Sentence, ...]:
    """What is to be said of Number of Frames, also where there are no pixels."""
    return tuple(_number_of_frames(top))


def _number_of_frames(top: Elements) -> Iterator[Sentence]:
    if top.has("NumberOfFrames") and not top.floats("NumberOfFrames"):
        yield say("Number of Frames is not a number; one picture is taken to be there.")


def _numbers(top: Elements, numbers: Mapping[str, int]) -> Iterator[Sentence]:
    for keyword, count in numbers.items():
        if top.has(keyword) and len(top.floats(keyword)) < count:
            yield say("{keyword} is not a number: the values shown may be wrong.", keyword=keyword)


def _far_place(top: Elements) -> Iterator[Sentence]:
    place = top.floats("ImagePositionPatient")[:3]
    if place and max(map(abs, place)) > _FARTHEST:
        yield say(
            "Image Position (Patient) lies {metres} m away, which cannot be: places are wrong.",
            metres=f"{max(map(abs, place)) / 1000:.3g}",
        )


def _directions(top: Elements) -> Iterator[Sentence]:
    """As the doctor's check: unit vectors at right angles (PS3.3 C.7.6.2.1.1)."""
    flat = top.floats("ImageOrientationPatient")[:6]
    if len(flat) < 6:
        return
    row, column = flat[:3], flat[3:]
    off = max(
        abs(math.hypot(*row) - 1), abs(math.hypot(*column) - 1), abs(sum(map(mul, row, column)))
    )
    if off > OFF_UNIT:
        yield say("The direction vectors are no unit vectors at right angles: the directions shown "
                  "may be wrong.")  # fmt: skip


def _rescale(top: Elements) -> Iterator[Sentence]:
    slope = top.floats("RescaleSlope")
    if slope and slope[0] == 0:
        yield say("Rescale Slope is 0, which no image has; 1 is taken.")
    if slope and not top.has("RescaleIntercept"):
        yield say("Rescale Intercept is missing: the values may be wrong.")


def _excess(instance: Instance, form: PixelFormat) -> Iterator[Sentence]:
    """Rows or Columns may be wrong where far more was stored than they say."""
    place = instance.elements.pixels
    if place is None or instance.is_encapsulated or form.is_subsampled or form.is_packed:
        return
    said = instance.elements.text("PhotometricInterpretation").upper()
    if "422" in said and form.photometric == "YBR_FULL":
        yield say(
            "The pixels hold the colour of every column, unlike {kind}: they are shown as "
            "YBR_FULL, and the colours may be wrong.",
            kind=said,
        )
    there = min(place.length, instance.size - place.offset)
    row = form.frame_bits // form.rows // 8
    needed = row * form.rows * form.frames
    if there >= needed + max(4, row):
        yield say(
            "The file holds more pixels than its header says: {needed} of {there} bytes are shown.",
            needed=needed,
            there=there,
        )


def _bits(top: Elements, form: PixelFormat) -> Iterator[Sentence]:
    if form.is_float:
        return
    stored = top.integer("BitsStored", form.bits_stored)
    if not top.has("BitsStored"):
        yield say("Bits Stored is missing; {taken} is taken.", taken=form.bits_stored)
    if stored != form.bits_stored:
        yield say("Bits Stored is {bits}, which cannot be; {taken} is taken.",
                  bits=stored, taken=form.bits_stored)  # fmt: skip
    if form.high_bit != form.bits_stored - 1 and form.bits_allocated > 1:
        yield say("High Bit is {high} where Bits Stored is {bits}: the values may be wrong.",
                  high=form.high_bit, bits=form.bits_stored)  # fmt: skip
    if not top.has("PixelRepresentation"):
        yield say("Pixel Representation is missing; the values are taken as unsigned.")
    elif top.integer("PixelRepresentation") not in (0, 1):
        yield say("Pixel Representation is neither 0 nor 1; the values are taken as unsigned.")


def _colours(top: Elements, form: PixelFormat) -> Iterator[Sentence]:
    if form.photometric not in KINDS:
        yield say("Photometric Interpretation is none that DICOM knows; the picture may be wrong.")
    elif (form.samples == 1) != (form.photometric in ("MONOCHROME1", "MONOCHROME2",
                                                      "PALETTE COLOR")):  # fmt: skip
        yield say("Photometric Interpretation {kind} does not go with {count} samples a pixel.",
                  kind=form.photometric, count=form.samples)  # fmt: skip
    if form.samples > 1 and top.integer("PlanarConfiguration") not in (0, 1):
        yield say("Planar Configuration is neither 0 nor 1; samples are taken pixel by pixel.")


def _after(instance: Instance) -> tuple[Sentence, ...]:
    """Whatever follows uncompressed pixels must be an element with a higher tag (PS3.5 7.1)."""
    place = instance.elements.pixels
    if place is None or place.length == UNDEFINED:
        return ()
    end = place.offset + place.length
    if end + 8 > instance.size:
        return ()
    with instance.open() as source:
        rest = source.read(end, _MOST_PADDING)
    group = int.from_bytes(rest[:2], "big" if instance.encoding.big else "little")
    if group >= 0x7FE0 or not any(rest):  # zeros are padding of the file
        return ()
    return (say("What follows the pixels belongs to no image: the file may be damaged."),)

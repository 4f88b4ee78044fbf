"""Pictures that may show a name: rules by what the file says of itself, and a look for text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import MedViewError
from medview.core.words import Sentence, say
from medview.dicom.anonymize.tree import Item
from medview.dicom.codecs import why_not_decodable
from medview.dicom.colour import is_colour, to_rgb
from medview.dicom.instance import Instance
from medview.dicom.objects.summary import is_object_with_pixels
from medview.dicom.pixel_format import has_image, pixel_format
from medview.dicom.pixels import PixelReader

Grey = NDArray[np.uint8]
_ALWAYS = ("Ultrasound", "Secondary Capture", "Video", "VL ", "Photograph", "Hardcopy", "RT Image")
_PROJECTIONS = frozenset(("CR", "DX", "MG", "XA", "RF", "IO", "PX", "RG", "OT", "XC", "ES", "US"))
_MADE = ("SCREEN", "DOSE", "REPORT", "CAPTURE", "PROTOCOL", "RESULT", "SECONDARY")
_STROKE, _SMALLEST, _LARGEST = 11, 5, 48
_CONTRAST = 60  # of 255: text is written to be seen
_LETTERS, _FEW_LETTERS = 4, 2


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """A rectangle of pixels; right and bottom are the first column and row outside."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A picture that may show who the patient is.

    boxes: what could be blacked out. can_blank: whether the pixels can be decoded at all.
    """

    path: str
    reasons: tuple[Sentence, ...]
    boxes: tuple[Box, ...]
    rows: int
    columns: int
    can_blank: bool


def suspicion_of(instance: Instance, top: Item) -> Suspicion | None:
    """Why and where a picture may show text; None where nothing speaks for it."""
    if not has_image(instance.elements) or is_object_with_pixels(instance.elements):
        return None
    rules = list(_rules(top, instance.elements.text("SOPClassUID")))
    is_closed = instance.is_encapsulated and why_not_decodable(instance.syntax) is not None
    if not rules and not is_closed and not _is_worth_a_look(top):
        return None
    picture = preview(instance)
    if picture is None:
        rules.append(
            say("MedView cannot decode the picture, so nothing is known of writing in it.")
        )
    rows, columns = (0, 0) if picture is None else picture.shape[:2]
    # Where names are to be expected a few letters are enough; elsewhere anatomy would look so.
    fewest = _FEW_LETTERS if rules else _LETTERS
    lines = () if picture is None else _lines_of_clip(instance, picture, fewest)
    if picture is not None and lines:
        rules.append(say("Something like writing is seen in the picture."))
    if not rules:
        return None
    outside = tuple(_outside_regions(top, rows, columns))
    covered = tuple(line for line in lines if not any(_holds(band, line) for band in outside))
    return Suspicion(
        path=instance.path,
        reasons=tuple(rules),
        boxes=outside + covered,
        rows=rows,
        columns=columns,
        can_blank=picture is not None and not is_packed(instance),
    )


def is_packed(instance: Instance) -> bool:
    """Whether the pixels stand in a way that is not written again: big-endian, 1 or 12 bits."""
    return instance.encoding.big or pixel_format(instance).bits_allocated in (1, 12)


def _holds(outer: Box, inner: Box) -> bool:
    across = outer.left <= inner.left and inner.right <= outer.right
    return across and outer.top <= inner.top and inner.bottom <= outer.bottom


def _rules(top: Item, sop_class: str) -> Iterator[Sentence]:
    kind = _class_name(sop_class)
    image_type = top.ascii(0x00080008).upper()
    if top.ascii(0x00280301).upper() == "YES":
        yield say("The file says that annotation is burned into the picture.")
    if any(word in kind for word in _ALWAYS) and "Whole Slide" not in kind:
        yield say("Pictures of this kind often show names: {kind}.", kind=kind)
    if any(word in image_type for word in ("LABEL", "OVERVIEW")) and "Slide" in kind:
        yield say("The label of a slide is in the picture.")
    is_placed = 0x00200032 in top.elements or 0x52009230 in top.elements
    is_captured = bool(top.raw(0x00080064)) and "Secondary Capture" not in kind
    if is_captured and not is_placed and "Slide" not in kind:
        yield say("The picture was captured from a film or a screen.")
    if any(word in image_type for word in _MADE) and not is_placed:
        yield say("The picture is a capture or a report, not an original image.")


def _is_worth_a_look(top: Item) -> bool:
    """Projections and scouts may carry markers and typed lines; slices of CT and MR do not."""
    return top.ascii(0x00080060) in _PROJECTIONS or "LOCALIZER" in top.ascii(0x00080008).upper()


def _class_name(uid: str) -> str:
    from pydicom.uid import UID

    return str(UID(uid).name) if uid else ""


def _lines_of_clip(instance: Instance, first: Grey, fewest: int) -> tuple[Box, ...]:
    """Writing in the first frame; of a clip also in the one in the middle and the last."""
    frames = pixel_format(instance).frames
    pictures = [first, *(preview(instance, k) for k in sorted({frames // 2, frames - 1} - {0}))]
    found = (text_lines(_grey(p), fewest) for p in pictures if p is not None)
    return tuple(dict.fromkeys(box for boxes in found for box in boxes))


def preview(instance: Instance, frame: int = 0) -> Grey | None:
    """A frame, [rows, columns] or [rows, columns, 3], spread over 0..255.

    None where no decoder is at hand or the pixels are damaged.
    """
    if instance.is_encapsulated and why_not_decodable(instance.syntax) is not None:
        return None
    try:
        with PixelReader(instance) as reader:
            decoded = reader.stored(frame)
            if is_colour(reader.form):
                return to_rgb(decoded, instance.elements, reader.form)
            return _spread(decoded.values, reader.form.photometric == "MONOCHROME1")
    except MedViewError:
        return None


def _spread(values: NDArray[np.generic], inverted: bool) -> Grey:
    floats = values.astype(np.float32)
    floats[~np.isfinite(floats)] = 0
    # A few extreme pixels (padding, markers of lead) must not make all else black.
    low, high = np.percentile(floats, (0.5, 99.8))
    if high <= low:
        low, high = float(floats.min()), float(floats.max()) or 1.0
    grey = np.clip((floats - low) * (255.0 / max(high - low, 1e-6)), 0, 255)
    eight: Grey = (255 - grey if inverted else grey).astype(np.uint8)
    return eight


def _grey(picture: Grey) -> Grey:
    return picture if picture.ndim == 2 else picture.max(axis=2)


def text_lines(grey: Grey, fewest: int = _LETTERS) -> tuple[Box, ...]:
    """Boxes around what looks like lines of writing.

    grey: [rows, columns], 0..255. Thin strokes are what a top-hat of the width of a stroke leaves;
    letters are components of a letter's size; a line is `fewest` of like height side by side.
    """
    from scipy import ndimage

    found: list[Box] = []
    for dark in (False, True):
        picture = 255 - grey if dark else grey
        opened = ndimage.grey_opening(picture, (_STROKE, _STROKE))
        strokes = (picture.astype(np.int16) - opened) > _CONTRAST
        labels, count = ndimage.label(strokes, np.ones((3, 3)))
        if 0 < count < 20_000:  # noise makes more
            found += _lines(_letters(ndimage.find_objects(labels), labels), fewest)
    return tuple(_merged(found))


def _letters(places: list[tuple[slice, slice]], labels: NDArray[np.int32]) -> list[Box]:
    letters = []
    for number, (rows, columns) in enumerate(places, 1):
        height, width = rows.stop - rows.start, columns.stop - columns.start
        if not _SMALLEST <= height <= _LARGEST or not 1 <= width <= 2 * height:
            continue
        ink = np.count_nonzero(labels[rows, columns] == number) / (height * width)
        # A blot fills its box, a grain of noise is a dot: letters leave room.
        if width > 2 and not 0.15 <= ink <= 0.85:
            continue
        letters.append(Box(columns.start, rows.start, columns.stop, rows.stop))
    return letters


def _lines(letters: list[Box], fewest: int) -> list[Box]:
    """Letters of like height on one base line with gaps of at most a letter and a half."""
    rows: list[list[Box]] = []
    for letter in sorted(letters):
        height = letter.bottom - letter.top
        for row in reversed(rows[-200:]):
            last = row[-1]
            tall = last.bottom - last.top
            is_level = abs(last.bottom - letter.bottom) <= 0.25 * tall
            is_alike = 0.6 <= height / tall <= 1.6
            if is_level and is_alike and -2 <= letter.left - last.right <= 1.5 * tall:
                row.append(letter)
                break
        else:
            rows.append([letter])
    return [_around(row) for row in rows if len(row) >= fewest]


def _around(row: list[Box]) -> Box:
    margin = 3
    return Box(
        max(0, min(b.left for b in row) - margin),
        max(0, min(b.top for b in row) - margin),
        max(b.right for b in row) + margin,
        max(b.bottom for b in row) + margin,
    )


def _merged(boxes: list[Box]) -> list[Box]:
    """Lines close to each other as one block."""
    done: list[Box] = []
    for box in sorted(boxes, key=lambda b: (b.top, b.left)):
        for index, other in enumerate(done):
            is_near = box.top - other.bottom <= 12 and other.top - box.bottom <= 12
            if is_near and box.left <= other.right + 24 and other.left <= box.right + 24:
                done[index] = Box(
                    min(box.left, other.left), min(box.top, other.top),
                    max(box.right, other.right), max(box.bottom, other.bottom),
                )  # fmt: skip
                break
        else:
            done.append(box)
    return done


def _outside_regions(top: Item, rows: int, columns: int) -> Iterator[Box]:
    """All that lies outside the regions with ultrasound (PS3.3 C.8.5.5.1.2)."""
    sequence = top.elements.get(0x00186011)
    corners = [_corners(item) for item in (sequence.items if sequence and sequence.items else ())]
    corners = [c for c in corners if 0 <= c[0] < c[2] <= columns and 0 <= c[1] < c[3] <= rows]
    if not corners:
        return
    left, above = min(c[0] for c in corners), min(c[1] for c in corners)
    right, below = max(c[2] for c in corners), max(c[3] for c in corners)
    bands = (
        Box(0, 0, columns, above), Box(0, below, columns, rows),
        Box(0, above, left, below), Box(right, above, columns, below),
    )  # fmt: skip
    yield from (band for band in bands if band.left < band.right and band.top < band.bottom)


def _corners(item: Item) -> tuple[int, int, int, int]:
    def number(tag: int) -> int:
        return (
            int.from_bytes(item.elements[tag].value[:4], "little") if tag in item.elements else -1
        )

    return number(0x00186018), number(0x0018601A), number(0x0018601C) + 1, number(0x0018601E) + 1

"""Grayscale softcopy presentation states (PS3.3 A.33): windows, area, turn, shutter, drawings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from medview.core.archive import open_binary
from medview.core.errors import UnreadableInstance
from medview.core.presentation import (
    DisplayedArea,
    Graphic,
    GraphicText,
    ImageReference,
    PixelPlace,
    PresentationState,
    StateWindow,
)
from medview.core.volume import Shutter, VoiTable
from medview.core.words import Sentence, say
from medview.dicom.shutters import NUMBERS, shutter_from

_FAULTS = (ValueError, TypeError, AttributeError, KeyError, IndexError, OSError, InvalidDicomError,
           NotImplementedError, RuntimeError)  # fmt: skip
_KINDS = ("POINT", "POLYLINE", "INTERPOLATED", "CIRCLE", "ELLIPSE")
_MOST_GRAPHICS, _MOST_PLACES, _LONGEST_TEXT = 2000, 20_000, 2000
_CLASS = "1.2.840.10008.5.1.4.1.1.11."


def read_presentation(path: str) -> PresentationState:
    """Read a presentation state. Raises UnreadableInstance where there is none in the file.

    What cannot be understood in it is left out and noted.
    """
    try:
        with open_binary(path) as file:
            top = dcmread(file, stop_before_pixels=True)
        if not str(top.get("SOPClassUID", "")).startswith(_CLASS):
            raise UnreadableInstance(say("This file holds no presentation state."), path)
        return _read(top)
    except _FAULTS as error:
        raise UnreadableInstance(
            say("This presentation state cannot be read."), path, detail=type(error).__name__
        ) from error


def _read(top: Dataset) -> PresentationState:
    areas = tuple(_areas(top))
    quarters, is_flipped = _turn(top)
    to_pixels = _Display(areas[0] if areas else None, quarters, is_flipped=is_flipped)
    graphics, texts = _drawn(top, to_pixels)
    return PresentationState(
        uid=str(top.get("SOPInstanceUID", "")),
        label=str(top.get("ContentLabel", "") or ""),
        description=str(top.get("ContentDescription", "") or ""),
        images=tuple(
            reference
            for series in top.get("ReferencedSeriesSequence", ())
            for reference in _references(series)
        ),
        windows=tuple(_windows(top)),
        is_inverted=str(top.get("PresentationLUTShape", "")).upper() == "INVERSE",
        quarters=quarters,
        is_flipped=is_flipped,
        areas=areas,
        shutter=_shutter(top),
        graphics=graphics,
        texts=texts,
        notes=tuple(_left_out(top)),
    )


def _references(item: Dataset) -> tuple[ImageReference, ...]:
    found = []
    for image in item.get("ReferencedImageSequence", ()):
        frames = image.get("ReferencedFrameNumber")
        numbers = [] if frames is None else np.atleast_1d(frames).tolist()
        uid = str(image.ReferencedSOPInstanceUID)
        found.append(ImageReference(uid, tuple(int(n) - 1 for n in numbers if n)))
    return tuple(found)


def _turn(top: Dataset) -> tuple[int, bool]:
    quarters = round(float(top.get("ImageRotation", 0) or 0) / 90) % 4
    return quarters, str(top.get("ImageHorizontalFlip", "N")).upper() == "Y"


def _areas(top: Dataset) -> Iterator[DisplayedArea]:
    for item in top.get("DisplayedAreaSelectionSequence", ()):
        left, upper = (float(v) for v in item.DisplayedAreaTopLeftHandCorner)
        right, lower = (float(v) for v in item.DisplayedAreaBottomRightHandCorner)
        if left <= right and upper <= lower:
            yield DisplayedArea(
                rows=(upper - 1, lower - 1), columns=(left - 1, right - 1), of=_references(item)
            )


def _windows(top: Dataset) -> Iterator[StateWindow]:
    for item in top.get("SoftcopyVOILUTSequence", ()):
        of = _references(item)
        for table in item.get("VOILUTSequence", ()):
            yield StateWindow(table=_table(table), of=of)
        centres = np.atleast_1d(item.get("WindowCenter", ())).astype(float)
        widths = np.atleast_1d(item.get("WindowWidth", ())).astype(float)
        function = str(item.get("VOILUTFunction", "LINEAR") or "LINEAR").upper()
        if function not in ("LINEAR_EXACT", "SIGMOID"):
            function = "LINEAR"
        least = 1.0 if function == "LINEAR" else 0.0
        for centre, width in zip(centres.tolist(), widths.tolist(), strict=False):
            if np.isfinite([centre, width]).all() and width > 0 and width >= least:
                yield StateWindow(window=(centre, width, ""), function=function, of=of)


def _table(item: Dataset) -> VoiTable:
    count, first, bits = (int(v) for v in item.LUTDescriptor)
    raw = item.LUTData
    entries = (np.frombuffer(raw, "<u2") if isinstance(raw, bytes) else np.array(raw, np.uint16))[
        : count or 65536
    ]
    if entries.size == 0:
        raise ValueError("LUT")
    return VoiTable(
        first=float(first),
        entries=entries,
        bits=max(min(16, bits), int(entries.max()).bit_length()),
        name=str(item.get("LUTExplanation", "") or ""),
    )


class _Display:
    """Where a place of the displayed area (0 to 1 across and down) lies in the picture."""

    def __init__(self, area: DisplayedArea | None, quarters: int, *, is_flipped: bool) -> None:
        self._area, self._quarters, self._is_flipped = area, quarters, is_flipped

    def pixel(self, x: float, y: float) -> PixelPlace | None:
        """Row and column; None where the state does not say what is displayed."""
        if self._area is None:
            return None
        if self._is_flipped:
            x = 1 - x
        for _ in range(self._quarters):  # a clockwise quarter took (x, y) from (y, 1 - x)
            x, y = y, 1 - x
        (top, bottom), (left, right) = self._area.rows, self._area.columns
        return (top - 0.5 + y * (bottom - top + 1), left - 0.5 + x * (right - left + 1))


def _drawn(top: Dataset, display: _Display) -> tuple[tuple[Graphic, ...], tuple[GraphicText, ...]]:
    graphics: list[Graphic] = []
    texts: list[GraphicText] = []
    for item in top.get("GraphicAnnotationSequence", ()):
        of = _references(item)
        for drawn in item.get("GraphicObjectSequence", ()):
            found = _graphic(drawn, display, of)
            if found is not None and len(graphics) < _MOST_GRAPHICS:
                graphics.append(found)
        for written in item.get("TextObjectSequence", ()):
            words = _text(written, display, of)
            if words is not None and len(texts) < _MOST_GRAPHICS:
                texts.append(words)
    return tuple(graphics), tuple(texts)


def _places(flat: Sequence[float], units: str, display: _Display) -> tuple[PixelPlace, ...]:
    """Rows and columns of points written x, y; PIXEL counts from the first pixel's corner."""
    pairs = np.asarray(flat, float)[: 2 * _MOST_PLACES]
    pairs = pairs[: len(pairs) // 2 * 2].reshape(-1, 2)
    if not np.isfinite(pairs).all():
        return ()
    if units.upper() == "DISPLAY":
        found = [display.pixel(x, y) for x, y in pairs.tolist()]
        return tuple(place for place in found if place is not None)
    return tuple((y - 0.5, x - 0.5) for x, y in pairs.tolist())


def _graphic(item: Dataset, display: _Display, of: tuple[ImageReference, ...]) -> Graphic | None:
    kind = str(item.get("GraphicType", "")).upper()
    units = str(item.get("GraphicAnnotationUnits", "PIXEL"))
    places = _places(item.get("GraphicData") or (), units, display)
    needed = {"POINT": 1, "CIRCLE": 2, "ELLIPSE": 4}.get(kind, 2)
    if kind not in _KINDS or len(places) < needed:
        return None
    is_filled = str(item.get("GraphicFilled", "N")).upper() == "Y"
    return Graphic(kind=kind, places=places, is_filled=is_filled, of=of)


def _text(item: Dataset, display: _Display, of: tuple[ImageReference, ...]) -> GraphicText | None:
    words = str(item.get("UnformattedTextValue", "") or "").strip()[:_LONGEST_TEXT]
    box = _places(
        item.get("BoundingBoxTopLeftHandCorner") or (),
        str(item.get("BoundingBoxAnnotationUnits", "PIXEL")),
        display,
    )
    anchor = _places(
        item.get("AnchorPoint") or (), str(item.get("AnchorPointAnnotationUnits", "PIXEL")), display
    )
    is_led = str(item.get("AnchorPointVisibility", "N")).upper() == "Y"
    if not words or not (box or anchor):
        return None
    return GraphicText(
        text=words,
        place=(box or anchor)[0],
        anchor=anchor[0] if anchor and is_led else None,
        of=of,
    )


def _shutter(top: Dataset) -> Shutter | None:
    return shutter_from(
        [str(shape) for shape in np.atleast_1d(top.get("ShutterShape", ()) or ())],
        {name: _numbers(top.get(name)) for name in NUMBERS},
    )


def _numbers(value: Any) -> tuple[float, ...]:
    return () if value is None else tuple(np.atleast_1d(value).astype(float).tolist())


def _left_out(top: Dataset) -> Iterator[Sentence]:
    has_compound = any(
        item.get("CompoundGraphicSequence") for item in top.get("GraphicAnnotationSequence", ())
    )
    if has_compound:
        yield say("Compound graphics of this presentation state are shown by their plain parts.")
    if top.get("ModalityLUTSequence"):
        yield say("The presentation state's own Modality LUT is not applied: the image's holds.")

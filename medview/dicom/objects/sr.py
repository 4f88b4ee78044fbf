"""Structured reports as text that can be read, and the measurement groups of TID 1500."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError

from medview.core.archive import open_binary
from medview.core.errors import UnreadableInstance
from medview.core.geometry import FloatArray
from medview.core.measured import DERIVED, concept_named
from medview.core.results import Code, Quantity
from medview.core.words import say
from medview.dicom.write.files import tolerating_sources

_GROUP = ("DCM", "125007")
_TRACKING_ID, _TRACKING_UID = ("DCM", "112039"), ("DCM", "112040")
_FINDING = (("DCM", "121071"), ("SRT", "121071"))
_DERIVATION, _STATE = ("DCM", "121401"), ("99MEDVIEW", "state")
_RUN = ("99MEDVIEW", "run")
_ALGORITHM, _VERSION = ("DCM", "111001"), ("DCM", "111003")
_DEEPEST, _MOST_ITEMS = 32, 20_000
PARSE_ERRORS = (ValueError, NotImplementedError, AttributeError, KeyError, TypeError, IndexError,
                OSError, RecursionError, EOFError, ArithmeticError, struct.error, zlib.error,
                BytesLengthException)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One content item as words; depth counts from 0."""

    depth: int
    name: str
    value: str


@dataclass(frozen=True, eq=False)
class Region:
    """What was drawn: graphic type, (n, 3) patient millimetres or (n, 2) image places; no points
    where the file's numbers make none.

    image_uid, frame: the picture it lies on (frames count from 1, 0 where none is named).
    frame_of_reference_uid: of patient millimetres. measures: meaning of the number that was taken
    from it, "" for the group's own region.
    """

    graphic_type: str
    points: FloatArray
    is_spatial: bool
    image_uid: str = ""
    frame: int = 0
    frame_of_reference_uid: str = ""
    measures: Code | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class MeasurementGroup:
    """One group of TID 1500: what it is about, its numbers, words and regions.

    segment: (SOP Instance UID of the SEG, segment number) where it refers to one. images: SOP
    Instance UIDs that are named anywhere in it. state, run: what MedView keeps with its own.
    """

    tracking_id: str = ""
    tracking_uid: str = ""
    finding: Code | None = None
    quantities: tuple[Quantity, ...] = ()
    evaluations: tuple[tuple[Code, Code], ...] = ()
    regions: tuple[Region, ...] = ()
    segment: tuple[str, int] | None = None
    algorithm: str = ""
    images: tuple[str, ...] = ()
    state: str = ""
    run: str = ""


@dataclass(frozen=True, eq=False, kw_only=True)
class StructuredReport:
    """A report: its title, flags, all content as lines, and its measurement groups.

    predecessors: SOP Instance UIDs of reports that it takes the place of. made_by: manufacturer
    and model of what wrote it. made_at: content date and time as written. evidence: SOP Instance
    UIDs of the images that it is about.
    """

    uid: str
    title: str
    is_verified: bool
    lines: tuple[Line, ...]
    groups: tuple[MeasurementGroup, ...] = ()
    patient_id: str = ""
    predecessors: tuple[str, ...] = ()
    made_by: str = ""
    made_at: str = ""
    evidence: tuple[str, ...] = ()


def read_structured_report(path: str) -> StructuredReport:
    """Read any SR document; items that are broken are left out of the lines.

    Raises UnreadableInstance when the file is no SR or cannot be read at all.
    """
    with tolerating_sources():
        try:
            with open_binary(path) as file:
                dataset = dcmread(file, stop_before_pixels=True)
            if "ContentSequence" not in dataset and "ConceptNameCodeSequence" not in dataset:
                raise UnreadableInstance(say("This file holds no report."), path)
            return _read(dataset)
        except (InvalidDicomError, *PARSE_ERRORS) as error:
            raise UnreadableInstance(
                say("This report cannot be read."), path, detail=type(error).__name__
            ) from error


def _read(dataset: Dataset) -> StructuredReport:
    title = _concept(dataset)
    items = list(_walk(dataset, 0, [0]))
    return StructuredReport(
        uid=str(dataset.get("SOPInstanceUID", "")),
        title=title.meaning if title else "",
        is_verified=dataset.get("VerificationFlag") == "VERIFIED",
        lines=tuple(_line(item, depth) for item, depth in items),
        groups=tuple(_group(item) for item, _ in items if _is(item, _GROUP)),
        patient_id=str(dataset.get("PatientID", "") or ""),
        predecessors=tuple(_instances(dataset.get("PredecessorDocumentsSequence"))),
        made_by=" ".join(
            str(dataset.get(name, "") or "") for name in ("Manufacturer", "ManufacturerModelName")
        ).strip(),
        evidence=tuple(_instances(dataset.get("CurrentRequestedProcedureEvidenceSequence"))),
        made_at=f"{dataset.get('ContentDate', '')}{dataset.get('ContentTime', '')}",
    )


def _instances(studies: Any) -> Iterator[str]:
    """SOP Instance UIDs below a sequence of studies and series (PS3.3 C.17.2)."""
    for study in studies or ():
        for series in study.get("ReferencedSeriesSequence") or ():
            for item in series.get("ReferencedSOPSequence") or ():
                yield str(item.ReferencedSOPInstanceUID)


def _walk(item: Dataset, depth: int, seen: list[int]) -> Iterator[tuple[Dataset, int]]:
    if depth >= _DEEPEST:
        return
    for child in item.get("ContentSequence") or ():
        seen[0] += 1
        if seen[0] > _MOST_ITEMS:
            return
        yield child, depth
        yield from _walk(child, depth + 1, seen)


def _concept(item: Dataset) -> Code | None:
    return _code(item.get("ConceptNameCodeSequence"))


def _code(sequence: Any) -> Code | None:
    if not sequence:
        return None
    value = sequence[0].get("CodeValue") or sequence[0].get("LongCodeValue") or ""
    return Code(
        str(sequence[0].get("CodingSchemeDesignator", "") or ""),
        str(value),
        str(sequence[0].get("CodeMeaning", "") or ""),
    )


def _is(item: Dataset, *codes: tuple[str, str]) -> bool:
    concept = _concept(item)
    return concept is not None and (concept.scheme, concept.value) in codes


def _line(item: Dataset, depth: int) -> Line:
    concept = _concept(item)
    try:
        value = _words(item)
    except PARSE_ERRORS:
        value = ""
    return Line(depth, concept.meaning if concept else str(item.get("ValueType", "")), value)


def _words(item: Dataset) -> str:
    kind = str(item.get("ValueType", ""))
    if kind == "NUM":
        quantity = _quantity(item)
        return f"{quantity.value:g} {quantity.unit}".strip() if quantity else ""
    if kind == "CODE":
        code = _code(item.get("ConceptCodeSequence"))
        return code.meaning if code else ""
    if kind in ("IMAGE", "COMPOSITE", "WAVEFORM"):
        return kind.lower()
    if kind in ("SCOORD", "SCOORD3D"):
        return str(item.get("GraphicType", ""))
    for keyword in ("TextValue", "PersonName", "UID", "DateTime", "Date", "Time"):
        if keyword in item:
            return str(item.get(keyword) or "")
    return ""


def _quantity(item: Dataset) -> Quantity | None:
    concept = _concept(item)
    measured = item.get("MeasuredValueSequence")
    if not measured or concept is None:
        return None
    unit = _code(measured[0].get("MeasurementUnitsCodeSequence"))
    exact = measured[0].get("FloatingPointValue")
    value = float(measured[0].NumericValue if exact is None else exact)
    code = _derivation(item) or concept
    return Quantity(
        concept=concept_named(code) or code.meaning,
        value=value,
        unit=unit.value if unit else "",
        code=code,
    )


def _derivation(item: Dataset) -> Code | None:
    """How a number was derived, where that is a statistic of ours: mean, peak ..."""
    modifiers = (
        _code(child.get("ConceptCodeSequence"))
        for child in item.get("ContentSequence") or ()
        if _is(child, _DERIVATION)
    )
    return next((code for code in modifiers if concept_named(code) in DERIVED), None)


def _group(group: Dataset) -> MeasurementGroup:
    children = list(group.get("ContentSequence") or ())
    every = [item for item, _ in _walk(group, 0, [0])]
    quantities = [_quantity(item) for item in children if item.get("ValueType") == "NUM"]
    coded = [item for item in children if item.get("ValueType") == "CODE"]
    return MeasurementGroup(
        tracking_id=_text(children, _TRACKING_ID),
        tracking_uid=_text(children, _TRACKING_UID),
        finding=next(
            (_code(i.get("ConceptCodeSequence")) for i in coded if _is(i, *_FINDING)), None
        ),
        quantities=tuple(q for q in quantities if q is not None),
        evaluations=tuple(_evaluations(coded)),
        regions=tuple(_regions(group, None)),
        segment=next((found for item in every if (found := _segment(item))), None),
        algorithm=f"{_text(children, _ALGORITHM)} {_text(children, _VERSION)}".strip(),
        images=tuple(
            str(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
            for item in every
            if item.get("ReferencedSOPSequence")
        ),
        state=_text(children, _STATE),
        run=_text(children, _RUN),
    )


def _regions(item: Dataset, measures: Code | None) -> Iterator[Region]:
    """Everything that is drawn below an item, with the number that it belongs to."""
    for child in item.get("ContentSequence") or ():
        if "GraphicData" in child:
            yield replace(_region(child), measures=measures)
        own = _concept(child) if child.get("ValueType") == "NUM" else measures
        yield from _regions(child, own)


def _text(items: list[Dataset], concept: tuple[str, str]) -> str:
    found = next((item for item in items if _is(item, concept)), None)
    return _words(found) if found is not None else ""


def _evaluations(coded: list[Dataset]) -> Iterator[tuple[Code, Code]]:
    for item in coded:
        name, value = _concept(item), _code(item.get("ConceptCodeSequence"))
        is_own = item.get("RelationshipType") == "CONTAINS" and not _is(item, *_FINDING)
        if is_own and name is not None and value is not None:
            yield name, value


def _region(item: Dataset) -> Region:
    is_spatial = item.get("ValueType") == "SCOORD3D"
    width = 3 if is_spatial else 2
    numbers = np.atleast_1d(np.array(item.GraphicData, float))
    points = numbers[: len(numbers) if len(numbers) % width == 0 else 0].reshape(-1, width)
    image = next(
        (child for child in item.get("ContentSequence") or () if "ReferencedSOPSequence" in child),
        None,
    )
    referenced = image.ReferencedSOPSequence[0] if image else Dataset()
    frames = referenced.get("ReferencedFrameNumber") or 0
    return Region(
        str(item.get("GraphicType", "")),
        points,
        is_spatial,
        str(referenced.get("ReferencedSOPInstanceUID", "")),
        int(frames if isinstance(frames, int | str) else next(iter(frames))),
        str(item.get("ReferencedFrameOfReferenceUID", "")),
    )


def _segment(item: Dataset) -> tuple[str, int] | None:
    referenced = item.get("ReferencedSOPSequence")
    if not referenced or "ReferencedSegmentNumber" not in referenced[0]:
        return None
    number = referenced[0].ReferencedSegmentNumber
    first = number[0] if isinstance(number, list | tuple) else number
    return str(referenced[0].ReferencedSOPInstanceUID), int(first)

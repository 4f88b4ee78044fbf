"""Structured reports as text that can be read, and the measurement groups of TID 1500."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from medview.core.archive import open_binary
from medview.core.errors import UnreadableInstance
from medview.core.geometry import FloatArray
from medview.core.results import Code, Quantity
from medview.core.words import say
from medview.dicom.write.files import tolerating_sources

_GROUP = ("DCM", "125007")
_TRACKING_ID, _TRACKING_UID = ("DCM", "112039"), ("DCM", "112040")
_FINDING = (("DCM", "121071"), ("SRT", "121071"))
_ALGORITHM, _VERSION = ("DCM", "111001"), ("DCM", "111003")
_DEEPEST, _MOST_ITEMS = 32, 20_000
_PARSE_ERRORS = (ValueError, NotImplementedError, AttributeError, KeyError, TypeError, IndexError,
                 OSError, RecursionError)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One content item as words; depth counts from 0."""

    depth: int
    name: str
    value: str


@dataclass(frozen=True, eq=False)
class Region:
    """What was drawn: graphic type, (n, 3) patient millimetres or (n, 2) image places."""

    graphic_type: str
    points: FloatArray
    is_spatial: bool
    image_uid: str = ""


@dataclass(frozen=True, eq=False, kw_only=True)
class MeasurementGroup:
    """One group of TID 1500: what it is about, its numbers, words and regions.

    segment: (SOP Instance UID of the SEG, segment number) where it refers to one.
    """

    tracking_id: str = ""
    tracking_uid: str = ""
    finding: Code | None = None
    quantities: tuple[Quantity, ...] = ()
    evaluations: tuple[tuple[Code, Code], ...] = ()
    regions: tuple[Region, ...] = ()
    segment: tuple[str, int] | None = None
    algorithm: str = ""


@dataclass(frozen=True, eq=False, kw_only=True)
class StructuredReport:
    """A report: its title, flags, all content as lines, and its measurement groups."""

    uid: str
    title: str
    is_verified: bool
    lines: tuple[Line, ...]
    groups: tuple[MeasurementGroup, ...] = ()


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
        except (InvalidDicomError, *_PARSE_ERRORS) as error:
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
    )


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
    except _PARSE_ERRORS:
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
    return Quantity(
        concept=concept.meaning,
        value=float(measured[0].NumericValue),
        unit=unit.value if unit else "",
        code=concept,
    )


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
        regions=tuple(_region(item) for item in every if "GraphicData" in item),
        segment=next((found for item in every if (found := _segment(item))), None),
        algorithm=f"{_text(children, _ALGORITHM)} {_text(children, _VERSION)}".strip(),
    )


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
    points = np.array(item.GraphicData, float).reshape(-1, 3 if is_spatial else 2)
    image = next(
        (child for child in item.get("ContentSequence") or () if "ReferencedSOPSequence" in child),
        None,
    )
    uid = str(image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID) if image else ""
    return Region(str(item.get("GraphicType", "")), points, is_spatial, uid)


def _segment(item: Dataset) -> tuple[str, int] | None:
    referenced = item.get("ReferencedSOPSequence")
    if not referenced or "ReferencedSegmentNumber" not in referenced[0]:
        return None
    number = referenced[0].ReferencedSegmentNumber
    first = number[0] if isinstance(number, list | tuple) else number
    return str(referenced[0].ReferencedSOPInstanceUID), int(first)

"""DICOM objects that are documents: structured reports, encapsulated PDF and CDA."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from medview.core.words import say
from medview.dicom.objects.documents import read_document_object
from medview.record.document import Document, PatientIdentity
from medview.record.readers.page import Page, document_id

if TYPE_CHECKING:
    from medview.dicom.objects.documents import DicomDocument
    from medview.dicom.objects.sr import Line

_ROLES = (
    ("impression", ("conclusion", "impression", "summary")),
    ("indication", ("indication", "reason")),
    ("history", ("history",)),
)
_LONG = 24  # words of an item from which on they are read as free text


def read_dicom(data: bytes, path: Path) -> Document:
    """The document, with the identity of the DICOM header. Raises UnreadableInstance."""
    found = read_document_object(str(path))
    patient = PatientIdentity(
        ids=(found.patient_id,) if found.patient_id else (),
        name=found.patient_name,
        birth_date=found.birth_date,
        sex=found.sex if found.sex in ("F", "M", "O") else "",
    )
    if found.kind == "SR":
        return _report(found, patient, data, path)
    return _carried(found, patient, path)


def _carried(found: DicomDocument, patient: PatientIdentity, path: Path) -> Document:
    """The PDF or CDA inside; the header says whose it is, a contradiction is said."""
    from medview.record.readers.cda import read_cda
    from medview.record.readers.worded import read_pdf

    inner = (read_cda if found.kind == "CDA" else read_pdf)(found.carried, path)
    notes = list(inner.notes)
    if _contradicts(inner.patient, patient):
        notes.append(
            say(
                "The document inside names another patient than its DICOM header: {inner}.",
                inner=inner.patient.name or inner.patient.id,
            )
        )
    is_mute = inner.title in (path.stem, "CDA")
    return replace(
        inner,
        patient=patient if patient.ids or patient.name else inner.patient,
        title=found.title if found.title and is_mute else inner.title,
        date=inner.date or found.date,
        notes=tuple(notes),
        observations=tuple(replace(o, patient_id=patient.id) for o in inner.observations)
        if patient.ids
        else inner.observations,
    )


def _contradicts(inner: PatientIdentity, header: PatientIdentity) -> bool:
    pairs = (
        (inner.birth_date, header.birth_date),
        (inner.sex, header.sex),
    )
    ids = {i.casefold() for i in inner.ids}
    other_id = bool(ids and header.ids) and header.id.casefold() not in ids
    return other_id or any(a and b and a[: len(b)] != b[: len(a)] for a, b in pairs)


def _report(found: DicomDocument, patient: PatientIdentity, data: bytes, path: Path) -> Document:
    """The content tree, a line for each item; what is worded is read by the rules."""
    page = Page(document_id(data))
    page.title, page.date, page.patient = found.title or "SR", found.date, patient
    page.write(page.title + "\n")
    for line in found.lines:
        _line(page, line)
    return page.document(str(path), "DICOM SR", "DICOM")


def _line(page: Page, line: Line) -> None:
    name, value = line.name.strip(), line.value.strip()
    if not value:
        if name and name not in ("CONTAINER",):
            page.heading(_role(name), name)
        return
    page.write("  " * min(line.depth, 4) + (f"{name}: " if name else ""))
    if len(value) > _LONG or "\n" in value:
        page.free_text(value)
    else:
        page.write(value + "\n")


def _role(name: str) -> str:
    folded = name.casefold()
    return next((role for role, cues in _ROLES if any(c in folded for c in cues)), "findings")

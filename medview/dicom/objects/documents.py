"""DICOM objects that are documents: whose, of when, and their words or what they carry inside."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from medview.core.archive import open_binary
from medview.core.errors import UnreadableInstance
from medview.core.words import say
from medview.dicom.objects.sr import PARSE_ERRORS, Line, read_structured_report
from medview.dicom.write.files import tolerating_sources

_ROOT = "1.2.840.10008.5.1.4.1.1."
_CARRIED = {f"{_ROOT}104.1": "PDF", f"{_ROOT}104.2": "CDA"}
_REPORTS = re.compile(r"1\.2\.840\.10008\.5\.1\.4\.1\.1\.88\.(?!59)\d+")
_IN_BYTES = re.compile(rb"1\.2\.840\.10008\.5\.1\.4\.1\.1\.(?:88\.(?!59)\d+|104\.[12])[\x00 ]?")
_MOST_BYTES = 256 << 20


@dataclass(frozen=True, kw_only=True)
class DicomDocument:
    """kind: SR, PDF or CDA. date: ISO or empty. lines: of an SR. carried: of the others."""

    kind: str
    title: str
    date: str
    patient_id: str
    patient_name: str
    birth_date: str
    sex: str
    lines: tuple[Line, ...] = ()
    carried: bytes = b""


def may_be_document_object(head: bytes) -> bool:
    """Whether the first bytes of a DICOM file name a class that is a document."""
    return head[128:132] == b"DICM" and _IN_BYTES.search(head[:2048]) is not None


def read_document_object(path: str) -> DicomDocument:
    """A structured report, an encapsulated PDF or CDA. Raises UnreadableInstance for others."""
    with tolerating_sources():
        try:
            with open_binary(path) as file:
                dataset = dcmread(file)
            found = _read(dataset)
        except (InvalidDicomError, *PARSE_ERRORS) as error:
            raise UnreadableInstance(
                say("The DICOM document cannot be read."), path, detail=type(error).__name__
            ) from error
    if found is None:
        raise UnreadableInstance(
            say("This is a DICOM file, not a document."),
            path,
            what_to_do=say("Open it as images, with its folder."),
        )
    return found if found.kind != "SR" else replace(found, lines=_lines(path))


def _lines(path: str) -> tuple[Line, ...]:
    return read_structured_report(path).lines


def _read(dataset: Dataset) -> DicomDocument | None:
    uid = str(dataset.get("SOPClassUID", ""))
    kind = "SR" if _REPORTS.fullmatch(uid) else _CARRIED.get(uid, "")
    if not kind:
        return None
    name = dataset.get("ConceptNameCodeSequence")
    coded = str(name[0].get("CodeMeaning", "")) if name else ""
    carried = bytes(dataset.get("EncapsulatedDocument", b"") or b"")
    length = int(dataset.get("EncapsulatedDocumentLength", 0) or 0)
    if len(carried) > _MOST_BYTES:
        raise UnreadableInstance(say("The file is larger than {size} MB.", size=_MOST_BYTES >> 20))
    return DicomDocument(
        kind=kind,
        title=str(dataset.get("DocumentTitle", "") or coded or ""),
        date=_date(dataset),
        patient_id=str(dataset.get("PatientID", "") or ""),
        patient_name=str(dataset.get("PatientName", "") or "").replace("^", " ").strip(),
        birth_date=_iso(str(dataset.get("PatientBirthDate", "") or "")),
        sex=str(dataset.get("PatientSex", "") or "")[:1],
        carried=carried[:length] if length else carried.rstrip(b"\x00"),
    )


def _date(dataset: Dataset) -> str:
    keywords = ("ContentDate", "AcquisitionDateTime", "SeriesDate", "StudyDate")
    return next((d for k in keywords if (d := _iso(str(dataset.get(k, "") or "")))), "")


def _iso(date: str) -> str:
    found = re.match(r"(\d{4})[.-]?(\d{2})[.-]?(\d{2})", date)
    return "-".join(found.groups()) if found else ""

"""From a path to documents: which reader, how large, how deep."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path

from medview.core.archive import is_there, open_binary
from medview.core.errors import InvalidInput, UnreadableInstance
from medview.core.words import say
from medview.record.document import LONG_TEXT, Document

MAX_BYTES = 64 << 20
_SNIFF = 1 << 16
_DICOM_SUFFIXES = frozenset((".dcm", ".dicom", ".dic", ""))
_FHIR_SUFFIXES = (".json", ".ndjson")
_SUFFIXES = frozenset((*_FHIR_SUFFIXES, ".hl7", ".xml", ".txt", ".rtf", ".pdf", ".cda", ".text"))


def read_documents(path: Path | str) -> tuple[Document, ...]:
    """All documents of one file (two HL7 messages, a FHIR bundle about two patients).

    Raises InvalidInput when there is no such file, UnreadableInstance with one sentence when it
    cannot be read. Opens no other file.
    """
    path = Path(path)
    data = _bytes(path)
    head = data[:_SNIFF].lstrip(b"\xef\xbb\xbf\x0b\r\n\t ")
    if not data.strip():
        raise UnreadableInstance(say("The file is empty."), path.name)
    return tuple(map(_with_length_said, _reader_for(_suffix(path), data, head)(data, path)))


def _with_length_said(document: Document) -> Document:
    if len(document.text) <= LONG_TEXT:
        return document
    said = say(
        "The text is longer than {count} characters: rules and word lists read it, without the"
        " trained model.",
        count=LONG_TEXT,
    )
    return replace(document, notes=(*document.notes, said))


def _suffix(path: Path) -> str:
    return (Path(path.stem).suffix if path.suffix == ".gz" else path.suffix).lower()


def _reader_for(
    suffix: str, data: bytes, head: bytes
) -> Callable[[bytes, Path], Iterable[Document]]:
    """The reader of a file: what its bytes say goes before its name."""
    if data[128:132] == b"DICM":
        from medview.record.readers.dicom import read_dicom

        return _single(read_dicom)
    if b"%PDF-" in data[:1024] or suffix == ".pdf":
        from medview.record.readers.worded import read_pdf

        return _single(read_pdf)
    if head.startswith(b"{\\rtf"):
        from medview.record.readers.worded import read_rtf

        return _single(read_rtf)
    return _reader_of_text(suffix, data, head)


def _reader_of_text(
    suffix: str, data: bytes, head: bytes
) -> Callable[[bytes, Path], Iterable[Document]]:
    if suffix in _FHIR_SUFFIXES or (head[:1] in b"{[" and b'"resourceType"' in data[:_SNIFF]):
        from medview.record.readers.fhir import read_fhir

        return read_fhir
    if suffix == ".hl7" or head.startswith((b"MSH", b"FHS", b"BHS")) or b"|^~\\&|" in head[:24]:
        from medview.record.readers.hl7v2 import read_hl7

        return read_hl7
    if suffix in (".xml", ".cda") or head.startswith((b"<?xml", b"<ClinicalDocument")):
        from medview.record.readers.cda import read_cda

        return _single(read_cda)
    from medview.record.readers.plaintext import read_plain_text

    return _single(read_plain_text)


def _single(
    read: Callable[[bytes, Path], Document],
) -> Callable[[bytes, Path], Iterable[Document]]:
    return lambda data, path: (read(data, path),)


def read_document(path: Path | str) -> Document:
    """The first document of a file; a note says when there are more. Raises as read_documents."""
    documents = read_documents(path)
    if len(documents) == 1:
        return documents[0]
    note = say(
        "The file holds {count} {count:document|documents}; this is the first.",
        count=len(documents),
    )
    return replace(documents[0], notes=(*documents[0].notes, note))


def is_document(path: Path | str) -> bool:
    """Whether a file found in a folder is meant as a document of the record.

    By its name and first bytes; images and the program's own results are none.
    """
    path = Path(path)
    suffix = _suffix(path)
    if path.is_dir() or not is_there(str(path)):
        return False
    if suffix not in _SUFFIXES:
        return suffix in _DICOM_SUFFIXES and _is_document_object(path)
    try:
        head = _read(path, _SNIFF)
    except (OSError, EOFError, zlib.error, UnreadableInstance):
        return path.suffix == ".gz"
    return _is_document_object(path) if head[128:132] == b"DICM" else _looks_right(suffix, head)


def documents_among(paths: Iterable[Path | str]) -> list[Path]:
    """Of the files of a folder those that are documents, and what lies damaged among them.

    JSON and XML of other programs are passed over, but not beside documents: there one that has
    lost its head must be named.
    """
    found = [Path(path) for path in paths]
    chosen = {path for path in found if is_document(path)}
    folders = {path.parent for path in chosen if _suffix(path) in (*_FHIR_SUFFIXES, ".xml")}
    return [path for path in found if path in chosen or _is_headless(path, folders)]


def _is_headless(path: Path, folders: Collection[Path]) -> bool:
    """Whether a file beside documents has the name of one, and is none of the program's own."""
    if path.parent not in folders or path.suffix.lower() not in (*_FHIR_SUFFIXES, ".xml"):
        return False
    if path.is_dir() or not is_there(str(path)):
        return False
    try:
        return b'"medview' not in _read(path, _SNIFF)
    except (OSError, EOFError, zlib.error, UnreadableInstance):
        return True


def _looks_right(suffix: str, head: bytes) -> bool:
    """Whether JSON and XML are of a record: other programs write them too."""
    plain = head.replace(b"\x00", b"")
    if not plain.strip():
        return True  # an empty file has no head to be told by, and must not go unnamed
    if suffix in _FHIR_SUFFIXES:
        return b"resourceType" in plain
    if suffix == ".xml":
        return any(mark in plain for mark in (b"ClinicalDocument", b"urn:hl7-org:v3", b"<section"))
    return True


def _is_document_object(path: Path) -> bool:
    from medview.dicom.objects.documents import may_be_document_object

    try:
        return may_be_document_object(_read(path, 2048))
    except (OSError, EOFError, zlib.error):
        return False


def _bytes(path: Path) -> bytes:
    if not is_there(str(path)) or path.is_dir():
        raise InvalidInput(say("There is no such file."), str(path))
    try:
        data = _read(path, MAX_BYTES + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableInstance(say("The compressed file is damaged."), path.name) from error
    except OSError as error:
        raise UnreadableInstance(say("The file cannot be opened."), path.name) from error
    if len(data) > MAX_BYTES:
        raise UnreadableInstance(
            say("The file is larger than {size} MB.", size=MAX_BYTES >> 20), path.name
        )
    return data


def _read(path: Path, most: int) -> bytes:
    """The first bytes of a document, also of one in an archive or packed by gzip."""
    with open_binary(path) as file:
        if path.suffix == ".gz":
            with gzip.open(file) as inner:
                return inner.read(most)
        return file.read(most)

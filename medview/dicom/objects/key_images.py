"""Key object selections (PS3.3 A.35.4): which pictures somebody marked, and as what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from medview.core.archive import open_binary
from medview.core.errors import UnreadableInstance
from medview.core.words import say
from medview.dicom.write.files import tolerating_sources

# CID 7010: titles by which pictures are put aside, not shown first.
_PUT_ASIDE = ("113001", "113010", "113037", "113038", "113039")
_PARSE_ERRORS = (ValueError, NotImplementedError, AttributeError, KeyError, TypeError, IndexError,
                 OSError, RecursionError)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySelection:
    """A document: its title and the pictures that it names, as (SOP Instance UID, frame from 0).

    is_to_be_shown: False for pictures that were rejected, and for titles like it.
    """

    uid: str
    title: str
    patient_id: str
    pictures: tuple[tuple[str, int], ...]
    is_to_be_shown: bool = True
    made_by: str = ""
    made_at: str = ""


def read_key_selection(path: str) -> KeySelection:
    """Read a KO document. Raises UnreadableInstance."""
    with tolerating_sources():
        try:
            with open_binary(path) as file:
                dataset = dcmread(file, stop_before_pixels=True)
            title = (dataset.get("ConceptNameCodeSequence") or [Dataset()])[0]
            return KeySelection(
                uid=str(dataset.get("SOPInstanceUID", "")),
                title=str(title.get("CodeMeaning", "") or ""),
                patient_id=str(dataset.get("PatientID", "") or ""),
                pictures=tuple(dict.fromkeys(_pictures(dataset))),
                made_by=str(dataset.get("Manufacturer", "") or ""),
                made_at=f"{dataset.get('ContentDate', '')}{dataset.get('ContentTime', '')}",
                is_to_be_shown=str(title.get("CodeValue", "")) not in _PUT_ASIDE,
            )
        except (InvalidDicomError, *_PARSE_ERRORS) as error:
            raise UnreadableInstance(
                say("This selection of key images cannot be read."),
                path,
                detail=type(error).__name__,
            ) from error


def _pictures(dataset: Dataset) -> Iterator[tuple[str, int]]:
    for item in dataset.get("ContentSequence") or ():
        if item.get("ValueType") != "IMAGE":
            continue
        for referenced in item.get("ReferencedSOPSequence") or ():
            uid = str(referenced.get("ReferencedSOPInstanceUID", ""))
            frames = referenced.get("ReferencedFrameNumber") or 1
            for frame in [frames] if isinstance(frames, int | str) else frames:
                yield uid, int(frame) - 1

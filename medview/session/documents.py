"""The record's documents: read, matched to the patient, refused where they are somebody else's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from medview.core.errors import Cancelled, MedViewError
from medview.core.progress import CancelToken, Progress, no_progress, part_of
from medview.core.study import Patient
from medview.core.words import Sentence
from medview.session.events import DocumentsChanged, Events, KnowledgeChanged

if TYPE_CHECKING:
    from medview.record import Belonging, Document, Note
    from medview.session.joining import Joining


_DOCUMENT_KINDS = ("SR", "PDF", "CDA")  # of DICOM objects


def patient_key(patient: Patient) -> str:
    """What documents are joined by: the id, or the first study where there is none.

    Two anonymised patients without an id must not see each other's documents.
    """
    return patient.id or next((f"study {study.uid}" for study in patient.studies), "")


@dataclass(frozen=True, eq=False, kw_only=True)
class OpenDocument:
    """A document that was read, and whose it is.

    patient_id: `patient_key` of the patient it was joined to, None while it is refused or nobody
    is open. match: how its identity compares with that patient's. is_joined: the reader took it
    for that patient. as_read: the note before the reader put it right, None where it is as read.
    """

    document: Document
    note: Note
    patient_id: str | None
    match: Belonging | None
    as_read: Note | None = None
    is_joined: bool = False


def worth_reading(names: Sequence[str], asked_for: Sequence[Path]) -> list[Path]:
    """Of the files that are no images: those given by name, and those that look like documents."""
    from medview.record import documents_among

    given = {path.absolute() for path in asked_for}
    found = [Path(name) for name in names]
    chosen = set(documents_among(found))
    return [path for path in found if path.absolute() in given or path in chosen]


def document_objects(patients: Sequence[Patient]) -> list[Path]:
    """Structured reports and encapsulated documents among the DICOM objects of some patients."""
    return [
        Path(item.path)
        for patient in patients
        for study in patient.studies
        for item in study.objects
        if item.kind in _DOCUMENT_KINDS
    ]


@dataclass(frozen=True, slots=True)
class UnreadDocument:
    """A document that could not be read, with the sentence why."""

    path: str
    reason: Sentence
    where: str = ""
    what_to_do: Sentence | None = None


class Documents:
    """Documents of every open patient. `open` blocks and runs outside the window's thread."""

    def __init__(
        self,
        events: Events,
        corrected: Callable[[OpenDocument], OpenDocument] = lambda item: item,
        joining: Joining | None = None,
    ) -> None:
        self._events = events
        self._joining = joining  # what the reader said of whose a document is
        self._corrected = corrected  # an open document as the reader put it right
        self._lock = threading.RLock()
        self._open: tuple[OpenDocument, ...] = ()
        self._unread: tuple[UnreadDocument, ...] = ()

    @property
    def opened(self) -> tuple[OpenDocument, ...]:
        """All documents, also those that are refused."""
        return tuple(map(self._corrected, self._open))

    @property
    def unread(self) -> tuple[UnreadDocument, ...]:
        """Files that could not be read as documents."""
        return self._unread

    def of(self, patient: Patient) -> tuple[OpenDocument, ...]:
        """The documents that belong to a patient, with those that the reader took for it."""
        key = patient_key(patient)
        joined = self._joining.of(patient) if self._joining is not None else frozenset()
        mine = (
            replace(item, patient_id=key, match=self._compared(item, patient), is_joined=True)
            if item.patient_id is None
            else item
            for item in self._open
            if item.patient_id == key or (item.patient_id is None and item.document.id in joined)
        )
        return tuple(map(self._corrected, mine))

    @property
    def refused(self) -> tuple[OpenDocument, ...]:
        """Documents that belong to none of the open patients."""
        joined = self._joining.everyone() if self._joining is not None else frozenset()
        return tuple(
            item for item in self._open
            if item.patient_id is None and item.document.id not in joined
        )  # fmt: skip

    def refused_for(self, patient: Patient) -> tuple[OpenDocument, ...]:
        """As `refused`, each compared with one patient."""
        return tuple(replace(item, match=self._compared(item, patient)) for item in self.refused)

    def _compared(self, item: OpenDocument, patient: Patient) -> Belonging:
        from medview.record import belongs_to

        return belongs_to(item.document, patient)

    def open(
        self,
        paths: Sequence[Path],
        patients: Sequence[Patient],
        active: Patient | None,
        batch_patients: Sequence[Patient] = (),
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> None:
        """Read documents and join each to the patient it belongs to.

        batch_patients: whose images were opened together with the documents. A document that
        names nobody goes to the one patient of its batch, to `active` where it came without any
        image, and else to nobody. That one and a document that names somebody else are kept
        apart until the reader confirms. Raises Cancelled; one that cannot be read is listed.
        """
        from medview.record import extract, read_documents
        from medview.record.summary import members_of
        from medview.session.text_model import shipped_text_model

        owner = _owner_of_nameless(batch_patients, active)
        tagger = shipped_text_model() if paths else None
        for number, path in enumerate(paths):
            if cancel is not None:
                cancel.check()
            within = part_of(progress, number, len(paths))
            within(0, 1, "documents")
            try:
                pairs = [
                    (d, extract(d, cancel=cancel, tagger=tagger, progress=within))
                    for d in read_documents(path)
                ]
            except Cancelled:
                raise
            except MedViewError as error:
                self._add_unread(
                    UnreadDocument(str(path), error.what, error.where, error.what_to_do)
                )
                continue
            for document, note in pairs:
                item = self._join(document, note, patients, active)
                self._add(item if item.patient_id is not None else _join_nameless(item, owner))
        progress(len(paths), len(paths), "documents")
        for item in self._open:  # here, not where the window asks for it
            note = self._corrected(item).note
            members_of(note)
            note.look_up()
        self._changed()

    def rejoin(self, patients: Sequence[Patient], active: Patient | None) -> None:
        """Match every document again, after other patients were opened.

        One that names nobody stays apart: the next patient to be opened is not its owner.
        """
        with self._lock:
            self._open = tuple(
                self._join(item.document, item.note, patients, active)
                if item.patient_id is None
                else item
                for item in self._open
            )
        self._changed()

    def close_of(self, patient: Patient) -> None:
        """Close the documents that belong to a patient."""
        from medview.record.settling import MANY, let_go

        with self._lock:
            key = patient_key(patient)
            self._open = tuple(item for item in self._open if item.patient_id != key)
        if not any(len(item.note.entities) >= MANY for item in self._open):
            let_go()
        self._changed()

    def confirm(self, document_id: str, patient: Patient) -> None:
        """The reader says that a refused document is this patient's; undoable, and kept."""
        if self._joining is not None:
            self._joining.join(document_id, patient)
        self._changed()

    def part(self, document_id: str, patient: Patient) -> None:
        """The reader takes that back."""
        if self._joining is not None:
            self._joining.part(document_id, patient)
        self._changed()

    def _join(
        self, document: Document, note: Note, patients: Sequence[Patient], active: Patient | None
    ) -> OpenDocument:
        from medview.record import belongs_to

        candidates = sorted(patients, key=lambda p: active is None or p.id != active.id)
        matches = [(patient, belongs_to(document, patient)) for patient in candidates]
        for patient, match in matches:
            if match.verdict == "match":
                return OpenDocument(
                    document=document, note=note, patient_id=patient_key(patient), match=match
                )
        first = matches[0][1] if matches else None
        return OpenDocument(document=document, note=note, patient_id=None, match=first)

    def _add(self, item: OpenDocument) -> None:
        with self._lock:
            others = tuple(o for o in self._open if o.document.id != item.document.id)
            self._open = (*others, item)

    def _add_unread(self, item: UnreadDocument) -> None:
        with self._lock:
            self._unread = (*(o for o in self._unread if o.path != item.path), item)

    def _changed(self) -> None:
        self._events.send(DocumentsChanged())
        self._events.send(KnowledgeChanged())


def _owner_of_nameless(batch: Sequence[Patient], active: Patient | None) -> Patient | None:
    if not batch:
        return active
    return batch[0] if len(batch) == 1 else None


def _join_nameless(item: OpenDocument, owner: Patient | None) -> OpenDocument:
    from medview.record import belongs_to

    if owner is None:
        return item
    match = belongs_to(item.document, owner)
    return (
        replace(item, patient_id=patient_key(owner), match=match)
        if match.verdict == "unknown"
        else item
    )

"""The record as files that leave: a FHIR bundle, and notes with the reader's corrections."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from medview.core.codec import to_plain
from medview.core.errors import InvalidInput, WriteFailed
from medview.core.files import write_private
from medview.core.study import Patient
from medview.core.words import say

if TYPE_CHECKING:
    from medview.record import Document, Note
    from medview.session.documents import OpenDocument
    from medview.session.session import Session


def write_fhir(session: Session, documents: Sequence[OpenDocument], path: Path) -> int:
    """Write the record of these documents' patient as a bundle of FHIR R4; gives its entries.

    What the images and the reader say goes with it where a study is open. The file is for its
    owner alone. Raises InvalidInput where nothing is open, WriteFailed.
    """
    from medview.record import observations
    from medview.record.fhir_out import fhir_bundle
    from medview.session.dossiers import chart_of_dossier

    if not documents:
        raise InvalidInput(say("There is no document to export."))
    known = (
        session.observations()
        if session.active is not None
        else observations(item.note for item in documents)
    )
    now = dt.datetime.now().astimezone()
    bundle = fhir_bundle(
        _patient(session, documents),
        [item.document for item in documents],
        chart_of_dossier(session, known, now.date()),
        known,
        now,
    )
    _write(path, json.dumps(bundle, ensure_ascii=False, indent=1) + "\n")
    return len(bundle["entry"])


def write_fhir_of(read: Sequence[tuple[Document, Note]], path: Path) -> int:
    """As `write_fhir` for documents of one patient without a session; gives the bundle's entries.

    Raises InvalidInput where they are about several patients, WriteFailed.
    """
    from medview.record import observations
    from medview.record.chart import chart_of
    from medview.record.fhir_out import fhir_bundle

    people = {document.patient.id: document.patient for document, _ in read if document.patient.id}
    if len(people) > 1:
        raise InvalidInput(
            say("These documents are about several patients."),
            ", ".join(sorted(people)),
            say("Name the documents of one patient at a time."),
        )
    who = next(iter(people.values()), read[0][0].patient)
    known = observations(note for _, note in read)
    now = dt.datetime.now().astimezone()
    bundle = fhir_bundle(
        Patient(id=who.id, name=who.name, sex=who.sex, birth_date=who.birth_date),
        [document for document, _ in read],
        chart_of(known, now.date()),
        known,
        now,
    )
    _write(path, json.dumps(bundle, ensure_ascii=False, indent=1) + "\n")
    return len(bundle["entry"])


def write_notes(session: Session, documents: Sequence[OpenDocument], path: Path) -> int:
    """Write the notes that the reader corrected as JSON Lines of `medview-note/1`; gives how many.

    `corrected` of a note says who put which mention right, and when. The file is for its owner
    alone. Raises InvalidInput where nothing was corrected, WriteFailed.
    """
    lines = []
    for item in documents:
        corrections = session.corrections.of(item)
        if corrections:
            note = {**item.note.to_json(), "corrected": to_plain(corrections)}
            lines.append(json.dumps(note, ensure_ascii=False))
    if not lines:
        raise InvalidInput(say("No mention was corrected yet."))
    _write(path, "\n".join(lines) + "\n")
    return len(lines)


def _patient(session: Session, documents: Sequence[OpenDocument]) -> Patient:
    if session.patient is not None:
        return session.patient
    who = documents[0].document.patient
    return Patient(id=who.id, name=who.name, sex=who.sex, birth_date=who.birth_date)


def _write(path: Path, text: str) -> None:
    try:
        write_private(path, text)
    except OSError as error:
        raise WriteFailed(say("The file cannot be written."), path.name) from error

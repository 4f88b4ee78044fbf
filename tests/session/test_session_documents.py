"""Documents go to the patient they belong to; one that names nobody never goes to a stranger."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from medview.core.study import Patient
from medview.session import Session

CtFolder = Callable[..., Path]
NOTE = "Known diabetes mellitus type 2 and emphysema. Creatinine 0.9 mg/dL."


def note_in(folder: Path, text: str = NOTE) -> Path:
    path = folder / "note.txt"
    path.write_text(text, encoding="utf-8")
    return path


def concepts_of(session: Session, patient_id: str) -> set[str]:
    documents = session.documents.of(Patient(id=patient_id))
    return {o.concept for item in documents for o in item.note.observations} - {"problem"}


def look_at(session: Session, patient_id: str) -> None:
    place = next(p for p in session.studies.places() if p.patient.id == patient_id)
    session.select(place.key)


def test_a_nameless_document_beside_images_goes_to_their_patient_not_to_the_active_one(
    session: Session, ct_folder: CtFolder
) -> None:
    session.open([ct_folder("one")])
    six = ct_folder("six", patient_id="P6")
    note_in(six)

    session.open([six])
    look_at(session, "P1")

    assert concepts_of(session, "P6") == {"creatinine", "diabetes", "emphysema"}
    assert session.documents.of(Patient(id="P1")) == ()
    assert session.documents.refused == ()


def test_a_nameless_document_among_two_patients_waits_until_the_reader_confirms(
    session: Session, ct_folder: CtFolder
) -> None:
    one, six = ct_folder("one"), ct_folder("six", patient_id="P6")
    note_in(six)

    session.open([one, six])

    (refused,) = session.documents.refused
    assert refused.match is not None
    assert refused.match.verdict == "unknown"
    six_place = next(p for p in session.studies.places() if p.patient.id == "P6")
    session.documents.confirm(refused.document.id, six_place.patient)
    assert [item.document.id for item in session.documents.of(Patient(id="P6"))] == [
        refused.document.id
    ]


def test_a_loose_nameless_document_goes_to_the_patient_on_the_screen(
    session: Session, ct_folder: CtFolder, tmp_path: Path
) -> None:
    session.open([ct_folder("one")])
    session.open([ct_folder("six", patient_id="P6")])
    look_at(session, "P1")

    session.open([note_in(tmp_path)])
    look_at(session, "P6")

    assert "creatinine" in concepts_of(session, "P1")
    assert session.documents.of(Patient(id="P6")) == ()


@pytest.mark.parametrize("opened_with", ["another patient", "nobody"])
def test_a_nameless_document_never_goes_to_a_patient_who_is_opened_later(
    session: Session, ct_folder: CtFolder, tmp_path: Path, opened_with: str
) -> None:
    if opened_with == "another patient":
        one, six = ct_folder("one"), ct_folder("six", patient_id="P6")
        note_in(one)
        session.open([one, six])
    else:
        session.open([note_in(tmp_path)])

    session.open([ct_folder("later", patient_id="P9")])

    assert session.documents.of(Patient(id="P9")) == ()
    assert len(session.documents.refused) == 1


def test_a_document_that_names_another_patient_beside_images_stays_apart(
    session: Session, ct_folder: CtFolder
) -> None:
    folder = ct_folder("one")
    note_in(folder, f"Patient ID: P6\n{NOTE}")

    session.open([folder])

    assert session.documents.of(Patient(id="P1")) == ()
    assert len(session.documents.refused) == 1


def test_two_patients_without_an_id_do_not_see_each_others_nameless_notes(
    session: Session, ct_folder: CtFolder
) -> None:
    first, second = ct_folder("a", patient_id=""), ct_folder("b", patient_id="", patient_name="C^D")
    note_in(first)
    session.open([first])
    session.open([second])

    patients = session.studies.holdings.patients
    joined = [len(session.documents.of(patient)) for patient in patients]
    assert sorted(joined) == [0, 1]


STRANGER = (
    "Discharge letter\nPatient ID: X-9\nSex: female\nDate: 2026-01-10\n\nKnown diabetes mellitus."
)


def test_a_document_of_somebody_else_waits_and_the_readers_word_is_kept_and_undone(
    session: Session, ct_folder: CtFolder, tmp_path: Path
) -> None:
    letter = note_in(tmp_path, STRANGER)
    session.open([ct_folder("one"), letter])
    patient = session.patient
    assert patient is not None
    (refused,) = session.documents.refused_for(patient)
    assert refused.match is not None
    assert refused.match.verdict == "mismatch"
    assert not any(o.concept == "diabetes" for o in session.observations())

    session.documents.confirm(refused.document.id, patient)

    assert session.documents.refused == ()
    assert [item.is_joined for item in session.documents.of(patient)] == [True]
    assert any(o.concept == "diabetes" for o in session.observations())
    again = Session()
    again.open([tmp_path / "one", letter])  # the journal has it
    assert again.documents.refused == ()
    again.close()

    book = session.book
    assert book is not None
    name = book.undo()
    assert name is not None
    assert name.english() == "Use a document for this patient"
    assert len(session.documents.refused) == 1
    assert not any(o.concept == "diabetes" for o in session.observations())


def test_a_joined_document_can_be_kept_apart_again(
    session: Session, ct_folder: CtFolder, tmp_path: Path
) -> None:
    session.open([ct_folder("one"), note_in(tmp_path, STRANGER)])
    patient = session.patient
    assert patient is not None
    (refused,) = session.documents.refused
    session.documents.confirm(refused.document.id, patient)

    session.documents.part(refused.document.id, patient)

    assert [item.document.id for item in session.documents.refused] == [refused.document.id]


def test_a_reader_hears_that_documents_were_kept_apart(
    session: Session, ct_folder: CtFolder, tmp_path: Path
) -> None:
    heard: list[str] = []
    session.events.subscribe(lambda e: heard.append(str(getattr(e, "sentence", ""))))

    session.open([ct_folder("one"), note_in(tmp_path, STRANGER)])

    assert any("another patient or nobody" in text for text in heard)


def test_what_is_known_is_gathered_again_only_after_a_change(
    session: Session, ct_folder: CtFolder, tmp_path: Path
) -> None:
    session.open([ct_folder("one"), note_in(tmp_path)])
    before = session.observations()

    assert session.observations() is before
    session.made.enter("creatinine", 1.4, "mg/dL")
    after = session.observations()
    assert after is not before
    assert any(o.value == 1.4 for o in after)


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("sr/basic-text.dcm", "DICOM SR"),
        ("sr/tid1500-pet-measurements.dcm", "DICOM SR"),
        ("pdf-cda/made-encapsulated-pdf.dcm", "PDF"),
        ("pdf-cda/made-encapsulated-cda.dcm", "CDA"),
    ],
)
def test_a_report_among_the_dicom_objects_is_a_document_of_its_patient(
    session: Session, imaging_data: Path, file: str, kind: str
) -> None:
    session.open([imaging_data / file])

    patient = session.patient
    assert patient is not None
    assert [item.document.kind for item in session.documents.of(patient)] == [kind]

"""What a reader puts right in a document: it is kept, undone, and reaches every value at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from medview.core.errors import InvalidInput
from medview.core.settings import Settings
from medview.record import Entity
from medview.session import Session
from medview.session.documents import OpenDocument

LETTER = (
    "Patient ID: MV-77\nDate: 2026-01-20\n"
    "Lung cancer in 2019. No diabetes. Creatinine 1.4 mg/dL. Warfarin 5 mg daily.\n"
)


def opened(folder: Path, text: str = LETTER) -> tuple[Session, OpenDocument]:
    path = folder / "letter.txt"
    path.write_text(text, encoding="utf-8")
    session = Session(Settings(reader_name="Dr Reed"))
    session.documents.open([path], (), None)
    return session, item(session)


def item(session: Session) -> OpenDocument:
    return session.documents.opened[0]


def mention(one: OpenDocument, text: str) -> Entity:
    return next(e for e in one.note.entities if e.text == text)


def values(one: OpenDocument, concept: str) -> list[object]:
    return [o.value for o in one.note.observations if o.concept == concept]


def test_a_mention_that_is_denied_by_the_reader_is_denied_everywhere(tmp_path: Path) -> None:
    session, letter = opened(tmp_path)
    assert values(letter, "diabetes") == [False]

    session.corrections.change(letter, mention(letter, "diabetes"), negated=False)

    assert values(item(session), "diabetes") == [True]
    assert "negated" not in mention(item(session), "diabetes").to_json().get("attrs", {})


def test_undo_and_redo_lead_back_and_forth(tmp_path: Path) -> None:
    session, letter = opened(tmp_path)
    session.corrections.delete(letter, mention(letter, "diabetes"))
    assert values(item(session), "diabetes") == []

    assert session.book is not None
    session.book.undo()
    assert item(session).note == letter.note
    session.book.redo()
    assert values(item(session), "diabetes") == []


def test_a_span_that_is_drawn_longer_has_its_value_read_again(tmp_path: Path) -> None:
    session, letter = opened(tmp_path, LETTER.replace("1.4 mg/dL", "(today) 1.4 mg/dL"))
    start = letter.note.text.index("1.4 mg/dL")
    name = letter.note.text.index("Creatinine")
    session.corrections.add(letter, name, start + len("1.4 mg/dL"), "lab")

    (lab,) = [e for e in item(session).note.entities if e.type == "lab"]
    assert lab.text == "Creatinine (today) 1.4 mg/dL"


def test_words_that_were_passed_over_can_be_marked(tmp_path: Path) -> None:
    session, letter = opened(tmp_path, LETTER + "He has the sugar disease.\n")
    start = letter.note.text.index(" sugar disease")
    session.corrections.add(letter, start, start + len(" sugar disease"), "disease")

    made = mention(item(session), "sugar disease")
    assert made.type == "disease"
    assert made.id not in {e.id for e in letter.note.entities}


def test_an_added_mention_that_is_deleted_leaves_no_trace(tmp_path: Path) -> None:
    session, letter = opened(tmp_path)
    session.corrections.add(letter, 0, 7, "device")
    session.corrections.delete(item(session), mention(item(session), "Patient"))

    assert session.corrections.of(letter) == ()


def test_who_and_when_are_kept_for_the_next_session(tmp_path: Path) -> None:
    session, letter = opened(tmp_path)
    session.corrections.change(letter, mention(letter, "Warfarin"), type="device")
    session.close()

    again, letter = opened(tmp_path)
    (kept,) = again.corrections.of(letter)
    assert (kept.by, kept.type, kept.was) == ("Dr Reed", "device", ("drug", 91, 99))
    assert kept.at[:2] == "20"
    assert mention(letter, "Warfarin").type == "device"


def test_a_mention_corrected_twice_is_one_correction(tmp_path: Path) -> None:
    session, letter = opened(tmp_path)
    session.corrections.change(letter, mention(letter, "diabetes"), negated=False)
    session.corrections.change(item(session), mention(item(session), "diabetes"), uncertain=True)

    (kept,) = session.corrections.of(letter)
    assert (kept.negated, kept.uncertain) == (False, True)


def test_a_structured_value_goes_with_its_mention(tmp_path: Path) -> None:
    path = tmp_path / "labs.hl7"
    path.write_text(
        "MSH|^~\\&|L|H|R|H|202601201130||ORU^R01|1|P|2.5.1\rPID|1||MV-77||Demo^Ada||19581103|F\r"
        "OBR|1|||24323-8^Panel^LN|||202601200815\r"
        "OBX|1|NM|2160-0^Creatinine^LN||1.4|mg/dL|0.5-1.1|H|||F|||202601200815\r",
        encoding="utf-8",
    )
    session = Session(Settings())
    session.documents.open([path], (), None)
    letter = item(session)
    assert values(letter, "creatinine") == [1.4]
    lab = next(e for e in letter.note.entities if e.type == "lab")
    session.corrections.delete(letter, lab)

    assert values(item(session), "creatinine") == []


def test_nothing_but_blanks_cannot_be_marked(tmp_path: Path) -> None:
    session, letter = opened(tmp_path)
    blank = letter.note.text.index("\n")
    with pytest.raises(InvalidInput):
        session.corrections.add(letter, blank, blank + 1, "disease")
    with pytest.raises(InvalidInput):
        session.corrections.add(letter, 0, 4, "colour")

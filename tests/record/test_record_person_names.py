"""Whose a document is, where names are spelled in more than one way."""

from __future__ import annotations

import pytest

from medview.core.study import Patient
from medview.record import Document, belongs_to
from medview.record.document import PatientIdentity
from medview.record.identity import contradictions


def document(**own: object) -> Document:
    return Document(id="d", path="", kind="text", text="", patient=PatientIdentity(**own))  # type: ignore[arg-type]


def verdict(own: dict[str, object], name: str, birth_date: str = "", sex: str = "") -> str:
    patient = Patient(id="P-7", name=name, birth_date=birth_date, sex=sex)
    return belongs_to(document(**own), patient).verdict


@pytest.mark.parametrize(
    ("written", "opened"),
    [
        ("José García", "GARCIA^JOSE"),
        ("Jörg Müller", "MUELLER^JOERG"),
        ("Jorg Muller", "MÜLLER^JÖRG"),
        ("O'Brien, Niamh", "OBRIEN^N"),
        ("Sean O’Brien", "O BRIEN^S"),
        ("Łukasz Żak", "ZAK^LUKASZ"),
        ("Ana García-López", "GARCIA LOPEZ^ANNA"),
        ("Søren Kjær", "KJAER^SOEREN"),
        ("欧阳娜", "歐陽^娜"),
        ("劉偉", "LIU^WEI=刘^伟"),
        ("张三先生", "ZHANG^SAN=张^三"),
        ("Mr Smith", "SMITH^JOHN^^MR"),
        ("Ronald Mc Donald", "McDonald^R"),
        ("Xiao Ming Wong", "WANG^XIAOMING"),
        ("Unknown Unknown", "SMITH^JOHN"),
        ("Not Available", "SMITH^JOHN"),
        ("Withheld For Privacy", "SMITH^JOHN"),
        ("Elderly Male", "SMITH^JOHN"),
        ("Baby Boy Smith", "SMITH^JOHN"),
        ("佚名", "ZHANG^SAN=张^三"),
        ("XXXXXX XXXX", "SMITH^JOHN"),
    ],
)
def test_a_name_spelled_otherwise_is_no_other_name(written: str, opened: str) -> None:
    assert verdict({"name": written}, opened) == "unknown"


@pytest.mark.parametrize(
    ("written", "opened"),
    [
        ("Mr Jones", "SMITH^JOHN^^MR"),
        ("Dr. Tom Jones", "SMITH^JOHN^^DR."),
        ("Elderly Tom Jones", "SMITH^JOHN"),
        ("J. Jones", "SMITH^J"),
        ("Na The", "SMITH^JOHN"),
        ("X" * 60 + "- Jones", "SMITH^JOHN"),  # and is told at once
        ("李四先生", "ZHANG^SAN=张^三"),
        ("Jon Smyth", "SMITH^JOHN"),  # nothing else is said: it is asked
    ],
)
def test_a_title_and_an_initial_join_nobody(written: str, opened: str) -> None:
    assert verdict({"name": written}, opened) == "mismatch"


@pytest.mark.parametrize(
    ("written", "opened", "expected"),
    [
        ("Jon Smyth", "SMITH^JOHN", "unknown"),
        ("Garzia Josef", "GARCIA^JOSE", "unknown"),
        ("王晓明", "王小明", "unknown"),
        ("Tom Jones", "SMITH^JOHN", "mismatch"),
        ("李建国", "王小明", "mismatch"),
    ],
)
def test_birth_date_and_sex_outweigh_a_spelling_and_no_other_name(
    written: str, opened: str, expected: str
) -> None:
    own: dict[str, object] = {"name": written, "birth_date": "1950-03-01", "sex": "M"}

    assert verdict(own, opened, birth_date="1950-03-01", sex="M") == expected
    assert verdict({**own, "sex": ""}, opened, birth_date="1950-03-01", sex="M") == "mismatch"
    assert verdict({**own, "birth_date": "1950"}, opened, birth_date="1950", sex="M") == "mismatch"


def test_a_year_first_hides_no_contradiction_of_two_days() -> None:
    dates = ("1950", "1950-03-01", "1950-04-02")
    (said,) = contradictions(document(ids=("P-7",), birth_date=date) for date in dates)

    assert "1950-03-01 and 1950-04-02" in said.english()
    assert not contradictions(document(ids=("P-7",), birth_date=date) for date in dates[:2])

"""What the header says about the patient."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dicom_read_cases import save_series

from medview.core.observation import Observation
from medview.dicom import header_observations, scan


def observed(folder: Path, **elements: Any) -> dict[str, Observation]:
    patient = scan([save_series(folder, count=1, **elements)]).patients[0]
    return {o.concept: o for o in header_observations(patient, patient.studies[0])}


def test_age_is_counted_in_birthdays_at_the_exam(tmp_path: Path) -> None:
    found = observed(tmp_path)
    assert (found["age"].value, found["age"].unit) == (75, "a")
    assert found["age"].source.locator == "tag:PatientBirthDate"
    assert found["age"].time == "2026-01-31"
    assert found["sex"].value == "F"


@pytest.mark.parametrize(("written", "years"), [("045Y", 45), ("006M", 0.5), ("010D", 0.03)])
def test_age_as_written_stands_in_for_a_missing_birth_date(
    tmp_path: Path, written: str, years: float
) -> None:
    age = observed(tmp_path, PatientBirthDate="", PatientAge=written)["age"]
    assert age.value == pytest.approx(years)
    assert age.source.where == "(0010,1010) Patient's Age"
    assert age.original == written


def test_nought_years_are_what_anonymisers_leave_and_no_age(tmp_path: Path) -> None:
    assert "age" not in observed(tmp_path, PatientBirthDate="", PatientAge="000Y")


def test_height_in_metres_becomes_centimetres(tmp_path: Path) -> None:
    found = observed(tmp_path, PatientSize="1.72", PatientWeight="68.5")
    assert (found["height"].value, found["height"].unit) == (172, "cm")
    assert (found["weight"].value, found["weight"].unit) == (68.5, "kg")


def test_the_impossible_and_the_absent_are_left_out(tmp_path: Path) -> None:
    found = observed(tmp_path, PatientSex="O", PatientBirthDate="20990101", PatientWeight="0",
                     PatientSize="172")  # fmt: skip
    assert found == {}

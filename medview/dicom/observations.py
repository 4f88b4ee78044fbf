"""What the header says about the patient: age, sex, weight, height."""

from __future__ import annotations

import re
from datetime import date

from medview.core.observation import Observation, Source, concepts
from medview.core.study import Patient, Study

_TITLES = {
    "PatientBirthDate": "(0010,0030) Patient's Birth Date",
    "PatientSex": "(0010,0040) Patient's Sex",
    "PatientAge": "(0010,1010) Patient's Age",
    "PatientSize": "(0010,1020) Patient's Size",
    "PatientWeight": "(0010,1030) Patient's Weight",
}
_YEARS = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}
_INFANT = 2.0


def header_observations(patient: Patient, study: Study) -> tuple[Observation, ...]:
    """Age at the exam (years), sex (M, F), weight (kg) and height (cm), as far as they are there.

    Age comes from birth date and study date, else from Patient's Age; whole years from two years
    on. What is impossible for a human (concepts' plausible range) is left out.
    """
    found = (
        _age(patient, study),
        _sex(patient, study),
        _measure(patient, study, "weight", "PatientWeight", 1.0),
        _measure(patient, study, "height", "PatientSize", 100.0),
    )
    return tuple(observation for observation in found if observation is not None)


def _header(study: Study, keyword: str) -> str:
    """The first value that any series of the study has."""
    return next((s.header[keyword] for s in study.series if s.header.get(keyword)), "")


def _age(patient: Patient, study: Study) -> Observation | None:
    written = _header(study, "PatientAge")
    years = _years_between(patient.birth_date, study.date)
    if years is not None and _is_plausible("age", years):
        value = years if years < _INFANT else float(int(years))
        return _observation(
            patient, study, "age", round(value, 2), "PatientBirthDate", patient.birth_date
        )
    match = re.fullmatch(r"(\d{1,3})([YMWD])", written.strip().upper())
    if match is None or (int(match[1]) == 0 and match[2] == "Y"):
        return None  # nought years are what de-identification leaves; newborns have days
    value = round(int(match[1]) * _YEARS[match[2]], 2)
    if not _is_plausible("age", value):
        return None
    return _observation(patient, study, "age", value, "PatientAge", written)


def _years_between(birth: str, exam: str) -> float | None:
    """Years from one ISO date to the other; birthdays count, not days."""
    try:
        born, then = date.fromisoformat(birth), date.fromisoformat(exam)
    except ValueError:
        return None
    if then < born:
        return None
    whole = then.year - born.year - ((then.month, then.day) < (born.month, born.day))
    return whole if whole >= _INFANT else (then - born).days / 365.25


def _sex(patient: Patient, study: Study) -> Observation | None:
    if patient.sex not in ("M", "F"):
        return None
    return _observation(patient, study, "sex", patient.sex, "PatientSex", patient.sex)


def _measure(
    patient: Patient, study: Study, concept: str, keyword: str, factor: float
) -> Observation | None:
    written = _header(study, keyword)
    try:
        value = float(written) * factor
    except ValueError:
        return None
    if value <= 0 or not _is_plausible(concept, value):
        return None
    return _observation(patient, study, concept, round(value, 3), keyword, written)


def _is_plausible(concept: str, value: float) -> bool:
    low, high = concepts()[concept].plausible or (float("-inf"), float("inf"))
    return low <= value <= high


def _observation(
    patient: Patient, study: Study, concept: str, value: float | str, keyword: str, written: str
) -> Observation:
    return Observation(
        patient_id=patient.id,
        concept=concept,
        value=value,
        unit=concepts()[concept].unit,
        time=study.date,
        source=Source(kind="header", where=_TITLES[keyword], locator=f"tag:{keyword}"),
        original=written,
    )

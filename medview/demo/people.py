"""The two invented patients and the examinations they had: every date and number, once.

All other modules take their facts from here, so images, documents and truth agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

MADE = "Computer-made phantom of an invented patient. Not a real person."
INSTITUTION = "MedView demo hospital"


@dataclass(frozen=True, kw_only=True)
class Person:
    """A patient as every file names them; `name` is a DICOM PN with its ideographic group."""

    id: str
    name: str
    family: str
    given: str
    chinese: str
    sex: str
    birth: date

    def age_on(self, day: date) -> int:
        """Completed years."""
        return (
            day.year - self.birth.year - ((day.month, day.day) < (self.birth.month, self.birth.day))
        )


@dataclass(frozen=True, kw_only=True)
class Examination:
    """A study: `key` makes its UIDs."""

    key: str
    person: Person
    day: date
    time: str
    accession: str
    description: str


@dataclass(frozen=True, kw_only=True)
class LabValue:
    """A laboratory result. loinc, value and UCUM unit; low and high are the reference range."""

    loinc: str
    name: str
    value: float
    unit: str
    day: date
    low: float | None = None
    high: float | None = None


ADA = Person(
    id="MV-0001", name="Demo^Ada=演示^艾达", family="Demo", given="Ada", chinese="演示艾达",
    sex="F", birth=date(1958, 11, 3),
)  # fmt: skip
BO = Person(
    id="MV-0002", name="Demo^Bo=演示^小波", family="Demo", given="Bo", chinese="演示小波",
    sex="M", birth=date(2021, 9, 14),
)  # fmt: skip

CT_DAY = date(2026, 1, 31)
PRIOR_DAY = date(2024, 6, 12)
LETTER_DAY = date(2026, 1, 30)
CLINIC_DAY = date(2026, 1, 27)

CT = Examination(
    key="ct", person=ADA, day=CT_DAY, time="101500", accession="MVD-2601",
    description="CT chest plain",
)  # fmt: skip
FILM = Examination(
    key="dx", person=ADA, day=CT_DAY, time="094000", accession="MVD-2602",
    description="Chest PA",
)  # fmt: skip
PRIOR = Examination(
    key="prior", person=ADA, day=PRIOR_DAY, time="143000", accession="MVD-2406",
    description="CT chest plain",
)  # fmt: skip
CHILD_FILM = Examination(
    key="child", person=BO, day=CT_DAY, time="112000", accession="MVD-2603",
    description="Chest AP",
)  # fmt: skip

PACK_YEARS = 35
SMOKED_YEARS = 35
QUIT_YEAR = 2016
HEIGHT_CM, WEIGHT_KG = 163.0, 68.8
SYSTOLIC, DIASTOLIC = 138, 82
NODULE_BEFORE_MM = 6

CREATININE = (
    (date(2020, 3, 9), 0.81), (date(2022, 4, 20), 0.86), (date(2024, 6, 10), 0.92),
    (date(2025, 5, 14), 0.95), (CLINIC_DAY, 0.98),
)  # fmt: skip

LABS = tuple(
    LabValue(loinc=loinc, name=name, value=value, unit=unit, day=CLINIC_DAY, low=low, high=high)
    for loinc, name, value, unit, low, high in (
        ("2160-0", "Creatinine", 0.98, "mg/dL", 0.5, 1.1),
        ("2093-3", "Cholesterol total", 212, "mg/dL", None, 200),
        ("2085-9", "HDL cholesterol", 54, "mg/dL", 50, None),
        ("13457-7", "LDL cholesterol", 131, "mg/dL", None, 130),
        ("4548-4", "Haemoglobin A1c", 5.6, "%", 4.0, 6.0),
        ("2951-2", "Sodium", 139, "mmol/L", 135, 145),
        ("2823-3", "Potassium", 4.2, "mmol/L", 3.5, 5.1),
        ("718-7", "Haemoglobin", 13.4, "g/dL", 12.0, 15.5),
        ("777-3", "Platelets", 248, "10*9/L", 150, 400),
        ("6690-2", "White cells", 7.1, "10*9/L", 4.0, 10.0),
        ("1988-5", "C-reactive protein", 3.2, "mg/L", None, 5.0),
        ("1742-6", "ALT", 22, "U/L", None, 35),
        ("1920-8", "AST", 24, "U/L", None, 35),
    )
)

"""The invented woman's record as a FHIR R4 bundle."""

from __future__ import annotations

import base64
from datetime import date
from typing import Any

from medview.demo import people
from medview.demo.dicom_files import made_uid
from medview.demo.people import ADA, CREATININE, LABS, LabValue

Resource = dict[str, Any]
_LOINC, _SNOMED = "http://loinc.org", "http://snomed.info/sct"
_UCUM = "http://unitsofmeasure.org"
_HOSPITAL = "2.25.310483620874921834471209417766120532"
_TERMS = "http://terminology.hl7.org/CodeSystem"


def bundle() -> Resource:
    """A collection bundle; entries refer to each other by urn:uuid."""
    resources = [
        _patient(), *_conditions(), *_labs(), *_vitals(), *_smoking(), _family(),
        *_intolerances(), *_medication(), _imaging(), _document(),
    ]  # fmt: skip
    return {
        "resourceType": "Bundle", "id": "mv-0001-record", "type": "collection",
        "timestamp": f"{people.LETTER_DAY}T12:00:00+00:00",
        "entry": [{"fullUrl": _urn(r["id"]), "resource": r} for r in resources],
    }  # fmt: skip


def _urn(identifier: str) -> str:
    number = int(made_uid("fhir", identifier).removeprefix("2.25."))
    digits = f"{number:032x}"[-32:]
    parts = (digits[:8], digits[8:12], "5" + digits[13:16], "8" + digits[17:20], digits[20:])
    return "urn:uuid:" + "-".join(parts)


def _coded(system: str, code: str, display: str) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def _subject() -> Resource:
    return {"reference": _urn("patient"), "display": f"{ADA.given} {ADA.family}"}


def _quantity(value: float, unit: str) -> Resource:
    return {"value": value, "unit": unit, "system": _UCUM, "code": unit}


def _patient() -> Resource:
    ideographic = {
        "url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation",
        "valueCode": "IDE",
    }
    return {
        "resourceType": "Patient", "id": "patient",
        "identifier": [{"system": f"urn:oid:{_HOSPITAL}", "value": ADA.id}],
        "name": [
            {"use": "official", "family": ADA.family, "given": [ADA.given]},
            {"use": "official", "text": ADA.chinese, "extension": [ideographic]},
        ],
        "gender": "female", "birthDate": str(ADA.birth),
    }  # fmt: skip


def _condition(
    key: str, code: str, display: str, onset: str, verified: str = "confirmed"
) -> Resource:
    resource: Resource = {
        "resourceType": "Condition", "id": key, "subject": _subject(),
        "verificationStatus": _coded(f"{_TERMS}/condition-ver-status", verified, verified),
        "code": _coded(_SNOMED, code, display),
    }  # fmt: skip
    if verified != "refuted":
        resource["clinicalStatus"] = _coded(f"{_TERMS}/condition-clinical", "active", "active")
        resource["onsetDateTime"] = onset
    else:
        resource["recordedDate"] = onset
    return resource


def _conditions() -> list[Resource]:
    return [
        _condition("hypertension", "38341003", "Hypertensive disorder", "2012"),
        _condition("atrial-fibrillation", "282825002", "Paroxysmal atrial fibrillation", "2023-03"),
        _condition("copd", "13645005", "Chronic obstructive lung disease", "2018"),
        _condition("emphysema", "87433001", "Pulmonary emphysema", "2024-06-12"),
        _condition("nodule", "427359005", "Solitary nodule of lung", "2024-06-12"),
        _condition("diabetes", "44054006", "Diabetes mellitus type 2", "2025-05-14", "refuted"),
        _condition("heart-failure", "84114007", "Heart failure", "2025-05-14", "refuted"),
    ]


def _observation(key: str, category: str, code: Resource, day: date, **value: Any) -> Resource:
    return {
        "resourceType": "Observation", "id": key, "status": "final", "subject": _subject(),
        "category": [_coded(f"{_TERMS}/observation-category", category, category)],
        "code": code, "effectiveDateTime": str(day), **value,
    }  # fmt: skip


def _lab(key: str, lab: LabValue) -> Resource:
    span: Resource = {}
    if lab.low is not None:
        span["low"] = _quantity(lab.low, lab.unit)
    if lab.high is not None:
        span["high"] = _quantity(lab.high, lab.unit)
    return _observation(
        key, "laboratory", _coded(_LOINC, lab.loinc, lab.name), lab.day,
        valueQuantity=_quantity(lab.value, lab.unit), referenceRange=[span],
    )  # fmt: skip


def _labs() -> list[Resource]:
    first = LABS[0]
    series = [
        LabValue(
            loinc=first.loinc,
            name=first.name,
            value=value,
            unit=first.unit,
            day=day,
            low=first.low,
            high=first.high,
        )
        for day, value in CREATININE
    ]
    labs = [_lab(f"creatinine-{lab.day.year}", lab) for lab in series]
    wanted = ("2093-3", "2085-9", "13457-7", "4548-4", "718-7", "777-3")
    return labs + [_lab(f"lab-{lab.loinc}", lab) for lab in LABS if lab.loinc in wanted]


def _vitals() -> list[Resource]:
    def pressure(key: str, day: date, systolic: int, diastolic: int) -> Resource:
        parts = [
            {"code": _coded(_LOINC, code, name), "valueQuantity": _quantity(value, "mm[Hg]")}
            for code, name, value in (
                ("8480-6", "Systolic blood pressure", systolic),
                ("8462-4", "Diastolic blood pressure", diastolic),
            )
        ]
        panel = _coded(_LOINC, "85354-9", "Blood pressure panel")
        return _observation(key, "vital-signs", panel, day, component=parts)

    def single(key: str, code: str, name: str, value: float, unit: str) -> Resource:
        return _observation(
            key, "vital-signs", _coded(_LOINC, code, name), people.LETTER_DAY,
            valueQuantity=_quantity(value, unit),
        )  # fmt: skip

    bmi = round(people.WEIGHT_KG / (people.HEIGHT_CM / 100) ** 2, 1)
    return [
        pressure("blood-pressure-2025", date(2025, 5, 14), 146, 88),
        pressure("blood-pressure-2026", people.LETTER_DAY, people.SYSTOLIC, people.DIASTOLIC),
        single("height", "8302-2", "Body height", people.HEIGHT_CM, "cm"),
        single("weight", "29463-7", "Body weight", people.WEIGHT_KG, "kg"),
        single("bmi", "39156-5", "Body mass index", bmi, "kg/m2"),
    ]


def _smoking() -> list[Resource]:
    status = _coded(_LOINC, "72166-2", "Tobacco smoking status")
    pack_years = _coded(_LOINC, "8664-5", "Cigarettes smoked total (pack per year) - Reported")
    return [
        _observation(
            "smoking", "social-history", status, people.LETTER_DAY,
            valueCodeableConcept=_coded(_SNOMED, "8517006", "Ex-smoker"),
        ),
        _observation(
            "pack-years", "social-history", pack_years, people.LETTER_DAY,
            valueQuantity=_quantity(people.PACK_YEARS, "{pack-years}"),
        ),
    ]  # fmt: skip


def _family() -> Resource:
    return {
        "resourceType": "FamilyMemberHistory", "id": "sister", "status": "completed",
        "patient": _subject(), "date": str(people.LETTER_DAY),
        "relationship": _coded(f"{_TERMS}/v3-RoleCode", "SIS", "sister"),
        "condition": [{
            "code": _coded(_SNOMED, "363358000", "Malignant tumor of lung"),
            "onsetAge": _quantity(61, "a"),
        }],
    }  # fmt: skip


def _intolerances() -> list[Resource]:
    def one(key: str, kind: str, code: tuple[str, str], reaction: tuple[str, str]) -> Resource:
        return {
            "resourceType": "AllergyIntolerance", "id": key, "type": kind,
            "category": ["medication"],
            "clinicalStatus": _coded(f"{_TERMS}/allergyintolerance-clinical", "active", "active"),
            "verificationStatus": _coded(
                f"{_TERMS}/allergyintolerance-verification", "confirmed", "confirmed"
            ),
            "patient": _subject(), "code": _coded(_SNOMED, *code),
            "reaction": [{"manifestation": [_coded(_SNOMED, *reaction)]}],
        }  # fmt: skip

    return [
        one("penicillin", "allergy", ("764146007", "Penicillin"), ("271807003", "Rash")),
        one("lisinopril", "intolerance", ("386873009", "Lisinopril"), ("11833005", "Dry cough")),
    ]


def _medication() -> list[Resource]:
    def one(key: str, display: str, text: str, status: str, start: str) -> Resource:
        return {
            "resourceType": "MedicationStatement", "id": key, "status": status,
            "medicationCodeableConcept": {"text": display}, "subject": _subject(),
            "effectivePeriod": {"start": start}, "dosage": [{"text": text}],
        }  # fmt: skip

    return [
        one("amlodipine", "Amlodipine", "5 mg by mouth once daily", "active", "2019"),
        one("apixaban", "Apixaban", "5 mg by mouth twice daily", "active", "2023-03"),
        one("tiotropium", "Tiotropium", "18 ug inhaled once daily", "active", "2018"),
    ]


def _imaging() -> Resource:
    exam = people.PRIOR
    return {
        "resourceType": "ImagingStudy", "id": "ct-2024", "status": "available",
        "subject": _subject(),
        "identifier": [
            {"system": "urn:dicom:uid", "value": "urn:oid:" + made_uid(exam.key, "study")},
            {"type": _coded(f"{_TERMS}/v2-0203", "ACSN", "Accession ID"), "value": exam.accession},
        ],
        "started": str(exam.day), "description": exam.description,
    }  # fmt: skip


def _document() -> Resource:
    text = (
        f"CT chest, {people.PRIOR_DAY}. Patient ID: {ADA.id}.\n"
        f"Single {people.NODULE_BEFORE_MM} mm solid nodule with spiculated margins "
        "in the right upper lobe. "
        "Centrilobular emphysema in both upper lobes. "
        "No pleural effusion. No enlarged lymph nodes.\n"
        "Impression: solid nodule of the right upper lobe; follow-up CT is advised.\n"
    )
    return {
        "resourceType": "DocumentReference", "id": "report-2024", "status": "current",
        "subject": _subject(), "date": f"{people.PRIOR_DAY}T16:00:00+00:00",
        "type": _coded(_LOINC, "18748-4", "Diagnostic imaging study"),
        "content": [{"attachment": {
            "contentType": "text/plain; charset=utf-8", "language": "en",
            "data": base64.b64encode(text.encode()).decode(),
            "title": "CT chest report (invented)",
        }}],
    }  # fmt: skip

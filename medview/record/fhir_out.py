"""The record as a FHIR R4 bundle (4.0.1): lists, values and the documents that they stand in."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import uuid
from collections.abc import Iterable, Sequence

from medview.core.observation import Observation, concepts
from medview.core.results import Code
from medview.core.study import Patient
from medview.record.chart import Chart, Statement
from medview.record.document import Document
from medview.record.fhir_parts import (
    Json,
    Names,
    clean,
    coded,
    notes,
    number,
    ranges,
    references,
    term,
    time_of,
)

_SPACE = uuid.UUID("3d1cbb9a-6d5c-5b57-9d0b-3f7c9d3a1f15")  # names of our entries are made in it
_GENDERS = {"F": "female", "M": "male", "O": "other"}
_BLOOD_PRESSURE = (
    Code("LN", "8480-6", "Systolic blood pressure"),
    Code("LN", "8462-4", "Diastolic blood pressure"),
)
_VITALS = frozenset(
    ("heart_rate", "respiratory_rate", "temperature", "oxygen_saturation", "weight", "height",
     "bmi", "blood_pressure", "systolic_bp", "diastolic_bp")
)  # fmt: skip
_IN_LISTS = frozenset(
    ("problem", "medication", "allergy", "adverse_drug_effect", "procedure", "family_history")
)
_STATUS = {"final", "preliminary", "corrected", "amended", "registered", "cancelled"}


def fhir_bundle(
    patient: Patient,
    documents: Sequence[Document],
    chart: Chart,
    known: Iterable[Observation],
    now: dt.datetime,
) -> Json:
    """A collection of Patient, DocumentReference, Condition, MedicationStatement and the rest.

    Every entry names the document that it was read in: by `derivedFrom` or `evidence` where R4
    has such an element, with the words in `note`. now: with its time zone. A text goes along
    whole, in its DocumentReference, so that a place in it can be found.
    """
    names = Names(
        patient=_urn("patient", patient.id, patient.name, patient.birth_date),
        documents={d.id: _urn("document", d.id) for d in documents},
        titles={d.id: d.title or d.kind for d in documents},
    )
    entries = [(names.patient, _patient(patient))]
    entries += [(names.documents[d.id], _document(d, names)) for d in documents]
    entries += [_entry(names, "Condition", s, _condition(s, names)) for s in chart.problems]
    entries += [
        _entry(names, "MedicationStatement", s, _medication(s, names)) for s in chart.medications
    ]
    entries += [_entry(names, "AllergyIntolerance", s, _allergy(s, names)) for s in chart.allergies]
    entries += [_entry(names, "Procedure", s, _procedure(s, names)) for s in chart.procedures]
    entries += [
        _entry(names, "FamilyMemberHistory", s, _relative(s, names)) for s in chart.relatives
    ]
    for place, one in enumerate(o for o in known if o.concept not in _IN_LISTS):
        urn = _urn(names.patient, "Observation", one.concept, str(one.value), one.time, str(place))
        entries.append((urn, _observation(one, names)))
    return {
        "resourceType": "Bundle",
        "id": uuid.uuid5(_SPACE, f"{names.patient} {now.isoformat()}").hex,
        "type": "collection",
        "timestamp": now.isoformat(timespec="seconds"),
        "entry": [
            {"fullUrl": urn, "resource": {**resource, "id": urn.removeprefix("urn:uuid:")}}
            for urn, resource in entries
        ],
    }


def _urn(*parts: str) -> str:
    return uuid.uuid5(_SPACE, "\x1f".join(parts)).urn


def _entry(names: Names, kind: str, statement: Statement, resource: Json) -> tuple[str, Json]:
    return _urn(names.patient, kind, statement.name, statement.detail, statement.status), resource


def _patient(patient: Patient) -> Json:
    family, _, given = patient.name.partition("^")
    name = {"text": patient.name.replace("^", " ").strip()}
    if given:
        name = {"family": family, "given": given.replace("^", " ").split(), **name}  # type: ignore[dict-item]
    return clean(
        {
            "resourceType": "Patient",
            "identifier": [{"value": patient.id}],
            "name": [name],
            "gender": _GENDERS.get(patient.sex, "unknown"),
            "birthDate": time_of(patient.birth_date)[:10],
        }
    )


def _document(document: Document, names: Names) -> Json:
    data = document.text.encode()
    digest = hashlib.sha1(data, usedforsecurity=False).digest()  # the hash that R4 asks for
    return clean(
        {
            "resourceType": "DocumentReference",
            "status": "current",
            "description": document.title or document.kind,
            "subject": {"reference": names.patient},
            "content": [
                {
                    "attachment": {
                        "contentType": "text/plain; charset=utf-8",
                        "data": base64.b64encode(data).decode(),
                        "size": len(data),
                        "hash": base64.b64encode(digest).decode(),
                        "title": document.title or document.kind,
                        "creation": time_of(document.date),
                    }
                }
            ],
        }
    )


def _condition(statement: Statement, names: Names) -> Json:
    certain = {"possible": "unconfirmed", "denied": "refuted"}.get(statement.status, "confirmed")
    is_now = statement.status in ("active", "", "possible")
    return clean(
        {
            "resourceType": "Condition",
            "clinicalStatus": term("condition-clinical", "active" if is_now else "inactive"),
            "verificationStatus": term("condition-ver-status", certain),
            "category": [term("condition-category", "problem-list-item")],
            "code": coded(statement.code, statement.name),
            "subject": {"reference": names.patient},
            "recordedDate": time_of(statement.time),
            "evidence": [{"detail": references(statement.sources, names)}],
            "note": notes(statement.sources, names),
        }
    )


def _medication(statement: Statement, names: Names) -> Json:
    status = {"past": "stopped", "denied": "not-taken", "possible": "unknown"}
    return clean(
        {
            "resourceType": "MedicationStatement",
            "status": status.get(statement.status, "active"),
            "medicationCodeableConcept": coded(statement.code, statement.name),
            "subject": {"reference": names.patient},
            "dateAsserted": time_of(statement.time),
            "derivedFrom": references(statement.sources, names),
            "note": notes(statement.sources, names),
            "dosage": [{"text": statement.detail}],
        }
    )


def _allergy(statement: Statement, names: Names) -> Json:
    substance, _, reaction = statement.name.partition(": ")
    reaction = reaction or statement.detail
    certain = {"possible": "unconfirmed", "denied": "refuted"}.get(statement.status, "confirmed")
    is_now = statement.status not in ("past", "denied")
    return clean(
        {
            "resourceType": "AllergyIntolerance",
            "clinicalStatus": term(
                "allergyintolerance-clinical", "active" if is_now else "inactive"
            ),
            "verificationStatus": term("allergyintolerance-verification", certain),
            "code": coded(statement.code, substance),
            "patient": {"reference": names.patient},
            "recordedDate": time_of(statement.time),
            "note": notes(statement.sources, names),
            "reaction": [{"manifestation": [{"text": reaction}]}] if reaction else [],
        }
    )


def _procedure(statement: Statement, names: Names) -> Json:
    status = {"denied": "not-done", "possible": "unknown"}.get(statement.status, "completed")
    return clean(
        {
            "resourceType": "Procedure",
            "status": status,
            "code": coded(statement.code, statement.name),
            "subject": {"reference": names.patient},
            "performedDateTime": time_of(statement.time),
            "note": notes(statement.sources, names),
            "report": references(statement.sources, names),
        }
    )


def _relative(statement: Statement, names: Names) -> Json:
    return clean(
        {
            "resourceType": "FamilyMemberHistory",
            "status": "partial",
            "patient": {"reference": names.patient},
            "date": time_of(statement.time),
            "relationship": {"text": statement.detail or "relative"},
            "condition": [{"code": coded(statement.code, statement.name)}],
            "note": notes(statement.sources, names),
        }
    )


def _observation(one: Observation, names: Names) -> Json:
    concept = concepts().get(one.concept)
    title = one.code.meaning if one.code is not None and one.code.meaning else one.concept
    if concept is not None and one.concept != "other_result":
        title = concept.title
    if one.subject:
        title = f"{title} ({one.subject})"
    category = "vital-signs" if one.concept in _VITALS else "laboratory"
    is_measured = one.source.kind == "lab" or one.concept in _VITALS
    return clean(
        {
            "resourceType": "Observation",
            "status": one.status if one.status in _STATUS else "final",
            "category": [term("observation-category", category)] if is_measured else [],
            "code": coded(one.code, title),
            "subject": {"reference": names.patient},
            "effectiveDateTime": time_of(one.time),
            **_value(one),
            "referenceRange": ranges(one),
            "derivedFrom": references((one.source, *one.also), names),
            "note": notes((one.source,), names, one.original),
        }
    )


def _value(one: Observation) -> Json:
    if isinstance(one.value, bool):
        return {"valueBoolean": one.value}
    if isinstance(one.value, tuple):
        return {
            "component": [
                {"code": coded(code, code.meaning), "valueQuantity": number(value, one)}
                for code, value in zip(_BLOOD_PRESSURE, one.value, strict=True)
            ]
        }
    if isinstance(one.value, str):
        return {"valueString": one.value}
    return {"valueQuantity": {"comparator": one.comparator, **number(one.value, one)}}

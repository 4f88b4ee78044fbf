"""The bundle that leaves keeps to FHIR R4 and says the same when it is read again."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from medview.core.study import Patient
from medview.record import chart_of, extract, observations, read_documents
from medview.record.fhir_out import fhir_bundle

NOW = dt.datetime(2026, 1, 31, 10, 0, tzinfo=dt.UTC)
PATIENT = Patient(id="MV-7", name="Demo^Ada", sex="F", birth_date="1958-11-03")
LETTER = (
    "Discharge letter\nDate: 2026-01-20\n\nHypertension. No diabetes. Possible COPD.\n"
    "Sister with lung cancer.\nAllergic to penicillin: rash.\nWarfarin 5 mg daily.\n"
    "Creatinine 1.4 mg/dL. Blood pressure 148/84 mmHg. Troponin <0.01 ng/mL.\n"
    "Ex-smoker, 38 pack-years. CT chest 2024-06-12.\n"
)


def bundle_of(*texts: str, folder: Path) -> dict[str, Any]:
    documents = []
    for number, text in enumerate(texts):
        path = folder / f"{number}.txt"
        path.write_text(text, encoding="utf-8")
        documents += read_documents(path)
    known = observations(extract(document) for document in documents)
    return fhir_bundle(PATIENT, documents, chart_of(known, NOW.date()), known, NOW)


def resources(bundle: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    all_ = (entry["resource"] for entry in bundle["entry"])
    return [resource for resource in all_ if resource["resourceType"] == kind]


def leaves(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield name, item
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)


def test_an_independent_reader_of_fhir_takes_every_resource(tmp_path: Path) -> None:
    bundle = bundle_of(LETTER, "高血压病史10年，服氨氯地平5mg。青霉素过敏。", folder=tmp_path)

    read = Bundle.model_validate_json(json.dumps(bundle))
    assert len(read.entry) == len(bundle["entry"])
    kinds = {type(entry.resource).__name__ for entry in read.entry}
    assert {"Patient", "DocumentReference", "Condition", "MedicationStatement"} <= kinds
    assert {"AllergyIntolerance", "Observation", "FamilyMemberHistory"} <= kinds


def test_every_reference_points_into_the_bundle_and_names_are_unique(tmp_path: Path) -> None:
    bundle = bundle_of(LETTER, LETTER + "Again.", folder=tmp_path)
    urls = [entry["fullUrl"] for entry in bundle["entry"]]

    assert len(urls) == len(set(urls))
    wanted = {value for name, value in leaves(bundle) if name == "reference"}
    assert wanted <= set(urls)


def test_nothing_in_it_is_empty_and_times_of_day_have_a_zone(tmp_path: Path) -> None:
    bundle = bundle_of(LETTER, folder=tmp_path)

    for name, value in leaves(bundle):
        assert value not in ("", [], {}, None), name
        if name in ("effectiveDateTime", "recordedDate", "dateAsserted", "timestamp"):
            assert re.fullmatch(r"\d{4}(-\d\d){0,2}(T.*([+-]\d\d:\d\d|Z))?", str(value)), value


def test_what_is_denied_or_doubtful_stays_so(tmp_path: Path) -> None:
    bundle = bundle_of(LETTER, folder=tmp_path)
    said = {
        c["code"]["text"]: c["verificationStatus"]["coding"][0]["code"]
        for c in resources(bundle, "Condition")
    }

    assert said["Hypertension"] == "confirmed"
    assert said["diabetes"] == "refuted"
    assert said["COPD"] == "unconfirmed"
    assert "lung cancer" not in said


def test_values_have_ucum_units_and_the_document_they_were_read_in(tmp_path: Path) -> None:
    bundle = bundle_of(LETTER, folder=tmp_path)
    (creatinine,) = [
        o for o in resources(bundle, "Observation") if o["code"]["text"] == "Creatinine"
    ]
    (document,) = [e for e in bundle["entry"] if "content" in e["resource"]]

    assert creatinine["valueQuantity"]["code"] == "mg/dL"
    assert creatinine["valueQuantity"]["system"] == "http://unitsofmeasure.org"
    assert creatinine["derivedFrom"][0]["reference"] == document["fullUrl"]
    pressure = next(o for o in resources(bundle, "Observation") if "component" in o)
    assert [c["valueQuantity"]["value"] for c in pressure["component"]] == [148, 84]


def test_the_bundle_reads_back_to_the_same_values(tmp_path: Path) -> None:
    bundle = bundle_of(LETTER, folder=tmp_path)
    path = tmp_path / "out.json"
    path.write_text(json.dumps(bundle), encoding="utf-8")
    again = observations(extract(document) for document in read_documents(path))
    values = {o.concept: o.value for o in again}

    assert values["creatinine"] == pytest.approx(1.4)
    assert values["blood_pressure"] == (148, 84)
    assert values["hypertension"] is True
    assert {"penicillin", "penicillin: rash"} & {str(o.value) for o in again}

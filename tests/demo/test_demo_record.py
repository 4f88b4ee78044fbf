"""The made documents: whose they are, and that they agree with each other and with the images."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from medview.core.observation import concepts
from medview.demo.people import ADA, BO, CREATININE
from medview.demo.study import DemoPaths


@pytest.fixture(scope="module")
def resources(demo: DemoPaths) -> list[dict[str, Any]]:
    bundle = json.loads((demo.record / "MV-0001-record.fhir.json").read_text(encoding="utf-8"))
    return [entry["resource"] for entry in bundle["entry"]]


def _text(demo: DemoPaths, name: str) -> str:
    return (demo.record / name).read_bytes().decode("utf-8")


def _of(resources: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [r for r in resources if r["resourceType"] == kind]


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("MV-0001-labs.hl7", ADA),
        ("MV-0001-discharge-letter.en.txt", ADA),
        ("MV-0001-clinic-note.zh.txt", ADA),
        ("MV-0002-emergency-note.en.txt", BO),
    ],
)
def test_every_document_names_its_patient(demo: DemoPaths, name: str, person: Any) -> None:
    text = _text(demo, name)

    assert person.id in text
    assert f"{person.birth:%Y-%m-%d}" in text or f"{person.birth:%Y%m%d}" in text
    assert person.chinese in text or person.given in text


def test_bundle_names_its_patient(resources: list[dict[str, Any]]) -> None:
    (patient,) = _of(resources, "Patient")

    assert patient["identifier"][0]["value"] == "MV-0001"
    assert (patient["birthDate"], patient["gender"]) == ("1958-11-03", "female")


def test_every_reference_in_the_bundle_resolves(demo: DemoPaths) -> None:
    text = _text(demo, "MV-0001-record.fhir.json")
    bundle = json.loads(text)
    urls = {entry["fullUrl"] for entry in bundle["entry"]}

    wanted = {
        r[key]["reference"]
        for r in (entry["resource"] for entry in bundle["entry"])
        for key in ("subject", "patient")
        if key in r
    }
    assert wanted <= urls
    assert len(urls) == len(bundle["entry"])


def test_creatinine_is_a_series_over_years(resources: list[dict[str, Any]]) -> None:
    values = [
        (r["effectiveDateTime"], r["valueQuantity"]["value"])
        for r in _of(resources, "Observation")
        if r["code"]["coding"][0]["code"] == concepts()["creatinine"].loinc
    ]

    assert values == [(str(day), value) for day, value in CREATININE]


def test_observations_use_codes_and_units_that_medview_knows(
    resources: list[dict[str, Any]],
) -> None:
    by_loinc = {c.loinc: c for c in concepts().values() if c.loinc}

    quantities = [r for r in _of(resources, "Observation") if "valueQuantity" in r]
    for resource in quantities:
        concept = by_loinc[resource["code"]["coding"][0]["code"]]
        quantity = resource["valueQuantity"]
        value = concept.to_own_unit(quantity["value"], quantity["code"])
        assert value is not None
        assert concept.plausible is not None
        assert concept.plausible[0] <= value <= concept.plausible[1]


def test_labs_message_is_hl7_with_carriage_returns(demo: DemoPaths) -> None:
    text = _text(demo, "MV-0001-labs.hl7")
    segments = text.rstrip("\r").split("\r")

    assert "\n" not in text
    head = segments[0].split("|")
    assert head[8] == "ORU^R01^ORU_R01"
    assert head[17] == "UNICODE UTF-8"  # MSH-18; MSH-1 is the separator itself
    assert [s[:3] for s in segments[1:4]] == ["PID", "PV1", "OBR"]
    for segment in segments:
        if segment.startswith("OBX"):
            fields = segment.split("|")
            assert fields[2] == "NM"
            assert float(fields[5]) > 0
            assert fields[11] == "F"


def test_labs_and_notes_agree_across_units(demo: DemoPaths) -> None:
    creatinine = concepts()["creatinine"]
    cholesterol = concepts()["total_cholesterol"]

    assert "肌酐87μmol/L" in _text(demo, "MV-0001-clinic-note.zh.txt")
    assert creatinine.to_own_unit(87, "umol/L") == pytest.approx(0.98, abs=0.01)
    assert "总胆固醇5.48mmol/L" in _text(demo, "MV-0001-clinic-note.zh.txt")
    assert cholesterol.to_own_unit(5.48, "mmol/L") == pytest.approx(212, abs=0.5)


def test_notes_hold_a_negation_a_family_history_and_an_adverse_effect(demo: DemoPaths) -> None:
    letter = _text(demo, "MV-0001-discharge-letter.en.txt")
    note = _text(demo, "MV-0001-clinic-note.zh.txt")

    for sentence in ("No pleural effusion", "Sister: lung cancer", "Lisinopril caused a dry cough"):
        assert sentence in letter
    for sentence in ("未见胸腔积液", "姐姐患肺癌", "赖诺普利后出现干咳"):
        assert sentence in note


def test_attached_report_can_be_read(resources: list[dict[str, Any]]) -> None:
    (document,) = _of(resources, "DocumentReference")

    data = document["content"][0]["attachment"]["data"]
    assert "6 mm solid nodule" in base64.b64decode(data).decode()

"""What follows from sentences: yes, no, numbers; and what follows from nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from medview.record import Note, extract, known_of, observations, read_document, trends

Reader = Callable[..., Note]


def values(note: Note, concept: str) -> list[object]:
    return [o.value for o in note.observations if o.concept == concept]


@pytest.mark.parametrize(
    ("text", "concept", "value"),
    [
        ("Hypertension since 2012.", "hypertension", True),
        ("History of hypertension.", "hypertension", True),
        ("Coronary heart disease.", "cardiovascular_disease", True),
        ("否认糖尿病。", "diabetes", False),
        ("No history of stroke.", "stroke_tia_embolism", False),
        ("Sister: lung cancer.", "family_history_lung_cancer", True),
        ("No family history of lung cancer.", "family_history_lung_cancer", False),
        ("Centrilobular emphysema.", "emphysema", True),
        ("Atorvastatin 20 mg daily.", "statin_treatment", True),
        ("She takes no statin.", "statin_treatment", False),
        ("口服氨氯地平5mg。", "antihypertensive_treatment", True),
        ("A 67-year-old woman.", "age", 67.0),
        ("A 67-year-old woman.", "sex", "F"),
        ("BP 148/84 mmHg.", "blood_pressure", (148.0, 84.0)),
        ("BP 148/84 mmHg.", "systolic_bp", 148.0),
        ("Ex-smoker, 38 pack-years.", "pack_years", 38.0),
        ("Ex-smoker, 38 pack-years.", "smoking_status", "former"),
        ("青霉素过敏，表现为皮疹。", "allergy", "青霉素: 皮疹"),
        ("Lisinopril caused a dry cough.", "adverse_drug_effect", "Lisinopril: dry cough"),
        ("Known breast cancer in the past: history of breast cancer.", "cancer_history", True),
        ("Haemodialysis three times a week.", "dialysis", True),
        ("The patient is pregnant.", "pregnancy", True),
        ("8 mm solid spiculated nodule in the left upper lobe.", "nodule_spiculated", True),
        ("8 mm solid spiculated nodule in the left upper lobe.", "nodule_diameter_max", 8.0),
    ],
)
def test_a_sentence_becomes_an_observation(
    read: Reader, text: str, concept: str, value: object
) -> None:
    assert value in values(read(text), concept)


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("Mother: hypertension.", "hypertension"),
        ("Possible diabetes.", "diabetes"),
        ("Risk of stroke.", "stroke_tia_embolism"),
        ("No acute infarction. No myocardial infarction on this examination.", "vascular_disease"),
        ("Statin therapy is recommended.", "statin_treatment"),
        ("New lung cancer.", "cancer_history"),
        ("Thyroid nodule of 8 mm in the right thyroid lobe.", "nodule_diameter_max"),
        ("Creatinine 1.2.", "creatinine"),
    ],
)
def test_nothing_is_guessed(read: Reader, text: str, concept: str) -> None:
    assert values(read(text), concept) == []


def test_a_number_without_unit_is_taken_where_one_unit_alone_is_plausible(read: Reader) -> None:
    found = [o for o in read("HbA1c 5.6.").observations if o.concept == "hba1c"]

    assert [(o.value, o.unit) for o in found] == [(5.6, "%")]


def test_an_observation_keeps_unit_place_and_words(read: Reader) -> None:
    one = next(o for o in read("肌酐87μmol/L。", "2026-01-27").observations)

    assert (one.value, one.unit, one.time) == (87.0, "umol/L", "2026-01-27")
    assert (one.source.kind, one.source.locator) == ("sentence", "document:d0:0:10")
    assert one.original == "肌酐87μmol/L"


def test_a_value_of_an_earlier_examination_has_its_date(read: Reader) -> None:
    note = read("CT chest of 2024-06-12: 6 mm nodule in the right upper lobe.", "2026-01-30")

    assert {o.time for o in note.observations if o.concept == "nodule_diameter_max"} == {
        "2024-06-12"
    }


def test_the_same_statement_in_two_notes_counts_once(read: Reader) -> None:
    found = observations([read("Hypertension."), read("History of hypertension.")])

    assert [o.concept for o in found if o.concept != "problem"] == ["hypertension"]


def test_a_contradiction_is_shown_beside_the_value_that_counts(read: Reader) -> None:
    notes = [read("Diabetes.", "2026-01-01"), read("No diabetes.", "2020-01-01")]
    (known,) = known_of(observations(notes))

    assert known.observation.value is True
    assert [o.value for o in known.others] == [False]


def test_a_lab_that_took_a_course_becomes_a_trend_in_its_own_unit(read: Reader) -> None:
    notes = [read("Creatinine 0.9 mg/dL.", "2024-01-10"), read("肌酐106μmol/L。", "2026-01-27")]
    (trend,) = trends(observations(notes), {"creatinine": (0.5, 1.1)})

    assert trend.unit == "mg/dL"
    assert [day for day, _ in trend.points] == ["2024-01-10", "2026-01-27"]
    assert trend.points[1][1] == pytest.approx(1.199, abs=1e-3)


def test_values_of_one_stay_are_no_trend(read: Reader) -> None:
    notes = [
        read("Creatinine 0.9 mg/dL.", "2026-01-10"),
        read("Creatinine 1.0 mg/dL.", "2026-01-11"),
    ]

    assert trends(observations(notes), {}) == ()


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("CT chest of 2024-06-12: single 6 mm nodule in the right upper lobe.", "2024-06-12"),
        ("CT chest, 2024-06-12.\nNo effusion.\n6 mm nodule in the right upper lobe.", "2024-06-12"),
        ("胸部CT（2024-06-12）：\n右肺上叶见一实性结节，大小约6mm。", "2024-06-12"),
        ("CT chest 2024-06-12\n\n6 mm nodule in the right upper lobe.", "2026-01-30"),
        (
            "CT chest of 2024-06-12:\nNormal.\nCT today: 6 mm nodule in the right upper lobe.",
            "2026-01-30",
        ),
    ],
)
def test_a_size_has_the_date_of_its_examination(read: Reader, text: str, time: str) -> None:
    found = read(text, date="2026-01-30").observations
    assert {o.time for o in found if o.concept == "nodule_diameter_max"} == {time}


@pytest.mark.parametrize("kind", ["DocumentReference", "DiagnosticReport"])
def test_a_report_inside_a_bundle_keeps_its_own_date(tmp_path: Path, kind: str) -> None:
    words = base64.b64encode(b"Single 6 mm solid nodule in the right upper lobe.").decode()
    attachment = {"contentType": "text/plain", "data": words}
    date = "2024-06-12T16:00:00Z"
    report = {
        "DocumentReference": {"date": date, "content": [{"attachment": attachment}]},
        "DiagnosticReport": {"effectiveDateTime": date, "presentedForm": [attachment]},
    }[kind]
    weight = {
        "resourceType": "Observation", "status": "final", "effectiveDateTime": "2026-01-30",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "valueQuantity": {"value": 68, "unit": "kg"},
    }  # fmt: skip
    entries = [{"resource": {"resourceType": kind, **report}}, {"resource": weight}]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    path = tmp_path / "record.fhir.json"
    path.write_text(json.dumps(bundle), encoding="utf-8")
    document = read_document(path)
    assert document.date == "2026-01-30"
    sizes = [o for o in extract(document).observations if o.concept == "nodule_diameter_max"]
    assert [o.time for o in sizes] == ["2024-06-12"]


@pytest.mark.parametrize(
    ("text", "concept", "said"),
    [
        ("BP 150/90. Last year BP 180/100.", "systolic_bp", [(150.0, "2024-03-05")]),
        ("Last year, BP 180/100.", "systolic_bp", []),
        ("BP was 200/110 at home last month; today 128/76.", "systolic_bp",
         [(128.0, "2024-03-05")]),
        ("Creatinine 1.2 mg/dL on 2020-01-01, today 3.4 mg/dL.", "creatinine",
         [(1.2, "2020-01-01"), (3.4, "2024-03-05")]),
        ("Creatinine 1.2 mg/dL on 2020-01-01, creatinine today 3.4 mg/dL.", "creatinine",
         [(1.2, "2020-01-01"), (3.4, "2024-03-05")]),
        ("Creatinine 1.2 mg/dL -> 3.4 mg/dL.", "creatinine", [(3.4, "2024-03-05")]),
        ("Creatinine increased from 1.2 to 3.4 mg/dL.", "creatinine", [(3.4, "2024-03-05")]),
        ("肌酐由90升至180μmol/L。", "creatinine", [(180.0, "2024-03-05")]),
        ("INR 1.2 -> 2.4 -> 3.4.", "inr", [(3.4, "2024-03-05")]),
        ("HR 110, now 80.", "heart_rate", [(80.0, "2024-03-05")]),
        ("Hb 8.2 g/dL, now 2 units transfused.", "haemoglobin", [(8.2, "2024-03-05")]),
        ("昨日体温39.5℃，今日体温37.0℃。", "temperature",
         [(39.5, "2024-03-04"), (37.0, "2024-03-05")]),
        ("3天前血压180/100mmHg。", "systolic_bp", [(180.0, "2024-03-02")]),
        ("1月前血压180/100mmHg。", "systolic_bp", []),
        ("Creatinine 3.4 mg/dL, higher than last year.", "creatinine", [(3.4, "2024-03-05")]),
        ("Fever started 3 days ago. Temp 38.5 C.", "temperature", [(38.5, "2024-03-05")]),
        ("Target INR 2.5. INR goal 3.5. INR 2.1.", "inr", [(2.1, "2024-03-05")]),
        ("Baseline creatinine 1.2 mg/dL.", "creatinine", []),
        ("血压控制在130/80mmHg以下。", "systolic_bp", []),
    ],
)  # fmt: skip
def test_a_result_is_of_the_day_that_its_words_say(
    read: Reader, text: str, concept: str, said: list[tuple[float, str]]
) -> None:
    observed = read(text, date="2024-03-05").observations
    assert sorted((o.value, o.time) for o in observed if o.concept == concept) == sorted(said)

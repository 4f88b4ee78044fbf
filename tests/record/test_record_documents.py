"""Documents of every kind: read, refused in one sentence, matched to a patient."""

# ruff: noqa: E501 - messages and sentences stand on one line

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medview.core.errors import InvalidInput, MedViewError, UnreadableInstance
from medview.core.study import Patient
from medview.record import belongs_to, extract, is_document, read_document, read_documents
from medview.record.opening import documents_among

MESSAGE = (
    "MSH|^~\\&|LAB|H|RIS|H|20260127||ORU^R01|1|P|2.5\r"
    "PID|1||P-7^^^H^MR||Doe^Ann||19581103|F\r"
    "OBR|1|||24323-8^Chemistry^LN|||20260127\r"
    "OBX|1|NM|2160-0^Creatinine^LN||0.98|mg/dL|0.5-1.1||||F|||20260127\r"
    "OBX|2|TX|^Comment||Values \\T\\ remarks: no haemolysis~second line||||||F\r"
    "OBX|3|NM|2823-3^Potassium^LN||9.9|mmol/L|||||D\r"
)


def write(folder: Path, name: str, data: str | bytes | dict[str, Any]) -> Path:
    path = folder / name
    if isinstance(data, dict):
        data = json.dumps(data)
    path.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
    return path


def observation(**more: Any) -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": "2160-0", "display": "Creatinine"}]}
    quantity = {
        "value": 1.2,
        "unit": "mg/dl",
        "code": "mg/dL",
        "system": "http://unitsofmeasure.org",
    }
    return {"resourceType": "Observation", "id": "o1", "status": "final", "code": code,
            "effectiveDateTime": "2026-01-27", "valueQuantity": quantity, **more}  # fmt: skip


@pytest.mark.parametrize(("end", "name"), [("\r", "cr"), ("\n", "lf"), ("\r\n", "crlf")])
def test_a_message_is_read_with_any_line_end(tmp_path: Path, end: str, name: str) -> None:
    document = read_document(write(tmp_path, f"{name}.hl7", MESSAGE.replace("\r", end)))

    assert document.patient.id == "P-7"
    assert (document.patient.birth_date, document.patient.sex) == ("1958-11-03", "F")
    assert "Creatinine 0.98 mg/dL" in document.text
    assert "Values & remarks: no haemolysis\nsecond line" in document.text


def test_a_deleted_result_is_left_out(tmp_path: Path) -> None:
    document = read_document(write(tmp_path, "m.hl7", MESSAGE))

    assert [o.concept for o in document.observations] == ["sex", "age", "creatinine"]
    assert document.references["creatinine"] == (0.5, 1.1)


def test_own_separators_of_a_message_are_read(tmp_path: Path) -> None:
    other = MESSAGE.replace("|", "#").replace("^", "$").replace("MSH#$~", "MSH#$~")
    document = read_document(write(tmp_path, "m.hl7", other))

    assert [o.value for o in document.observations] == ["F", 67, 0.98]


def test_two_messages_are_two_documents_and_the_first_says_so(tmp_path: Path) -> None:
    path = write(tmp_path, "two.hl7", MESSAGE + MESSAGE.replace("P-7", "P-8"))

    assert [d.patient.id for d in read_documents(path)] == ["P-7", "P-8"]
    assert "2 documents" in read_document(path).notes[-1].english()


def test_a_bundle_about_two_patients_is_two_documents(tmp_path: Path) -> None:
    entries = [
        {"resource": {"resourceType": "Patient", "id": one, "gender": "male"}} for one in "ab"
    ] + [{"resource": observation(subject={"reference": "Patient/b"})}]
    path = write(tmp_path, "b.json", {"resourceType": "Bundle", "entry": entries})
    first, second = read_documents(path)

    assert [first.patient.id, second.patient.id] == ["a", "b"]
    assert [o.concept for o in second.observations if o.source.kind == "lab"] == ["creatinine"]


@pytest.mark.parametrize(
    ("resource", "concept", "value"),
    [
        (observation(), "creatinine", 1.2),
        ({"resourceType": "Condition", "code": {"text": "Hypertension"}}, "hypertension", True),
        ({"resourceType": "Condition", "code": {"text": "Diabetes mellitus"},
          "verificationStatus": {"coding": [{"code": "refuted"}]}}, "diabetes", False),
        ({"resourceType": "MedicationRequest", "status": "active", "intent": "order",
          "medicationCodeableConcept": {"text": "Atorvastatin 20 MG"}}, "statin_treatment", True),
        ({"resourceType": "AllergyIntolerance", "code": {"text": "Penicillin"},
          "reaction": [{"manifestation": [{"text": "Rash"}]}]}, "allergy", "Penicillin: Rash"),
        ({"resourceType": "FamilyMemberHistory", "relationship": {"text": "sister"},
          "condition": [{"code": {"text": "Lung cancer"}}]}, "family_history_lung_cancer", True),
    ],
)  # fmt: skip
def test_a_resource_becomes_an_observation(
    tmp_path: Path, resource: dict[str, Any], concept: str, value: object
) -> None:
    note = extract(read_document(write(tmp_path, "r.json", resource)))

    assert [o.value for o in note.observations if o.concept == concept] == [value]


def test_a_number_that_was_sent_as_words_is_a_number(tmp_path: Path) -> None:
    sent = observation(valueString="< 0.5 mg/dL")
    del sent["valueQuantity"]
    (one,) = read_document(write(tmp_path, "o.json", sent)).observations

    assert (one.concept, one.value, one.unit, one.comparator) == ("creatinine", 0.5, "mg/dL", "<")


def test_a_patient_named_by_an_identifier_alone_is_found(tmp_path: Path) -> None:
    patient = {
        "resourceType": "Patient",
        "id": "p1",
        "identifier": [{"value": "P-7"}],
        "birthDate": "1958-11-03",
    }
    about = observation(subject={"identifier": {"value": "P-7"}})
    bundle = {
        "resourceType": "Bundle",
        "entry": [{"resource": patient}, {"resource": about},
                  {"resource": observation(id="o2", subject={"identifier": {"value": "P-8"}})}],
    }  # fmt: skip
    first, second = read_documents(write(tmp_path, "b.json", bundle))

    assert (first.patient.birth_date, second.patient.ids) == ("1958-11-03", ("P-8",))
    assert "Creatinine" in first.text


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_a_withdrawn_resource_is_left_out(tmp_path: Path, status: str) -> None:
    document = read_document(write(tmp_path, "r.json", observation(status=status)))

    assert document.observations == ()


def test_no_known_allergy_is_no_allergy(tmp_path: Path) -> None:
    coding = {
        "system": "http://snomed.info/sct",
        "code": "716186003",
        "display": "No known allergy",
    }
    none = {"resourceType": "AllergyIntolerance", "code": {"coding": [coding]}}

    assert extract(read_document(write(tmp_path, "r.json", none))).entities == ()


def test_a_report_inside_a_resource_is_read_too(tmp_path: Path) -> None:
    data = base64.b64encode(b"No pleural effusion.").decode()
    report = {"resourceType": "DiagnosticReport", "code": {"text": "CT"},
              "presentedForm": [{"contentType": "text/plain", "data": data}]}  # fmt: skip
    note = extract(read_document(write(tmp_path, "r.json", report)))

    assert [(e.text, e.attrs.negated) for e in note.entities] == [("pleural effusion", True)]


def test_lines_of_resources_are_read(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps(observation(id=str(i))) for i in range(2))

    assert len(read_documents(write(tmp_path, "x.ndjson", lines))) == 1


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8 with mark"), ("utf-16", "UTF-16"),
     ("utf-16-le", "UTF-16 without mark"), ("gb18030", "GB18030")],
)  # fmt: skip
def test_chinese_text_is_read_in_its_encoding(tmp_path: Path, encoding: str, said: str) -> None:
    text = "CT 检查：右肺上叶见结节，未见胸腔积液。患者无发热。" * 3
    document = read_document(write(tmp_path, "n.txt", text.encode(encoding)))

    assert (document.text, document.encoding) == (text, said)


def test_western_text_is_not_taken_for_chinese(tmp_path: Path) -> None:
    text = "Patient très fatigué, température élevée à 39 °C, opéré à Genève."
    document = read_document(write(tmp_path, "n.txt", text.encode("cp1252")))

    assert (document.text, document.encoding) == (text, "Windows-1252")


def test_a_text_says_whose_it_is(tmp_path: Path) -> None:
    text = (
        "CLINIC LETTER\nPatient ID: P-7\nDate of birth: 1958-11-03\nSex: female\nDate: 2026-01-30\n"
    )
    document = read_document(write(tmp_path, "n.txt", text))

    assert (document.title, document.date) == ("Clinic letter", "2026-01-30")
    assert document.patient.ids == ("P-7",)
    assert (document.patient.birth_date, document.patient.sex) == ("1958-11-03", "F")


@pytest.mark.parametrize(
    "line",
    [
        "PATIENT: Jane Roe  MRN: 99887",
        "Name: Jane Roe, Patient ID: 99887",
        "姓名：王小明 性别：男 住院号：99887",
    ],
)
def test_a_number_behind_the_name_says_whose_it_is(tmp_path: Path, line: str) -> None:
    assert read_document(write(tmp_path, "n.txt", line + "\n\nNodule.")).patient.ids == ("99887",)


@pytest.mark.parametrize(
    ("line", "ids"),
    [
        ("Ward note. MRN: 12345.", ("12345",)),
        ("Seen with her daughter. Patient's MRN: 12345", ("12345",)),
        ("PID: 12345", ("12345",)),
        ("History of PID: treated 2010.", ()),
        ("MRN: unknown", ()),
        ("Newborn boy. Mother's MRN: 55555", ()),
        ("Donor MRN: 998877", ()),
        ("MRN: 99 of the sister", ()),
        ("MRN: 99 (mother)", ()),
        ("新生儿。母亲住院号：99887", ()),
    ],
)
def test_a_number_is_the_patients_or_nobodys(
    tmp_path: Path, line: str, ids: tuple[str, ...]
) -> None:
    assert read_document(write(tmp_path, "n.txt", line + "\n\nNodule.")).patient.ids == ids


def test_a_mothers_birthday_is_not_her_childs(tmp_path: Path) -> None:
    text = "DOB: 2026-01-30\nMother's date of birth: 1990-02-03\n"
    document = read_document(write(tmp_path, "n.txt", text))
    assert (document.patient.birth_date, document.notes) == ("2026-01-30", ())


def test_a_report_of_somebody_else_inside_a_record_is_shown_and_not_read(tmp_path: Path) -> None:
    words = "Patient name: Jane Roe\nDOB: 03/31/1971\nSex: F\nCirrhosis. Creatinine 5.2 mg/dL."
    data = base64.b64encode(words.encode()).decode()
    patient = {"resourceType": "Patient", "id": "P1", "gender": "male", "birthDate": "1950-01-01"}
    report = {
        "resourceType": "DocumentReference", "status": "current", "date": "2026-01-30",
        "content": [{"attachment": {"contentType": "text/plain", "data": data}}],
    }  # fmt: skip
    bundle = {
        "resourceType": "Bundle", "type": "collection",
        "entry": [{"resource": patient}, {"resource": report}],
    }  # fmt: skip
    document = read_document(write(tmp_path, "b.json", json.dumps(bundle)))

    assert "Cirrhosis" in document.text
    assert "nothing is read" in str(document.notes)
    assert not [o for o in extract(document).observations if o.concept in ("creatinine", "problem")]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Name: Doe, Ann", "Doe, Ann"),
        ("Patient: Ann Doe, 67 years", "Ann Doe"),
        ("姓名：王小明，男", "王小明"),
        ("PATIENT: Jane Roe  MRN: 99887", "Jane Roe"),
        ("Name: Jane Roe DOB: 1980-02-13", "Jane Roe"),
        ("Name: Jane Roe Date of birth: 1980-02-13", "Jane Roe"),
        ("Name: Jane Mary Roe (F)", "Jane Mary Roe"),
        ("姓名：王小明 性别：男 住院号：12345", "王小明"),
    ],
)
def test_a_name_ends_where_something_else_begins(tmp_path: Path, line: str, name: str) -> None:
    assert read_document(write(tmp_path, "n.txt", line + "\n\nNodule.")).patient.name == name


def test_a_clinical_document_gives_its_narrative(tmp_path: Path) -> None:
    xml = (
        '<ClinicalDocument xmlns="urn:hl7-org:v3"><title>Letter</title><effectiveTime value="20260130"/>'
        '<recordTarget><patientRole><id extension="P-7"/><patient><name><given>Ann</given></name>'
        '<administrativeGenderCode code="F"/><birthTime value="19581103"/></patient></patientRole>'
        '</recordTarget><component><structuredBody><component><section><code code="10157-6"/>'
        "<title>Family</title><text><list><item>Diabetes</item></list></text></section></component>"
        "</structuredBody></component></ClinicalDocument>"
    )
    note = extract(document := read_document(write(tmp_path, "c.xml", xml)))

    assert (document.kind, document.date, document.patient.id) == ("CDA", "2026-01-30", "P-7")
    assert [(e.text, e.attrs.experiencer) for e in note.entities] == [("Diabetes", "family")]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.json", b"", "empty"),
        ("a.json", b'{"resourceType": ', "line 1, column 18"),
        ("a.json", b'{"a": 1}', "no FHIR resource"),
        ("a.json", b'{"resourceType": "Pateint"}', "Pateint"),
        ("a.json", b'{"resourceType":"Bundle","entry":' + b"[" * 100_000, "nested too deeply"),
        ("a.hl7", b"MHS|^~\\&|x", "message header"),
        (
            "a.xml",
            b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]><d>&x;</d>',
            "entities",
        ),
        ("a.xml", b"<ClinicalDocument>", "line 1"),
        ("a.txt", bytes(range(256)) * 8, "not text"),
        ("a.pdf", b"%PDF-1.7 ...", "PDF"),
        ("a.json.gz", b"\x1f\x8b broken", "compressed"),
        ("a.dcm", bytes(128) + b"DICM", "DICOM"),
    ],
)
def test_a_broken_file_is_refused_in_one_sentence(
    tmp_path: Path, name: str, data: bytes, said: str
) -> None:
    with pytest.raises(UnreadableInstance) as refused:
        read_documents(write(tmp_path, name, data))

    assert said in refused.value.sentence()
    assert name in refused.value.sentence()


def test_a_compressed_bomb_is_not_unpacked_beyond_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medview.record.opening.MAX_BYTES", 1 << 20)
    bomb = gzip.compress(b" " * (4 << 20))

    with pytest.raises(UnreadableInstance, match="larger"):
        read_documents(write(tmp_path, "a.json.gz", bomb))


def test_a_missing_file_is_wrong_input(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        read_documents(tmp_path / "nothing.txt")


def test_only_what_may_be_a_document_is_taken_from_a_folder(tmp_path: Path) -> None:
    assert is_document(write(tmp_path, "a.txt", "Cough."))
    assert not is_document(write(tmp_path, "results.json", '{"schema": "medview.results/1"}'))
    assert not is_document(write(tmp_path, "image.dcm", bytes(128) + b"DICM"))
    assert not is_document(write(tmp_path, "settings.xml", "<settings/>"))
    assert is_document(write(tmp_path, "empty.json", ""))


def test_what_lost_its_head_among_documents_is_named_and_no_other_program_s_file(
    tmp_path: Path,
) -> None:
    for folder in ("record", "settings"):
        (tmp_path / folder).mkdir()
    names = [
        write(tmp_path / "record", "patient.json", '{"resourceType": "Patient"}'),
        write(tmp_path / "record", "cut.json", '{"id": "x"}'),
        write(tmp_path / "record", "results.json", '{"schema": "medview.results/1"}'),
        write(tmp_path / "settings", "own.json", '{"id": "x"}'),
    ]
    (tmp_path / "record" / "export.json").mkdir()
    names.append(tmp_path / "record" / "export.json")
    assert [path.name for path in documents_among(names)] == ["patient.json", "cut.json"]


ANN = Patient(id="P-7", name="Doe^Ann", birth_date="1958-11-03", sex="F")


@pytest.mark.parametrize(
    ("patient", "verdict"),
    [
        (ANN, "match"),
        (Patient(id="P-9", name="Doe^Ann", birth_date="1958-11-03", sex="F"), "mismatch"),
        (Patient(id="P-7", name="Doe^Ann", birth_date="1960-11-03", sex="F"), "mismatch"),
        (Patient(id="P-7", name="Doe^Ann", birth_date="1958-11-03", sex="M"), "mismatch"),
        (Patient(id="", name="Doe^Ann"), "unknown"),
    ],
)
def test_a_document_belongs_by_id_birth_date_and_sex(
    tmp_path: Path, patient: Patient, verdict: str
) -> None:
    belonging = belongs_to(read_document(write(tmp_path, "m.hl7", MESSAGE)), patient)

    assert belonging.verdict == verdict
    assert any(differs for *_, differs in belonging.rows) == (verdict == "mismatch")


def test_a_name_alone_says_nothing(tmp_path: Path) -> None:
    document = read_document(write(tmp_path, "n.txt", "Patient: Ann Doe\nCough."))

    assert belongs_to(document, ANN).verdict == "unknown"


@pytest.mark.parametrize(
    ("name", "open_name", "verdict"),
    [
        ("Jane Stranger", "Doe^Ann", "mismatch"),
        ("Doe, Ann Mary", "DOE^ANN", "unknown"),
        ("Ann Smith", "Doe^Ann", "unknown"),  # a name may change by marriage
        ("王小明", "Wang^Xiaoming", "unknown"),  # another script
        ("王小明", "Li^Ming=李明=", "mismatch"),
        ("王小明", "Wang^Xiaoming=王^小明=", "unknown"),
        ("67 y old with cough", "Doe^Ann", "unknown"),  # no name
        ("Jane Stranger", "16d7f894-55d7", "unknown"),  # a pseudonym
    ],
)
def test_another_name_keeps_a_document_apart(
    tmp_path: Path, name: str, open_name: str, verdict: str
) -> None:
    document = read_document(write(tmp_path, "n.txt", f"Patient: {name}\nCough."))

    belonging = belongs_to(document, replace(ANN, name=open_name))
    assert belonging.verdict == verdict
    assert belonging.rows[1][3] == (verdict == "mismatch")


# Unusual or damaged, but readable; what is damaged carries a note.
_MENDED = ("_valid", "self_reference", "cut_mid", "latin1", "nul_bytes", "bad_base64")


def ehr_files(*folders: str) -> list[str]:
    """Names below `ehr`, for test ids; empty without the data."""
    import os

    root = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    base = Path(os.environ.get("MEDVIEW_DATA", root)) / "clinical" / "ehr"
    return sorted(
        p.relative_to(base).as_posix() for folder in folders for p in (base / folder).glob("*")
    )


@pytest.mark.parametrize("name", ehr_files("fhir_r4", "fhir_stu3", "hl7v2", "fhir_r4_synthea"))
def test_every_real_resource_and_message_opens(clinical_data: Path, name: str) -> None:
    documents = read_documents(clinical_data / "ehr" / name)

    for document in documents:
        note = extract(document)
        assert all(note.text[e.start : e.end] == e.text for e in note.entities)


@pytest.mark.parametrize("name", ehr_files("broken"))
def test_a_broken_real_file_is_read_or_refused_in_words(clinical_data: Path, name: str) -> None:
    path = clinical_data / "ehr" / name
    if any(word in name for word in _MENDED):
        documents = read_documents(path)
        assert documents
        said = [n.english() for d in documents for n in d.notes]
        wrong = [s for s in said if "another file" not in s]  # a link is nothing broken
        assert bool(wrong) != ("_valid" in name)
        return
    with pytest.raises(MedViewError) as refused:
        read_documents(path)
    assert path.name in refused.value.sentence()


def test_the_cells_of_a_table_s_row_are_one_result(tmp_path: Path) -> None:
    text = "Creatinine | 1.4 mg/dL\nHemoglobin | 2026-01-27 | 13.2 | g/dL\nAlbumin | pending\n"
    note = extract(read_document(write(tmp_path, "table.txt", text)))
    labs = [(e.text, e.value.num if e.value else None) for e in note.entities if e.type == "lab"]
    assert labs == [
        ("Creatinine | 1.4 mg/dL", 1.4), ("Hemoglobin | 2026-01-27 | 13.2 | g/dL", 13.2),
        ("Albumin", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("Ward note. MRN: 12345.", ("12345",)),
        ("PID: 778-A\nPain.", ("778-A",)),
        ("History of PID: treated 2010.", ()),
        ("Newborn boy. Mother's MRN: 55555", ()),
        ("Donor MRN: 998877\nMRN: 4711", ("4711",)),
        ("MRN: 99 of the sister", ()),
        ("MRN: pending", ()),
    ],
)
def test_a_patients_number_is_the_patients_own(
    tmp_path: Path, text: str, ids: tuple[str, ...]
) -> None:
    path = tmp_path / "note.txt"
    path.write_text(text, encoding="utf-8")
    assert read_document(path).patient.ids == ids


def test_nothing_is_read_from_a_report_inside_that_names_somebody_else(tmp_path: Path) -> None:
    told = "Patient name: Jane Roe\nMRN: 777\nDOB: 03/31/1971\nSex: F\nCirrhosis. Creatinine 5.2 mg/dL."
    data = base64.b64encode(told.encode()).decode()
    entries = [
        {"resource": {"resourceType": "Patient", "id": "p", "gender": "male",
                      "birthDate": "1950-01-01", "identifier": [{"value": "P1"}]}},
        {"resource": {"resourceType": "DocumentReference", "status": "current", "content": [
            {"attachment": {"contentType": "text/plain", "data": data}}]}},
    ]  # fmt: skip
    path = tmp_path / "bundle.json"
    path.write_text(
        json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}), "utf-8"
    )
    document = read_document(path)
    assert "Cirrhosis" in document.text
    assert any("nothing is read" in note.english() for note in document.notes)
    assert not {e.text for e in extract(document).entities} & {"Cirrhosis", "Creatinine 5.2 mg/dL"}

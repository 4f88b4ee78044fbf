"""`medview extract`: the contract, and what happens to files that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medview.cli.main import main
from medview.session.documents import Documents
from medview.session.events import Events


def test_the_json_form_is_the_contract(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "note.txt").write_text("Patient ID: P-7\nDate: 2026-01-30\n\nNo hypertension.")

    assert main(["extract", str(tmp_path), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)

    assert printed["schema"] == "medview.extract/1"
    (document,) = printed["documents"]
    assert document["schema"] == "medview-note/1"
    assert (document["kind"], document["patient"]["id"]) == ("text", "P-7")
    assert printed["observations"][0]["concept"] == "hypertension"
    assert printed["observations"][0]["value"] is False
    assert printed["observations"][0]["source"]["kind"] == "sentence"
    assert printed["observations"][0]["patient"] == "P-7"


def test_lines_are_one_note_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("右肺上叶结节。", encoding="utf-8")

    assert main(["extract", str(tmp_path), "--lines"]) == 0
    lines = capsys.readouterr().out.splitlines()

    assert [json.loads(line)["lang"] for line in lines] == ["zh", "zh"]


def test_a_broken_document_leaves_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good.txt").write_text("Cough.")
    (tmp_path / "bad.json").write_text('{"resourceType": ')

    assert main(["extract", str(tmp_path)]) == 3
    said = capsys.readouterr()

    assert "bad.json" in said.err
    assert "Cough" in said.out


def test_nothing_readable_is_wrong_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.json").write_text("{")

    assert main(["extract", str(tmp_path / "bad.json")]) == 2
    assert main(["extract", str(tmp_path / "nothing.txt")]) == 2
    assert capsys.readouterr().out == ""


def test_the_language_can_be_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("CT.")

    main(["extract", str(tmp_path), "--lines", "--lang", "zh"])

    assert json.loads(capsys.readouterr().out)["lang"] == "zh"


def test_the_record_of_one_patient_is_written_as_fhir(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note = tmp_path / "note.txt"
    note.write_text("Patient ID: P-7\nDate: 2026-01-30\n\nCreatinine 1.4 mg/dL. Hypertension.")
    out = tmp_path / "record.json"

    assert main(["extract", str(note), "--fhir", str(out)]) == 0
    bundle = json.loads(out.read_text(encoding="utf-8"))

    kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    assert {"Patient", "DocumentReference", "Condition", "Observation"} <= set(kinds)
    assert out.stat().st_mode & 0o077 == 0

    (tmp_path / "other.txt").write_text("Patient ID: P-8\n\nCough.")
    assert main(["extract", str(tmp_path), "--fhir", str(tmp_path / "two.json")]) == 2
    assert "P-7, P-8" in capsys.readouterr().err
    assert not (tmp_path / "two.json").exists()


PLACES = (
    "fhir_r4/Bundle-lipids.json", "fhir_r4/DiagnosticReport-f201.json",
    "ccda/CDA_with_Embedded_PDF_1_Unstructured_Document_embed.xml",
    "ccda/Diagnostic_Imaging_Report_Diagnostic_Imaging_Report.xml",
    "broken/hl7_two_messages_valid.hl7", "broken/json_utf16_valid.json",
)  # fmt: skip


def test_the_command_says_what_the_panel_shows_of_every_kind_of_document(
    clinical_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ehr = clinical_data / "ehr"
    files = [ehr / name for name in PLACES]
    for folder, pattern in (("fhir_stu3", "*"), ("hl7v2", "*"), ("notes", "*.rtf"),
                            ("notes", "*.pdf"), ("notes", "*.txt"), ("notes_zh", "*")):  # fmt: skip
        files += sorted((ehr / folder).glob(pattern))[:2]
    shown = Documents(Events())
    shown.open(files, (), None)

    main(["extract", *map(str, files), "--json"])
    printed = json.loads(capsys.readouterr().out)

    panel = {item.document.id: item for item in shown.opened}
    told = {document["id"]: document for document in printed["documents"]}
    assert set(told) == set(panel)
    assert len(told) >= len(files)
    for name, item in panel.items():
        own, note = told[name], json.loads(json.dumps(item.note.to_json()))
        assert {key: own[key] for key in note} == note
        assert own["patient"]["id"] == item.document.patient.id
        assert own["notes"] == [sentence.english() for sentence in item.document.notes]

"""`medview risk` as a clinic's script uses it: JSON, statuses, sentences."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    generate_uid,
)

from medview.cli.main import main
from medview.risk import catalogue
from medview.session.research import all_scores

pytestmark = pytest.mark.usefixtures("no_log_left")
BY_HAND = ["--input", "age=67", "--input", "creatinine=1.1mg/dL", "--input", "sex=F"]


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any, str]:
    status = main(["risk", "--json", *arguments])
    out, err = capsys.readouterr()
    return status, json.loads(out) if out else None, err


def test_a_score_by_hand_is_answered_in_the_form_of_the_contract(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, answer, _ = ask(capsys, "--score", "ckd-epi-2021", *BY_HAND)

    assert (status, answer["schema"]) == (0, "medview.risk/1")
    (score,) = answer["scores"]
    assert (score["score"], score["status"], score["band"]) == ("ckd-epi-2021", "computed", "G3a")
    assert round(score["value"], 1) == 55.1
    assert score["citation"] == "doi:10.1056/NEJMoa2102953"
    assert {"patient", "study", "version", "unit", "interval", "advice"} <= score.keys()
    creatinine = next(item for item in score["inputs"] if item["name"] == "creatinine")
    assert creatinine["source"] == {"kind": "reader", "where": "--input", "time": ""}


def test_without_a_score_those_that_fit_the_inputs_are_computed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, answer, _ = ask(capsys, *BY_HAND)

    assert [score["score"] for score in answer["scores"]] == ["ckd-epi-2021"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--score", "no-such-score"],
        ["--score", "ckd-epi-2021", "--input", "age=-4"],
        ["--score", "ckd-epi-2021", "--input", "creatinine=88mg/dL"],
        ["--score", "ckd-epi-2021", "--input", "creatinin=1"],
        ["--score", "ckd-epi-2021", "--input", "creatinine"],
        ["--cases", "/no/such/file.json"],
        [],
    ],
)
def test_what_is_given_wrong_ends_with_status_2_and_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    status, answer, said = ask(capsys, *arguments)

    assert (status, answer) == (2, None)
    assert len(said.strip().splitlines()) == 1


def test_a_missing_input_is_named_with_status_3(capsys: pytest.CaptureFixture[str]) -> None:
    status, answer, _ = ask(capsys, "--score", "ckd-epi-2021", *BY_HAND[:4])

    assert status == 3
    assert answer["scores"][0]["missing"] == ["sex"]


def test_cases_are_answered_in_order_and_a_wrong_one_fails_alone(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    cases = [
        {"score": "ckd-epi-2021", "inputs": {"creatinine": "1.2mg/dL", "age": 67, "sex": "F"}},
        {"score": "ckd-epi-2021", "inputs": {"creatinine": "88mg/dL", "age": 67, "sex": "F"}},
        {"score": "no-such-score", "inputs": {}},
        "not a case",
        {"score": "brock", "inputs": {"age": 62, "sex": None}},
        {"score": "ckd-epi-2021", "inputs": {"creatinine": 1.2, "age": 9, "sex": "M"}},
        {"score": "score2", "inputs": {"age": 70, "sex": "M"}},
        {
            "score": "bmi",
            "inputs": {"weight": {"value": 180, "unit": "lb"}, "height": 180, "age": 40},
        },
    ]
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(cases), encoding="utf-8")

    status, answer, _ = ask(capsys, "--cases", str(file))

    assert status == 0
    statuses = [score["status"] for score in answer["scores"]]
    expected = [
        "computed",
        "invalid",
        "invalid",
        "invalid",
        "missing",
        "invalid",
        "invalid",
        "computed",
    ]
    assert statuses == expected
    assert "is not 40 to below 70" in answer["scores"][6]["reason"]
    assert answer["scores"][7]["shown"] == "25.2"
    assert (
        answer["scores"][1]["reason"]
        == "Creatinine cannot be 88mg/dL. Was 88 µmol/L meant (0.9955 mg/dL)?"
    )
    assert answer["scores"][1]["meant"] == [{"name": "creatinine", "value": 88.0, "unit": "umol/L"}]
    assert "no score called no-such-score" in answer["scores"][2]["reason"]


@pytest.mark.parametrize("word", ["unknown", "Not known", "?", "", "未知", None])
def test_a_case_may_say_that_it_does_not_know_which_is_missing_and_not_no(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], word: str | None
) -> None:
    inputs = {"age": 76, "sex": "M", "heart_failure": word, "hypertension": "yes"}
    inputs |= dict.fromkeys(("diabetes", "stroke_tia_embolism", "vascular_disease"), "no")
    cases = tmp_path / "cases.json"
    cases.write_text(json.dumps([{"score": "cha2ds2-vasc", "inputs": inputs}]), encoding="utf-8")

    status, answer, _ = ask(capsys, "--cases", str(cases))

    (score,) = answer["scores"]
    assert (status, score["status"], score["missing"]) == (0, "missing", ["heart_failure"])


@pytest.mark.parametrize("content", ["", "{", "[" * 100_000, "7", '{"cases": 3}', "\ud800"])
def test_a_broken_file_of_cases_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str
) -> None:
    file = tmp_path / "cases.json"
    file.write_bytes(content.encode("utf-8", "surrogatepass"))

    status, _, said = ask(capsys, "--cases", str(file))

    assert status == 2
    assert "file of cases" in said


def test_the_list_gives_every_score_with_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    status, answer, _ = ask(capsys, "--list")

    assert status == 0
    assert {row["score"] for row in answer["scores"]} == set(all_scores())
    brock = next(row for row in answer["scores"] if row["score"] == "brock")
    diameter = next(item for item in brock["inputs"] if item["name"] == "nodule_diameter_max")
    assert (diameter["unit"], diameter["range"], diameter["required"]) == ("mm", [1, 30], True)


def test_every_listed_score_computes_from_its_own_listed_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, answer, _ = ask(capsys, "--list")

    for row in answer["scores"]:
        if row["score"] not in catalogue():
            continue
        names = {item["name"] for item in row["inputs"]}
        case = next(c for c in catalogue()[row["score"]].cases if c.status == "computed")
        assert set(case.inputs) <= names


def test_people_get_lines_with_number_advice_and_sources(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = main(["risk", "--score", "ckd-epi-2021", *BY_HAND])
    out = capsys.readouterr().out

    assert status == 0
    assert "CKD-EPI 2021 (kidney function from creatinine): 55 mL/min/1.73 m² · G3a" in out
    assert "Creatinine: 1.1 mg/dL  [reader, --input]" in out


def write_film(folder: Path) -> None:
    """A chest film of an invented woman of 67: header values are all that matters."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    film = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    film.SOPClassUID, film.SOPInstanceUID = (
        meta.MediaStorageSOPClassUID,
        meta.MediaStorageSOPInstanceUID,
    )
    film.PatientID, film.PatientName = "INVENTED-1", "INVENTED^ADA"
    film.PatientBirthDate, film.PatientSex, film.StudyDate = "19580601", "F", "20260131"
    film.StudyInstanceUID, film.SeriesInstanceUID = generate_uid(), generate_uid()
    film.Modality, film.BodyPartExamined, film.InstanceNumber = "DX", "CHEST", 1
    film.Rows = film.Columns = 8
    film.SamplesPerPixel, film.PhotometricInterpretation = 1, "MONOCHROME2"
    film.BitsAllocated, film.BitsStored, film.HighBit = 16, 16, 15
    film.PixelRepresentation = 0
    film.PixelData = bytes(128)
    pydicom.dcmwrite(folder / "film.dcm", film, enforce_file_format=True)


def test_a_study_gives_age_and_sex_and_the_rest_may_come_by_hand(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    write_film(tmp_path)

    status, answer, _ = ask(capsys, str(tmp_path), "--input", "creatinine=1.1mg/dL")

    assert status == 0
    (score,) = answer["scores"]
    assert (score["patient"], score["score"], score["shown"]) == (
        "INVENTED-1",
        "ckd-epi-2021",
        "55",
    )
    sources = {item["name"]: item["source"]["kind"] for item in score["inputs"]}
    assert sources == {"age": "header", "sex": "header", "creatinine": "reader"}


def test_a_path_that_is_not_there_is_wrong_input(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, said = ask(capsys, "/no/such/folder")

    assert status == 2
    assert "no such file" in said


def test_the_command_works_in_a_process_of_its_own_without_window_or_torch() -> None:
    code = (
        "import sys; from medview.cli.main import main; status = main(sys.argv[1:]);"
        "assert not {'torch', 'PySide6', 'vtkmodules'} & set(sys.modules); sys.exit(status)"
    )
    command = [sys.executable, "-c", code, "risk", "--json", "--score", "ckd-epi-2021", *BY_HAND]

    done = subprocess.run(command, capture_output=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["scores"][0]["status"] == "computed"

"""`medview doctor` as scripts use it: one document, honest statuses, sources untouched."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from medview.cli.main import main

ROOT = Path(__file__).resolve().parents[2]


def test_findings_and_copies_are_one_json_document(
    imaging_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = imaging_data / "odd" / "no-meta.dcm"

    status = main(["doctor", str(source), "--json", "--repair", str(tmp_path / "out")])

    document = json.loads(capsys.readouterr().out)
    assert status == 0
    assert document["schema"] == "medview.doctor/1"
    assert document["summary"]["error"] == 1
    first = document["findings"][0]
    assert (first["check"], first["severity"], first["offset"]) == ("file.stray-start", "error", 0)
    assert first["causes"]
    assert first["what_to_do"]
    copy = document["repaired"][0]
    assert Path(copy["file"]).read_bytes()[128:132] == b"DICM"
    assert {r["check"] for r in copy["repairs"]} == {f["check"] for f in document["findings"]}


def test_a_repaired_copy_opens_in_info(
    imaging_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = imaging_data / "odd" / "no-meta.dcm"
    main(["doctor", str(source), "--quiet", "--repair", str(tmp_path)])
    capsys.readouterr()

    assert main(["info", str(tmp_path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["patients"][0]["studies"][0]["series"][0]["stacks"][0]["size"] == [128, 128, 1]


def test_statuses_say_what_was_possible(
    imaging_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound, cut = (
        imaging_data / "mr" / "toshiba-small.dcm",
        imaging_data / "odd" / "rtplan-truncated.dcm",
    )
    assert main(["doctor", str(sound)]) == 0
    assert main(["doctor", str(cut)]) == 0
    assert main(["doctor", str(tmp_path / "nowhere")]) == 2
    assert "There is no such file or folder" in capsys.readouterr().err


def test_what_is_wrong_is_told_without_progress_too(
    imaging_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = str(imaging_data / "odd" / "made-zero-rows.dcm")
    main(["doctor", source])
    told = capsys.readouterr().out
    main(["doctor", source, "--quiet"])

    assert "Rows is not one number of pixels." in told
    assert capsys.readouterr().out == told


def test_what_is_no_dicom_is_not_passed_over_as_sound(
    imaging_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = imaging_data / "odd" / "neighbours" / "picture-named.dcm"
    assert main(["doctor", str(picture)]) == 0
    assert "picture-named.dcm: Not a DICOM file: PNG." in capsys.readouterr().out

    main(["doctor", str(imaging_data / "odd" / "made-zero-length.dcm")])
    assert "made-zero-length.dcm: The file is empty." in capsys.readouterr().out

    many = tmp_path / "many"
    many.mkdir()
    for number in range(30):
        (many / f"{number}.png").write_bytes(picture.read_bytes())
    main(["doctor", str(many)])
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if "Not a DICOM file" in line]) == 20
    assert "10 more files are not examined (--json lists all)." in lines


def test_a_wrong_place_for_copies_is_refused(
    imaging_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = (imaging_data / "mr" / "toshiba-small.dcm").read_bytes()
    (tmp_path / "a.dcm").write_bytes(raw[132:])

    assert main(["doctor", str(tmp_path), "--repair", str(tmp_path / "out")]) == 2
    assert "cannot be written into the folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.dcm"]


def test_the_list_of_checks_in_the_documents_is_the_programs() -> None:
    spec = importlib.util.spec_from_file_location("doctor_list", ROOT / "docs" / "doctor_list.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    assert (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8") == module.text()

"""`medview report` in a process of its own, without a screen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FAST_HEAD = "ct/head-small"


def report(*arguments: object, home: Path) -> subprocess.CompletedProcess[str]:
    known = ("PATH", "MEDVIEW_RESOURCES", "MEDVIEW_MODELS", "LANG")
    environment = {name: os.environ[name] for name in known if name in os.environ}
    environment["HOME"] = str(home)
    return subprocess.run(
        [sys.executable, "-m", "medview.cli", "report", *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_pdf_of_a_study_is_written_without_a_screen(imaging_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.pdf"

    done = report(imaging_data / FAST_HEAD, "--out", out, home=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert out.read_bytes().startswith(b"%PDF-")
    assert len(out.read_bytes()) > 20_000  # key images are in it


def test_a_text_names_patient_and_notice(imaging_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.txt"

    done = report(imaging_data / FAST_HEAD, "--out", out, "--json", home=tmp_path)

    text = out.read_text(encoding="utf-8")
    assert json.loads(done.stdout) == {
        "schema": "medview.report/1",
        "reports": [{"patient": "8775070", "file": str(out)}],
    }
    assert "8775070" in text
    assert "Not for diagnostic use." in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "report.docx"], "must end in .pdf or .txt"),
        (["--out", "report.pdf", "--patient", "NOBODY"], "no such patient"),
        (["--out", "report.pdf", "--study", "1.2.3"], "no such study"),
        (["--out", "report.pdf", "--results", "nowhere"], "no results"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_status_2(
    imaging_data: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    arguments[1] = str(tmp_path / arguments[1])

    done = report(imaging_data / FAST_HEAD, *arguments, home=tmp_path)

    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_several_patients_must_be_named_or_get_a_file_each(
    imaging_data: Path, tmp_path: Path
) -> None:
    (tmp_path / "both").mkdir()
    for number, name in enumerate(("ct/ct-small.dcm", "mr/toshiba-small.dcm")):
        data = (imaging_data / name).read_bytes()
        (tmp_path / "both" / f"{number}.dcm").write_bytes(data)

    refused = report(tmp_path / "both", "--out", tmp_path / "one.pdf", home=tmp_path)
    done = report(tmp_path / "both", "--out", tmp_path / "all", home=tmp_path)

    assert refused.returncode == 2
    assert "There are several patients here" in refused.stderr
    assert done.returncode == 0
    assert sorted(p.name for p in (tmp_path / "all").iterdir()) == ["report-1.pdf", "report-2.pdf"]

"""`medview anonymize`: what it writes, what it says, how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydicom import dcmread

from medview.cli.main import main


def test_copies_of_a_study_with_a_log_and_json(
    imaging_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["--out", str(out), "--profile", "research", "--json"]
    status = main(["anonymize", str(imaging_data / "seg"), *words])
    document = json.loads(capsys.readouterr().out)

    assert status == 0
    assert document["schema"] == "medview.anonymize/1"
    assert document["files"]["written"] == len(list(out.rglob("*.dcm"))) == 15
    assert {m["code"] for m in document["method"]} >= {"113100", "113107", "113105"}
    assert Path(document["log"]).is_file()


def test_pictures_that_may_show_names_are_left_out_and_said_so(
    imaging_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [str(imaging_data / "us" / "palette.dcm"), str(imaging_data / "ct" / "ct-small.dcm")]

    assert main(["anonymize", *paths, "--out", str(tmp_path / "a")]) == 3
    assert "Names may be seen in the picture" in capsys.readouterr().err
    assert main(["anonymize", *paths, "--out", str(tmp_path / "b"), "--burned-in", "blank"]) == 0
    assert len(list((tmp_path / "a").rglob("*.dcm"))) == 1
    assert len(list((tmp_path / "b").rglob("*.dcm"))) == 2


def test_the_same_key_gives_the_same_identifiers(imaging_data: Path, tmp_path: Path) -> None:
    path, key = str(imaging_data / "ct" / "ct-small.dcm"), str(tmp_path / "key")
    uids = []
    for name in "ab":
        out = tmp_path / name
        assert main(["anonymize", path, "--out", str(out), "--key", key, "--quiet"]) == 0
        uids.append(dcmread(next(out.rglob("*.dcm"))).StudyInstanceUID)

    assert uids[0] == uids[1]
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--profile", "none"), "no profile"),
        (("--retain", "shoes"), "nothing that can be retained"),
        (("--retain", "dates", "--retain", "shifted-dates"), "either kept or shifted"),
        (("--mapping", "OUT/list.csv"), "must not lie among the copies"),
        (("--key", "OUT/key"), "must not lie among the copies"),
    ],
)
def test_wrong_wishes_are_refused_before_anything_is_written(
    imaging_data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    said: str,
) -> None:
    out = tmp_path / "out"
    given = [word.replace("OUT", str(out)) for word in words]
    path = str(imaging_data / "ct" / "ct-small.dcm")

    assert main(["anonymize", path, "--out", str(out), *given]) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_a_study_in_an_archive_is_read_in_place(imaging_data: Path, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
        archive.write(imaging_data / "ct" / "ct-small.dcm", "QUINCE/ct.dcm")

    out = tmp_path / "out"
    assert main(["anonymize", str(tmp_path / "study.zip"), "--out", str(out), "--quiet"]) == 0
    assert len(list(out.rglob("*.dcm"))) == 1

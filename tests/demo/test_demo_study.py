"""The demo study as a whole: what lies in it, that it is the same every time, and safely made."""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest

from medview.core.errors import Cancelled, InvalidInput, WriteFailed
from medview.core.progress import CancelToken
from medview.demo.exams import SMALL
from medview.demo.study import DemoPaths, make_demo


def _hashes(root: Path) -> dict[str, str]:
    return {
        str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(root.rglob("*"))
        if p.is_file()
    }


def _headers(demo: DemoPaths) -> list[pydicom.Dataset]:
    paths = sorted(demo.images.rglob("*.dcm"))
    return [pydicom.dcmread(p, stop_before_pixels=True) for p in paths]


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> tuple[DemoPaths, list[tuple[int, int]]]:
    """The study made once more in place of an older one, and the progress that was told."""
    out = tmp_path_factory.mktemp("again") / "demo"
    for part in ("images", "record", "truth"):
        (out / part).mkdir(parents=True)
    (out / "truth" / "truth.json").write_text("{}", encoding="utf-8")
    (out / "images" / "old.dcm").touch()
    seen: list[tuple[int, int]] = []
    made = make_demo(out, lambda done, total, what: seen.append((done, total)), size=SMALL)
    return made, seen


Again = tuple[DemoPaths, list[tuple[int, int]]]


def test_two_runs_give_the_same_bytes(demo: DemoPaths, again: Again) -> None:
    assert _hashes(again[0].root) == _hashes(demo.root)


def test_an_older_demo_study_is_replaced(again: Again) -> None:
    made, _ = again

    assert not (made.images / "old.dcm").exists()
    assert [p.name for p in made.root.parent.iterdir()] == ["demo"]


def test_progress_grows_to_its_total(again: Again) -> None:
    _, seen = again

    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1]


def test_two_patients_have_their_studies(demo: DemoPaths) -> None:
    headers = _headers(demo)

    studies = {(str(d.PatientID), str(d.StudyDate), str(d.Modality)) for d in headers}
    assert studies == {
        ("MV-0001", "20260131", "CT"),
        ("MV-0001", "20260131", "DX"),
        ("MV-0001", "20240612", "CT"),
        ("MV-0002", "20260131", "DX"),
    }
    assert {str(d.PatientAge) for d in headers} == {"067Y", "065Y", "004Y"}


def test_every_image_says_that_it_is_a_made_phantom(demo: DemoPaths) -> None:
    for header in _headers(demo):
        assert "phantom" in header.ImageComments
        assert str(header.SOPInstanceUID).startswith("2.25.")


def test_no_two_files_share_an_instance_uid(demo: DemoPaths) -> None:
    uids = [str(d.SOPInstanceUID) for d in _headers(demo)]

    assert len(uids) == len(set(uids))


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy is not installed")
def test_dciodvfy_finds_no_error(demo: DemoPaths) -> None:
    by_series = {p.parent: p for p in demo.images.rglob("*.dcm")}

    for path in [*by_series.values(), demo.images / "MV-0001" / "2026-ct" / "scout.dcm"]:
        said = subprocess.run(
            ["dciodvfy", str(path)],  # noqa: S607 - wherever the system has it
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert not [line for line in said.stderr.splitlines() if line.startswith("Error")]


def test_a_cancelled_run_leaves_nothing(tmp_path: Path) -> None:
    cancel = CancelToken()

    def stop_at_the_first_images(done: int, total: int, what: str) -> None:
        if what == "Making the patient":
            cancel.cancel()

    with pytest.raises(Cancelled):
        make_demo(tmp_path / "demo", stop_at_the_first_images, cancel, SMALL)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine", encoding="utf-8")

    with pytest.raises(InvalidInput, match="other files"):
        make_demo(tmp_path, size=SMALL)

    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_rights_is_one_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(WriteFailed, match="could not be written"):
            make_demo(tmp_path / "demo", size=SMALL)
    finally:
        tmp_path.chmod(0o700)


def test_a_file_in_the_way_of_the_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(WriteFailed, match="could not be written"):
        make_demo(tmp_path / "file" / "demo", size=SMALL)


def test_the_command_refuses_a_foreign_folder_with_status_2(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch()

    said = subprocess.run(
        [sys.executable, "-m", "medview.cli", "demo", "--out", str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert said.returncode == 2
    assert len(said.stderr.strip().splitlines()) == 1
    assert said.stdout == ""


def test_a_full_disk_is_said_in_words_also_where_pydicom_wraps_it(tmp_path: Path) -> None:
    # The limit on a file's size stands for a full disk; the first picture does not fit.
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, before[1]))
    try:
        with pytest.raises(WriteFailed, match="the disk is full"):
            make_demo(tmp_path / "demo", size=SMALL)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.glob("*demo*"))


def test_a_place_that_takes_no_folder_is_named_without_a_word_on_space() -> None:
    with pytest.raises(WriteFailed) as refused:
        make_demo(Path("/proc/nowhere"), size=SMALL)
    assert "/proc/nowhere" in refused.value.sentence()
    assert "space" not in refused.value.sentence()

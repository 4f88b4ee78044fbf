"""Names that are no text, links in circles, pipes, paths without end, files that go away."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from dicom_read_cases import save, save_series, slice_of

from medview.core.errors import Cancelled, MedViewError
from medview.core.progress import CancelToken
from medview.core.study import Holdings, Stack
from medview.dicom import load_volume, scan


def frames(found: Holdings) -> list[str]:
    return [frame.path for stack in stacks(found) for frame in stack.frames]


def stacks(found: Holdings) -> list[Stack]:
    series = [s for p in found.patients for study in p.studies for s in study.series]
    return [stack for one in series for stack in one.stacks]


def test_names_that_are_no_utf8_are_listed_and_read(tmp_path: Path) -> None:
    save(slice_of(0), tmp_path / "a.dcm")
    name = os.fsencode(tmp_path) + b"/caf\xe9.dcm"
    os.rename(tmp_path / "a.dcm", name)  # noqa: PTH104 - a name of bytes
    (stack,) = stacks(scan([tmp_path]))
    assert os.fsencode(stack.frames[0].path) == name
    assert load_volume(stack).stored.shape == (1, 6, 5)


def test_a_command_prints_such_names_as_json_that_leads_back(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9\x1b[31m.dcm"
    os.rename(save(slice_of(0), tmp_path / "a.dcm"), name)  # noqa: PTH104
    for options in (["--json", "--files"], []):
        done = subprocess.run(
            [sys.executable, "-m", "medview.cli", "info", str(tmp_path), *options],
            capture_output=True, check=True,
        )  # fmt: skip
        assert b"\x1b" not in done.stdout
        if options:
            (patient,) = json.loads(done.stdout)["patients"]
            (item,) = patient["studies"][0]["series"][0]["stacks"][0]["files"]
            assert os.fsencode(item["file"]) == name


def test_links_in_circles_pipes_and_sockets_are_passed_by(tmp_path: Path) -> None:
    save(slice_of(0), tmp_path / "in" / "a.dcm")
    (tmp_path / "in" / "round").symlink_to(".")
    (tmp_path / "in" / "self").symlink_to("self")
    (tmp_path / "in" / "gone").symlink_to("nowhere")
    (tmp_path / "in" / "away").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "in" / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(tmp_path / "in" / "socket"))
        found = scan([tmp_path / "in"])
    assert (found.seen, len(frames(found))) == (1, 1)


@pytest.mark.parametrize("name", ["pipe", "zero"])
def test_a_pipe_or_device_given_by_name_is_refused_at_once(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    path = tmp_path / "pipe" if name == "pipe" else Path("/dev/zero")
    (note,) = scan([path]).unreadable
    assert note.reason == "This is neither a file nor a folder."


def test_a_file_that_becomes_a_pipe_does_not_wait(tmp_path: Path) -> None:
    (stack,) = stacks(scan([save_series(tmp_path, 2)]))
    (tmp_path / "00.dcm").unlink()
    os.mkfifo(tmp_path / "00.dcm")
    assert load_volume(stack).stored[:, 0, 0].tolist() == [0, 11]


def test_a_folder_too_deep_to_look_into_is_said(tmp_path: Path) -> None:
    save(slice_of(0), tmp_path / "a.dcm")
    here = Path.cwd()
    try:
        os.chdir(tmp_path)
        for _ in range(24):
            Path("d" * 200).mkdir()
            os.chdir("d" * 200)
    finally:
        os.chdir(here)
    found = scan([tmp_path])
    assert len(frames(found)) == 1
    assert "does not let MedView look" in found.unreadable[0].reason
    shutil.rmtree(tmp_path / ("d" * 200))


def test_files_that_go_or_shrink_after_the_scan_leave_the_others(tmp_path: Path) -> None:
    (stack,) = stacks(scan([save_series(tmp_path, 4)]))
    Path(stack.frames[1].path).unlink()
    os.truncate(stack.frames[2].path, 300)
    stored = load_volume(stack).stored
    assert stored[:, 0, 0].tolist() == [1, 0, 0, 31]


def test_a_folder_that_goes_away_is_refused_in_words(tmp_path: Path) -> None:
    (stack,) = stacks(scan([save_series(tmp_path / "in", 2)]))
    shutil.rmtree(tmp_path / "in")
    with pytest.raises(MedViewError):
        load_volume(stack)


def test_listing_a_folder_can_be_stopped(tmp_path: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        scan([save_series(tmp_path, 2)], cancel=cancel)

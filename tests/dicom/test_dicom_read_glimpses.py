"""What a scan tells while it goes on."""

from __future__ import annotations

import time
from pathlib import Path

from dicom_read_cases import save_series

from medview.core.study import Holdings
from medview.dicom import scan


def _slowly(_done: int, _total: int, _what: str) -> None:
    time.sleep(0.12)


def _frames(found: Holdings) -> int:
    return sum(
        len(stack.frames)
        for patient in found.patients
        for study in patient.studies
        for series in study.series
        for stack in series.stacks
    )


def test_a_long_scan_tells_what_it_found_so_far(tmp_path: Path) -> None:
    told: list[Holdings] = []

    whole = scan([save_series(tmp_path)], _slowly, glimpse=told.append)

    assert [_frames(each) for each in told] == [3]
    assert _frames(whole) == 4


def test_what_was_told_does_not_change_the_end(tmp_path: Path) -> None:
    folder = save_series(tmp_path)
    first = min(folder.iterdir())
    (folder / "000-again.dcm").write_bytes(first.read_bytes())  # a double, noted once
    told: list[Holdings] = []

    whole = scan([folder], _slowly, glimpse=told.append)

    assert told
    assert whole == scan([folder])
    assert len(whole.ignored) == 1


def test_a_quick_scan_tells_nothing_before_its_end(tmp_path: Path) -> None:
    told: list[Holdings] = []
    scan([save_series(tmp_path)], glimpse=told.append)
    assert told == []

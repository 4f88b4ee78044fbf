"""What a scan tells while it goes on."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from dicom_read_cases import save_series

from medview.core.study import Holdings
from medview.dicom import scan, scanning


class Clock:
    """Each file takes 0.12 seconds of it."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def pass_on(self, _done: int, _total: int, _what: str) -> None:
        self.now += 0.12

    def time_ns(self) -> int:
        return time.time_ns()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(scanning, "time", made)
    return made


def _frames(found: Holdings) -> int:
    return sum(
        len(stack.frames)
        for patient in found.patients
        for study in patient.studies
        for series in study.series
        for stack in series.stacks
    )


def test_a_long_scan_tells_what_it_found_so_far(tmp_path: Path, clock: Clock) -> None:
    told: list[Holdings] = []

    whole = scan([save_series(tmp_path)], clock.pass_on, glimpse=told.append)

    assert [_frames(each) for each in told] == [3]
    assert _frames(whole) == 4


def test_what_was_told_does_not_change_the_end(tmp_path: Path, clock: Clock) -> None:
    folder = save_series(tmp_path)
    first = min(folder.iterdir())
    (folder / "000-again.dcm").write_bytes(first.read_bytes())  # a double, noted once
    told: list[Holdings] = []

    whole = scan([folder], clock.pass_on, glimpse=told.append)

    assert told
    assert whole == scan([folder])
    assert len(whole.ignored) == 1


def test_a_quick_scan_tells_nothing_before_its_end(tmp_path: Path, clock: Clock) -> None:
    told: list[Holdings] = []
    scan([save_series(tmp_path)], glimpse=told.append)
    assert clock.now == 0
    assert told == []

"""Phases of 4-D series, their times, and the curve of a value over them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medview.core.geometry import Geometry, PatientPoint
from medview.core.study import FrameRef, Series, Stack
from medview.dicom import scan
from medview.imaging.phases import curve_of, curve_points, phase_ms, phase_seconds, phases_of


def series_in(folder: Path) -> Series:
    return scan([folder]).patients[0].studies[0].series[0]


@pytest.mark.parametrize(
    ("folder", "count"),
    [
        ("mr/philips-fmri-2x4", 4),
        ("mr/ge-fmri-4x2", 2),
        ("mr/ge-dti-4x2", 2),
        ("mr/philips-dti-2x4", 4),
        ("mr/multi-echo-siemens", 2),
    ],
)
def test_real_series_have_as_many_phases_as_volumes(
    imaging_data: Path, folder: str, count: int
) -> None:
    series = series_in(imaging_data / folder)
    assert phases_of(series, 0) == tuple(range(count))
    assert phases_of(series, count - 1) == tuple(range(count))


@pytest.mark.parametrize("folder", ["mr/mixed-orientation", "ct/chest-whole"])
def test_other_stacks_of_a_series_are_no_phases(imaging_data: Path, folder: str) -> None:
    series = series_in(imaging_data / folder)
    for number in range(len(series.stacks)):
        assert phases_of(series, number) == (number,)


GRID = Geometry(shape=(2, 3, 3))


def stack(seconds: float | None, **changes: object) -> Stack:
    made = Stack(
        frames=(FrameRef(path="x"),), geometry=GRID, verdict="regular",
        split_by="TemporalPosition", seconds=seconds,
    )  # fmt: skip
    return replace(made, **changes)


def test_a_stack_moved_by_a_millimetre_is_no_phase() -> None:
    moved = replace(GRID, origin=PatientPoint(1, 0, 0))
    series = Series(uid="1", stacks=(stack(0), stack(1, geometry=moved), stack(2)))
    assert phases_of(series, 0) == (0, 2)


def test_times_run_over_midnight_and_are_not_guessed() -> None:
    assert phase_seconds([stack(86390), stack(10), stack(40)]) == (0, 20, 50)
    assert phase_seconds([stack(5), stack(5)]) == ()
    assert phase_seconds([stack(5), stack(None)]) == ()
    assert phase_seconds([stack(5)]) == ()


def test_a_beating_heart_is_played_at_its_own_times() -> None:
    heart = [stack(t / 1000) for t in (0, 50, 90, 170)]
    assert phase_ms(heart) == pytest.approx((50, 40, 80, 80))
    contrast = [stack(t) for t in (0, 30, 60)]
    assert phase_ms(contrast) == (125, 125, 125)


def test_a_curve_has_true_times_where_they_are_known() -> None:
    curve = curve_of([stack(10), stack(30), stack(90)], [5.0, None, 20.0], "HU")
    assert (curve.seconds, curve.is_timed) == ((0, 20, 80), True)
    points, (low, high) = curve_points(curve, 80, 110)
    np.testing.assert_allclose(points, [[0, 105], [80, 5]])
    assert (low, high) == (4.25, 20.75)
    assert curve_of([stack(None), stack(None)], [1.0, 2.0], "").seconds == (1, 2)


def test_a_curve_without_values_has_no_points() -> None:
    points, _ = curve_points(curve_of([stack(0), stack(1)], [None, None], ""), 10, 10)
    assert points.shape == (0, 2)

"""Cine: how fast a series asks to be played, and what is shown while it plays."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from medview.core.geometry import Geometry, PatientPoint
from medview.core.study import FrameRef, Patient, Series, Stack, Study
from medview.core.volume import Volume
from medview.gui.view_grid import ViewGrid
from medview.gui.views.cine import pace_of, shown_number
from medview.session.places import OpenVolume, Place

COUNT = 12


@pytest.mark.parametrize(
    ("header", "rate"),
    [
        ({"FrameTime": "40"}, 25),
        ({"CineRate": "30", "FrameTime": "40"}, 30),
        ({"RecommendedDisplayFrameRate": "10", "CineRate": "30"}, 10),
        ({"FrameTimeVector": "0\\100\\300"}, 5),
        ({"FrameTime": "0"}, 15),
        ({"FrameTime": "soon", "CineRate": "-3"}, 15),
        ({}, 15),
        ({"CineRate": "9000"}, 120),
    ],
)
def test_a_series_is_played_as_its_file_asks(header: dict[str, str], rate: float) -> None:
    assert pace_of(Series(uid="1", header=header)).rate == rate


def test_the_readers_rate_outweighs_the_files() -> None:
    assert pace_of(Series(uid="1", header={"CineRate": "30"}), 8).rate == 8


def test_a_file_may_ask_for_back_and_forth() -> None:
    assert pace_of(Series(uid="1", header={"PreferredPlaybackSequencing": "1"})).is_bouncing


@pytest.fixture
def grid(qtbot: QtBot) -> ViewGrid:
    """A film of 12 frames, each of its own grey, as captures have them."""
    made = ViewGrid()
    qtbot.addWidget(made)
    made.resize(400, 400)
    geometry = Geometry(
        shape=(COUNT, 8, 8), spacing=(1, 1, 1), origin=PatientPoint(0, 0, 0), is_spatial=False
    )
    stored = np.repeat(np.arange(COUNT, dtype=np.int16), 64).reshape(COUNT, 8, 8) * 20
    stack = Stack(
        frames=tuple(FrameRef(path="film", frame=k) for k in range(COUNT)),
        geometry=geometry,
        verdict="not-spatial",
    )
    series = Series(uid="1.2", modality="US", stacks=(stack,), header={"FrameTime": "10"})
    study = Study(uid="1", series=(series,))
    patient = Patient(id="P", studies=(study,))
    made.hang(("1.2", 0))
    made.take(
        OpenVolume(
            place=Place(patient=patient, study=study, series=series, stack_number=0),
            volume=Volume(geometry=geometry, stored=stored, windows=((120, 240, ""),)),
            ready=np.ones(COUNT, bool),
            failed={},
        )
    )
    made.show()
    return made


@pytest.fixture
def seen(grid: ViewGrid) -> list[int]:
    """The frames that were shown, in order."""
    numbers: list[int] = []
    stage = grid.active_view.stage
    stage.crosshair_moved.connect(lambda _point: numbers.append(shown_number(stage)))
    return numbers


def press(qtbot: QtBot, grid: ViewGrid, key: Qt.Key, *, shift: bool = False) -> None:
    modifier = Qt.KeyboardModifier.ShiftModifier if shift else Qt.KeyboardModifier.NoModifier
    qtbot.keyClick(grid.active_view, key, modifier)


Wait = Callable[[], bool]


def test_c_plays_in_a_loop_and_c_again_stops(grid: ViewGrid, seen: list[int], qtbot: QtBot) -> None:
    press(qtbot, grid, Qt.Key.Key_C)
    qtbot.waitUntil(lambda: len(seen) > COUNT + 2, timeout=60_000)
    press(qtbot, grid, Qt.Key.Key_C)
    stood = len(seen)
    qtbot.wait(60)

    assert len(seen) == stood
    assert all(after == (before + 1) % COUNT for before, after in itertools.pairwise(seen))


def test_back_and_forth_turns_at_both_ends(grid: ViewGrid, seen: list[int], qtbot: QtBot) -> None:
    press(qtbot, grid, Qt.Key.Key_C)
    press(qtbot, grid, Qt.Key.Key_C, shift=True)
    qtbot.waitUntil(lambda: len(seen) > 2 * COUNT + 4, timeout=60_000)
    press(qtbot, grid, Qt.Key.Key_Escape)

    assert {0, COUNT - 1} <= set(seen)
    assert all(abs(a - b) == 1 for a, b in itertools.pairwise(seen))


def test_frames_that_are_not_read_are_passed_over(
    grid: ViewGrid, seen: list[int], qtbot: QtBot
) -> None:
    ready = np.zeros(COUNT, bool)
    ready[[2, 5, 6, 9]] = True
    grid.active_view.set_ready(ready)

    press(qtbot, grid, Qt.Key.Key_C)
    qtbot.waitUntil(lambda: len(seen) > 8, timeout=60_000)
    ready[:] = True
    grid.active_view.set_ready(ready)
    before = len(seen)
    qtbot.waitUntil(lambda: len(seen) > before + COUNT, timeout=60_000)
    grid.playing.cine.stop()

    assert set(seen[:before]) <= {2, 5, 6, 9}
    assert set(seen) == set(range(COUNT))


@pytest.mark.parametrize("key", [Qt.Key.Key_Escape, Qt.Key.Key_Down, Qt.Key.Key_Home])
def test_esc_and_scrolling_stop_it(
    grid: ViewGrid, seen: list[int], qtbot: QtBot, key: Qt.Key
) -> None:
    press(qtbot, grid, Qt.Key.Key_C)
    qtbot.waitUntil(lambda: len(seen) > 2, timeout=60_000)

    press(qtbot, grid, key)

    assert grid.playing.cine.stage is None
    assert grid.active_view.look.cine == ""


def test_plus_and_minus_change_the_pace_and_the_corner_says_it(
    grid: ViewGrid, qtbot: QtBot
) -> None:
    grid.playing.rate = 20.0
    press(qtbot, grid, Qt.Key.Key_C)
    assert "20 images/s" in grid.active_view.look.cine

    press(qtbot, grid, Qt.Key.Key_Plus)
    assert "25 images/s" in grid.active_view.look.cine

    press(qtbot, grid, Qt.Key.Key_Minus)
    press(qtbot, grid, Qt.Key.Key_Minus)
    assert "16 images/s" in grid.active_view.look.cine
    grid.playing.cine.stop()

"""Two dates of one patient side by side, and many large series at once, on real studies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from medview.gui.views.tile import Tile
from medview.gui.window import MainWindow
from medview.session.memory import Budget
from medview.session.places import stack_bytes
from medview.session.windowed import LEAST_SLICES

Quiet = Callable[..., None]


def heights(folder: Path) -> np.ndarray:
    """z of every slice as the files say, from the feet upwards."""
    found = [pydicom.dcmread(path, stop_before_pixels=True) for path in sorted(folder.rglob("*"))
             if path.is_file()]  # fmt: skip
    return np.sort([float(each.ImagePositionPatient[2]) for each in found])


def shown_height(tile: Tile) -> float:
    stage = tile.view.stage
    assert stage.plane is not None
    return stage.plane.to_patient(stage.index, 0, 0).z


@pytest.fixture
def beside(window: MainWindow, imaging_data: Path, quiet: Quiet) -> MainWindow:
    """The abdomen of 1960 at the left and of 1959 at the right."""
    window.grid.set_layout_name("1x2")
    window.open_paths([imaging_data / "mr" / "abdomen-now-1960"])
    quiet(window)
    window.open_paths([imaging_data / "mr" / "abdomen-prior-1959"])
    quiet(window)
    by_date = sorted(window.session.studies.places(), key=lambda p: p.study.date, reverse=True)
    assert [place.study.date[:4] for place in by_date] == ["1960", "1959"]
    for number, place in enumerate(by_date):
        window.grid.hang(place.key, "native", number)
    quiet(window)
    window.grid.activate(window.grid.tiles[0])
    return window


def test_two_dates_of_other_frames_of_reference_are_linked_by_hand_in_millimetres(
    beside: MainWindow, imaging_data: Path, qtbot: QtBot
) -> None:
    now, prior = beside.grid.tiles
    of_prior = heights(imaging_data / "mr" / "abdomen-prior-1959")
    stood = shown_height(prior)
    qtbot.keyClick(now.view, Qt.Key.Key_Home)
    assert shown_height(prior) == stood  # nothing says yet how they lie to each other

    qtbot.keyClick(now.view, Qt.Key.Key_Down)
    at = shown_height(now)
    qtbot.keyClick(now.view, Qt.Key.Key_J, Qt.KeyboardModifier.ControlModifier)

    for _ in range(3):
        qtbot.keyClick(now.view, Qt.Key.Key_Down)
        wanted = stood + shown_height(now) - at
        nearest = of_prior[np.argmin(np.abs(of_prior - wanted))]
        assert shown_height(prior) == pytest.approx(nearest, abs=1e-3)
    assert shown_height(now) == pytest.approx(at - 21.0, abs=0.01)  # three steps of 7 mm
    assert shown_height(prior) == pytest.approx(stood - 18.0, abs=6.01)
    assert "Linked by hand" in prior.view.look.link


def test_both_dates_are_in_memory_and_each_is_read_from_its_own_files(beside: MainWindow) -> None:
    shown = [tile.opened for tile in beside.grid.tiles]

    assert all(each is not None and each.ready.all() for each in shown)
    assert [each.place.study.date[:4] for each in shown if each is not None] == ["1960", "1959"]
    held = sum(each.nbytes for each in shown if each is not None)
    assert beside.session.studies.volumes.held_bytes == held


def test_sixteen_views_of_one_series_share_its_memory(beside: MainWindow, quiet: Quiet) -> None:
    volumes, key = beside.session.studies.volumes, beside.grid.tiles[0].key
    before = volumes.held_bytes
    beside.grid.set_layout_name("4x4")

    for number, plane in enumerate(("native", "axial", "coronal", "sagittal") * 4):
        beside.grid.hang(key, plane, number)
    quiet(beside)

    blocks = {id(tile.view.stage.shown.volume.stored) for tile in beside.grid.tiles}
    assert len(beside.grid.tiles) == 16
    assert len(blocks) == 1
    assert volumes.held_bytes <= before


def test_many_large_series_at_once_stay_within_the_budget(
    window: MainWindow, imaging_data: Path, quiet: Quiet, qtbot: QtBot
) -> None:
    window.open_paths([imaging_data / "ct"])
    quiet(window)
    volumes = window.session.studies.volumes
    places = sorted(
        window.session.studies.places(), key=lambda p: np.prod(p.stack.geometry.shape), reverse=True
    )[:12]
    budget = 24 << 20  # the largest alone takes 53 MiB
    volumes.set_budget(Budget(budget))

    window.grid.set_layout_name("4x4")
    for number, place in enumerate(places):
        window.grid.hang(place.key, "native", number)
    quiet(window, timeout=60_000)

    tiles = window.grid.tiles[: len(places)]
    assert all(tile.opened is not None and tile.opened.ready.any() for tile in tiles)
    windowed = [t for t in tiles if t.opened is not None and t.opened.bytes_held is not None]
    assert windowed  # what has no room comes slice by slice
    # A block that nobody shows any more may still be on its way out. A few slices of each series
    # are kept however little the whole ones before it left.
    least = sum(
        LEAST_SLICES * stack_bytes(t.opened.place.stack) // len(t.opened.place.stack.frames)
        for t in windowed
        if t.opened is not None
    )
    qtbot.waitUntil(lambda: volumes.held_bytes <= budget + least, timeout=60_000)
    for tile in windowed:
        assert tile.view.stage.ready is not None
        assert tile.view.stage.ready[tile.view.stage.index]

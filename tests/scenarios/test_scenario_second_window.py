"""A second window for a second screen: its own views of the same session."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from medview.core.settings import load_settings
from medview.gui.pane import MOST_TILES
from medview.gui.second_window import SecondWindow
from medview.gui.window import MainWindow

Quiet = Callable[..., None]


@pytest.fixture
def second(opened: MainWindow, qtbot: QtBot) -> Iterator[SecondWindow]:
    """Opened by its key, as a reader does."""
    ctrl_shift = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(opened.grid.active_view, Qt.Key.Key_N, ctrl_shift)
    made = opened.second.second
    assert made is not None
    yield made
    if opened.second.second is not None:
        made.close()


def test_it_opens_with_one_empty_view_that_says_what_to_do(
    opened: MainWindow, second: SecondWindow
) -> None:
    assert second.isVisible()
    assert len(opened.grid.tiles) == 5
    tile = opened.grid.tiles[4]
    assert tile.window() is second
    assert tile.key is None
    assert "Page Down" in tile.view._hint


def test_keys_in_it_mean_what_they_mean_in_the_first(
    opened: MainWindow, second: SecondWindow, qtbot: QtBot, quiet: Quiet
) -> None:
    first = opened.session.active
    assert first is not None
    opened.grid.hang(first.key, "native", MOST_TILES)
    quiet(opened)
    tile = opened.grid.tiles[4]
    qtbot.mouseClick(tile.view, Qt.MouseButton.LeftButton)
    assert opened.grid.active_tile is tile
    before = tile.view.stage.state.is_inverted
    main = opened.grid.tiles[0].view.stage
    at = main.index

    qtbot.keyClick(tile.view, Qt.Key.Key_I)
    qtbot.keyClick(tile.view, Qt.Key.Key_Down)

    assert tile.view.stage.state.is_inverted is not before
    assert main.index == tile.view.stage.index != at  # scrolled together across the windows


def test_a_layout_is_that_of_the_window_that_is_worked_in(
    opened: MainWindow, second: SecondWindow, qtbot: QtBot
) -> None:
    qtbot.mouseClick(opened.grid.tiles[4].view, Qt.MouseButton.LeftButton)

    opened.actions_.perform("layout.1x2")

    assert len(opened.grid.tiles) == 6
    assert [tile.plane for tile in opened.grid.tiles[:4]] == [
        "axial", "coronal", "sagittal", "volume",
    ]  # fmt: skip
    assert load_settings().layout == "2x2"
    second.close()
    assert load_settings().second_layout == "1x2"


def test_f11_fills_the_screen_with_the_window_that_is_worked_in(
    opened: MainWindow, second: SecondWindow, qtbot: QtBot
) -> None:
    second.activateWindow()
    qtbot.waitUntil(second.isActiveWindow)

    qtbot.keyClick(opened.grid.tiles[4].view, Qt.Key.Key_F11)

    assert second.isFullScreen()
    assert not opened.isFullScreen()


def test_closing_it_gives_its_series_back_to_empty_views(
    opened: MainWindow, second: SecondWindow, quiet: Quiet
) -> None:
    first = opened.session.active
    assert first is not None
    other = next(p for p in opened.session.studies.places() if p.key != first.key)
    opened.grid.set_layout_name("1x2")
    opened.grid.hang(other.key, "native", MOST_TILES)
    quiet(opened)

    second.close()
    quiet(opened)

    assert opened.second.second is None
    assert not opened.actions_["layout.second_window"].isChecked()
    assert [tile.key for tile in opened.grid.tiles] == [first.key, other.key]
    assert opened.grid.tiles[1].opened is not None


def test_what_is_remembered_of_it_names_no_patient(
    opened: MainWindow, second: SecondWindow, quiet: Quiet
) -> None:
    first = opened.session.active
    assert first is not None
    opened.grid.hang(first.key, "native", MOST_TILES)
    quiet(opened)

    second.close()

    kept = load_settings()
    assert kept.second_place
    assert not kept.second_open  # the reader closed it
    assert first.key[0] not in repr(kept)
    assert first.patient.id not in repr(kept)


def test_it_goes_with_the_first_and_is_remembered_as_open(
    opened: MainWindow, second: SecondWindow
) -> None:
    opened.close()

    assert not second.isVisible()
    assert load_settings().second_open


def test_the_state_of_the_grid_holds_both_windows(
    opened: MainWindow, second: SecondWindow, quiet: Quiet
) -> None:
    first = opened.session.active
    assert first is not None
    opened.grid.hang(first.key, "coronal", MOST_TILES)
    quiet(opened)
    state = opened.grid.state
    opened.grid.hang(None, tile=MOST_TILES)

    opened.grid.restore(state)
    quiet(opened)

    assert opened.grid.tiles[4].plane == "coronal"
    assert opened.grid.tiles[4].key == first.key
    assert opened.grid.state == state

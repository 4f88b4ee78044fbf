"""Several series in the tiles of one window: put there by hand and by program, kept, closed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from medview.core.geometry import PatientPoint
from medview.gui.panels.studies import SERIES_MIME
from medview.gui.views.tile import Tile
from medview.gui.window import MainWindow
from medview.session.memory import Budget
from medview.session.studies import Key, Place

Quiet = Callable[..., None]


def other_place(window: MainWindow, *, film: bool = False) -> Place:
    """A series of the open studies that is not looked at."""
    active = window.session.active
    assert active is not None
    return next(
        p for p in window.session.studies.places()
        if p.key != active.key and (p.stack.geometry.shape[0] == 1) is film
    )  # fmt: skip


def drop(tile: Tile, key: Key, *, release: bool = True) -> None:
    """Drag a series of the left panel over a tile, and let it go there."""
    data = QMimeData()
    data.setData(SERIES_MIME, f"{key[0]}\n{key[1]}".encode())
    place = tile.rect().center()
    enter = QDragEnterEvent(
        place, Qt.DropAction.CopyAction, data,
        Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(tile, enter)
    assert enter.isAccepted()
    if release:
        fall = QDropEvent(
            QPointF(place), Qt.DropAction.CopyAction, data,
            Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QEvent.Type.Drop,
        )  # fmt: skip
        QApplication.sendEvent(tile, fall)


def keys(window: MainWindow) -> list[Key | None]:
    return [tile.key for tile in window.grid.tiles]


def test_a_series_dropped_on_a_tile_stands_there_and_the_others_stay(
    opened: MainWindow, quiet: Quiet
) -> None:
    first = opened.session.active
    assert first is not None
    other = other_place(opened)
    tile = opened.grid.tiles[1]

    drop(tile, other.key, release=False)
    assert tile._target.isVisible()
    drop(tile, other.key)
    quiet(opened)

    assert not tile._target.isVisible()
    assert keys(opened) == [first.key, other.key, first.key, first.key]
    assert tile.opened is not None
    assert tile.opened.ready.all()
    assert opened.session.active is not None
    assert opened.session.active.key == other.key  # the tile it fell on is the active one


def test_the_tile_that_is_clicked_decides_which_series_is_active(
    opened: MainWindow, qtbot: QtBot, quiet: Quiet
) -> None:
    first, other = opened.session.active, other_place(opened, film=True)
    assert first is not None
    opened.grid.set_layout_name("1x2")
    opened.grid.hang(other.key, tile=1)
    quiet(opened)
    assert opened.session.active is first

    qtbot.mouseClick(opened.grid.tiles[1].view, Qt.MouseButton.LeftButton, pos=QPoint(60, 60))
    quiet(opened)

    assert opened.session.active is not None
    assert opened.session.active.key == other.key
    assert opened.session.patient is not None
    assert opened.session.patient.id == other.patient.id
    assert opened.grid.active_view is opened.grid.tiles[1].view
    assert keys(opened) == [first.key, other.key]


def test_a_series_chosen_in_the_list_takes_the_active_tile_alone(
    opened: MainWindow, quiet: Quiet
) -> None:
    first, other = opened.session.active, other_place(opened)
    assert first is not None
    opened.grid.set_layout_name("2x3")
    opened.grid.activate(opened.grid.tiles[4])

    opened.show_series(other.key)
    quiet(opened)

    assert keys(opened) == [first.key, None, None, None, other.key, None]


def test_the_three_planes_change_series_together(opened: MainWindow, quiet: Quiet) -> None:
    other = other_place(opened)

    opened.show_series(other.key)
    quiet(opened)

    assert keys(opened) == [other.key] * 4
    assert list(opened.grid.views) == ["axial", "coronal", "sagittal"]


def test_what_is_shown_side_by_side_stays_in_memory_within_the_budget(
    opened: MainWindow, qtbot: QtBot, quiet: Quiet
) -> None:
    volumes = opened.session.studies.volumes
    first, other = opened.session.active, other_place(opened)
    assert first is not None
    qtbot.waitUntil(lambda: volumes.get(other.key) is not None, timeout=60_000)
    opened.grid.set_layout_name("1x2")
    opened.grid.hang(other.key, tile=1)
    quiet(opened)

    volumes.set_budget(Budget(1))

    assert volumes.get(first.key) is not None
    assert volumes.get(other.key) is not None
    opened.grid.hang(None, tile=1)
    volumes.relieve()
    assert volumes.get(other.key) is None


def test_a_series_too_large_beside_another_comes_slice_by_slice(
    window: MainWindow, small_demo, quiet: Quiet
) -> None:
    window.session.settings = replace(window.session.settings, prefetch=False)
    window.open_paths([small_demo])
    quiet(window)
    first, other = window.session.active, other_place(window)
    assert first is not None
    volumes = window.session.studies.volumes
    before = window.grid.tiles[0].opened
    assert before is not None
    # Of what is shown, not of all that is held: a block may still be on its way out.
    volumes.set_budget(Budget(before.nbytes + 600_000))

    window.grid.set_layout_name("1x2")
    window.grid.hang(other.key, tile=1)
    quiet(window)

    shown = window.grid.tiles[1].opened
    assert shown is not None
    assert shown.bytes_held is not None
    assert shown.ready.any()
    assert volumes.held_bytes <= volumes.budget_bytes


@pytest.mark.parametrize("layout", ["1x1", "1x2", "3x3", "4x4"])
def test_a_layout_shows_its_tiles_and_two_by_two_brings_the_planes_back(
    opened: MainWindow, quiet: Quiet, layout: str
) -> None:
    first = opened.session.active
    assert first is not None
    rows, columns = (int(part) for part in layout.split("x"))

    opened.grid.set_layout_name(layout)
    quiet(opened)
    assert len(opened.grid.tiles) == rows * columns
    assert keys(opened).count(first.key) == 1

    opened.grid.set_layout_name("2x2")
    quiet(opened)
    assert keys(opened) == [first.key] * 4
    assert [tile.plane for tile in opened.grid.tiles] == [
        "axial", "coronal", "sagittal", "volume",
    ]  # fmt: skip


def test_the_state_of_the_grid_is_a_value_that_brings_it_back(
    opened: MainWindow, quiet: Quiet
) -> None:
    first, other = opened.session.active, other_place(opened)
    assert first is not None
    opened.grid.set_layout_name("1x2")
    opened.grid.hang(other.key, "coronal", 1)
    quiet(opened)
    left = opened.grid.tiles[0].view
    left.apply_preset(3)
    left.stage.change(replace(left.stage.state, zoom=2.5, turns=1, is_inverted=True))
    left.stage.scroll(2)
    state = opened.grid.state
    point = left.stage.state.point
    opened.grid.set_layout_name("3x3")
    opened.show_series(other.key)
    quiet(opened)

    opened.grid.restore(state)
    quiet(opened)

    assert opened.grid.state == state
    again = opened.grid.tiles[0].view.stage.state
    assert (again.zoom, again.turns, again.is_inverted) == (2.5, 1, True)
    assert isinstance(again.point, PatientPoint)
    assert again.point == point
    assert opened.grid.tiles[1].plane == "coronal"


def test_closing_a_patient_empties_their_tiles_and_no_others(
    opened: MainWindow, quiet: Quiet
) -> None:
    first = opened.session.active
    assert first is not None
    other = next(
        place for place in opened.session.studies.places() if place.patient.id != first.patient.id
    )
    opened.grid.set_layout_name("1x2")
    opened.grid.hang(other.key, tile=1)
    quiet(opened)

    opened.session.close_patient(other.patient)
    quiet(opened)

    assert keys(opened) == [first.key, None]
    assert opened.session.studies.volume(other.key) is None

"""Choosing rows and columns, going from view to view, one view alone: mouse and keyboard."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from medview.core.settings import load_settings
from medview.gui.window import MainWindow

Quiet = Callable[..., None]


def menu_of(window: MainWindow):
    return window.top.layout_button.menu()


def test_hovering_the_matrix_marks_and_a_click_lays_out(
    opened: MainWindow, qtbot: QtBot, quiet: Quiet
) -> None:
    opened.actions_.perform("layout.choose")
    menu = menu_of(opened)
    assert menu.isVisible()
    picker = menu.picker
    assert (picker.rows, picker.columns) == (2, 2)  # what is shown now

    third_in_second_row = QPoint(2 * 4 + 2 * 28 + 12, 2 * 4 + 28 + 12)
    qtbot.mouseMove(picker, third_in_second_row)
    assert picker.accessibleName() == "2 × 3 views"
    qtbot.mouseClick(picker, Qt.MouseButton.LeftButton, pos=third_in_second_row)
    quiet(opened)

    assert not menu.isVisible()
    assert opened.grid.layout_name == "2x3"
    assert len(opened.grid.tiles) == 6
    assert opened.top.layout_button.text() == "2 × 3"
    assert load_settings().layout == "2x3"


def test_the_matrix_is_worked_with_the_arrow_keys(opened: MainWindow, qtbot: QtBot) -> None:
    opened.actions_.perform("layout.choose")
    picker = menu_of(opened).picker
    assert picker.hasFocus()

    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Up):
        qtbot.keyClick(picker, key)
    qtbot.keyClick(picker, Qt.Key.Key_Return)

    assert opened.grid.layout_name == "1x4"


def test_layouts_have_keys(opened: MainWindow, qtbot: QtBot) -> None:
    alt, ctrl = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ControlModifier
    for key, modifier, layout in (
        (Qt.Key.Key_1, alt, "1x1"),
        (Qt.Key.Key_3, alt, "3x3"),
        (Qt.Key.Key_4, alt, "4x4"),
        (Qt.Key.Key_2, ctrl, "1x2"),
        (Qt.Key.Key_3, ctrl, "1x3"),
        (Qt.Key.Key_2, alt, "2x2"),
    ):
        qtbot.keyClick(opened.grid.active_view, key, modifier)
        assert opened.grid.layout_name == layout


def test_tab_goes_from_view_to_view_and_on_to_the_panel(opened: MainWindow, qtbot: QtBot) -> None:
    opened.grid.set_layout_name("1x3")
    tiles = opened.grid.tiles
    tiles[0].view.setFocus()

    qtbot.keyClick(tiles[0].view, Qt.Key.Key_Tab)
    assert opened.grid.active_tile is tiles[1]
    assert tiles[1].view.hasFocus()
    qtbot.keyClick(tiles[1].view, Qt.Key.Key_Tab)
    assert opened.grid.active_tile is tiles[2]
    qtbot.keyClick(tiles[2].view, Qt.Key.Key_Tab, Qt.KeyboardModifier.ShiftModifier)
    assert opened.grid.active_tile is tiles[1]
    qtbot.keyClick(tiles[1].view, Qt.Key.Key_F6)

    assert not opened.grid.isAncestorOf(opened.focusWidget())


def test_tab_reaches_the_volume_too(opened: MainWindow, qtbot: QtBot) -> None:
    sagittal = opened.grid.tiles[2].view
    sagittal.setFocus(Qt.FocusReason.TabFocusReason)

    qtbot.keyClick(sagittal, Qt.Key.Key_Tab)

    assert opened.grid.volume_view is not None
    assert opened.grid.volume_view.hasFocus()


def test_a_volume_beside_another_series_can_be_the_active_view(
    opened: MainWindow, qtbot: QtBot, quiet: Quiet
) -> None:
    first = opened.session.active
    assert first is not None
    other = next(p for p in opened.session.studies.places() if p.key != first.key)
    opened.grid.set_layout_name("1x2")
    opened.grid.hang(first.key, "volume", 1)
    opened.grid.hang(other.key, "native", 0)
    quiet(opened)
    tile = opened.grid.tiles[1]
    assert tile.volume_view is not None

    qtbot.mouseClick(tile.volume_view, Qt.MouseButton.LeftButton)

    assert opened.grid.active_tile is tile
    assert tile._edge.isVisible()
    assert opened.session.active.key == first.key
    opened.actions_.perform("layout.plane_axial")
    assert not tile._edge.isVisible()
    assert tile.view.isVisible()


def test_page_down_brings_the_next_series_into_the_active_view(
    opened: MainWindow, qtbot: QtBot, quiet: Quiet
) -> None:
    first = opened.session.active
    assert first is not None
    opened.grid.set_layout_name("1x2")
    listed = [item.key for item in opened.studies.items]
    after = listed[listed.index(first.key) + 1]

    qtbot.mouseClick(opened.grid.tiles[1].view, Qt.MouseButton.LeftButton)
    qtbot.keyClick(opened.grid.tiles[1].view, Qt.Key.Key_PageDown)
    quiet(opened)

    assert [tile.key for tile in opened.grid.tiles] == [first.key, after]


def test_one_view_alone_and_back_leaves_everything_as_it_stood(
    opened: MainWindow, qtbot: QtBot, quiet: Quiet
) -> None:
    opened.grid.set_layout_name("1x2")
    opened.grid.hang(opened.session.active.key, "coronal", 1)
    quiet(opened)
    qtbot.keyClick(opened.grid.tiles[1].view, Qt.Key.Key_I)
    before = opened.grid.state
    assert before.alone is None

    qtbot.mouseDClick(opened.grid.tiles[0].view, Qt.MouseButton.LeftButton)
    assert [tile.plane for tile in opened.grid.tiles] == ["native"]
    qtbot.keyClick(opened.grid.tiles[0].view, Qt.Key.Key_Return)

    assert opened.grid.state == before


def test_a_view_takes_another_plane_by_name(opened: MainWindow, quiet: Quiet) -> None:
    opened.grid.set_layout_name("1x2")

    opened.actions_.perform("layout.plane_sagittal")

    plane = opened.grid.tiles[0].view.stage.plane
    assert plane is not None
    assert plane.name == "sagittal"
    assert "Sagittal" in opened.grid.tiles[0].view.accessibleName()


def test_an_empty_view_says_what_to_do_and_shift_delete_empties_one(
    opened: MainWindow, qtbot: QtBot
) -> None:
    opened.grid.set_layout_name("1x2")
    opened.actions_.perform("layout.plane_axial")

    qtbot.keyClick(opened.grid.tiles[0].view, Qt.Key.Key_Delete, Qt.KeyboardModifier.ShiftModifier)

    assert opened.grid.tiles[0].key is None
    assert "Drop a folder" in opened.grid.tiles[0].view._hint
    assert "Page Down" in opened.grid.tiles[1].view._hint
    opened.actions_.perform("layout.plane_axial")
    assert "empty" in opened.status.message


def test_the_three_planes_come_back_by_key(opened: MainWindow, qtbot: QtBot, quiet: Quiet) -> None:
    opened.grid.set_layout_name("1x3")
    opened.grid.hang(opened.studies.items[1].key, tile=1)
    quiet(opened)

    qtbot.keyClick(opened.grid.active_view, Qt.Key.Key_M, Qt.KeyboardModifier.ControlModifier)
    quiet(opened)

    assert [tile.plane for tile in opened.grid.tiles] == ["axial", "coronal", "sagittal", "volume"]
    assert len({tile.key for tile in opened.grid.tiles}) == 1


def test_what_is_linked_is_remembered(opened: MainWindow) -> None:
    opened.actions_.perform("layout.linked_zoom", on=True)
    opened.actions_.perform("layout.linked_window", on=False)

    assert load_settings().linked_zoom
    assert not load_settings().linked_window
    assert opened.grid.links.switches.zoom
    opened.actions_.perform("layout.link_here")
    assert "nothing to link" in opened.status.message

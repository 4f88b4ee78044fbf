"""The reader's own keys and mouse: given in the settings, kept, named; refused in words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from medview.core.errors import InvalidInput
from medview.gui.actions import ROWS
from medview.gui.actions.keymaps import (
    MAPS,
    KeyMap,
    read_keymap,
    ready_map,
    user_keymap_path,
    write_keymap,
)
from medview.gui.dialogs.keys_page import KeysPage
from medview.gui.dialogs.settings import SettingsDialog
from medview.gui.dialogs.texts import TextDialog
from medview.gui.tools.habits import habits
from medview.gui.window import MainWindow
from medview.session import Session

_LEFT, _MIDDLE, _RIGHT = (
    Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton, Qt.MouseButton.RightButton,
)  # fmt: skip


@pytest.fixture
def page(window: MainWindow, qtbot: QtBot) -> Iterator[KeysPage]:
    """The page of the settings, as Ctrl+, opens it."""
    qtbot.keyClick(window, Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)
    (dialog,) = window.findChildren(SettingsDialog)
    (made,) = dialog.findChildren(KeysPage)
    dialog.tabs.setCurrentWidget(made)
    yield made
    dialog.accept()


def choose(page: KeysPage, action_id: str) -> None:
    for number in range(page.list.topLevelItemCount()):
        item = page.list.topLevelItem(number)
        if item.data(0, Qt.ItemDataRole.UserRole) == action_id:
            page.list.setCurrentItem(item)
            return
    raise AssertionError(action_id)


def visible(page: KeysPage) -> list[str]:
    items = (page.list.topLevelItem(n) for n in range(page.list.topLevelItemCount()))
    return [item.data(0, Qt.ItemDataRole.UserRole) for item in items if not item.isHidden()]


def test_a_key_that_is_pressed_is_given_kept_and_named(
    window: MainWindow, page: KeysPage, opened_view, qtbot: QtBot
) -> None:
    choose(page, "view.flip_v")
    page.press.setFocus()
    qtbot.keyClick(page.press, Qt.Key.Key_J)
    page._give_pressed()

    assert "Shift" not in page.said.text()
    assert window.actions_["view.flip_v"].toolTip().endswith("V, J")
    assert read_keymap(user_keymap_path()).bindings().keys("view.flip_v") == ("V", "J")
    assert user_keymap_path().stat().st_mode & 0o777 == 0o600
    view = opened_view(window)
    before = view.stage.state.flip_v
    QTest.keyClick(view, Qt.Key.Key_J)
    assert view.stage.state.flip_v != before


@pytest.fixture
def opened_view(small_demo, quiet):
    def show(window: MainWindow):
        window.open_paths([small_demo])
        quiet(window)
        window.grid.active_view.setFocus()
        return window.grid.active_view

    return show


def test_a_key_that_is_taken_says_whose_it_is_and_is_taken_the_second_time(
    window: MainWindow, page: KeysPage
) -> None:
    choose(page, "view.flip_v")

    page.give("I")
    assert "I belongs to “Invert”" in page.said.text()
    assert window.actions_.bindings.keys("view.invert") == ("I",)
    page.give("I")

    assert window.actions_.bindings.keys("view.invert") == ()
    assert "I" in window.actions_.bindings.keys("view.flip_v")
    assert window.actions_.bindings.conflicts() == {}


def test_reset_gives_the_keys_back_unless_another_has_them(
    window: MainWindow, page: KeysPage
) -> None:
    choose(page, "view.flip_v")
    page.give("I")
    page.give("I")
    choose(page, "view.invert")
    page.reset()
    assert "“Flip top to bottom” has that key now." in page.said.text()

    choose(page, "view.flip_v")
    page.reset()
    choose(page, "view.invert")
    page.reset()

    assert window.actions_.bindings.keys("view.invert") == ("I",)
    assert window.actions_.bindings.keys("view.flip_v") == ("V",)


def test_a_plain_letter_is_refused_for_the_whole_window(window: MainWindow, page: KeysPage) -> None:
    choose(page, "file.settings")

    page.give("Q")

    assert "lost for typing" in page.said.text()
    assert window.actions_.bindings.keys("file.settings") == ("Ctrl+,",)


def test_searching_finds_by_words_and_by_key(page: KeysPage) -> None:
    page.search.setText("flip top")
    assert visible(page) == ["view.flip_v"]
    page.search.setText("f11")
    assert visible(page) == ["view.full_screen"]


@pytest.mark.parametrize("name", MAPS)
def test_ready_maps_name_known_actions_and_bind_no_key_twice(name: str) -> None:
    ready = ready_map(name)

    assert set(ready.keys) <= {row.id for row in ROWS}
    assert ready.bindings().conflicts() == {}


def test_a_ready_map_is_taken_up_at_once_mouse_included(
    window: MainWindow, page: KeysPage, opened_view
) -> None:
    page.base.setCurrentIndex(page.base.findData("weasis"))

    assert window.actions_.bindings.keys("tool.pan") == ("T",)
    assert habits().right == "menu"
    view = opened_view(window)
    zoom = view.stage.state.zoom
    asked: list[QPoint] = []
    view.menu_requested.connect(lambda place, _measurement: asked.append(place))
    QTest.mousePress(view, _RIGHT, pos=QPoint(100, 100))
    QTest.mouseRelease(view, _RIGHT, pos=QPoint(100, 100))
    assert len(asked) == 1
    assert view.stage.state.zoom == zoom
    for menu in window.findChildren(QMenu):
        menu.close()


def test_space_is_a_key_when_tapped_and_a_hand_when_held(
    window: MainWindow, page: KeysPage, opened_view, qtbot: QtBot
) -> None:
    page.base.setCurrentIndex(page.base.findData("ohif"))
    view = opened_view(window)
    QTest.keyClick(view, Qt.Key.Key_H)
    assert view.stage.state.flip_h

    QTest.keyPress(view, Qt.Key.Key_Space)
    QTest.mousePress(view, _LEFT, pos=QPoint(100, 100))
    QTest.mouseRelease(view, _LEFT, pos=QPoint(100, 100))
    QTest.keyRelease(view, Qt.Key.Key_Space)
    assert view.stage.state.flip_h  # it was a hand

    QTest.keyClick(view, Qt.Key.Key_Space)
    assert not view.stage.state.flip_h


def test_a_file_that_is_broken_is_said_and_the_defaults_hold(qtbot: QtBot, loop: object) -> None:
    path = user_keymap_path()
    path.write_text('[keys]\n"view.invert" = "J"\n"view.flip_v" = "J"\n', encoding="utf-8")

    window = MainWindow(Session())

    said = [str(sentence) for _level, sentence, _where in window.messages]
    assert "J is bound twice: view.flip_v, view.invert." in {
        s.replace("view.invert, view.flip_v", "view.flip_v, view.invert") for s in said
    }
    assert "MedView's own keys hold." in said
    assert window.actions_.bindings.keys("view.invert") == ("I",)
    assert "view.invert" in path.read_text(encoding="utf-8")  # it is left to be mended
    window.close()
    window.deleteLater()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("keys = [", "is no TOML"),
        ("keys = 3", "no list of keys"),
        ('[keys]\n"view.invert" = "Hyper+Nonsense"', "Hyper+Nonsense is no key (view.invert)."),
        ('[keys]\n"view.invert" = 7', "7 is no key (view.invert)."),
        ('[mouse]\nright = "explode"', "right button cannot do explode"),
    ],
)
def test_nonsense_in_a_file_of_keys_is_a_sentence(tmp_path, text: str, said: str) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(InvalidInput) as refused:
        read_keymap(path)

    assert said in str(refused.value.what)


def test_actions_of_a_newer_medview_are_left_out_and_a_map_survives_the_file(tmp_path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text('base = "horos"\n[keys]\n"view.of_2030" = "Q"\n', encoding="utf-8")
    assert read_keymap(path).keys == {}

    made = KeyMap(base="ohif", mouse={"middle": "scroll"}).with_keys("view.invert", ('"', "\\"))
    write_keymap(made, path)
    assert read_keymap(path) == made


def test_alt_and_a_letter_open_a_menu(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyClick(window, Qt.Key.Key_V, Qt.KeyboardModifier.AltModifier)

    shown = [menu for menu in window.findChildren(QMenu) if menu.isVisible()]
    assert [menu.title() for menu in shown] == ["View"]
    assert window.actions_["view.invert"] in shown[0].actions()
    shown[0].close()


def test_the_key_sheet_says_the_keys_as_they_are_bound(window: MainWindow, qtbot: QtBot) -> None:
    window.keys.use(window.keys.keymap.with_keys("view.flip_v", ("V", "J")))

    qtbot.keyClick(window, Qt.Key.Key_F1)

    (sheet,) = window.findChildren(TextDialog)
    text = sheet.text.toPlainText()
    assert "V · J\nFlip top to bottom" in text
    assert "Shift + wheel\nten slices" in text


def test_tab_goes_through_the_views_and_f6_through_the_window(opened, qtbot: QtBot) -> None:
    grid = opened.grid
    first = grid.active_tile
    first.view.setFocus()

    QTest.keyClick(first.view, Qt.Key.Key_Tab)
    second = grid.active_tile
    assert second is not first
    assert second.view.hasFocus()
    QTest.keyClick(second.view, Qt.Key.Key_Backtab, Qt.KeyboardModifier.ShiftModifier)
    assert grid.active_tile is first

    seen = []
    for _ in range(5):
        qtbot.keyClick(opened, Qt.Key.Key_F6)
        parts = (opened.top, opened.studies, grid, opened.sidebar, opened.status)
        seen.append(
            next(n for n, part in enumerate(parts) if part.isAncestorOf(opened.focusWidget()))
        )
    assert set(seen) >= {0, 1, 2, 3}

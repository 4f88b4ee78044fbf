"""The bar at the top: one row at every width and in both languages, nothing lost."""

from __future__ import annotations

import itertools

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from medview.core.words import set_language
from medview.gui.bar_tools import PLAIN, tool_groups
from medview.gui.topbar import TopBar
from medview.gui.window import MainWindow

WIDTHS = (1600, 1200, 1024, 800, 640, 480)


def parts(bar: TopBar) -> list[QWidget]:
    found = bar.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
    return [each for each in found if each.isVisible() and not isinstance(each, QMenu)]


def reached(menu: QMenu | None) -> set[str]:
    """Names of the actions in a menu and in its menus."""
    names: set[str] = set()
    for action in menu.actions() if menu is not None else ():
        names |= reached(action.menu()) if action.menu() is not None else {action.objectName()}
    return names


def last_menu(bar: TopBar) -> QMenu:
    """The menu of what does not fit, opened and closed again."""
    menu = bar._more.menu()
    assert menu is not None
    menu.popup(bar._more.mapToGlobal(bar._more.rect().bottomLeft()))
    menu.close()
    return menu


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_the_bar_is_one_row_whose_parts_do_not_overlap_at_any_width(
    opened: MainWindow, qtbot: QtBot, language: str
) -> None:
    set_language(language)
    opened.retranslate()
    opened.set_tool("livewire")
    for width in WIDTHS:
        opened.top.setFixedWidth(width)
        qtbot.wait(20)

        boxes = [each.geometry() for each in parts(opened.top)]
        assert opened.top.height() == 40
        assert all(QRect(0, 0, width, 40).contains(box) for box in boxes), width
        edges = sorted((box.left(), box.right()) for box in boxes)
        assert all(a[1] < b[0] for a, b in itertools.pairwise(edges)), width
    set_language("en")
    opened.retranslate()


def test_what_does_not_fit_is_in_the_last_menu(opened: MainWindow, qtbot: QtBot) -> None:
    bar = opened.top
    tools = {*PLAIN, *(tool for group in tool_groups().values() for tool in group)}
    for width in WIDTHS:
        bar.setFixedWidth(width)
        qtbot.wait(20)

        behind = reached(last_menu(bar)) if bar._more.isVisible() else set()
        for group in bar.tool_groups.values():
            behind |= reached(group.menu()) if group.isVisible() else set()
        shown = {tool for tool, made in bar.tool_buttons.items() if made.isVisible()}
        assert tools <= behind | shown, width
        assert bar._presets.isVisible() or width < 800
    assert bar._more.isVisible()
    assert "models.analyse" in reached(last_menu(bar))


def test_a_tool_of_the_last_menu_can_be_taken(opened: MainWindow, qtbot: QtBot) -> None:
    opened.top.setFixedWidth(480)
    qtbot.wait(20)

    action = next(a for a in last_menu(opened.top).actions() if a.objectName() == "tool.pan")
    action.trigger()

    assert opened.grid.active_view.tool_name == "pan"


def words_of(menu: QMenu, title: str) -> list[str]:
    """What a menu in a menu offers."""
    inner = next(a.menu() for a in menu.actions() if a.menu() is not None and a.text() == title)
    return [action.text() for action in inner.actions()]


def test_the_last_menu_offers_the_presets_of_the_series_that_is_active_now(
    opened: MainWindow, qtbot: QtBot
) -> None:
    bar = opened.top
    bar.setFixedWidth(480)
    qtbot.waitUntil(lambda: not bar._presets.isVisible())
    before = words_of(last_menu(bar), "Window presets")
    bar.set_presets(["Automatic", "As in the file", "Of another series"])

    assert "Of another series" not in " ".join(before)
    assert words_of(last_menu(bar), "Window presets")[-1] == "Of another series\t2"


def test_menus_that_are_made_anew_do_not_pile_up(opened: MainWindow, qtbot: QtBot) -> None:
    def menus() -> int:
        return len(opened.top.findChildren(QMenu))

    def turn() -> None:
        for width in (480, 1600):
            opened.top.setFixedWidth(width)
            qtbot.wait(20)
            last_menu(opened.top)
        opened.presets.show()
        opened.retranslate()
        qtbot.wait(20)

    turn()
    before = menus()
    for _ in range(3):
        turn()

    assert menus() == before


def test_a_group_keeps_the_tool_used_last_on_its_button(opened: MainWindow, qtbot: QtBot) -> None:
    group = opened.top.tool_groups["roi"]
    opened.actions_["tool.freehand"].trigger()
    assert group.defaultAction().objectName() == "tool.freehand"
    assert group.isChecked()

    opened.actions_["tool.pan"].trigger()
    assert not group.isChecked()
    qtbot.mouseClick(group, Qt.MouseButton.LeftButton)

    assert opened.grid.active_view.tool_name == "freehand"
    assert "Freehand" in group.accessibleName()


def test_a_menu_has_its_icons_when_it_is_opened_and_in_the_colours_of_a_later_theme(
    opened: MainWindow, qtbot: QtBot
) -> None:
    action = opened.actions_["file.save_report"]
    assert action.icon().isNull()

    qtbot.keyClick(opened, Qt.Key.Key_F, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: not action.icon().isNull())
    QApplication.activePopupWidget().close()
    before = action.icon().pixmap(16).toImage()
    opened.actions_.perform("view.theme")

    assert action.icon().pixmap(16).toImage() != before


def test_a_tool_has_its_icon_on_the_groups_button(opened: MainWindow) -> None:
    opened.actions_["tool.freehand"].trigger()

    assert not opened.top.tool_groups["roi"].icon().isNull()

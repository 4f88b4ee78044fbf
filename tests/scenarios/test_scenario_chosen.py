"""A measurement that lies in the picture: its menu, its key, its label in the hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication, QPolygonF
from PySide6.QtWidgets import QApplication, QInputDialog, QMenu
from pytestqt.qtbot import QtBot

from medview.core.results import Measurement
from medview.gui.views.labels import Label
from medview.gui.views.slice_view import SliceView
from medview.gui.window import MainWindow

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton


@pytest.fixture
def ruled(opened: MainWindow, qtbot: QtBot, quiet) -> MainWindow:
    """A length in the middle of the axial view, not selected."""
    view = axial(opened)
    middle = view.rect().center()
    opened.actions_.perform("tool.length")
    qtbot.mousePress(view, LEFT, pos=middle - QPoint(40, 0))
    qtbot.mouseMove(view, middle + QPoint(40, 0))
    qtbot.mouseRelease(view, LEFT, pos=middle + QPoint(40, 0))
    opened.actions_.perform("tool.window")
    quiet(opened)
    qtbot.mouseClick(view, LEFT, pos=QPoint(30, view.height() - 60))
    return opened


def axial(window: MainWindow) -> SliceView:
    return window.grid.views["axial"]


def measured(window: MainWindow) -> tuple[Measurement, ...]:
    return window.session.work.measurements


def label(window: MainWindow) -> Label:
    (found,) = axial(window).stage.measuring.labels()
    return found


def menu_at(qtbot: QtBot, view: SliceView, place: QPoint) -> QMenu:
    qtbot.mouseClick(view, RIGHT, pos=place)
    qtbot.waitUntil(lambda: isinstance(QApplication.activePopupWidget(), QMenu), timeout=60_000)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    return menu


def choose(menu: QMenu, title: str) -> None:
    offered = {each.text().partition("\t")[0]: each for each in menu.actions()}
    assert title in offered
    action = offered[title]
    menu.close()
    action.trigger()


def test_a_right_click_on_a_measurement_offers_what_can_be_done_with_it(
    ruled: MainWindow, qtbot: QtBot
) -> None:
    view, (length,) = axial(ruled), measured(ruled)
    away = menu_at(qtbot, view, QPoint(30, view.height() - 60))
    assert "Delete the selected measurement" not in [
        a.text().partition("\t")[0] for a in away.actions()
    ]
    away.close()
    choose(
        menu_at(qtbot, view, view.rect().center()), "Copy the numbers of the selected measurement"
    )
    assert QGuiApplication.clipboard().text().startswith("Length")
    choose(menu_at(qtbot, view, view.rect().center()), "Label of the selected measurement…")
    qtbot.waitUntil(lambda: ruled.findChild(QInputDialog) is not None, timeout=60_000)
    asked = ruled.findChild(QInputDialog)
    asked.setTextValue("Node")
    asked.accept()
    assert measured(ruled)[0].text == "Node"
    qtbot.waitUntil(lambda: label(ruled).lines[0] == "Node", timeout=60_000)
    choose(menu_at(qtbot, view, view.rect().center()), "Delete the selected measurement")
    assert measured(ruled) == ()
    ruled.actions_.perform("edit.undo")
    assert [each.id for each in measured(ruled)] == [length.id]


def test_one_that_is_hidden_keeps_its_numbers_and_can_be_shown_again(
    ruled: MainWindow, qtbot: QtBot
) -> None:
    view = axial(ruled)
    choose(menu_at(qtbot, view, view.rect().center()), "Hide the selected measurement")
    qtbot.waitUntil(lambda: view.stage.measuring.marks() == [], timeout=60_000)
    assert len(measured(ruled)) == 1
    menu = menu_at(qtbot, view, view.rect().center())
    choose(menu, "Show hidden measurements")
    qtbot.waitUntil(lambda: len(view.stage.measuring.marks()) == 1, timeout=60_000)
    ruled.actions_.perform("edit.undo")
    qtbot.waitUntil(lambda: view.stage.measuring.marks() == [], timeout=60_000)


def test_del_takes_the_one_that_was_clicked_and_the_menu_key_knows_it(
    ruled: MainWindow, qtbot: QtBot
) -> None:
    view = axial(ruled)
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    assert len(measured(ruled)) == 1
    qtbot.mouseClick(view, LEFT, pos=view.rect().center())
    middle = view.rect().center()
    by_key = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, middle, view.mapToGlobal(middle))
    QApplication.sendEvent(view, by_key)
    qtbot.waitUntil(lambda: isinstance(QApplication.activePopupWidget(), QMenu), timeout=60_000)
    menu = QApplication.activePopupWidget()
    assert any(each.text().startswith("Delete the selected") for each in menu.actions())
    menu.close()
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    assert measured(ruled) == ()


def test_a_label_is_dragged_away_with_a_line_to_its_shape_and_undone(
    ruled: MainWindow, qtbot: QtBot, quiet
) -> None:
    view = axial(ruled)
    before, points = label(ruled), measured(ruled)[0].points
    assert before.leader is None
    start = before.box.center()
    end = start + QPointF(30, 90)
    qtbot.mousePress(view, LEFT, pos=start.toPoint())
    qtbot.mouseMove(view, end.toPoint())
    qtbot.mouseRelease(view, LEFT, pos=end.toPoint())
    quiet(ruled)
    moved = label(ruled)
    assert (moved.box.center() - end).manhattanLength() <= 3
    assert moved.leader is not None
    assert measured(ruled)[0].points == points
    zoomed = view.stage.state
    ruled.actions_.perform("view.flip_h")
    assert not label(ruled).box.intersects(before.box)
    view.stage.change(zoomed)
    ruled.actions_.perform("edit.undo")
    qtbot.waitUntil(lambda: label(ruled).box == before.box, timeout=60_000)
    ruled.actions_.perform("edit.redo")
    qtbot.waitUntil(lambda: label(ruled).leader is not None, timeout=60_000)
    qtbot.mouseClick(view, LEFT, pos=label(ruled).box.center().toPoint())
    ruled.actions_.perform("measure.label_back")
    qtbot.waitUntil(lambda: label(ruled).box == before.box, timeout=60_000)


def test_a_small_view_says_the_first_line_alone(ruled: MainWindow, qtbot: QtBot, quiet) -> None:
    view = axial(ruled)
    ruled.actions_.perform("tool.rectangle")
    qtbot.mousePress(view, LEFT, pos=QPoint(60, 120))
    qtbot.mouseMove(view, QPoint(130, 170))
    qtbot.mouseRelease(view, LEFT, pos=QPoint(130, 170))
    quiet(ruled)
    lines = [each.lines for each in view.stage.measuring.labels()]
    assert max(map(len, lines)) > 1

    ruled.actions_.perform("layout.4x4")
    quiet(ruled)

    small = ruled.grid.active_view.stage.measuring.labels()
    assert [each.lines for each in small] == [each[:1] for each in lines]


def test_labels_cover_neither_their_shape_nor_each_other_nor_leave_the_view(
    ruled: MainWindow, qtbot: QtBot, quiet
) -> None:
    view = axial(ruled)
    across = view.width()
    for tool, start, end in (
        ("length", QPoint(across - 90, 200), QPoint(across - 30, 200)),
        ("rectangle", QPoint(60, 120), QPoint(130, 170)),
        ("rectangle", QPoint(160, 60), QPoint(240, 110)),
    ):
        ruled.actions_.perform(f"tool.{tool}")
        qtbot.mousePress(view, LEFT, pos=start)
        qtbot.mouseMove(view, end)
        qtbot.mouseRelease(view, LEFT, pos=end)
        quiet(ruled)
    found = view.stage.measuring.labels()
    assert len(found) == 4
    for each in found:
        assert view.rect().toRectF().contains(each.box)
        shape = each.mark.lines[0][0]
        assert not any(each.box.contains(QPointF(x, y)) for x, y in shape.tolist())
        others = [other.box for other in found if other is not each]
        assert not any(each.box.intersects(box) for box in others)

    wide = view.stage.state
    view.stage.change(replace(wide, zoom=8 * wide.zoom))
    assert len(view.stage.measuring.labels()) < 4
    for each in view.stage.measuring.labels():
        box = QPolygonF([QPointF(x, y) for x, y in each.mark.lines[0][0].tolist()]).boundingRect()
        assert box.adjusted(-1, -1, 1, 1).intersects(view.rect().toRectF())

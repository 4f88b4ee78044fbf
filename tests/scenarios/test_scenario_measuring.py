"""Measuring as a reader does it: draw, take again, label, calibrate, look from other planes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QInputDialog, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from medview.core import observation
from medview.core.results import Measurement
from medview.gui.cards import Card
from medview.gui.panels.from_risk import FromRisk
from medview.gui.views.slice_view import SliceView
from medview.gui.window import MainWindow
from medview.session.work import Work

LEFT = Qt.MouseButton.LeftButton


def axial(window: MainWindow) -> SliceView:
    return window.grid.views["axial"]


def drag(qtbot: QtBot, view: SliceView, *places: tuple[int, int]) -> None:
    """With the button down along some places, relative to the view's middle."""
    middle = view.rect().center()
    points = [middle + QPoint(*place) for place in places]
    qtbot.mousePress(view, LEFT, pos=points[0])
    for point in points[1:]:
        qtbot.mouseMove(view, point)
    qtbot.mouseRelease(view, LEFT, pos=points[-1])


def click(qtbot: QtBot, view: SliceView, *places: tuple[int, int]) -> None:
    for place in places:
        qtbot.mouseClick(view, LEFT, pos=view.rect().center() + QPoint(*place))


def measured(window: MainWindow) -> tuple[Measurement, ...]:
    return window.session.work.measurements


def only(window: MainWindow, quiet) -> Measurement:
    quiet(window)
    (found,) = measured(window)
    return found


def numbers(item: Measurement) -> dict[str, float]:
    return {quantity.concept: quantity.value for quantity in item.quantities}


def pixel_mm(view: SliceView) -> float:
    return 1.0 / view.stage.map().scale


STROKES = {
    "bidirectional": ([((-60, 0), (60, 0)), ((0, -30), (5, 30))], {"Long axis", "Short axis"}),
    "angle": ([((-60, 0), (0, 0)), ((0, 60), (0, 60))], {"Angle"}),
    "cobb": ([((-60, -40), (60, -40)), ((-60, 40), (60, 60))], {"Cobb angle"}),
    "rectangle": ([((-40, -30), (40, 30))], {"Area", "Mean", "Median", "Count"}),
    "freehand": ([((-40, 0), (0, -40), (40, 0), (0, 40), (-38, 4))], {"Area", "Mean"}),
    "sphere": ([((0, 0), (40, 0))], {"Volume", "Diameter", "Mean"}),
}


def test_each_tool_draws_its_measurement(opened: MainWindow, qtbot: QtBot, quiet) -> None:
    for tool, (strokes, concepts) in STROKES.items():
        opened.actions_.perform(f"tool.{tool}")
        for stroke in strokes:
            drag(qtbot, axial(opened), *stroke)
        found = only(opened, quiet)
        assert found.kind == tool
        assert concepts <= set(numbers(found))
        opened.actions_.perform("edit.delete")


def test_the_angle_of_three_clicks_is_the_one_between_its_arms(
    opened: MainWindow, qtbot: QtBot, quiet
) -> None:
    qtbot.keyClick(axial(opened), Qt.Key.Key_A)

    click(qtbot, axial(opened), (80, 0), (0, 0), (0, 80))

    assert numbers(only(opened, quiet))["Angle"] == pytest.approx(90, abs=0.1)


def test_the_short_axis_is_drawn_perpendicular_however_it_is_drawn(
    opened: MainWindow, qtbot: QtBot, quiet
) -> None:
    opened.actions_.perform("tool.bidirectional")

    drag(qtbot, axial(opened), (-60, 0), (60, 0))
    drag(qtbot, axial(opened), (10, -30), (40, 20))

    a, b, c, d = np.array(only(opened, quiet).points)
    assert (b - a) @ (d - c) == pytest.approx(0, abs=1e-6)
    assert np.linalg.norm(d - c) == pytest.approx(50 * pixel_mm(axial(opened)), rel=0.01)


def test_a_spline_closes_on_its_first_place_and_by_a_double_click(
    opened: MainWindow, qtbot: QtBot, quiet
) -> None:
    opened.actions_.perform("tool.spline")
    view = axial(opened)

    click(qtbot, view, (-60, -60), (60, -60), (60, 60), (-60, 60), (-58, -58))
    click(qtbot, view, (-20, -20), (20, -20))
    place = view.rect().center() + QPoint(0, 30)
    qtbot.mouseClick(view, LEFT, pos=place)
    qtbot.mouseDClick(view, LEFT, pos=place)
    quiet(opened)

    assert [(m.kind, len(m.points)) for m in measured(opened)] == [("spline", 4), ("spline", 3)]
    assert len(opened.grid.tiles) == 4  # the double click did not enlarge the view


def test_the_livewire_follows_edges_and_the_chest_takes_six_places(
    opened: MainWindow, qtbot: QtBot, quiet
) -> None:
    opened.actions_.perform("tool.livewire")
    view = axial(opened)

    for place in ((-40, -40), (40, -40), (40, 40)):
        click(qtbot, view, place)
        qtbot.wait(60)  # the ways are found in a thread
    qtbot.keyClick(view, Qt.Key.Key_Return)
    outline = only(opened, quiet)
    opened.actions_.perform("edit.delete")
    opened.actions_.perform("tool.ctr")
    drag(qtbot, view, (0, -90), (0, 90))
    click(qtbot, view, (-20, 0), (40, 20), (-75, 60), (75, 60))

    assert outline.kind == "livewire"
    assert len(outline.points) > 3  # not the triangle of the clicks
    assert numbers(outline)["Area"] > 0
    ratio = numbers(only(opened, quiet))["Cardiothoracic ratio"]
    assert ratio == pytest.approx(60 / 150, abs=0.005)


def test_a_handle_is_taken_again_and_the_arrow_keys_move_it_by_a_pixel(
    opened: MainWindow, qtbot: QtBot, quiet
) -> None:
    view = axial(opened)
    opened.actions_.perform("tool.rectangle")
    drag(qtbot, view, (-40, -30), (40, 30))
    quiet(opened)
    opened.set_tool("window")
    index = view.stage.index

    drag(qtbot, view, (40, 30), (60, 50))
    reshaped = only(opened, quiet)
    qtbot.keyClick(view, Qt.Key.Key_Right)
    nudged = only(opened, quiet)

    assert numbers(reshaped)["Area"] == pytest.approx(100 * 80 * pixel_mm(view) ** 2, rel=0.02)
    step = np.linalg.norm(np.subtract(nudged.points[2], reshaped.points[2]))
    assert step == pytest.approx(view.stage.measuring.pixel_mm(), rel=0.01)
    assert view.stage.index == index  # the key moved the handle, not the slice
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert view.stage.index != index


def test_handles_are_reached_without_a_mouse(opened: MainWindow, qtbot: QtBot, quiet) -> None:
    view = axial(opened)
    qtbot.keyClick(view, Qt.Key.Key_L)
    drag(qtbot, view, (-40, 0), (40, 0))
    before = only(opened, quiet)

    qtbot.keyClick(view, Qt.Key.Key_M)
    qtbot.keyClick(view, Qt.Key.Key_M)
    qtbot.keyClick(view, Qt.Key.Key_Up)

    after = only(opened, quiet)
    assert after.points[0] == before.points[0]
    assert after.points[1] != before.points[1]


def test_undo_takes_a_drawing_back_and_redo_brings_it(
    opened: MainWindow, qtbot: QtBot, quiet
) -> None:
    opened.actions_.perform("tool.rectangle")
    drag(qtbot, axial(opened), (-40, -30), (40, 30))
    before = only(opened, quiet)

    opened.actions_.perform("edit.undo")
    assert measured(opened) == ()
    opened.actions_.perform("edit.redo")

    assert measured(opened) == (before,)


def test_what_is_drawn_on_one_plane_is_seen_cut_on_the_others(
    opened: MainWindow, qtbot: QtBot, quiet
) -> None:
    opened.actions_.perform("tool.rectangle")
    drag(qtbot, axial(opened), (-40, -30), (40, 30))
    quiet(opened)

    coronal = opened.grid.views["coronal"].stage.measuring

    (cut,) = coronal.marks()
    assert not cut.is_whole
    assert len(cut.lines) == 1
    coronal_view = opened.grid.views["coronal"]
    coronal_view.stage.scroll(1000)
    assert coronal.marks() == []


def test_text_is_asked_for_and_stands_in_the_picture_unless_it_is_empty(
    opened: MainWindow, qtbot: QtBot, quiet
) -> None:
    opened.actions_.perform("tool.text")
    click(qtbot, axial(opened), (10, 10))
    dialog = opened.findChild(QInputDialog)
    dialog.setTextValue("hilum")
    dialog.accept()
    click(qtbot, axial(opened), (60, 60))
    qtbot.waitUntil(lambda: opened.findChild(QInputDialog) not in (None, dialog))

    opened.findChild(QInputDialog).reject()

    assert only(opened, quiet).text == "hilum"


def test_a_known_length_calibrates_all_lengths_of_the_series_and_is_undone(
    opened: MainWindow, qtbot: QtBot, quiet
) -> None:
    view = axial(opened)
    qtbot.keyClick(view, Qt.Key.Key_L)
    drag(qtbot, view, (-40, 0), (40, 0))
    before = numbers(only(opened, quiet))["Length"]
    opened.actions_.perform("tool.calibrate")
    drag(qtbot, view, (0, -50), (0, 50))
    drawn = 100 * pixel_mm(view)

    dialog = opened.findChild(QInputDialog)
    dialog.setDoubleValue(2 * drawn)
    dialog.accept()
    qtbot.waitUntil(lambda: only(opened, quiet).calibration == "USER")
    after = only(opened, quiet)

    assert numbers(after)["Length"] == pytest.approx(2 * before, rel=0.01)
    assert view.stage.measuring.calibration == "USER"
    opened.actions_.perform("edit.undo")
    qtbot.waitUntil(lambda: only(opened, quiet).calibration == "patient")
    back = only(opened, quiet)
    assert (back.calibration, numbers(back)["Length"]) == ("patient", pytest.approx(before))


def test_the_peak_is_refused_where_there_is_no_suv(opened: MainWindow, qtbot: QtBot, quiet) -> None:
    opened.actions_.perform("tool.suv_peak")

    drag(qtbot, axial(opened), (0, 0), (30, 0))
    quiet(opened)

    assert measured(opened) == ()
    assert "SUV" in opened.status.message


def test_the_card_shows_all_numbers_a_histogram_and_copies_them(
    opened: MainWindow, qtbot: QtBot, quiet
) -> None:
    from medview.gui.panels.histogram import HistogramPlot

    opened.actions_.perform("tool.rectangle")
    drag(qtbot, axial(opened), (-40, -30), (40, 30))
    only(opened, quiet)
    cards = opened.sidebar.findings

    card = next(c for c in cards.findChildren(Card) if "Rectangle" in c.accessibleName())
    qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: cards.findChild(HistogramPlot) is not None, timeout=60_000)
    next(b for b in cards.findChildren(QPushButton) if b.text() == "Copy all").click()

    text = QGuiApplication.clipboard().text()
    assert "Rectangle" in text
    assert "Median\t" in text


def test_a_score_that_a_measurement_feeds_stands_among_the_findings(
    opened: MainWindow, qtbot: QtBot, quiet
) -> None:
    opened.actions_.perform("tool.length")
    drag(qtbot, axial(opened), (-10, 0), (10, 0))
    only(opened, quiet)
    assert not [s for s in opened.sidebar.findings.findChildren(FromRisk) if s.findChildren(Card)]

    opened.session.made.enter("nodule_count", 1.0, "1")
    cards = opened.sidebar.findings.findChildren(QPushButton)
    menu = next(b.menu() for b in cards if b.text() == "Use as…")
    title = observation.concepts()["nodule_diameter_mean"].title
    next(action for action in menu.actions() if action.text() == title).trigger()

    def titles() -> list[str]:
        sections = opened.sidebar.findings.findChildren(FromRisk)
        return [each.text() for s in sections for each in s.findChildren(QLabel)]

    qtbot.waitUntil(lambda: "FROM RISK" in titles(), timeout=60_000)
    assert any("Fleischner" in title for title in titles())


def test_every_tool_is_behind_the_button_or_has_one_and_the_bar_stays_one_row(
    opened: MainWindow,
) -> None:
    from medview.gui.bar_tools import PLAIN, tool_groups
    from medview.gui.tools.table import TOOL_NAMES

    behind = [tool for tools in tool_groups().values() for tool in tools]
    assert {tool.removeprefix("tool.") for tool in (*PLAIN, *behind)} == set(TOOL_NAMES)
    opened.resize(900, 600)
    assert opened.top.height() == 40
    assert opened.top.minimumSizeHint().width() <= 900


def test_k_marks_a_key_image_and_n_goes_from_one_to_the_next(
    opened: MainWindow, qtbot: QtBot, quiet
) -> None:
    view = axial(opened)
    first = view.stage.index
    qtbot.keyClick(view, Qt.Key.Key_K)
    quiet(opened)
    for _ in range(3):
        qtbot.keyClick(view, Qt.Key.Key_Down)
    second = view.stage.index
    qtbot.keyClick(view, Qt.Key.Key_K)
    quiet(opened)
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert view.stage.measuring.key_slices == tuple(sorted((first, second)))

    qtbot.keyClick(view, Qt.Key.Key_N)
    assert view.stage.index == first
    assert view.stage.measuring.is_key
    opened.actions_.perform("measure.only_keys")
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert view.stage.index == second
    opened.actions_.perform("measure.only_keys")
    qtbot.keyClick(view, Qt.Key.Key_K)
    quiet(opened)
    assert view.stage.measuring.key_slices == (first,)

    qtbot.keyClick(opened.grid.views["coronal"], Qt.Key.Key_K)
    assert view.stage.measuring.key_slices == (first,)


def test_words_are_kept_with_the_patient_whose_picture_they_were_drawn_on(
    window: MainWindow, imaging_data: Path, qtbot: QtBot, quiet
) -> None:
    window.open_paths([imaging_data / "mr" / "brain-t1-pre", imaging_data / "ct" / "ct-small.dcm"])
    qtbot.waitUntil(lambda: len(list(window.session.studies.places())) == 2)
    quiet(window)
    drawn, other = window.session.studies.places()
    window.show_series(drawn.key)
    quiet(window)
    for tool in ("text", "calibrate"):
        window.set_tool(tool)
        drag(qtbot, window.grid.active_view, (0, 0), (30, 0))
        qtbot.waitUntil(lambda: window.findChild(QInputDialog) is not None)
        dialog = window.findChild(QInputDialog)
        window.session.select(other.key)  # as when a study has just been read
        if tool == "text":
            dialog.setTextValue("old scar")
        else:
            dialog.setDoubleValue(20.0)
        dialog.accept()
        qtbot.waitUntil(lambda: window.findChild(QInputDialog) is None)
        window.session.select(drawn.key)
        quiet(window)

    assert window.session.made.book_of(other).work == Work()
    work = window.session.made.book_of(drawn).work
    assert [each.text for each in work.measurements] == ["old scar"]
    assert len(work.known_lengths) == 1

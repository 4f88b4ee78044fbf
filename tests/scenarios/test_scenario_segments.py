"""Segments and nodules through the window, as a reader paints, corrects and clicks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from medview.core.geometry import PatientPoint
from medview.gui.cards import ElidedLink
from medview.gui.panels.segments import SegmentsCard
from medview.gui.views.slice_view import SliceView
from medview.gui.window import MainWindow
from medview.session.segments import Segment


@pytest.fixture
def nodule_place(small_demo: Path) -> PatientPoint:
    """Where the truth of the demo study has its nodule in the newer CT."""
    truth = json.loads((small_demo / "truth" / "truth.json").read_text(encoding="utf-8"))
    return PatientPoint(*truth["ct"]["nodule"]["centre_mm"])


Quiet = Callable[..., None]
LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier


def on_screen(view: SliceView, point: PatientPoint) -> QPoint:
    plane = view.stage.plane
    assert plane is not None
    _, row, column = plane.to_pixel(point)
    x, y = view.stage.map().to_screen(row, column)
    return QPoint(round(x), round(y))


def drag(qtbot: QtBot, view: SliceView, start: QPoint, end: QPoint, steps: int = 8) -> None:
    qtbot.mousePress(view, LEFT, NONE, start)
    for number in range(1, steps + 1):
        way = QPointF(end - start) * (number / steps)
        qtbot.mouseMove(view, start + way.toPoint())
    qtbot.mouseRelease(view, LEFT, NONE, end)


def active(window: MainWindow) -> Segment:
    segment = window.session.segmenting.active
    assert segment is not None
    return segment


def mask(window: MainWindow) -> np.ndarray:
    """The active segment on the whole grid."""
    place = window.session.active
    assert place is not None
    live = window.session.segmenting.mask(place, active(window))
    found = np.zeros(place.stack.geometry.shape, bool)
    found[live.box.slices] = live.voxels > 0
    return found


def paint_one(qtbot: QtBot, window: MainWindow, diameter: float = 20.0) -> QPoint:
    """A stroke across the middle of the axial view; where it ended."""
    view = window.grid.views["axial"]
    window.actions_.perform("tool.brush")
    window.session.segmenting.brush = type(window.session.segmenting.brush)(diameter_mm=diameter)
    middle = QPoint(view.width() // 2, view.height() // 2)
    drag(qtbot, view, middle, middle + QPoint(60, 0))
    return middle + QPoint(60, 0)


def test_click_measures_the_nodule_and_the_scores_know_it(
    opened: MainWindow, nodule_place: PatientPoint, qtbot: QtBot, quiet: Quiet
) -> None:
    view, place = opened.grid.views["axial"], nodule_place
    opened.grid.go_to(place)
    qtbot.keyClick(view, Qt.Key.Key_D)
    qtbot.mouseClick(view, LEFT, NONE, on_screen(view, place))
    quiet(opened)
    (found,) = opened.session.work.measurements
    numbers = {q.concept: q.value for q in found.quantities}
    mean = (numbers["Long axis"] + numbers["Short axis"]) / 2
    assert numbers["Mean diameter"] == pytest.approx(mean, abs=0.051)
    known = {o.concept: o.value for o in opened.session.observations() if o.source.kind == "ruler"}
    assert known["nodule_diameter_mean"] == numbers["Mean diameter"]
    assert known["nodule_type"] in ("solid", "part-solid")
    middle = np.mean([*found.points], axis=0)
    assert np.linalg.norm(middle - np.array(place)) < 4.0
    opened.actions_.perform("edit.undo")
    quiet(opened)
    qtbot.mouseClick(view, LEFT, NONE, QPoint(view.width() // 2, view.height() // 2))
    quiet(opened)
    assert opened.session.work.measurements == ()
    assert opened.session.segmenting.segments == ()
    said = opened.messages[-1][1].english()
    assert "nodule" in said or "lung" in said


def test_brush_paints_under_the_mouse_and_the_card_says_what(
    opened: MainWindow, qtbot: QtBot, quiet: Quiet
) -> None:
    view = opened.grid.views["axial"]
    end = paint_one(qtbot, opened)
    quiet(opened)
    painted = mask(opened)
    assert set(np.flatnonzero(painted.any(axis=(1, 2)))) == {view.stage.index}
    geometry = opened.session.active.stack.geometry  # type: ignore[union-attr]
    under = geometry.to_index(view.stage.patient_at(end.x(), end.y()))
    assert painted[round(under.k), round(under.j), round(under.i)]
    start = view.stage.patient_at(view.width() // 2, view.height() // 2)
    stop = view.stage.patient_at(end.x(), end.y())
    length = float(np.linalg.norm(np.subtract(stop, start)))
    expected = length * 20 + np.pi * 100
    area = painted.sum() * geometry.spacing[0] * geometry.spacing[1]
    assert area == pytest.approx(expected, rel=0.05)
    opened.sidebar.show_tab("findings")
    quiet(opened)
    found = opened.session.segmenting.statistics(active(opened))
    assert found is not None
    place = opened.session.active
    assert place is not None
    volume = opened.session.studies.volume(place.key).volume  # type: ignore[union-attr]
    values = volume.values()[mask(opened)]
    assert found.mean == pytest.approx(float(values.mean()), abs=0.5)
    qtbot.waitUntil(lambda: opened.sidebar.findings.findChild(SegmentsCard) is not None)
    card = opened.sidebar.findings.findChild(SegmentsCard)
    assert card is not None
    grow = next(b for b in card.findChildren(QPushButton) if b.text() == "Grow")
    qtbot.mouseClick(grow, LEFT)
    assert opened.grid.active_view.tool_name == "grow"


def test_card_names_the_segments_that_are_not_painted_on(
    opened: MainWindow, qtbot: QtBot, quiet: Quiet
) -> None:
    paint_one(qtbot, opened)
    opened.actions_.perform("segment.new")
    opened.sidebar.show_tab("findings")
    quiet(opened)
    card = opened.sidebar.findings.findChild(SegmentsCard)
    assert card is not None
    first = opened.session.segmenting.segments[0].name
    (link,) = [each for each in card.findChildren(ElidedLink) if each.toolTip() == first]
    assert link.text() == first


def test_strokes_are_undone_or_given_up_and_the_picture_follows(
    opened: MainWindow, qtbot: QtBot, quiet: Quiet
) -> None:
    view = opened.grid.views["axial"]
    end = paint_one(qtbot, opened)
    first = mask(opened)
    qtbot.keyClick(view, Qt.Key.Key_B, Qt.KeyboardModifier.ShiftModifier)
    assert view.tool_name == "eraser"
    drag(qtbot, view, end, end + QPoint(0, 5))
    quiet(opened)
    second = mask(opened)
    assert 0 < second.sum() < first.sum()
    shown = view.stage.overlays[-1]
    assert int(np.count_nonzero(shown.voxels)) == second.sum()  # type: ignore[union-attr]
    opened.actions_.perform("edit.undo")
    quiet(opened)
    assert np.array_equal(mask(opened), first)
    shown = view.stage.overlays[-1]
    assert int(np.count_nonzero(shown.voxels)) == first.sum()  # type: ignore[union-attr]
    opened.actions_.perform("edit.redo")
    assert np.array_equal(mask(opened), second)
    qtbot.keyClick(view, Qt.Key.Key_B)
    qtbot.mousePress(view, LEFT, NONE, end)
    qtbot.mouseMove(view, end + QPoint(30, 30))
    assert mask(opened).sum() > second.sum()
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    qtbot.mouseRelease(view, LEFT, NONE, end)
    quiet(opened)
    assert np.array_equal(mask(opened), second)


def test_wheel_with_ctrl_sizes_the_brush_and_a_ball_reaches_other_slices(
    opened: MainWindow, qtbot: QtBot, quiet: Quiet
) -> None:
    view = opened.grid.views["axial"]
    opened.actions_.perform("tool.brush")
    size = opened.session.segmenting.brush.diameter_mm
    zoom = view.stage.state.zoom
    place = QPointF(view.width() / 2, view.height() / 2)
    event = QWheelEvent(
        place, view.mapToGlobal(place), QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.ControlModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(view, event)
    assert opened.session.segmenting.brush.diameter_mm == pytest.approx(size * 1.21, abs=0.06)
    assert view.stage.painting.diameter_mm == opened.session.segmenting.brush.diameter_mm
    assert view.stage.state.zoom == zoom
    desk = opened.session.segmenting
    desk.brush = type(desk.brush)(diameter_mm=24.0, is_ball=True)
    qtbot.mouseClick(view, LEFT, NONE, QPoint(view.width() // 2, view.height() // 2))
    quiet(opened)
    geometry = opened.session.active.stack.geometry  # type: ignore[union-attr]
    volume = mask(opened).sum() * geometry.voxel_mm3
    assert volume == pytest.approx(4 / 3 * np.pi * 12**3, rel=0.1)
    opened.actions_.perform("tool.window")
    assert view.stage.painting.diameter_mm == 0.0


def test_whole_segment_is_changed_and_undone(
    opened: MainWindow, qtbot: QtBot, quiet: Quiet
) -> None:
    view = opened.grid.views["axial"]
    paint_one(qtbot, opened)
    view.stage.scroll(4)
    middle = QPoint(view.width() // 2, view.height() // 2)
    drag(qtbot, view, middle, middle + QPoint(60, 0))
    quiet(opened)
    before = mask(opened)
    opened.actions_.perform("segment.fill")
    quiet(opened)
    filled = mask(opened)
    slices = np.flatnonzero(filled.any(axis=(1, 2)))
    assert np.array_equal(slices, np.arange(slices[0], slices[0] + 5))
    opened.actions_.perform("segment.larger")
    quiet(opened)
    assert mask(opened).sum() > filled.sum()
    opened.actions_.perform("edit.undo")
    opened.actions_.perform("edit.undo")
    quiet(opened)
    assert np.array_equal(mask(opened), before)
    opened.actions_.perform("segment.rename", name="Left lung")
    assert active(opened).name == "Left lung"
    opened.actions_.perform("segment.delete")
    assert opened.session.segmenting.segments == ()
    for action, words in (("correct", "no mask of a model"), ("take_up", "no stored")):
        opened.actions_.perform(f"segment.{action}")
        quiet(opened)
        assert words in opened.messages[-1][1].english()


def test_seed_grows_into_what_is_as_bright(
    opened: MainWindow, nodule_place: PatientPoint, qtbot: QtBot, quiet: Quiet
) -> None:
    view, place = opened.grid.views["axial"], nodule_place
    opened.grid.go_to(place)
    opened.actions_.perform("tool.grow")
    qtbot.mouseClick(view, LEFT, NONE, on_screen(view, place))
    quiet(opened)
    geometry = opened.session.active.stack.geometry  # type: ignore[union-attr]
    here = geometry.to_index(place)
    assert mask(opened)[round(here.k), round(here.j), round(here.i)]


def test_without_images_segment_tools_say_what_they_need(window: MainWindow) -> None:
    window.actions_.perform("segment.new")
    assert "stack of slices" in window.messages[-1][1].english()
    window.actions_.perform("segment.smooth")
    assert "no segment" in window.messages[-1][1].english()


def test_range_brush_refuses_colours_in_words(
    window: MainWindow, imaging_data: Path, qtbot: QtBot, quiet: Quiet
) -> None:
    window.open_paths([imaging_data / "mr" / "rgb-secondary-capture-stack"])
    quiet(window)
    view = window.grid.active_view
    assert view.stage.shown is not None
    assert view.stage.shown.volume.is_colour
    window.actions_.perform("tool.threshold")
    middle = view.rect().center()
    drag(qtbot, view, middle, middle + QPoint(40, 0))
    quiet(window)
    assert str(window.messages[-1][1]) == "Colours have no range of values: paint with the brush."
    assert window.session.segmenting.active is None
    window.actions_.perform("tool.brush")
    drag(qtbot, view, middle, middle + QPoint(40, 0))
    quiet(window)
    assert mask(window).any()

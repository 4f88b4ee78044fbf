"""A curved reformation by mouse: clicks along a way, the straightened picture, its sections."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from medview.gui.views import corners
from medview.gui.views.slice_view import SliceView
from medview.gui.window import MainWindow
from medview.imaging.curved import CrossSections, CurvedPlane


def _click(view: SliceView, x: float, y: float) -> None:
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(round(x), round(y)))


def _drag(view: SliceView, start: tuple[float, float], end: tuple[float, float]) -> None:
    begin, stop = (QPoint(round(x), round(y)) for x, y in (start, end))
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=begin)
    QTest.mouseMove(view, (begin + stop) / 2)
    QTest.mouseMove(view, stop)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=stop)


@pytest.fixture
def drawn(opened: MainWindow) -> MainWindow:
    """A curve of four points, clicked on three slices of the axial view."""
    axial = opened.grid.views["axial"]
    opened.set_tool("curve")
    width, height = axial.width(), axial.height()
    _click(axial, width * 0.42, height * 0.45)
    axial.stage.scroll(2)
    _click(axial, width * 0.47, height * 0.52)
    axial.stage.scroll(2)
    _click(axial, width * 0.53, height * 0.55)
    _click(axial, width * 0.60, height * 0.50)
    return opened


def test_clicks_make_a_curve_whose_points_can_be_taken_again_and_undone(
    drawn: MainWindow, qtbot: QtBot
) -> None:
    work = drawn.session.work
    assert work is not None
    (path,) = work.curves
    assert len(path.points) == 4
    axial = drawn.grid.views["axial"]
    qtbot.waitUntil(lambda: axial.stage.curving.path == path)
    number, x, y, away = axial.stage.curving.handles()[3]
    assert away < 0.5

    _drag(axial, (x, y), (x + 30, y - 12))

    (moved,) = drawn.session.work.curves
    scale = axial.stage.map().scale
    step = np.subtract(moved.points[number], path.points[number])
    assert np.linalg.norm(step) == pytest.approx(np.hypot(30, 12) / scale, abs=1.5 / scale)
    assert moved.points[:3] == path.points[:3]

    drawn.actions_.perform("edit.undo")
    assert drawn.session.work.curves == (path,)
    drawn.actions_.perform("edit.undo")
    assert len(drawn.session.work.curves[0].points) == 3
    drawn.actions_.perform("edit.redo")
    drawn.actions_.perform("planes.delete_curve")
    assert drawn.session.work.curves == ()
    drawn.actions_.perform("edit.undo")
    assert drawn.session.work.curves == (path,)


def test_straightened_and_across_beside_the_planes(drawn: MainWindow, qtbot: QtBot) -> None:
    QTest.keyClick(drawn.grid.views["axial"], Qt.Key.Key_3)
    drawn.actions_.perform("planes.straighten")
    views = drawn.grid.views
    qtbot.waitUntil(lambda: "curved" in views and views["curved"].stage.plane is not None)
    chosen = views["axial"].stage.state.window
    assert chosen is not None
    assert chosen.width == 350
    assert all(views[name].stage.state.window == chosen for name in ("curved", "section"))
    along, across = views["curved"].stage, views["section"].stage
    assert isinstance(along.plane, CurvedPlane)
    assert isinstance(across.plane, CrossSections)
    length = along.plane.curve.length_mm
    assert any(f"{length:.1f}" in line for line in corners.lower_right(along.shown, along.plane, 0))

    # A click in the straightened picture brings the sections and the planes there.
    drawn.set_tool("crosshair")
    rows, columns = along.plane.shape
    _click(views["curved"], *along.map().to_screen(rows * 0.25, columns // 2))
    assert across.index == pytest.approx(rows * 0.25, abs=1.5)
    assert views["axial"].stage.state.point == along.state.point
    middle = along.plane.curve.places[across.index]
    assert np.linalg.norm(np.subtract(along.state.point, middle)) < 2.0

    # The wheel runs along the curve in the sections, and turns the straightened picture.
    before = across.index
    across.scroll(3)
    assert across.index == before + 3
    roll = along.plane.angle
    along.scroll(1)
    assert along.plane.angle == pytest.approx(roll + np.radians(5))

    for name in ("curved", "section"):
        picture = views[name].grab().toImage()
        grey = {picture.pixel(x, picture.height() // 3) for x in range(20, picture.width() - 20)}
        assert len(grey) > 5


def test_a_length_along_the_curve_is_the_curves_own(drawn: MainWindow, qtbot: QtBot) -> None:
    drawn.actions_.perform("planes.straighten")
    view = drawn.grid.views["curved"]
    qtbot.waitUntil(lambda: view.stage.plane is not None)
    stage = view.stage
    assert isinstance(stage.plane, CurvedPlane)
    drawn.set_tool("length")
    rows, columns = stage.plane.shape
    where = stage.map()

    _drag(
        view, where.to_screen(rows * 0.1, columns * 0.4), where.to_screen(rows * 0.9, columns * 0.4)
    )

    (mark,) = stage.measuring.marks()
    (length,) = (q.value for q in mark.measurement.quantities if q.concept == "Length")
    assert length == pytest.approx(0.8 * rows * stage.plane.pixel_mm, abs=1.5 / where.scale)
    assert drawn.session.work.measurements == ()  # it means nothing on a slice


def test_a_diameter_in_a_section_lives_in_the_patient(drawn: MainWindow, qtbot: QtBot) -> None:
    drawn.actions_.perform("planes.straighten")
    view = drawn.grid.views["section"]
    qtbot.waitUntil(lambda: view.stage.plane is not None)
    stage = view.stage
    assert isinstance(stage.plane, CrossSections)
    drawn.set_tool("length")
    half = stage.plane.shape[0] // 2
    where = stage.map()

    _drag(view, where.to_screen(half, half - 12), where.to_screen(half, half + 12))

    (kept,) = drawn.session.work.measurements
    assert kept.quantities[0].value == pytest.approx(
        24 * stage.plane.pixel_mm, abs=1.5 / where.scale
    )
    tangent = stage.plane.curve.tangents[stage.index]
    assert abs(np.dot(kept.normal, tangent)) == pytest.approx(1.0, abs=1e-6)
    qtbot.waitUntil(lambda: len(stage.measuring.marks()) == 1)
    (seen,) = stage.measuring.marks()
    ends = [where.to_screen(half, half - 12), where.to_screen(half, half + 12)]
    assert np.array(seen.places) == pytest.approx(np.array(ends), abs=1.5)


def test_without_a_curve_the_action_says_what_to_do(opened: MainWindow) -> None:
    opened.actions_.perform("planes.straighten")
    assert "curve" in opened.status.message
    assert opened.grid.views["axial"].tool_name == "curve"
    opened.actions_.perform("planes.delete_curve")
    assert "no curve" in opened.status.message

"""Free planes and slabs by mouse and keys, as a reader turns them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from medview.core.codec import from_plain, to_plain
from medview.gui.views import corners
from medview.gui.views.cross_lines import CrossLine, cross_lines
from medview.gui.views.slice_view import SliceView
from medview.gui.views.stage import SliceStage
from medview.gui.window import MainWindow
from medview.imaging.oblique import ObliquePlane


def _drag(view: SliceView, start: np.ndarray, end: np.ndarray) -> None:
    places = [QPoint(round(x), round(y)) for x, y in np.linspace(start, end, 4)]
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=places[0])
    for place in places[1:]:
        QTest.mouseMove(view, place)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=places[-1])


def _wheel(view: SliceView, notches: int, modifier: Qt.KeyboardModifier) -> None:
    middle = QPointF(view.width() / 2, view.height() / 2)
    # With Alt some systems turn the wheel sideways.
    turned = QPoint(120 * notches, 0)
    event = QWheelEvent(
        middle, view.mapToGlobal(middle), QPoint(), turned, Qt.MouseButton.NoButton, modifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(view, event)


def _line(view: SliceView, name: str) -> CrossLine:
    return next(line for line in cross_lines(view.stage) if line.name == name)


def test_dragging_the_end_of_a_line_turns_the_other_planes_and_shift_x_straightens_them(
    opened: MainWindow, qtbot: QtBot
) -> None:
    views = opened.grid.views
    axial = views["axial"]
    axial.activated.emit()
    axial.setFocus()
    QTest.keyClick(axial, Qt.Key.Key_X)
    before = _line(axial, "sagittal")
    straight = axial.stage.plane
    coronal = views["coronal"].stage
    stood = (coronal.map().scale, _place(coronal))

    _drag(axial, before.ends[0], before.middle + (before.ends[0] - before.middle) @ _turn(30))

    after = _line(axial, "sagittal")
    assert abs(before.along @ after.along) == pytest.approx(np.cos(np.radians(30)), abs=0.01)
    assert axial.stage.plane == straight  # its own picture stays
    assert coronal.map().scale == pytest.approx(stood[0])
    assert _place(coronal) == pytest.approx(stood[1], abs=0.6)  # it turns about the crosshair
    for name in ("coronal", "sagittal"):
        plane = views[name].stage.plane
        assert isinstance(plane, ObliquePlane)
        assert abs(plane.normal_vector[2]) < 1e-6
        assert f"{corners.plane_title(name)}, turned" in corners.upper_left(
            views[name].stage.shown, plane
        )
    qtbot.waitUntil(lambda: not opened.is_busy, timeout=60_000)
    picture = views["coronal"].grab().toImage()
    assert len({picture.pixel(x, 200) for x in range(20, picture.width() - 20)}) > 10

    QTest.keyClick(axial, Qt.Key.Key_X, Qt.KeyboardModifier.ShiftModifier)

    assert not any(isinstance(view.stage.plane, ObliquePlane) for view in views.values())


def _place(stage: SliceStage) -> tuple[float, float]:
    """Where the crosshair is drawn."""
    assert stage.plane is not None
    _, row, column = stage.plane.to_pixel(stage.state.point)
    return stage.map().to_screen(row, column)


def _turn(degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def test_alt_and_the_wheel_make_a_slab_whose_thickness_stands_in_the_corner(
    opened: MainWindow, qtbot: QtBot
) -> None:
    axial = opened.grid.views["axial"]
    stage = axial.stage
    assert stage.shown is not None
    assert stage.plane is not None
    single = stage.plane.values(stage.shown.volume, stage.index)

    _wheel(axial, 3, Qt.KeyboardModifier.AltModifier)

    slab = stage.state.mpr.slab("axial")
    assert slab.mm == pytest.approx(3 * max(1.0, 2 * stage.plane.step_mm))
    text = corners.lower_right(stage.shown, stage.plane, stage.index)
    assert any("MIP" in line for line in text)
    brightest = stage.plane.values(stage.shown.volume, stage.index)
    assert (brightest >= single).all()
    assert (brightest > single).any()

    opened.actions_.perform("planes.slab_mode")
    assert stage.state.mpr.slab("axial").mode == "minip"
    assert (stage.plane.values(stage.shown.volume, stage.index) <= single).all()

    _wheel(axial, -5, Qt.KeyboardModifier.AltModifier)
    assert stage.plane.is_native
    assert stage.state.mpr.slab("axial").mm == 0


def test_dragging_the_side_of_a_line_thickens_its_plane(opened: MainWindow) -> None:
    axial, coronal = (opened.grid.views[name] for name in ("axial", "coronal"))
    opened.set_tool("crosshair")
    line = _line(axial, "coronal")
    side = line.sides[1]

    _drag(axial, side, side + line.across * 40)

    slab = coronal.stage.state.mpr.slab("coronal")
    scale = axial.stage.map().scale
    assert slab.mm == pytest.approx(2 * abs((side + line.across * 40 - line.middle) @ line.across)
                                    / scale, abs=2.5 / scale)  # fmt: skip
    assert _line(axial, "coronal").gap == pytest.approx(slab.mm / 2 * scale)


def test_dragging_a_line_moves_its_plane_alone(opened: MainWindow) -> None:
    axial = opened.grid.views["axial"]
    opened.set_tool("crosshair")
    line, before = _line(axial, "sagittal"), axial.stage.state.point
    start = line.middle + line.along * 60

    _drag(axial, start, start + line.across * 25 + line.along * 10)

    moved = np.subtract(axial.stage.state.point, before)
    scale = axial.stage.map().scale
    assert abs(moved[0]) == pytest.approx(25 / scale, abs=1.0 / scale)
    assert abs(moved[1]) == pytest.approx(0, abs=1e-6)
    assert moved[2] == pytest.approx(0, abs=1e-6)
    assert opened.grid.views["sagittal"].stage.state.point == axial.stage.state.point


def test_escape_during_a_turn_takes_it_back(opened: MainWindow) -> None:
    axial = opened.grid.views["axial"]
    opened.set_tool("crosshair")
    line = _line(axial, "coronal")
    begin = QPoint(*(round(v) for v in line.ends[1]))
    QTest.mousePress(axial, Qt.MouseButton.LeftButton, pos=begin)
    QTest.mouseMove(axial, begin + QPoint(0, 60))
    assert axial.stage.state.mpr.is_turned
    QTest.keyClick(axial, Qt.Key.Key_Escape)
    assert not axial.stage.state.mpr.is_turned
    QTest.mouseRelease(axial, Qt.MouseButton.LeftButton, pos=begin)


def test_the_switch_shows_pixels_as_they_are(opened: MainWindow, qtbot: QtBot) -> None:
    axial = opened.grid.views["axial"]
    stage = axial.stage
    for _ in range(14):
        axial.commands.perform("view.zoom_in")
    smooth = axial.grab().toImage()
    opened.actions_.perform("planes.smoothing")
    plain = axial.grab().toImage()
    row, column = stage.map().to_pixel(axial.width() * 0.6, axial.height() * 0.6)
    left, y = stage.map().to_screen(round(row), round(column) - 0.4)
    right, _ = stage.map().to_screen(round(row), round(column) + 0.4)
    inside = [plain.pixel(x, round(y)) for x in range(round(left) + 1, round(right))]
    assert len(inside) >= 3
    assert len(set(inside)) == 1  # one voxel, one grey
    assert smooth != plain


def test_turned_planes_and_slabs_come_back_with_the_layout(
    opened: MainWindow, quiet: Callable[..., None]
) -> None:
    grid = opened.grid
    axial, coronal = (grid.views[name] for name in ("axial", "coronal"))
    opened.set_tool("crosshair")
    line = _line(axial, "coronal")
    _drag(axial, line.ends[1], line.middle + (line.ends[1] - line.middle) @ _turn(-20))
    _wheel(coronal, 2, Qt.KeyboardModifier.AltModifier)
    stood, plane = grid.state, coronal.stage.plane
    assert isinstance(plane, ObliquePlane)

    opened.actions_.perform("planes.reset")
    opened.actions_.perform("layout.1x1")
    grid.restore(from_plain(type(stood), to_plain(stood)))
    quiet(opened)

    back = grid.views["coronal"].stage.plane
    assert isinstance(back, ObliquePlane)
    assert back == plane

"""IHE's Basic Image Review: choosing, scrolling, windowing, zooming, turning, measuring, help.

The profile (IHE Radiology, transaction RAD-16 with the BIR option) says what the least viewer must
do; each test is named after one of its functions and uses mouse and keys alone.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QToolButton, QWidget

from medview.gui.panels.studies import SeriesItem
from medview.gui.views.slice_view import SliceView
from medview.gui.views.state import slice_number
from medview.gui.window import MainWindow

Quiet = Callable[..., None]
_LEFT, _RIGHT, _MIDDLE = (
    Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton,
)  # fmt: skip
_CTRL = Qt.KeyboardModifier.ControlModifier


def press(window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier | None = None) -> None:
    """A key where the reader looks."""
    view = window.grid.active_view
    view.setFocus()
    QTest.keyClick(view, key, modifier or Qt.KeyboardModifier.NoModifier)


def drag(view: QWidget, start: QPoint, end: QPoint, button: Qt.MouseButton = _LEFT) -> None:
    QTest.mousePress(view, button, pos=start)
    for share in (0.3, 0.6, 1.0):
        QTest.mouseMove(view, start + (end - start) * share)
    QTest.mouseRelease(view, button, pos=end)


def wheel(view: QWidget, notches: int) -> None:
    place = QPointF(view.rect().center())
    event = QWheelEvent(
        place, QPointF(view.mapToGlobal(place.toPoint())), QPoint(), QPoint(0, -120 * notches),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase,
        False,
    )  # fmt: skip
    QApplication.sendEvent(view, event)


def picture(view: SliceView) -> np.ndarray:
    """What the view shows, grey [rows, columns]."""
    image = view.grab().toImage().convertToFormat(view.grab().toImage().Format.Format_Grayscale8)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return rows[:, : image.width()].astype(int)


def number(view: SliceView) -> int:
    """Which slice is shown, 0 for the first as they are read."""
    stage = view.stage
    assert stage.plane is not None
    return slice_number(stage.plane, stage.index) - 1


@pytest.fixture
def review(window: MainWindow, small_demo: Path, quiet: Quiet) -> MainWindow:
    """The demo's images open, no corner texts in the way of looking at pixels."""
    window.open_paths([small_demo / "images"])
    quiet(window)
    return window


def test_bir_selection_of_patient_study_and_series_by_thumbnails(
    review: MainWindow, quiet: Quiet
) -> None:
    items = review.studies.items
    assert len({item.accessibleName() for item in items}) > 1
    pictures = [label for item in items for label in item.findChildren(QLabel)
                if not label.pixmap().isNull()]  # fmt: skip
    assert len(pictures) >= len(items)
    other: SeriesItem = next(i for i in items if not i.property("active"))
    before = review.session.active
    QTest.mouseClick(other, _LEFT)
    quiet(review)
    assert review.session.active is not before
    assert review.session.active is not None


def test_bir_layout_of_one_or_several_viewports(review: MainWindow) -> None:
    for name, count in (("layout.1x1", 1), ("layout.1x2", 2), ("layout.2x2", 4)):
        review.actions_[name].trigger()
        assert sum(tile.isVisible() for tile in review.grid.tiles) == count


def test_bir_scrolling_by_wheel_keys_and_drag(review: MainWindow, quiet: Quiet) -> None:
    view = review.grid.active_view
    start = number(view)
    wheel(view, 1)
    assert number(view) == start + 1
    press(review, Qt.Key.Key_Up)
    assert number(view) == start
    press(review, Qt.Key.Key_Home)
    assert number(view) == 0
    press(review, Qt.Key.Key_End)
    assert view.stage.plane is not None
    assert number(view) == view.stage.plane.count - 1
    review.actions_["tool.scroll"].trigger()
    drag(view, view.rect().center(), view.rect().center() - QPoint(0, 60))
    assert number(view) < view.stage.plane.count - 1


def test_bir_windowing_by_drag_presets_reset_and_inversion(review: MainWindow) -> None:
    view = review.grid.active_view
    first = view.stage.state.window
    drag(view, view.rect().center(), view.rect().center() + QPoint(40, 25))
    changed = view.stage.state.window
    assert changed.width > first.width
    assert changed.center != first.center
    press(review, Qt.Key.Key_3)
    assert view.stage.state.window.name
    press(review, Qt.Key.Key_R, Qt.KeyboardModifier.ShiftModifier)
    assert view.stage.state.window == first
    before = picture(view)
    press(review, Qt.Key.Key_I)
    after = picture(view)
    assert abs(int((before + after)[100:200, 100:200].mean()) - 255) < 40


def test_bir_zoom_and_pan_and_fitting_again(review: MainWindow) -> None:
    view = review.grid.active_view
    fitted = view.stage.state
    drag(view, view.rect().center(), view.rect().center() - QPoint(0, 50), _RIGHT)
    assert view.stage.state.zoom != fitted.zoom
    drag(view, view.rect().center(), view.rect().center() + QPoint(30, 20), _MIDDLE)
    assert view.stage.state.pan == pytest.approx((30, 20), abs=1.5)
    press(review, Qt.Key.Key_R)
    assert (view.stage.state.zoom, view.stage.state.pan) == (fitted.zoom, fitted.pan)


def test_bir_flipping_and_turning_with_their_letters(review: MainWindow) -> None:
    view = review.grid.active_view
    press(review, Qt.Key.Key_H)
    assert view.stage.state.flip_h
    press(review, Qt.Key.Key_V)
    assert view.stage.state.flip_v
    press(review, Qt.Key.Key_Right, _CTRL)
    assert view.stage.state.turns == 1
    press(review, Qt.Key.Key_R)
    assert not view.stage.state.flip_h
    assert view.stage.state.turns == 0


def test_bir_distance(review: MainWindow, quiet: Quiet) -> None:
    view = review.grid.active_view
    press(review, Qt.Key.Key_L)
    middle = view.rect().center()
    drag(view, middle, middle + QPoint(80, 0))
    quiet(review)
    (made,) = review.session.work.measurements
    scale = view.stage.map().scale
    length = next(q for q in made.quantities if q.concept == "Length")
    assert length.value == pytest.approx(80 / scale, rel=0.02)
    assert length.unit == "mm"


def test_bir_angle(review: MainWindow, quiet: Quiet) -> None:
    view = review.grid.active_view
    press(review, Qt.Key.Key_A)
    middle = view.rect().center()
    for place in (middle + QPoint(60, 0), middle, middle + QPoint(0, 60)):
        QTest.mouseMove(view, place)
        QTest.mouseClick(view, _LEFT, pos=place)
    quiet(review)
    (made,) = review.session.work.measurements
    angle = next(q for q in made.quantities if "ngle" in q.concept)
    assert angle.value == pytest.approx(90, abs=1)
    assert angle.unit == "deg"


def test_bir_tools_have_icons_names_and_help(review: MainWindow) -> None:
    for button in review.top.findChildren(QToolButton):
        if button.isVisible():
            assert button.accessibleName() or button.text()
            assert button.toolTip() or button.text()
    assert review.actions_["help.keys"].shortcut().toString() == "F1"

"""IHE Basic Image Review: two sets side by side, linked, with localizer lines. Real series."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from medview.gui.views.tile import Tile
from medview.gui.window import MainWindow

Quiet = Callable[..., None]


@pytest.fixture
def pair(window: MainWindow, imaging_data: Path, quiet: Quiet) -> MainWindow:
    """An MR brain before and after contrast, in one frame of reference, side by side."""
    window.open_paths([imaging_data / "mr" / "brain-t1-pre", imaging_data / "mr" / "brain-t1-post"])
    quiet(window)
    window.grid.set_layout_name("1x2")
    for number, place in enumerate(window.session.studies.places()):
        window.grid.hang(place.key, "native", number)
    quiet(window)
    window.grid.activate(window.grid.tiles[0])
    return window


def turn(tile: Tile, notches: int, *, ctrl: bool = False) -> None:
    middle = QPointF(tile.view.rect().center())
    modifier = Qt.KeyboardModifier.ControlModifier if ctrl else Qt.KeyboardModifier.NoModifier
    event = QWheelEvent(
        middle, tile.view.mapToGlobal(middle), QPoint(), QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton, modifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(tile.view, event)


def place(tile: Tile) -> float:
    stage = tile.view.stage
    assert stage.plane is not None
    return stage.plane.to_patient(stage.index, 0, 0).z


def test_bir_two_sets_are_shown_side_by_side(pair: MainWindow) -> None:
    left, right = pair.grid.tiles

    assert left.key != right.key
    assert left.view.grab().toImage() != right.view.grab().toImage()
    assert left.x() + left.width() <= right.x()


def test_bir_linked_scroll(pair: MainWindow) -> None:
    left, right = pair.grid.tiles
    before = place(left)

    turn(left, -3)

    assert place(left) != before
    assert place(right) == pytest.approx(place(left), abs=0.5)


def test_bir_linked_zoom_and_pan(pair: MainWindow, qtbot: QtBot) -> None:
    left, right = pair.grid.tiles
    pair.actions_.perform("layout.linked_zoom", on=True)

    turn(left, 3, ctrl=True)
    qtbot.mousePress(left.view, Qt.MouseButton.MiddleButton, pos=QPoint(100, 100))
    qtbot.mouseMove(left.view, QPoint(130, 90))
    qtbot.mouseMove(left.view, QPoint(160, 80))
    qtbot.mouseRelease(left.view, Qt.MouseButton.MiddleButton, pos=QPoint(160, 80))

    for tile in (left, right):
        assert tile.view.stage.map().scale == pytest.approx(left.view.stage.map().scale)
    here, there = (t.view.stage.patient_at(150, 150) for t in (left, right))
    assert np.linalg.norm(np.array(here) - np.array(there)) < 1.0


def test_bir_localizer_lines(pair: MainWindow) -> None:
    left, right = pair.grid.tiles
    pair.grid.hang(right.key, "sagittal", 1)
    bare = right.view.grab().toImage()

    lines = [line for line in right.view.look.lines if not line.is_edge]
    stage = right.view.stage
    assert len(lines) == 1
    ends = [stage.map().to_screen(*end) for end in lines[0].ends]
    # The line stands where the slice of the other set lies, and is painted there.
    at = [stage.patient_at(*end).z for end in ends]
    plane = left.view.stage.plane
    assert plane is not None
    corner = [plane.to_patient(left.view.stage.index, row, 0).z for row in (0, plane.shape[0] - 1)]
    assert min(at) >= min(corner) - 1
    assert max(at) <= max(corner) + 1
    pair.actions_.perform("layout.reference_lines", on=False)
    without = right.view.grab().toImage()
    x = round((ends[0][0] + ends[1][0]) / 2) + 23
    y = round(np.interp(x, *zip(*sorted(ends), strict=True)))
    column = [(QColor(bare.pixel(x, v)), QColor(without.pixel(x, v))) for v in range(y - 2, y + 3)]
    assert any(with_line != plain for with_line, plain in column)


def test_a_link_by_hand_is_undone_and_comes_back_with_the_patient(
    pair: MainWindow, imaging_data: Path, quiet: Quiet, qtbot: QtBot
) -> None:
    turn(pair.grid.tiles[0], 3, ctrl=True)
    pair.actions_.perform("layout.link_here")
    linked = pair.grid.links.offsets
    assert len(linked.anchors) == 2

    pair.actions_.perform("edit.undo")
    qtbot.waitUntil(lambda: not pair.grid.links.offsets.anchors, timeout=60_000)
    pair.actions_.perform("edit.redo")
    qtbot.waitUntil(lambda: pair.grid.links.offsets == linked, timeout=60_000)
    pair.actions_.perform("file.close_patient")
    quiet(pair)
    qtbot.waitUntil(lambda: not pair.grid.links.offsets.anchors, timeout=60_000)
    assert not pair.status.message

    pair.open_paths([imaging_data / "mr" / "brain-t1-pre", imaging_data / "mr" / "brain-t1-post"])
    quiet(pair)
    qtbot.waitUntil(lambda: pair.grid.links.offsets == linked, timeout=60_000)

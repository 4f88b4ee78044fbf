"""Real files whose look is more than a window: overlay planes, VOI LUTs, colours, torn pixels."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from medview.gui.views.corners import badges
from medview.gui.window import MainWindow


def _yellow(window: MainWindow) -> int:
    """Pixels of the active view in the colour of overlay planes."""
    image = window.grid.active_view.grab().toImage()
    colours = (image.pixelColor(x, y) for y in range(image.height()) for x in range(image.width()))
    return sum(c.red() > 180 and c.green() > 170 and c.blue() < 110 for c in colours)


def test_the_overlay_of_a_file_is_seen_until_o_is_pressed(
    window: MainWindow, imaging_data: Path, quiet
) -> None:
    window.open_paths([imaging_data / "lut-overlay" / "mr-overlay.dcm"])
    quiet(window)
    assert _yellow(window) > 50

    QTest.keyClick(window.grid.active_view, Qt.Key.Key_O)

    assert _yellow(window) == 0


def test_the_key_1_goes_round_a_mammograms_windows_and_tables(
    window: MainWindow, imaging_data: Path, quiet
) -> None:
    window.open_paths([imaging_data / "mg" / "mammo-sigmoid.dcm"])
    quiet(window)
    view = window.grid.active_view
    seen = [view.stage.state.window]
    for _ in range(6):
        QTest.keyClick(view, Qt.Key.Key_1)
        seen.append(view.stage.state.window)

    names = [window.name for window in seen]
    assert names[:3] == ["NORMAL", "HARDER", "SOFTER"]
    assert names[3:6] == ["VOI LUT NORMAL", "VOI LUT HARDER", "VOI LUT SOFTER"]
    assert [each.function for each in seen[:4]] == ["SIGMOID"] * 3 + ["TABLE"]
    assert seen[6] == seen[0]


def test_colours_have_no_window_in_the_bar(window: MainWindow, imaging_data: Path, quiet) -> None:
    window.open_paths([imaging_data / "us" / "palette.dcm"])
    quiet(window)

    assert not window.top._presets.text()


def test_a_torn_picture_says_that_its_values_cannot_be_trusted(
    window: MainWindow, imaging_data: Path, quiet
) -> None:
    window.open_paths([imaging_data / "odd" / "jpeg-lossless-bad.dcm"])
    quiet(window)

    stack = window.grid.active_view.stage.shown.stack
    assert [note for note in stack.notes if "torn" in str(note)]
    assert stack.badges == ("DAMAGED",)


def test_a_picture_of_which_a_part_is_missing_is_marked(
    window: MainWindow, imaging_data: Path, quiet
) -> None:
    window.open_paths([imaging_data / "odd" / "made-cut-in-pixels.dcm"])
    quiet(window)
    view = window.grid.active_view

    assert "DAMAGED" in badges(view.stage.shown, view.stage.plane, has_overlay=False)
    assert "DAMAGED" in {each.text() for each in window.findChildren(QLabel)}

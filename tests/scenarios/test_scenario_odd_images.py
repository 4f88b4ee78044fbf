"""Pictures that cannot be decoded, and pictures without depth, in the view."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from medview.core.words import set_language
from medview.gui.views.corners import lower_right
from medview.gui.views.slice_painter import why_dark
from medview.gui.window import MainWindow


def _warm_pixels(window: MainWindow) -> int:
    """Pixels in the colour of warnings in the middle of the view."""
    image = window.grid.active_view.grab().toImage()
    middle = image.copy(
        image.width() // 4, image.height() // 3, image.width() // 2, image.height() // 3
    )
    count = 0
    for y in range(middle.height()):
        for x in range(middle.width()):
            colour = middle.pixelColor(x, y)
            count += colour.red() > 150 and colour.blue() < 110
    return count


def test_a_frame_that_cannot_be_decoded_gives_its_reason_in_the_view(
    window: MainWindow, imaging_data: Path, qtbot: QtBot, quiet
) -> None:
    window.open_paths([imaging_data / "odd" / "unknown-sop-class-image.dcm"])
    quiet(window)

    reason = why_dark(window.grid.active_view.stage)

    assert reason is not None
    assert str(reason)
    assert _warm_pixels(window) > 100
    set_language("zh_CN")
    window.retranslate()
    assert "无法" in str(reason) or str(reason) != reason.english()


def test_a_frame_that_is_there_says_nothing(window: MainWindow, imaging_data: Path, quiet) -> None:
    window.open_paths([imaging_data / "odd" / "un-explicit.dcm"])
    quiet(window)

    assert why_dark(window.grid.active_view.stage) is None


def test_several_pictures_of_one_place_are_turned_over_not_cut_across(
    window: MainWindow, imaging_data: Path, quiet
) -> None:
    window.open_paths([imaging_data / "ct" / "same-position"])
    quiet(window)

    shown = [name for name, view in window.grid.views.items() if view.isVisible()]

    assert shown == ["axial"]
    view = window.grid.active_view
    shown_in = view.stage.shown
    assert shown_in is not None
    assert view.stage.plane is not None
    corners = [lower_right(shown_in, view.stage.plane, index) for index in (0, 1)]
    assert {lines[0] for lines in corners} == {"1 / 2", "2 / 2"}
    assert corners[0][1:] == corners[1][1:]  # one place, and no step between them

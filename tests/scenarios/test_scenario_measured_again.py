"""Numbers never go stale: the unit, arriving slices and another version of a series change them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from medview.core.results import Measurement
from medview.gui.window import MainWindow

LEFT = Qt.MouseButton.LeftButton


def numbers(item: Measurement) -> dict[str, tuple[float, str]]:
    return {quantity.concept: (quantity.value, quantity.unit) for quantity in item.quantities}


def drawn(window: MainWindow) -> Measurement:
    (found,) = window.session.work.measurements
    return found


def drag(qtbot: QtBot, window: MainWindow, start: tuple[int, int], end: tuple[int, int]) -> None:
    view = window.grid.active_view
    middle = view.rect().center()
    qtbot.mousePress(view, LEFT, pos=middle + QPoint(*start))
    qtbot.mouseMove(view, middle + QPoint(*end))
    qtbot.mouseRelease(view, LEFT, pos=middle + QPoint(*end))


def test_the_peak_of_a_pet_follows_the_unit_that_is_shown(
    window: MainWindow, imaging_data: Path, qtbot: QtBot, quiet
) -> None:
    window.open_paths([imaging_data / "petct" / "pet"])
    quiet(window)
    window.actions_.perform("tool.suv_peak")
    drag(qtbot, window, (0, 0), (40, 0))
    quiet(window)
    before = numbers(drawn(window))
    assert before["Peak"][1] == "{SUVbw}g/ml"
    assert before["Mean"][0] < before["Peak"][0] < before["Maximum"][0]

    window.actions_.perform("view.suv_unit")
    shown = window.grid.active_view.stage.shown
    assert shown is not None
    if shown.volume.unit == "SUVbw":
        pytest.skip("this PET has no height: there is no other SUV")
    qtbot.waitUntil(lambda: numbers(drawn(window))["Peak"][1] != "{SUVbw}g/ml", timeout=60_000)

    after = numbers(drawn(window))
    ratio = after["Mean"][0] / before["Mean"][0]
    assert after["Peak"][0] / before["Peak"][0] == pytest.approx(ratio)
    assert ratio != pytest.approx(1.0, abs=0.01)
    assert window.session.book is not None
    assert str(window.session.book.undo_name) == "Measure"  # no command of its own


def test_values_come_when_their_slices_do(opened: MainWindow, qtbot: QtBot, quiet) -> None:
    view = opened.grid.views["axial"]
    everything = view.stage.ready
    assert everything is not None
    view.stage.show_ready(np.zeros_like(everything))
    opened.actions_.perform("tool.rectangle")
    drag(qtbot, opened, (-40, -30), (40, 30))
    quiet(opened)
    assert set(numbers(drawn(opened))) == {"Area"}

    opened.grid.active_tile.slices_arrived()
    key = opened.grid.active_tile.key
    assert key is not None
    opened.measures.slices_arrived()

    qtbot.waitUntil(lambda: "Mean" in numbers(drawn(opened)), timeout=60_000)


def test_what_is_measured_on_one_series_says_so_on_another_of_its_space(
    opened: MainWindow, qtbot: QtBot, quiet
) -> None:
    from dataclasses import replace

    opened.actions_.perform("tool.length")
    drag(qtbot, opened, (-40, 0), (40, 0))
    quiet(opened)
    measuring = opened.grid.views["axial"].stage.measuring
    item = drawn(opened)
    assert measuring.remarks(item) == []

    elsewhere = replace(item, series_uid="1.2.3.4", id="elsewhere")
    measuring.measurements = (elsewhere,)

    assert measuring.remarks(elsewhere) == ["measured on another series"]
    assert len(measuring.marks()) == 1
    view = opened.grid.views["axial"]
    opened.set_tool("window")
    with qtbot.assertNotEmitted(view.measurement_changed):
        drag(qtbot, opened, (40, 0), (60, 40))

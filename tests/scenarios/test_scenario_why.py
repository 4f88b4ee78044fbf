"""Where a result comes from: off until asked for, by mouse and by key, with its own test."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from medview.core.results import Heatmap, ModelRun
from medview.gui.panels.why_box import WhyBox
from medview.gui.window import MainWindow

Quiet = Callable[..., None]
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def answered(
    window: MainWindow, small_demo: Path, tmp_path: Path, qtbot: QtBot, quiet: Quiet
) -> MainWindow:
    """The window with the demo's made film of a child, asked for pneumonia."""
    folder = tmp_path / "film"
    folder.mkdir()
    shutil.copy(small_demo / "images" / "MV-0002" / "2026-film" / "chest-ap.dcm", folder)
    window.open_paths([folder])
    quiet(window)
    qtbot.keyClick(window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: bool(the_run(window)), timeout=180_000)
    quiet(window)
    return window


def the_run(window: MainWindow) -> ModelRun | None:
    active = window.session.active
    runs = () if active is None else window.session.made.runs_of(active)
    return next((run for run in runs if run.status == "run"), None)


def drawn(window: MainWindow) -> list[Heatmap]:
    overlays = window.grid.active_view.stage.overlays
    return [each for each in overlays if isinstance(each, Heatmap)]


def press(window: MainWindow, words: str, qtbot: QtBot) -> None:
    def there() -> list[QPushButton]:
        buttons = window.sidebar.findings.findChildren(QPushButton)
        return [each for each in buttons if each.text() == words and each.isEnabled()]

    # Cards that were built anew go with the next turn of the loop.
    qtbot.waitUntil(lambda: len(there()) == 1, timeout=60_000)
    qtbot.mouseClick(there()[0], LEFT)


def words(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel))


def box(window: MainWindow) -> WhyBox:
    return window.sidebar.findings.findChildren(WhyBox)[-1]


def is_ready(window: MainWindow) -> bool:
    """Whether the box knows the model's methods."""
    boxes = window.sidebar.findings.findChildren(WhyBox)
    return bool(boxes) and bool(boxes[-1].findChildren(QComboBox))


def test_a_reader_asks_why_draws_another_map_and_checks_it(
    answered: MainWindow, qtbot: QtBot, quiet: Quiet
) -> None:
    window = answered
    assert drawn(window) == []  # off until somebody asks

    qtbot.keyClick(window.grid.active_view, Qt.Key.Key_Y)
    qtbot.waitUntil(lambda: len(drawn(window)) == 1)
    assert drawn(window)[0].method == "linear_cam"

    press(window, "Why", qtbot)
    qtbot.waitUntil(lambda: is_ready(window), timeout=90_000)
    methods = next(
        each for each in box(window).findChildren(QComboBox)
        if each.accessibleName() == "Method of the heatmap"
    )  # fmt: skip
    assert methods.count() == 5
    methods.setCurrentIndex(methods.findData("layer_cam"))
    press(window, "Draw", qtbot)
    qtbot.waitUntil(
        lambda: [each.method for each in drawn(window)] == ["layer_cam"], timeout=180_000
    )
    quiet(window)
    assert "24 × 24 cells" in words(box(window))
    assert "On this very image" in words(box(window))

    press(window, "Check with shuffled weights", qtbot)
    qtbot.waitUntil(lambda: "shuffled weights draws" in words(box(window)), timeout=180_000)

    run = the_run(window)
    assert run is not None
    assert {each.method for each in run.heatmaps} == {"linear_cam", "layer_cam"}
    qtbot.keyClick(window.grid.active_view, Qt.Key.Key_Y)
    qtbot.waitUntil(lambda: drawn(window) == [])


def test_a_heatmap_that_was_given_up_leaves_the_card_as_it_was(
    answered: MainWindow, qtbot: QtBot, quiet: Quiet
) -> None:
    window = answered
    press(window, "Why", qtbot)
    qtbot.waitUntil(lambda: is_ready(window), timeout=90_000)
    press(window, "Draw", qtbot)
    qtbot.waitUntil(lambda: bool(window.session.analyses.running), timeout=90_000)
    for job in window.session.analyses.running:
        window.session.analyses.cancel(job.id)
    qtbot.waitUntil(lambda: not window.session.analyses.running, timeout=90_000)
    qtbot.waitUntil(lambda: bool(box(window).draw.isEnabled()), timeout=90_000)
    quiet(window)

    run = the_run(window)
    assert run is not None
    assert [each.method for each in run.heatmaps] == ["linear_cam"]

"""Places that a model of kind `detection` found: boxes on the images, more or fewer by slider."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QSlider
from pytestqt.qtbot import QtBot

from medview.core.geometry import Geometry, PatientPoint
from medview.core.results import Finding, LabelMap, ModelRef, ModelRun, OperatingPoint
from medview.gui.window import MainWindow
from medview.session.detections import BOX

Quiet = Callable[..., None]
SCORES = (0.95, 0.6, 0.3)
POINTS = tuple(
    OperatingPoint(score=score, false_positives=rate, sensitivity=found)
    for score, rate, found in ((0.9, 0.1, 0.5), (0.5, 0.8, 0.9), (0.2, 4.0, 1.0))
)


def found_at(grid: Geometry, number: int, score: float) -> Finding:
    """A box of 12 x 12 voxels on three slices around a place of its own."""
    low = np.array([5.5, 100.5 + 60 * number, 150.5])
    size = np.array([3.0, 12.0, 12.0])
    ends = [low + size * (a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    corners = tuple(
        PatientPoint(*(float(v) for v in p)) for p in grid.to_patient_array(np.array(ends))
    )
    middle = PatientPoint(*(float(v) for v in np.mean(np.array(corners), axis=0)))
    return Finding(id=f"d{number}", kind="detection", label="ball", score=score, corners=corners,
                   centroid=middle)  # fmt: skip


@pytest.fixture
def detected(window: MainWindow, imaging_data: Path, quiet: Quiet) -> MainWindow:
    """A chest CT with three places that a model found, the surest first."""
    window.open_paths([imaging_data / "ct" / "lidc-0001"])
    quiet(window)
    place = window.session.active
    assert place is not None
    grid = place.stack.geometry
    run = ModelRun(
        id="r", model=ModelRef(name="balls", version="1.0.0", manifest_sha256="ab"),
        series_uid=place.series.uid, stack=place.stack_number, status="run",
        findings=tuple(found_at(grid, n, score) for n, score in enumerate(SCORES)),
        operating_points=POINTS,
    )  # fmt: skip
    window.session.made.keep_run(place, run)
    quiet(window)
    return window


def drawn(window: MainWindow) -> int:
    overlays = window.grid.active_view.stage.overlays
    return sum(isinstance(o, LabelMap) and o.id.startswith(BOX) for o in overlays)


def slider(window: MainWindow) -> QSlider:
    sliders = window.sidebar.findings.findChildren(QSlider)
    return next(s for s in sliders if s.accessibleName() == "False positives a scan")


def words(window: MainWindow) -> str:
    return "\n".join(w.text() for w in window.sidebar.findings.findChildren(QLabel))


def press(window: MainWindow, name: str, qtbot: QtBot) -> None:
    def there() -> list[QPushButton]:
        buttons = window.sidebar.findings.findChildren(QPushButton)
        return [b for b in buttons if name in (b.text(), b.accessibleName())]

    qtbot.waitUntil(lambda: bool(there()), timeout=60_000)
    qtbot.mouseClick(there()[0], Qt.MouseButton.LeftButton)


def test_a_slider_of_false_positives_shows_more_boxes_or_fewer(
    detected: MainWindow, qtbot: QtBot
) -> None:
    qtbot.waitUntil(lambda: drawn(detected) == 2, timeout=60_000)  # at most one a scan
    assert "0.8 false positives a scan, 90 % of the lesions found" in words(detected)

    qtbot.keyClick(slider(detected), Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: drawn(detected) == 3, timeout=60_000)
    qtbot.waitUntil(lambda: "4 false positives a scan, 100 %" in words(detected), timeout=60_000)
    qtbot.keyClick(slider(detected), Qt.Key.Key_Home)
    qtbot.waitUntil(lambda: drawn(detected) == 1, timeout=60_000)
    detected.reactions.undo()
    qtbot.waitUntil(lambda: drawn(detected) == 3, timeout=60_000)


def test_a_click_goes_to_a_box_and_a_rejected_one_is_not_drawn(
    detected: MainWindow, qtbot: QtBot, quiet: Quiet
) -> None:
    qtbot.waitUntil(lambda: drawn(detected) == 2, timeout=60_000)
    press(detected, "ball", qtbot)
    quiet(detected)
    assert detected.grid.active_view.stage.index == 7  # the middle of slices 6 to 8

    press(detected, "Reject ball", qtbot)
    qtbot.waitUntil(lambda: drawn(detected) == 1, timeout=60_000)
    assert [d.decision for d in detected.session.work.decisions] == ["rejected"]

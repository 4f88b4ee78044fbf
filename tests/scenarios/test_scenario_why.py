"""Where a result comes from: off until asked for, by mouse and by key, with its own test."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import SecondaryCaptureImageStorage
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QFileDialog, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from medview.core.results import Heatmap, ModelRun
from medview.gui.panels.why_box import WhyBox
from medview.gui.window import MainWindow

Quiet = Callable[..., None]
Monkey = pytest.MonkeyPatch
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
    press_in(window.sidebar.findings, words, qtbot)


def press_in(where: QWidget, words: str, qtbot: QtBot) -> None:
    def there() -> list[QPushButton]:
        buttons = where.findChildren(QPushButton)
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


def save(window: MainWindow, folder: Path, qtbot: QtBot) -> None:
    """By the report panel's button, into a folder that is chosen."""
    folder.mkdir()
    window.sidebar.show_tab("report")
    press_in(window.sidebar.report, "Save objects", qtbot)
    qtbot.waitUntil(lambda: bool(window.findChildren(QFileDialog)), timeout=60_000)
    (dialog,) = window.findChildren(QFileDialog)
    with qtbot.waitSignal(window.sidebar.report.saved, timeout=120_000):
        dialog.fileSelected.emit(str(folder))  # Qt's own dialog: its list of folders is not ours
    dialog.close()


def check_stored(out: Path, source: pydicom.Dataset) -> None:
    """A picture that says what it is, of this image, and a report that refers to both."""
    files = [pydicom.dcmread(path) for path in out.glob("*.dcm")]
    (picture,) = [f for f in files if f.SOPClassUID == SecondaryCaptureImageStorage]
    reports = [f for f in files if f.Modality == "SR"]
    assert (picture.PatientID, picture.StudyInstanceUID) == (
        source.PatientID, source.StudyInstanceUID)  # fmt: skip
    assert (picture.PhotometricInterpretation, picture.Rows, picture.Columns) == (
        "RGB", source.Rows, source.Columns)  # fmt: skip
    assert picture.SourceImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert "not the outline of a lesion" in picture.DerivationDescription
    notice, bar = picture.pixel_array[:8, :8], picture.pixel_array[source.Rows // 2, -4]
    assert notice.any()
    assert bar.any()
    for report in reports:
        (study,) = report.CurrentRequestedProcedureEvidenceSequence
        told = {item.ReferencedSOPInstanceUID for series in study.ReferencedSeriesSequence
                for item in series.ReferencedSOPSequence}  # fmt: skip
        assert source.SOPInstanceUID in told
    assert reports


def test_the_heatmap_of_a_film_is_stored_with_its_report_and_comes_back(
    answered: MainWindow, tmp_path: Path, qtbot: QtBot, quiet: Quiet, monkeypatch: Monkey
) -> None:
    window, out = answered, tmp_path / "out"
    run = the_run(window)
    assert run is not None
    (before,) = run.heatmaps
    save(window, out, qtbot)
    check_stored(out, pydicom.dcmread(tmp_path / "film" / "chest-ap.dcm"))

    quiet(window)
    window.close_patient()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "elsewhere"))  # another computer
    window.session.made._books.clear()
    window.session.made._runs.clear()
    window.open_paths([tmp_path / "film", out])
    qtbot.waitUntil(lambda: the_run(window) is not None, timeout=120_000)
    quiet(window)
    assert drawn(window) == []
    qtbot.keyClick(window.grid.active_view, Qt.Key.Key_Y)
    qtbot.waitUntil(lambda: len(drawn(window)) == 1, timeout=60_000)
    (shown,) = drawn(window)
    assert (shown.method, shown.cells, shown.class_name) == (
        before.method, before.cells, before.class_name)  # fmt: skip
    assert np.abs(shown.values - before.values).max() < 1e-4


def test_a_heatmap_that_was_given_up_leaves_the_card_as_it_was(
    answered: MainWindow, qtbot: QtBot, quiet: Quiet
) -> None:
    window = answered
    press(window, "Why", qtbot)
    qtbot.waitUntil(lambda: is_ready(window), timeout=90_000)
    worker = window.session.analyses._worker
    assert worker is not None
    pid = worker.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)  # else the heatmap may be drawn before it is given up
    try:
        press(window, "Draw", qtbot)
        qtbot.waitUntil(lambda: bool(window.session.analyses.running), timeout=90_000)
        for job in window.session.analyses.running:
            window.session.analyses.cancel(job.id)
    finally:
        os.kill(pid, signal.SIGCONT)
    qtbot.waitUntil(lambda: not window.session.analyses.running, timeout=90_000)
    qtbot.waitUntil(lambda: bool(box(window).draw.isEnabled()), timeout=90_000)
    quiet(window)

    run = the_run(window)
    assert run is not None
    assert [each.method for each in run.heatmaps] == ["linear_cam"]

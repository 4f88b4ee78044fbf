"""A reader's way through a study: open, look, analyse, decide, measure, know, report."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage, QWheelEvent
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from medview.core.words import current_language
from medview.gui.views.slice_view import SliceView
from medview.gui.window import MainWindow
from medview.session import Session

Quiet = Callable[..., None]


def pixels(widget: QWidget) -> np.ndarray:
    """What the widget shows, (height, width, 4)."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGBA8888)
    data = np.frombuffer(image.constBits(), np.uint8)
    return data.reshape(image.height(), image.bytesPerLine())[:, : 4 * image.width()].copy()


def wheel(view: QWidget, steps: int) -> None:
    """Turn the wheel over the middle of a view."""
    middle = QPointF(view.rect().center())
    event = QWheelEvent(
        middle, view.mapToGlobal(middle), QPoint(), QPoint(0, 120 * steps),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(view, event)


def drag(qtbot: QtBot, view: QWidget, start: QPoint, end: QPoint) -> None:
    """Press, move in steps, release with the left button."""
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    for part in (0.3, 0.6, 1.0):
        qtbot.mouseMove(view, start + (end - start) * part)
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=end)


def texts(widget: QWidget) -> str:
    """Every word that a panel shows."""
    labels = [w.text() for w in widget.findChildren(QLabel) if w.isVisibleTo(widget)]
    buttons = [w.text() for w in widget.findChildren(QPushButton) if w.isVisibleTo(widget)]
    return "\n".join(labels + buttons)


def button(widget: QWidget, text: str) -> QPushButton:
    """The button that says so."""
    return next(b for b in widget.findChildren(QPushButton) if b.text() == text)


def axial(window: MainWindow) -> SliceView:
    return window.grid.views["axial"]


def test_an_empty_window_says_what_to_do(window: MainWindow) -> None:
    assert "Ctrl+O" in texts(window.studies)
    assert "Not for diagnostic use" in texts(window.status)


def test_a_dropped_folder_opens_with_patient_series_and_thumbnails(
    window: MainWindow, small_demo: Path, qtbot: QtBot, quiet: Quiet
) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(small_demo / "images"))])
    enter = QDragEnterEvent(
        QPoint(50, 50), Qt.DropAction.CopyAction, data,
        Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    drop = QDropEvent(
        QPointF(50, 50), Qt.DropAction.CopyAction, data,
        Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QEvent.Type.Drop,
    )  # fmt: skip

    QApplication.sendEvent(window, enter)
    QApplication.sendEvent(window, drop)
    quiet(window)

    shown = texts(window.studies)
    assert "MV-0001" in shown
    assert "MV-0002" in shown
    assert "EARLIER" in shown
    assert len(window.studies.items) == 4
    assert all(not item._thumb.pixmap().isNull() for item in window.studies.items)


class ShownWindows(QObject):
    """Remembers every widget that appears as a window of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.names.append(type(watched).__name__)
        return False


def test_opening_a_study_shows_no_other_window_for_a_moment(
    window: MainWindow, small_demo: Path, quiet: Quiet
) -> None:
    shown = ShownWindows()
    QApplication.instance().installEventFilter(shown)

    window.open_paths([small_demo])
    quiet(window)

    QApplication.instance().removeEventFilter(shown)
    assert shown.names == []


def test_the_wheel_scrolls_and_the_other_planes_follow(opened: MainWindow) -> None:
    view = axial(opened)
    before, coronal = pixels(view), pixels(opened.grid.views["coronal"])

    wheel(view, -3)

    assert (pixels(view) != before).any()
    assert (pixels(opened.grid.views["coronal"]) != coronal).any()  # its crosshair moved


def test_a_drag_changes_the_window_of_every_plane(opened: MainWindow, qtbot: QtBot) -> None:
    view = axial(opened)
    before = opened.grid.window_in_use

    drag(qtbot, view, QPoint(100, 100), QPoint(180, 130))

    assert opened.grid.window_in_use.width > before.width
    assert opened.grid.views["sagittal"].stage.state.window == opened.grid.window_in_use
    assert f"{opened.grid.window_in_use.width:.0f}" in opened.top._presets.text()


def test_a_preset_key_sets_the_lung_window(opened: MainWindow, qtbot: QtBot) -> None:
    from medview.imaging.presets import presets_for

    number = [p.name for p in presets_for("CT", "HU")].index("Lung") + 2
    qtbot.keyClick(axial(opened), Qt.Key(ord(str(number))))

    assert (opened.grid.window_in_use.width, opened.grid.window_in_use.center) == (1500, -600)


def test_double_click_shows_one_view_alone_and_back(opened: MainWindow, qtbot: QtBot) -> None:
    qtbot.mouseDClick(axial(opened), Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    assert not opened.grid.views["coronal"].isVisible()

    qtbot.mouseDClick(axial(opened), Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    assert opened.grid.views["coronal"].isVisible()


def test_the_volume_view_shows_the_body(opened: MainWindow, qtbot: QtBot) -> None:
    view = opened.grid.volume_view
    assert view is not None
    qtbot.waitUntil(lambda: view.is_drawn, timeout=60_000)

    assert (
        pixels(view)[
            :,
            :,
        ].std()
        > 5
    )


def test_a_length_is_drawn_shown_undone_and_done_again(opened: MainWindow, qtbot: QtBot) -> None:
    view = axial(opened)
    qtbot.keyClick(view, Qt.Key.Key_L)
    drag(qtbot, view, QPoint(120, 150), QPoint(220, 150))
    qtbot.waitUntil(lambda: len(opened.session.work.measurements) == 1)
    measured = opened.session.work.measurements[0].quantities[0]
    assert measured.unit == "mm"
    qtbot.waitUntil(lambda: f"{measured.value:.1f} mm" in texts(opened.sidebar.findings))

    qtbot.keyClick(opened, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert opened.session.work.measurements == ()
    assert "Undone: Measure" in opened.status.message

    qtbot.keyClick(opened, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert len(opened.session.work.measurements) == 1


def test_a_child_film_is_one_view(opened: MainWindow, qtbot: QtBot, quiet: Quiet) -> None:
    film = next(
        p for p in opened.session.studies.places()
        if p.patient.id == "MV-0002" and p.series.modality in ("DX", "CR")
    )  # fmt: skip

    opened.show_series(film.key)
    quiet(opened)

    assert not opened.grid.views["coronal"].isVisible()
    assert pixels(axial(opened)).std() > 10
    assert "MV-0002" in texts(opened.studies)


def test_analysis_puts_masks_on_the_image_and_findings_beside_it(
    opened: MainWindow, qtbot: QtBot, quiet: Quiet
) -> None:
    view = axial(opened)
    before = pixels(view)

    qtbot.keyClick(opened, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    quiet(opened, timeout=90_000)

    assert "right lung" in texts(opened.sidebar.findings)
    with_masks = pixels(view)
    assert (with_masks != before).mean() > 0.02
    qtbot.keyClick(view, Qt.Key.Key_O)
    qtbot.waitUntil(lambda: (pixels(view) != with_masks).mean() > 0.02)

    qtbot.mouseClick(button(opened.sidebar.findings, "Accept"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "Accepted" in texts(opened.sidebar.findings))
    assert all(f.decision is not None for f in opened.session.made.findings)
    qtbot.waitUntil(lambda: view.stage.is_confirmed)
    opened.actions_.perform("edit.undo")
    qtbot.waitUntil(lambda: not view.stage.is_confirmed)
    opened.actions_.perform("edit.redo")
    qtbot.mouseClick(button(opened.sidebar.findings, "Why"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "✓" in texts(opened.sidebar.findings))
    assert opened.session.work.explained


def test_killing_the_worker_is_said_and_the_next_run_works(
    opened: MainWindow, qtbot: QtBot, quiet: Quiet
) -> None:
    opened.start_worker()
    worker = lambda: opened.session.analyses._worker  # noqa: E731
    qtbot.waitUntil(lambda: worker() is not None and worker().state == "ready", timeout=60_000)

    os.kill(worker().pid, signal.SIGKILL)

    qtbot.waitUntil(lambda: "stopped" in opened.top._worker.text(), timeout=60_000)
    qtbot.waitUntil(lambda: opened.status.message != "")
    qtbot.keyClick(opened, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    quiet(opened, timeout=90_000)
    assert "right lung" in texts(opened.sidebar.findings)


def test_the_report_is_saved_with_what_was_found(
    opened: MainWindow, tmp_path: Path, qtbot: QtBot, quiet: Quiet
) -> None:
    opened.sidebar.show_tab("report")
    target = tmp_path / "report.pdf"

    opened.sidebar.report.save_to(target)

    qtbot.waitUntil(target.is_file, timeout=60_000)
    quiet(opened)
    assert target.read_bytes()[:5] == b"%PDF-"


def test_every_word_of_the_window_changes_to_chinese_and_back(
    opened: MainWindow, qtbot: QtBot
) -> None:
    qtbot.keyClick(opened, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)

    assert current_language() == "zh_CN"
    assert "不可用于诊断" in texts(opened.status)
    qtbot.waitUntil(lambda: "文档" in texts(opened.studies))
    assert "发现" in opened.sidebar._tabs["findings"].text()
    qtbot.keyClick(opened, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert "Not for diagnostic use" in texts(opened.status)


def test_an_empty_folder_is_said_and_the_window_lives_on(
    window: MainWindow, tmp_path: Path, qtbot: QtBot, quiet: Quiet
) -> None:
    (tmp_path / "empty").mkdir()

    window.open_paths([tmp_path / "empty"])
    quiet(window)

    assert window.status.message == "The folder is empty."


def test_a_missing_path_is_said(window: MainWindow, tmp_path: Path, quiet: Quiet) -> None:
    window.open_paths([tmp_path / "nothing"])
    quiet(window)

    assert window.status.message
    assert window.messages[-1][0] == "bad"


def test_work_is_there_again_in_a_new_window(
    opened: MainWindow, small_demo: Path, loop: object, qtbot: QtBot, quiet: Quiet
) -> None:
    opened.session.made.enter("creatinine", 1.7, "mg/dL")

    second = MainWindow(Session())
    qtbot.addWidget(second)
    second.open_paths([small_demo])
    quiet(second)

    assert any(o.value == 1.7 for o in second.session.work.entered)
    second.close()


def test_the_window_is_shown_before_torch_vtk_or_pydicom_are_loaded(tmp_path: Path) -> None:
    code = (
        "import sys; from medview.gui.app import make_application; app = make_application();"
        "from medview.gui.window import MainWindow; from medview.session import Session;"
        "w = MainWindow(Session()); w.show(); app.processEvents();"
        "print(sorted({'torch', 'vtkmodules', 'SimpleITK', 'pydicom', 'highdicom', 'scipy'}"
        " & set(sys.modules))); import os; sys.stdout.flush(); os._exit(0)"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "[]"


@pytest.mark.parametrize("key", ["F2", "F3"])
def test_panels_fold_away_by_key(window: MainWindow, qtbot: QtBot, key: str) -> None:
    panel = {"F2": window.studies, "F3": window.sidebar}[key]
    qtbot.keyClick(window, getattr(Qt.Key, f"Key_{key}"))
    assert not panel.isVisible()

    qtbot.keyClick(window, getattr(Qt.Key, f"Key_{key}"))
    assert panel.isVisible()


def test_reading_that_was_stopped_can_be_begun_again(
    window: MainWindow, small_demo: Path, qtbot: QtBot, quiet: Quiet
) -> None:
    from medview.session.events import LoadProgress

    def stop(event: object) -> None:
        if isinstance(event, LoadProgress) and 0 < event.done < event.total:
            window.cancel()

    end = window.session.events.subscribe(stop)
    window.open_paths([small_demo / "images" / "MV-0001"])
    quiet(window)
    end()
    active = window.session.active
    assert active is not None
    assert window.session.studies.volume(active.key) is None
    assert "Reading" not in texts(window.status)

    window.show_series(active.key)
    quiet(window)

    opened = window.session.studies.volume(active.key)
    assert opened is not None
    assert opened.ready.all()


def test_a_fault_in_an_action_is_said(window: MainWindow, quiet: Quiet) -> None:
    async def broken() -> None:
        raise RuntimeError

    window.operations.start(broken())
    quiet(window)

    assert "RuntimeError" in window.status.message

"""A session is recorded in the window, and repeated by another: the same picture and measures."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from medview.gui.pane import MOST_TILES
from medview.gui.scripts.recorder import Recorder
from medview.gui.scripts.replayer import Replayer
from medview.gui.window import MainWindow
from medview.imaging.mpr import STRAIGHT
from medview.session import Session
from medview.session.script import Script, Step, read_script, write_script

Quiet = Callable[..., None]
_LEFT = Qt.MouseButton.LeftButton


def drag(view: QWidget, start: QPoint, end: QPoint, button: Qt.MouseButton = _LEFT) -> None:
    QTest.mousePress(view, button, pos=start)
    for place in ((start + end) / 2, end):
        QApplication.sendEvent(view, QMouseEvent(
            QEvent.Type.MouseMove, QPointF(place), QPointF(view.mapToGlobal(place)),
            Qt.MouseButton.NoButton, button, Qt.KeyboardModifier.NoModifier,
        ))  # fmt: skip
    QTest.mouseRelease(view, button, pos=end)


def picture(window: MainWindow) -> np.ndarray:
    image = window.grid.active_view.grab().toImage()
    flat = np.frombuffer(image.constBits(), np.uint8)
    return flat.reshape(image.height(), image.bytesPerLine())[:, : image.width() * 4].copy()


@pytest.fixture
def recorded(opened: MainWindow, quiet: Quiet, qtbot: QtBot) -> MainWindow:
    """A window in which a session was recorded: scroll, window, zoom, flip, length, layout."""
    view = opened.grid.active_view
    opened.actions_["file.record"].trigger()
    view.setFocus()
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_H):
        QTest.keyClick(view, key)
    drag(view, QPoint(100, 100), QPoint(130, 80))  # width and level
    qtbot.wait(250)
    drag(view, QPoint(100, 100), QPoint(100, 70), Qt.MouseButton.RightButton)  # zoom
    drag(view, QPoint(100, 100), QPoint(120, 110), Qt.MouseButton.MiddleButton)  # pan
    QTest.keyClick(view, Qt.Key.Key_L)
    drag(view, QPoint(120, 120), QPoint(180, 150))
    QTest.keyClick(view, Qt.Key.Key_Escape)
    QTest.keyClick(view, Qt.Key.Key_Return)
    quiet(opened)
    opened.actions_["file.record"].trigger()
    return opened


def test_a_recording_repeats_the_picture_and_the_measurements(
    recorded: MainWindow, quiet: Quiet, qtbot: QtBot, tmp_path: Path, monkeypatch
) -> None:
    path = recorded.scripts.kept
    assert path is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    script = read_script(path)
    recorded.grid.active_view.stage.measuring.selected = (
        ""  # what is selected is no part of a recording
    )
    wanted, measured = picture(recorded), recorded.session.work.measurements
    state = recorded.grid.state
    assert len(measured) == 1
    names = [step.do for step in script.steps]
    assert {"series.next_slice", "view.flip_h", "window.set", "view.stand", "tool.length",
            "edit.work", "layout.maximise"} <= set(names)  # fmt: skip
    recorded.close_patient()
    monkeypatch.setenv("MEDVIEW_HOME", str(tmp_path / "elsewhere"))  # nothing measured there yet
    other = MainWindow(Session())
    other.resize(*script.size)
    other.show()

    replayer = Replayer(other, script)
    with qtbot.waitSignal(replayer.finished, timeout=60_000):
        replayer.begin()
    quiet(other)

    assert [r for r in replayer.results if not r.is_done] == []
    assert other.session.work.measurements == measured
    assert other.grid.state == state
    other.grid.active_view.setFocus()
    assert np.array_equal(picture(other), wanted)
    other.close()
    qtbot.waitUntil(lambda: not other.operations.is_busy, timeout=60_000)
    other.deleteLater()


def test_recording_shows_in_the_status_bar_and_a_click_ends_it(
    window: MainWindow, qtbot: QtBot
) -> None:
    word = window.status._recording
    assert not word.isVisible()

    window.actions_["file.record"].trigger()
    assert word.isVisible()
    assert word.text().startswith("Recording")
    qtbot.mouseClick(word, _LEFT)

    assert not word.isVisible()
    assert not window.actions_["file.record"].isChecked()
    assert "Recorded" in window.status.message


def test_steps_that_do_not_fit_are_said_and_the_rest_goes_on(
    window: MainWindow, qtbot: QtBot
) -> None:
    steps = (
        Step(do="series.hang", parameters={"tile": 0, "series": "1.2.3", "stack": 0,
                                           "plane": "axial"}),
        Step(do="view.no_such"),
        Step(do="window.set", parameters={"width": "wide", "level": 1}),
        Step(do="window.set", parameters={"width": 10, "level": 1, "tile": 99}),
        Step(do="layout.set", parameters={"rows": 9, "columns": 1}),
        Step(do="edit.work", parameters={"field": "lies", "put": []}),
        Step(do="view.stand", parameters={"tile": 0, "state": "upside down"}),
        Step(do="file.settings"),
        Step(do="layout.set", parameters={"rows": 1, "columns": 2}),
    )  # fmt: skip
    replayer = Replayer(window, Script(paths=("/no/such/place",), steps=steps))

    with qtbot.waitSignal(replayer.finished, timeout=60_000):
        replayer.begin()

    assert [result.reason for result in replayer.results] == [
        "There is no /no/such/place.",
        "The series 1.2.3 is not open here.",
        "There is no action view.no_such.",
        "window.set does not take this width.",
        "There is no view 99.",
        "There is no layout of 9 × 1.",
        "Open a study first.",
        "This is no state of a view.",
        "It asks the reader something.",
        "",
    ]
    assert window.grid.layout_name == "1x2"


_PLACE = {"series_uid": "1", "stack": 0}
_NAN = float("nan")


@pytest.mark.parametrize(
    ("field", "item"),
    [
        ("curves", {**_PLACE, "id": "c", "name": "", "points": [[0, 0, 0], [_NAN, 1, 1]]}),
        ("curves", {**_PLACE, "id": "c", "name": "", "points": [["here", "there", "nowhere"]] * 3}),
        ("measurements", {**_PLACE, "id": "m", "kind": "length", "points": [[0, 0, 0]],
                          "normal": [0, 0, 1], "quantities": []}),
        ("measurements", {**_PLACE, "id": "m", "kind": "text", "points": [[0, 0, 0]],
                          "normal": [0, 0, 1], "quantities": [], "text": "half \ud800"}),
        ("known_lengths", {**_PLACE, "factor": 10**400}),
        ("known_lengths", {**_PLACE, "factor": float("inf")}),
    ],
)  # fmt: skip
def test_nonsense_in_a_recorded_change_is_refused_and_the_views_go_on(
    opened: MainWindow, qtbot: QtBot, field: str, item: dict[str, object]
) -> None:
    before = opened.session.work
    assert opened.session.active is not None
    uid, stack = opened.session.active.key
    steps = (
        Step(do="edit.work", parameters={"field": field, "put": [
            {**item, "series_uid": uid, "stack": stack}]}),
        Step(do="series.next_slice"),
    )  # fmt: skip
    replayer = Replayer(opened, Script(steps=steps))

    with qtbot.waitSignal(replayer.finished, timeout=60_000):
        replayer.begin()
    opened.grid.grab()

    assert [result.is_done for result in replayer.results] == [False, True]
    assert opened.session.work == before


def test_a_strict_repetition_ends_at_the_first_step_that_does_not_fit(
    window: MainWindow, qtbot: QtBot
) -> None:
    steps = (Step(do="view.no_such"), Step(do="layout.set", parameters={"rows": 1, "columns": 2}))
    replayer = Replayer(window, Script(steps=steps), is_strict=True)

    with qtbot.waitSignal(replayer.finished, timeout=60_000):
        replayer.begin()

    assert [result.number for result in replayer.results] == [1]
    assert window.grid.layout_name == "2x2"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "This is no recording"),
        ("[1]", "This is no recording"),
        ('{"schema": "medview.results/1", "steps": []}', "This is no recording"),
        ('{"schema": "medview.replay/2", "steps": []}', "of a later MedView (medview.replay/2)"),
        ('{"schema": "medview.replay/1", "steps": 3}', "no list of steps"),
        ('{"schema": "medview.replay/1", "steps": [{"with": {}}]}', "Step 1 of the recording"),
    ],
)
def test_a_file_that_is_no_recording_is_refused_in_a_sentence(
    window: MainWindow, tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "script.json"
    path.write_text(text, encoding="utf-8")

    window.scripts.replay(path)

    assert said in window.status.message


def test_a_time_beyond_all_sessions_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "script.json"
    step = '{"do": "view.invert", "at": 1' + "0" * 400 + "}"
    path.write_text('{"schema": "medview.replay/1", "steps": [' + step + "]}", encoding="utf-8")

    assert read_script(path).steps == (Step(do="view.invert"),)


def test_the_command_repeats_without_a_screen_and_reports_each_step(
    small_demo: Path, tmp_path: Path, own_home: Path
) -> None:
    path, shot = tmp_path / "script.json", tmp_path / "end.png"
    steps = (
        Step(do="layout.set", parameters={"rows": 1, "columns": 1}),
        Step(do="view.no_such"),
        Step(do="window.set", parameters={"width": 350, "level": 50}),
    )
    write_script(Script(paths=(str(small_demo / "images"),), size=(900, 600), steps=steps), path)

    done = subprocess.run(
        [sys.executable, "-m", "medview.cli.main", "replay", str(path), "--json",
         "--screenshot", str(shot)],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip

    assert done.returncode == 3, done.stderr
    told = json.loads(done.stdout)
    assert told["schema"] == "medview.replayed/1"
    assert [(s["number"], s["status"]) for s in told["steps"]] == [
        (1, "done"), (2, "left out"), (3, "done"),
    ]  # fmt: skip
    assert shot.read_bytes().startswith(b"\x89PNG")
    assert not list(own_home.glob("data/medview/work/*"))  # nothing was put into the reader's work


def test_slabs_by_the_wheel_and_the_second_window_are_repeated(
    opened: MainWindow, quiet: Quiet, qtbot: QtBot
) -> None:
    key = opened.grid.active_tile.key
    assert key is not None
    recorder = Recorder(opened)
    axial = opened.grid.views["axial"]
    middle = QPointF(axial.rect().center())
    notches = QWheelEvent(
        middle, axial.mapToGlobal(middle), QPoint(), QPoint(0, 360), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.AltModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(axial, notches)
    opened.actions_.perform("layout.second_window", on=True)
    quiet(opened)
    opened.grid.hang(key, "coronal", MOST_TILES)
    quiet(opened)
    script, wanted = recorder.finish(), opened.grid.state
    assert wanted.second is not None
    assert wanted.tiles[0].slabs

    opened.actions_.perform("layout.second_window", on=False)
    stage = axial.stage
    stage.change(replace(stage.state, mpr=STRAIGHT))
    quiet(opened)
    for step in script.steps:
        opened.actions_.perform(step.do, **step.parameters)
        quiet(opened)
    now = opened.grid.state

    assert now.second is not None
    assert now.tiles[0].slabs == wanted.tiles[0].slabs
    assert [(t.key, t.plane) for t in now.second.tiles] == [(key, "coronal")]
    opened.actions_.perform("layout.second_window", on=False)

"""What a reader sees while a study is still being read."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from medview.gui.views.cine import is_number_ready, shown_number
from medview.gui.window import MainWindow
from medview.session.events import Event, LoadProgress, VolumeOpened
from medview.session.memory import Budget

Quiet = Callable[..., None]


def pixels(widget: QWidget) -> np.ndarray:
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    raw = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return raw[40:-40, 40 : image.width() - 40].copy()


def test_a_picture_stands_there_before_the_series_is_whole(
    window: MainWindow, small_demo: Path, qtbot: QtBot, quiet: Quiet
) -> None:
    contrast: list[float] = []
    has_seen = threading.Event()

    def hear(event: Event) -> None:
        # Hold the reading until the window was looked at meanwhile.
        if isinstance(event, LoadProgress) and 0 < event.done < event.total:
            has_seen.wait(15)

    window.session.events.subscribe(hear)

    def look() -> bool:
        active = window.session.active
        opened = None if active is None else window.session.studies.volume(active.key)
        if opened is not None and not opened.finished.is_set() and len(opened.ready) > 1:
            contrast.append(float(pixels(window.grid.views["axial"]).std()))
        if any(each > 10 for each in contrast):
            has_seen.set()
        return has_seen.is_set()

    window.open_paths([small_demo / "images" / "MV-0001"])
    qtbot.waitUntil(look, timeout=60_000)
    quiet(window)
    assert pixels(window.grid.views["axial"]).std() > 10


def test_the_slice_that_is_turned_to_is_read_next(
    window: MainWindow, small_demo: Path, qtbot: QtBot, quiet: Quiet
) -> None:
    ready_at_first: list[bool] = []

    def hear(event: Event) -> None:
        if isinstance(event, LoadProgress) and 0 < event.done < event.total:
            time.sleep(0.02)
        if isinstance(event, VolumeOpened):
            time.sleep(0.1)

    window.session.events.subscribe(hear)
    window.open_paths([small_demo / "images" / "MV-0001"])
    axial = window.grid.views["axial"]
    qtbot.waitUntil(
        lambda: axial.stage.plane is not None and axial.stage.plane.count > 1, timeout=60_000
    )

    qtbot.keyClick(axial, Qt.Key.Key_Home)
    shown = axial.stage.shown
    assert shown is not None
    k = round(shown.volume.geometry.to_index(axial.stage.state.point).k)

    def look() -> bool:
        active = window.session.active
        assert active is not None
        opened = window.session.studies.volume(active.key)
        if opened is None or not opened.ready[k]:
            return False
        ready_at_first.append(bool(opened.ready.all()))
        return True

    qtbot.waitUntil(look, timeout=60_000)
    quiet(window)
    assert pixels(axial).std() > 1


def test_the_other_series_are_read_ahead_and_show_at_once(opened: MainWindow, qtbot: QtBot) -> None:
    studies = opened.session.studies
    active = opened.session.active
    assert active is not None
    other = next(
        p for p in studies.places()
        if p.patient.id == active.patient.id and p.key != active.key
    )  # fmt: skip
    qtbot.waitUntil(
        lambda: (v := studies.volume(other.key)) is not None and v.finished.is_set(),
        timeout=60_000,
    )

    opened.show_series(other.key)

    qtbot.waitUntil(lambda: pixels(opened.grid.views["axial"]).std() > 5, timeout=60_000)


def test_stop_ends_the_reading_of_a_folder(
    window: MainWindow, small_demo: Path, qtbot: QtBot, quiet: Quiet
) -> None:
    window.open_paths([small_demo])

    qtbot.keyClick(window, Qt.Key.Key_Period, Qt.KeyboardModifier.ControlModifier)
    quiet(window)

    # The first picture may have come before the key did; the series behind it has not.
    assert window.session.studies.volumes.held_bytes < 600_000
    assert "Cancelled" in window.status.message


def test_closing_the_patient_clears_the_window(
    opened: MainWindow, qtbot: QtBot, quiet: Quiet
) -> None:
    while opened.session.patient is not None:
        opened.actions_["file.close_patient"].trigger()
        qtbot.wait(10)
    quiet(opened)

    assert opened.session.studies.volumes.held_bytes == 0
    assert opened.studies.items == ()
    assert pixels(opened.grid.views["axial"]).std() < 8  # the hint alone, no picture


def test_a_series_too_large_for_the_memory_shows_slice_by_slice(
    window: MainWindow, small_demo: Path, qtbot: QtBot, quiet: Quiet
) -> None:
    window.session.studies.volumes.set_budget(Budget(600_000))
    window.open_paths([small_demo / "images" / "MV-0001"])
    quiet(window)
    axial = window.grid.views["axial"]

    said = " ".join(str(sentence) for _, sentence, _ in window.messages)
    assert "slices are read as you look at them" in said
    assert pixels(axial).std() > 10
    assert window.session.studies.volumes.held_bytes <= 600_000

    for key in (Qt.Key.Key_End, Qt.Key.Key_Home):
        qtbot.keyClick(axial, key)
        qtbot.waitUntil(
            lambda: is_number_ready(axial.stage, shown_number(axial.stage)), timeout=60_000
        )
        assert window.session.studies.volumes.held_bytes <= 600_000


def test_each_series_says_how_much_of_it_is_in_memory(opened: MainWindow, qtbot: QtBot) -> None:
    active = opened.session.active
    assert active is not None
    count = len(active.stack.frames)
    item = next(each for each in opened.studies.items if each.key == active.key)

    assert item.accessibleDescription() == f"{count} of {count} images are in memory"


def test_no_thumbnail_is_made_twice(
    window: MainWindow, small_demo: Path, qtbot: QtBot, quiet: Quiet
) -> None:
    asked: list[object] = []
    window.studies.pictures_wanted.connect(asked.extend)

    window.open_paths([small_demo / "images" / "MV-0002"])
    quiet(window)
    window.retranslate()
    quiet(window)

    counts = {item.key: item.count for item in window.studies.items}
    assert all(asked.count(key) <= 2 for key in counts)  # the first image, then all of them
    assert all(asked.count(key) == 1 for key, count in counts.items() if count == 1)


def test_while_a_folder_is_read_its_progress_and_a_stop_stand_below(
    window: MainWindow, small_demo: Path, qtbot: QtBot, quiet: Quiet
) -> None:
    seen: list[str] = []
    window.progressed.connect(lambda what, _done, _total: seen.append(what))

    window.open_paths([small_demo])
    qtbot.waitUntil(lambda: "Reading" in seen, timeout=60_000)
    quiet(window)

    shown = [w.text() for w in window.status.findChildren(QLabel) if w.isVisible()]
    assert "Reading" not in shown

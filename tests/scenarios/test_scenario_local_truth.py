"""A model is fitted to what was decided here, by one button, once there is enough of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from decided_by_hand import CHILD, decide, decide_enough
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from medview.ai.catalogue import user_models_dir
from medview.ai.folder import open_folder
from medview.gui.dialogs.local_truth import LocalTruthDialog
from medview.gui.window import MainWindow

NAME = "Calibrate on these cases"


def opened(window: MainWindow, qtbot: QtBot) -> LocalTruthDialog:
    """The dialog, with what was decided read."""
    window.actions_.perform("models.truth")
    dialog = window.findChildren(LocalTruthDialog)[-1]
    qtbot.waitUntil(lambda: "accepted" in words(dialog), timeout=60_000)
    return dialog


def words(dialog: LocalTruthDialog) -> str:
    return "\n".join(each.text() for each in dialog.findChildren(QLabel))


def buttons(dialog: LocalTruthDialog, name: str = NAME) -> list[QPushButton]:
    return [each for each in dialog.findChildren(QPushButton)
            if each.text() == name and each.isEnabled()]  # fmt: skip


def calibrating() -> bool:
    """Whether a process of this one calibrates."""
    tasks = Path("/proc/self/task").glob("*/children")
    numbers = " ".join(each.read_text() for each in tasks).split()
    lines = (Path("/proc", number, "cmdline") for number in numbers)
    return any(b"calibrate" in each.read_bytes() for each in lines if each.exists())


def test_enough_decided_cases_calibrate_the_model_by_a_button(
    window: MainWindow, qtbot: QtBot
) -> None:
    decide(1, 0.9, "accepted", "2026-10-03T10:00:00+00:00")
    dialog = opened(window, qtbot)
    assert "9 more with the finding and 10 more without" in words(dialog)
    qtbot.waitUntil(lambda: buttons(dialog) == [], timeout=60_000)
    dialog.close()

    decide_enough()
    dialog = opened(window, qtbot)
    qtbot.waitUntil(lambda: len(buttons(dialog)) == 1, timeout=60_000)
    qtbot.mouseClick(buttons(dialog)[0], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "Calibrating …" in words(dialog), timeout=60_000)
    qtbot.waitUntil(lambda: buttons(dialog) == [], timeout=60_000)  # one at a time
    qtbot.waitUntil(lambda: len(buttons(dialog, "Stop")) == 1, timeout=60_000)
    qtbot.mouseClick(buttons(dialog, "Stop")[0], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "Stopped. The model is as it was." in words(dialog), timeout=60_000)
    assert not (user_models_dir() / f"{CHILD.name}-local").exists()

    qtbot.waitUntil(lambda: len(buttons(dialog)) == 1, timeout=60_000)
    qtbot.mouseClick(buttons(dialog)[0], Qt.MouseButton.LeftButton)
    made = f"Made {CHILD.name}-local"
    qtbot.waitUntil(lambda: made in words(dialog), timeout=240_000)

    own = open_folder(user_models_dir() / f"{CHILD.name}-local")
    assert own.calibration()["temperature"] != CHILD.calibration()["temperature"]
    assert own.description["pipeline"] == CHILD.description["pipeline"]
    assert "32 cases of 32 patients (local, part decided)" in own.card()
    dialog.close()


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the process in /proc")
def test_closing_the_window_ends_a_calibration(window: MainWindow, qtbot: QtBot) -> None:
    decide_enough()
    dialog = opened(window, qtbot)
    qtbot.waitUntil(lambda: len(buttons(dialog)) == 1)
    qtbot.mouseClick(buttons(dialog)[0], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(calibrating)

    window.close()

    qtbot.waitUntil(lambda: not calibrating(), timeout=3_000)

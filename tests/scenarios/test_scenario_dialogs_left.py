"""Dialogs that are closed, or fail, while a thread still works for them."""

from __future__ import annotations

from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from medview.ai.catalogue import user_models_dir
from medview.gui.dialogs.local_truth import LocalTruthDialog, ModelTruth
from medview.gui.dialogs.run_rules import RunRulesDialog
from medview.gui.window import MainWindow
from medview.session import calibrating
from medview.session.events import Event, Message


def heard(window: MainWindow) -> list[str]:
    said: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, Message):
            said.append(event.sentence.english())

    window.session.events.subscribe(hear)
    return said


def test_a_dialog_that_is_closed_while_it_reads_is_left_in_peace(
    window: MainWindow, qtbot: QtBot
) -> None:
    said, session = heard(window), window.session
    dialogs = [kind(session, window.operations, window)
               for kind in (LocalTruthDialog, RunRulesDialog)]  # fmt: skip
    for dialog in dialogs:
        dialog.show()
        dialog.close()
    qtbot.waitUntil(lambda: not any(map(isValid, dialogs)), timeout=60_000)

    qtbot.waitUntil(lambda: not window.operations.is_busy, timeout=60_000)
    assert said == []


def test_a_calibration_runs_once_and_one_that_fails_leaves_nothing_standing(
    window: MainWindow, qtbot: QtBot
) -> None:
    said = heard(window)
    dialog = LocalTruthDialog(window.session, window.operations, window)
    qtbot.waitUntil(lambda: not window.operations.is_busy, timeout=60_000)
    dialog._found = (
        ModelTruth(name="no-such", title="Gone", rates=(), has_drifted=False, wanting=None,
                   is_enough=True),
    )  # fmt: skip
    dialog._fill()

    def calibrate() -> QPushButton:
        found = (b for b in dialog.column.findChildren(QPushButton) if "Calibrate" in b.text())
        return list(found)[-1]

    folder = user_models_dir()
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("no folder")
    with calibrating._one:  # somebody else's runs
        calibrate().click()
        qtbot.waitUntil(lambda: not calibrate().isEnabled(), timeout=60_000)
        assert dialog._said is not None

    qtbot.waitUntil(lambda: calibrate().isEnabled(), timeout=60_000)
    assert dialog._said is None
    qtbot.waitUntil(lambda: any("could not be calibrated" in each for each in said), timeout=60_000)
    dialog.close()

"""Long work of the window's thread goes on between the user's events."""

from __future__ import annotations

import time

import pytest
from PySide6.QtCore import QObject, QTimer
from pytestqt.qtbot import QtBot

from medview.gui.slices import Slices, Steps


def test_an_event_comes_between_two_slices(qtbot: QtBot) -> None:
    done: list[str] = []

    def steps() -> Steps:
        for _ in range(20):
            time.sleep(0.003)
            done.append("step")
            yield

    owner = QObject()
    slices = Slices(owner)
    slices.start(steps)
    QTimer.singleShot(0, owner, lambda: done.append("event"))

    qtbot.waitUntil(lambda: not slices.is_running)
    assert done.count("step") == 20
    assert done.index("event") < 19


def test_what_is_begun_anew_gives_up_what_was_begun(qtbot: QtBot) -> None:
    said: list[str] = []

    def steps(name: str) -> Steps:
        try:
            yield
            said.append(name)
            yield
        finally:
            said.append(f"end of {name}")

    owner = QObject()
    slices = Slices(owner)
    slices.start(lambda: steps("first"))
    slices.start(lambda: steps("second"))
    slices.finish()

    assert said == ["second", "end of second"]
    assert not slices.is_running


def test_a_step_that_fails_is_not_tried_again() -> None:
    def steps() -> Steps:
        yield
        raise ZeroDivisionError

    owner = QObject()
    slices = Slices(owner)
    slices.start(steps)
    with pytest.raises(ZeroDivisionError):
        slices.finish()
    assert not slices.is_running

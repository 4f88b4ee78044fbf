"""A film that a model may not be asked about, until the reader answers for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pydicom
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from medview.core.results import ModelRun
from medview.gui.window import MainWindow

Quiet = Callable[..., None]


def ageless_film(demo: Path, folder: Path) -> Path:
    """The demo's made film of a child as if the header did not know the age."""
    dataset = pydicom.dcmread(demo / "images" / "MV-0002" / "2026-film" / "chest-ap.dcm")
    for keyword in ("PatientAge", "PatientBirthDate"):
        dataset.pop(keyword, None)
    folder.mkdir()
    dataset.save_as(folder / "film.dcm")
    return folder


def runs(window: MainWindow) -> tuple[ModelRun, ...]:
    active = window.session.active
    return () if active is None else window.session.made.runs_of(active)


def words(window: MainWindow) -> str:
    return "\n".join(label.text() for label in window.sidebar.findings.findChildren(QLabel))


def test_a_reader_answers_for_an_unknown_age_and_the_result_says_so(
    window: MainWindow, small_demo: Path, tmp_path: Path, qtbot: QtBot, quiet: Quiet
) -> None:
    window.open_paths([ageless_film(small_demo, tmp_path / "film")])
    quiet(window)
    qtbot.keyClick(window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: any(run.status == "refused" for run in runs(window)), timeout=60_000)
    quiet(window)
    assert "age is not known" in words(window)

    (answer,) = [
        button for button in window.sidebar.findings.findChildren(QPushButton)
        if "I answer for it" in button.text()
    ]  # fmt: skip
    qtbot.mouseClick(answer, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: any(run.status == "run" for run in runs(window)), timeout=60_000)
    quiet(window)

    (run,) = runs(window)
    assert run.gate is not None
    assert run.gate.override is not None
    assert run.gate.override.checks == ("age_years",)
    shown = words(window)
    assert "answered for it" in shown
    # A film made by formula: the net is sure of itself, the distance of its features is not.
    assert "less like the ones the model was trained on" in shown
    assert run.gate.verdict == "borderline"

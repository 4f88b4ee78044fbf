"""The settings dialog: each change holds at once and after the next start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from medview.core.settings import load_settings
from medview.gui.dialogs.settings import SettingsDialog
from medview.gui.style import apply_theme, tokens
from medview.gui.window import MainWindow


@pytest.fixture
def dialog(window: MainWindow, qtbot: QtBot) -> Iterator[SettingsDialog]:
    """The dialog as Ctrl+, opens it."""
    qtbot.keyClick(window, Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)
    (made,) = window.findChildren(SettingsDialog)
    yield made
    made.accept()
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    apply_theme(app, "dark")


def choose(dialog: SettingsDialog, field: str, value: object) -> None:
    choice = getattr(dialog, field)
    at = choice.findData(value)
    assert at >= 0
    choice.setCurrentIndex(at)


def test_memory_that_is_chosen_is_the_budget_at_once(
    window: MainWindow, dialog: SettingsDialog
) -> None:
    automatic = window.session.studies.volumes.budget_bytes

    choose(dialog, "memory", 1024)
    assert window.session.studies.volumes.budget_bytes == 1024 << 20
    assert load_settings().volume_budget_mb == 1024

    choose(dialog, "memory", 0)
    assert window.session.studies.volumes.budget_bytes == automatic


def test_reading_ahead_and_cine_are_kept(window: MainWindow, dialog: SettingsDialog) -> None:
    dialog.prefetch.click()
    choose(dialog, "cine", 8)

    assert (load_settings().prefetch, load_settings().cine_rate) == (False, 8)
    assert window.grid.playing.rate == 8


def test_language_and_theme_change_the_window_at_once(
    window: MainWindow, dialog: SettingsDialog
) -> None:
    dark = tokens().surface_1

    choose(dialog, "language", "zh_CN")
    choose(dialog, "theme", "light")

    shown = " ".join(label.text() for label in window.studies.findChildren(QLabel))
    assert "尚未" in shown or "没有" in shown or "未打开" in shown
    assert tokens().surface_1 != dark
    assert (load_settings().language, load_settings().theme) == ("zh_CN", "light")


def test_every_field_has_a_name_for_those_who_cannot_see_it(dialog: SettingsDialog) -> None:
    for field in (dialog.memory, dialog.cine, dialog.language, dialog.theme):
        assert field.accessibleName()
    assert dialog.prefetch.text()

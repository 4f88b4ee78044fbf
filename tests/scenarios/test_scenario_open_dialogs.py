"""Dialogs that stand open beside the window: their language, their dates."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget
from pytestqt.qtbot import QtBot

from medview.core.words import set_language
from medview.gui.dialogs.anonymize import AnonymizeDialog
from medview.gui.dialogs.doctor import DoctorDialog
from medview.gui.dialogs.library import LibraryDialog
from medview.gui.dialogs.library_table import first_and_last_day
from medview.gui.dialogs.settings import SettingsDialog
from medview.gui.window import MainWindow
from medview.library import add

Quiet = Callable[..., None]


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Whatever a test changes, the next one begins in English."""
    set_language("en")
    yield
    set_language("en")


def _words(part: QWidget) -> set[str]:
    """What stands on it and can be seen."""
    QTest.qWait(20)
    return {
        each.text()
        for kind in (QLabel, QAbstractButton)
        for each in part.findChildren(kind)
        if each.text() and each.isVisible()
    }


def test_the_settings_follow_the_language_chosen_in_them(window: MainWindow, qtbot: QtBot) -> None:
    window.preferences.ask()
    (dialog,) = window.findChildren(SettingsDialog)
    assert "Theme" in _words(dialog)

    dialog.language.setCurrentIndex(dialog.language.findData("zh_CN"))

    assert dialog.windowTitle() == "设置"
    assert "主题" in _words(dialog)
    assert "Theme" not in _words(dialog)
    dialog.language.setCurrentIndex(dialog.language.findData("en"))
    assert "Theme" in _words(dialog)
    dialog.prefetch.setChecked(not dialog.prefetch.isChecked())
    assert window.session.settings.prefetch is dialog.prefetch.isChecked()
    dialog.prefetch.setChecked(not dialog.prefetch.isChecked())
    dialog.accept()


def test_the_library_follows_the_language_and_keeps_its_search(
    window: MainWindow, small_demo: Path, tmp_path: Path, quiet: Quiet, qtbot: QtBot
) -> None:
    images = Path(shutil.copytree(small_demo / "images", tmp_path / "images"))
    add(window.session.library.library, [images])
    dialog = window.library.show()
    dialog.search.setText("chest")
    quiet(window)
    qtbot.waitUntil(lambda: dialog.model.rowCount() > 0)
    lines = dialog.model.rowCount()

    window.actions_["view.language"].trigger()
    quiet(window)

    assert dialog.search.text() == "chest"
    assert dialog.model.rowCount() == lines
    assert dialog.current is not None
    assert "打开" in _words(dialog)
    assert "Open" not in _words(dialog)
    dialog.search.setText("no such study")
    qtbot.waitUntil(lambda: dialog.model.rowCount() == 0)
    dialog.close()


def test_the_library_is_narrowed_by_dates(
    window: MainWindow, small_demo: Path, tmp_path: Path, quiet: Quiet, qtbot: QtBot
) -> None:
    images = Path(shutil.copytree(small_demo / "images", tmp_path / "images"))
    add(window.session.library.library, [images])
    dialog = window.library.show()
    qtbot.waitUntil(lambda: dialog.model.rowCount() > 1)
    days = sorted(
        dialog.model.data(dialog.model.index(n, 3)) for n in range(dialog.model.rowCount())
    )
    assert days[0] < days[-1]

    qtbot.keyClicks(dialog.since, days[-1])
    qtbot.waitUntil(lambda: dialog.model.rowCount() == days.count(days[-1]))
    dialog.since.clear()
    qtbot.keyClicks(dialog.until, days[0])
    qtbot.waitUntil(lambda: dialog.model.rowCount() == days.count(days[0]))
    qtbot.keyClicks(dialog.until, "x")
    qtbot.waitUntil(lambda: "A date is given as YYYY-MM-DD." in _words(dialog))
    assert dialog.model.rowCount() == len(days)
    dialog.close()
    assert isinstance(dialog, LibraryDialog)


@pytest.mark.parametrize(
    ("typed", "span"),
    [
        ("", ("", "")),
        ("2024", ("2024-01-01", "2024-12-31")),
        (" 2024-02 ", ("2024-02-01", "2024-02-31")),
        ("2024-02-03", ("2024-02-03", "2024-02-03")),
        ("2024-13", None),
        ("3.2.2024", None),
    ],
)
def test_a_month_and_a_year_count_in_full(typed: str, span: tuple[str, str] | None) -> None:
    assert first_and_last_day(typed) == span


def test_copies_without_identity_follow_the_language_and_keep_what_was_given(
    window: MainWindow, imaging_data: Path, tmp_path: Path, quiet: Quiet, qtbot: QtBot
) -> None:
    window.open_paths([imaging_data / "us" / "ybr-full-rle-planar.dcm"])
    quiet(window)
    window.show_anonymize()
    dialog = window.findChild(AnonymizeDialog)
    assert dialog is not None
    dialog.settings.target.setText(str(tmp_path / "copies"))
    dialog.settings.switches["device"].setChecked(True)

    window.preferences.next_language()

    assert dialog.windowTitle() == "去标识副本"
    assert dialog.settings.switches["device"].isChecked()
    assert "Next" not in _words(dialog)
    qtbot.mouseClick(dialog.next, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not dialog.is_running, timeout=60_000)
    before = dialog.pictures.decisions
    assert before
    window.preferences.next_language()
    assert dialog.pictures.decisions == before
    assert {"Write copies", "Leave out"} <= _words(dialog)
    qtbot.mouseClick(dialog.next, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not dialog.is_running, timeout=60_000)
    assert "The copies are written" in _words(dialog)
    dialog.close()


def test_the_file_doctor_follows_the_language(
    window: MainWindow, imaging_data: Path, quiet: Quiet, qtbot: QtBot
) -> None:
    window.open_paths([imaging_data / "ct" / "ct-small.dcm"])
    quiet(window)
    window.examine_shown()
    dialog = window.findChild(DoctorDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: not dialog.is_busy, timeout=60_000)
    english = _words(dialog)

    window.preferences.next_language()

    assert dialog.windowTitle() == "文件医生"
    assert "关闭" in _words(dialog)
    assert not {"Close", *(word for word in english if "errors" in word)} & _words(dialog)
    dialog.close()

"""Files that cannot be read have a card; a drive that goes away does not take the window along."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from pytestqt.qtbot import QtBot

from medview.core.words import set_language
from medview.gui.dialogs.texts import TextDialog
from medview.gui.panels.left_out import LeftOutCard
from medview.gui.window import MainWindow

Quiet = Callable[..., None]


def card_of(window: MainWindow) -> LeftOutCard:
    """The newest card; those of before a change are hidden and go later."""
    return window.studies.findChildren(LeftOutCard)[-1]


def words_of(window: MainWindow) -> str:
    from PySide6.QtWidgets import QLabel

    card = card_of(window)
    return " ".join(each.text() for each in card.findChildren(QLabel))


def drop(window: MainWindow, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    window.dropEvent(
        QDropEvent(
            QPointF(9, 9), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )  # fmt: skip


def test_unreadable_files_have_a_card_with_reason_element_and_advice(
    window: MainWindow, imaging_data: Path, quiet: Quiet
) -> None:
    window.open_paths([imaging_data / "odd"])
    quiet(window)
    assert len(window.studies.items) > 0
    said = words_of(window)
    assert "files could not be read" in said
    assert "All other files are open" in said
    card_of(window).all_asked.emit()
    (dialog,) = window.findChildren(TextDialog)
    text = dialog.text.toPlainText()
    assert "made-zero-rows.dcm" in text
    assert "(0028,0010)" in text
    assert "Rows is not one number of pixels." in text
    dialog.close()
    window.preferences.set_language("zh_CN")
    assert "个文件" in words_of(window)
    assert "Rows is not" not in words_of(window)
    set_language("en")


def test_a_zip_dropped_on_the_window_is_opened_in_place(
    window: MainWindow, imaging_data: Path, tmp_path: Path, quiet: Quiet
) -> None:
    packed = shutil.make_archive(str(tmp_path / "disc"), "zip", imaging_data / "dicomdir")
    drop(window, Path(packed))
    quiet(window)
    frames = [f.path for place in window.session.studies.places() for f in place.stack.frames]
    assert len(frames) == 31
    assert all(path.startswith(f"{packed}!/") for path in frames)
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == ["disc.zip"]


def test_a_dicomdir_dropped_on_the_window_opens_its_medium(
    window: MainWindow, imaging_data: Path, quiet: Quiet
) -> None:
    drop(window, imaging_data / "dicomdir" / "DICOMDIR")
    quiet(window)
    assert len({place.patient.id for place in window.session.studies.places()}) == 2


def test_names_that_are_no_text_are_shown_all_the_same(
    window: MainWindow, imaging_data: Path, tmp_path: Path, quiet: Quiet
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    raw = (imaging_data / "ct" / "ct-small.dcm").read_bytes()
    (folder / os.fsdecode(b"caf\xe9.dcm")).write_bytes(raw)
    (folder / os.fsdecode(b"cut\xe9.dcm")).write_bytes(raw[:700])
    window.open_paths([folder])
    quiet(window)
    assert len(window.studies.items) == 1
    assert "cut?.dcm" in words_of(window)


def test_a_drive_that_goes_away_can_be_left(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back, began, scandir = threading.Event(), threading.Event(), os.scandir

    def waiting(path: Any = ".") -> Any:
        if str(path) == str(tmp_path):
            began.set()
            back.wait(30)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", waiting)
    window.open_paths([tmp_path])
    qtbot.waitUntil(began.is_set, timeout=60_000)
    window.cancel()
    qtbot.waitUntil(lambda: not window.operations.is_busy, timeout=60_000)
    assert "Cancelled." in [str(sentence) for _, sentence, _ in window.messages]
    back.set()

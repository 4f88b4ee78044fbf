"""Copies without identity, made through the window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QRadioButton
from pytestqt.qtbot import QtBot

from medview.core.words import set_language
from medview.dicom.anonymize import Decision
from medview.gui.dialogs.anonymize import AnonymizeDialog
from medview.gui.window import MainWindow

Quiet = Callable[..., None]


@pytest.fixture
def dialog(window: MainWindow, imaging_data: Path, tmp_path: Path, qtbot: QtBot,
           quiet: Quiet) -> AnonymizeDialog:  # fmt: skip
    """The dialog on an ultrasound picture and a CT slice that are open in the window."""
    paths = [imaging_data / "us" / "ybr-full-rle-planar.dcm", imaging_data / "ct" / "ct-small.dcm"]
    window.open_paths(paths)
    quiet(window)
    window.actions_["file.anonymize"].trigger()
    made = window.findChild(AnonymizeDialog)
    assert made is not None
    assert set(made.settings.sources) == set(paths)
    made.settings.target.setText(str(tmp_path / "copies"))
    qtbot.waitUntil(made.next.isVisible)
    return made


def go_on(dialog: AnonymizeDialog, qtbot: QtBot) -> None:
    qtbot.mouseClick(dialog.next, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not dialog.is_running, timeout=60_000)


def copies(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "copies").rglob("*.dcm"))


def choose(dialog: AnonymizeDialog, decision: Decision, qtbot: QtBot) -> None:
    made = next(
        b for b in dialog.findChildren(QRadioButton) if b.property("decision") == decision.value
    )
    qtbot.mouseClick(made, Qt.MouseButton.LeftButton, pos=QPoint(8, made.height() // 2))


def test_a_suspicious_picture_is_shown_first_and_left_out_unless_decided(
    dialog: AnonymizeDialog, tmp_path: Path, qtbot: QtBot
) -> None:
    go_on(dialog, qtbot)
    assert dialog.pictures.list.count() == 1
    assert copies(tmp_path) == []

    go_on(dialog, qtbot)
    assert len(copies(tmp_path)) == 1
    assert "ybr-full-rle-planar.dcm" in dialog.account.toPlainText()
    assert "left out" in dialog.account.toPlainText()


def test_areas_are_drawn_by_mouse_and_by_keys_and_are_black_in_the_copy(
    dialog: AnonymizeDialog, tmp_path: Path, qtbot: QtBot
) -> None:
    go_on(dialog, qtbot)
    canvas = dialog.pictures.canvas
    qtbot.waitUntil(lambda: bool(canvas.boxes))
    while canvas.boxes:
        qtbot.keyClick(canvas, Qt.Key.Key_Delete)
    middle = canvas.rect().center()
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseMove(canvas, middle + QPoint(60, 40))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=middle + QPoint(60, 40))
    qtbot.keyClick(canvas, Qt.Key.Key_N)
    before = canvas.boxes[1]
    qtbot.keyClick(canvas, Qt.Key.Key_Up, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(canvas, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)

    assert canvas.boxes[1].y() == before.y() - 10
    assert canvas.boxes[1].width() == before.width() + 1
    boxes = canvas.boxes
    go_on(dialog, qtbot)
    copy = next(d for d in map(dcmread, copies(tmp_path)) if d.Modality == "US")
    pixels = copy.pixel_array
    for box in boxes:
        area = pixels[box.top() : box.top() + box.height(), box.left() : box.left() + box.width()]
        assert np.all(area[..., 0] == area[0, 0, 0])
    assert "113101" in {item.CodeValue for item in copy.DeidentificationMethodCodeSequence}


def test_a_picture_can_be_kept_as_it_is(
    dialog: AnonymizeDialog, tmp_path: Path, qtbot: QtBot
) -> None:
    go_on(dialog, qtbot)
    choose(dialog, Decision.KEEP, qtbot)
    go_on(dialog, qtbot)

    assert len(copies(tmp_path)) == 2


def test_a_folder_in_use_is_refused_in_words_and_the_dialog_stays(
    dialog: AnonymizeDialog, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "copies").mkdir()
    (tmp_path / "copies" / "mine.txt").write_text("mine")
    go_on(dialog, qtbot)

    assert "not empty" in dialog.said
    assert dialog.pages.currentIndex() == 0
    assert [p.name for p in (tmp_path / "copies").iterdir()] == ["mine.txt"]
    dialog.settings.target.setText(str(tmp_path / "others"))
    go_on(dialog, qtbot)
    go_on(dialog, qtbot)
    assert len(list((tmp_path / "others").rglob("*.dcm"))) == 1


def test_stopping_leaves_nothing_and_the_dialog_can_go_on(
    dialog: AnonymizeDialog, imaging_data: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    dialog.settings.source.setText(str(imaging_data / "ct"))
    qtbot.mouseClick(dialog.next, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(dialog.stop.isVisible)
    qtbot.mouseClick(dialog.stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not dialog.is_running, timeout=60_000)

    assert dialog.said == "Stopped; nothing was written."
    assert not (tmp_path / "copies").exists()
    assert dialog.next.isVisible()


def test_profiles_set_the_options_and_nothing_of_a_patient_is_in_the_title(
    dialog: AnonymizeDialog,
) -> None:
    dialog.settings.profile.setCurrentIndex(1)

    assert dialog.settings.options.patient
    assert dialog.settings.options.descriptors
    assert dialog.settings.options.dates.value == "shift"
    assert dialog.windowTitle() == "Copies without identity"


def test_without_an_open_study_a_folder_is_asked_for(window: MainWindow, qtbot: QtBot) -> None:
    set_language("zh_CN")
    window.show_anonymize()
    made = window.findChild(AnonymizeDialog)

    assert made is not None
    assert made.windowTitle() == "去标识副本"
    assert made.next.isVisible()
    assert made.missing == "要继续，请指定要复制的文件或文件夹。"
    qtbot.mouseClick(made.next, Qt.MouseButton.LeftButton)
    assert made.focusWidget() is made.settings.source
    made.settings.source.setText("/somewhere")
    assert made.missing == "要继续，请指定存放副本的文件夹。"
    qtbot.mouseClick(made.next, Qt.MouseButton.LeftButton)
    assert made.focusWidget() is made.settings.target
    assert not made.is_running
    made.settings.target.setText("/elsewhere")
    assert made.missing == ""
    made.close()

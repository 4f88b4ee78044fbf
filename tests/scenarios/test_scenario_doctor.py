"""A technician asks what is wrong with a series and saves a repaired copy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pydicom
from PySide6.QtCore import QPoint
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QPushButton
from pytestqt.qtbot import QtBot

from medview.gui.cards import Card
from medview.gui.dialogs.doctor import DoctorDialog
from medview.gui.window import MainWindow

Quiet = Callable[..., None]


def _shuffled(small_demo: Path, folder: Path) -> Path:
    """Five slices of the demo's CT in a folder, numbered in no order, and a cut one."""
    folder.mkdir()
    slices: dict[float, pydicom.FileDataset] = {}
    for path in sorted((small_demo / "images").rglob("*")):
        made = pydicom.dcmread(path) if path.is_file() else None
        if made is not None and made.get("Modality") == "CT" and "ImagePositionPatient" in made:
            slices.setdefault(float(made.ImagePositionPatient[2]), made)
    chosen = [slices[z] for z in sorted(slices)[:5]]
    for number, made in zip((3, 1, 5, 2, 4), chosen, strict=True):
        made.SeriesInstanceUID, made.InstanceNumber = chosen[0].SeriesInstanceUID, number
        made.save_as(folder / f"{number}.dcm")
    (folder / "cut.dcm").write_bytes((folder / "1.dcm").read_bytes()[:600])
    return folder


def _dialog(window: MainWindow, qtbot: QtBot) -> DoctorDialog:
    qtbot.waitUntil(lambda: bool(window.findChildren(DoctorDialog)), timeout=60_000)
    dialog = window.findChildren(DoctorDialog)[-1]
    qtbot.waitUntil(lambda: not dialog.is_busy, timeout=60_000)
    return dialog


def _words(dialog: DoctorDialog) -> str:
    return "\n".join(found.text() for found in dialog.findChildren(QLabel) if found.isVisible())


def _wait_for(dialog: DoctorDialog, words: str, qtbot: QtBot) -> None:
    """Lines of a card are shown one turn of the event loop after they were added."""
    qtbot.waitUntil(lambda: words in _words(dialog), timeout=60_000)


def _press(dialog: DoctorDialog, text: str) -> None:
    next(b for b in dialog.findChildren(QPushButton) if b.text() == text and b.isVisible()).click()


def test_a_series_is_examined_and_a_repaired_copy_saved(
    window: MainWindow, small_demo: Path, tmp_path: Path, quiet: Quiet, qtbot: QtBot,
    choose: Callable[..., None],
) -> None:  # fmt: skip
    folder = _shuffled(small_demo, tmp_path / "in")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    window.open_paths([folder])
    quiet(window)

    window.actions_["file.doctor"].trigger()
    dialog = _dialog(window, qtbot)

    _wait_for(dialog, "Instance numbers do not follow the slices · 5", qtbot)
    _wait_for(dialog, "(0020,0013)", qtbot)
    _press(dialog, "Save a repaired copy…")
    _wait_for(dialog, "copies would be written", qtbot)
    _wait_for(dialog, "The pictures are numbered anew", qtbot)
    out = tmp_path / "out"
    _press(dialog, "Choose a folder…")
    choose(dialog, out)
    _wait_for(dialog, "repaired copies were written", qtbot)

    copies = sorted((pydicom.dcmread(p) for p in out.iterdir()), key=lambda d: d.InstanceNumber)
    places = [float(copied.ImagePositionPatient[2]) for copied in copies]
    assert places in (sorted(places), sorted(places, reverse=True))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    dialog.close()


def test_the_unreadable_files_can_be_examined_from_their_card(
    window: MainWindow, small_demo: Path, tmp_path: Path, quiet: Quiet, qtbot: QtBot
) -> None:
    window.open_paths([_shuffled(small_demo, tmp_path / "in")])
    quiet(window)

    next(b for b in window.studies.findChildren(QPushButton) if b.text() == "Examine…").click()
    dialog = _dialog(window, qtbot)

    _wait_for(dialog, "cut.dcm", qtbot)
    assert any(card.accessibleName() for card in dialog.findChildren(Card))
    assert not [b for b in dialog.findChildren(QPushButton)
                if b.text() == "Save a repaired copy…" and b.isVisible()]  # fmt: skip
    dialog.close()


def test_what_is_no_dicom_is_named_and_not_called_sound(
    window: MainWindow, imaging_data: Path, qtbot: QtBot
) -> None:
    made = DoctorDialog([imaging_data / "odd" / "neighbours"], window.operations, window)
    made.show()
    dialog = _dialog(window, qtbot)

    _wait_for(dialog, "picture-named.dcm: Not a DICOM file: PNG.", qtbot)
    assert "Nothing is wrong" not in _words(dialog)
    dialog.close()


def test_a_series_menu_leads_to_the_doctor_in_chinese(opened: MainWindow, qtbot: QtBot) -> None:
    opened.preferences.set_language("zh_CN")
    item = opened.studies.items[0]
    event = QContextMenuEvent(
        QContextMenuEvent.Reason.Mouse, QPoint(5, 5), item.mapToGlobal(QPoint(5, 5))
    )

    QApplication.sendEvent(item, event)
    menu = item.findChildren(QMenu)[-1]
    next(action for action in menu.actions() if action.text() == "检查文件…").trigger()
    dialog = _dialog(opened, qtbot)

    assert dialog.windowTitle() == "文件医生"
    _wait_for(dialog, "个文件：0 个错误", qtbot)
    dialog.close()


def test_a_folder_that_is_not_empty_is_refused_in_the_dialog(
    window: MainWindow, small_demo: Path, tmp_path: Path, quiet: Quiet, qtbot: QtBot
) -> None:
    folder = _shuffled(small_demo, tmp_path / "in")
    window.open_paths([folder])
    quiet(window)
    window.actions_["file.doctor"].trigger()
    dialog = _dialog(window, qtbot)
    _press(dialog, "Save a repaired copy…")
    _wait_for(dialog, "copies would be written", qtbot)

    dialog.save_to(folder)
    qtbot.waitUntil(lambda: not dialog.is_busy, timeout=60_000)

    _wait_for(dialog, "A file is there already", qtbot)
    dialog.close()


def test_closing_the_dialog_stops_what_it_does(opened: MainWindow, quiet: Quiet) -> None:
    opened.actions_["file.doctor"].trigger()
    opened.findChildren(DoctorDialog)[-1].reject()
    quiet(opened)

    assert not [text for level, text, _ in opened.messages if level == "bad"]

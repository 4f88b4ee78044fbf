"""What a radiologist meets who opens folders of every kind one after another."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from medview.core.words import set_language
from medview.gui.cards import Card
from medview.gui.dialogs.anonymize import AnonymizeDialog
from medview.gui.views.corners import lower_left
from medview.gui.views.reading_at import reading_at
from medview.gui.window import MainWindow
from medview.session.events import Event, VolumeOpened


def _listed(window: MainWindow) -> list[str]:
    QTest.qWait(50)  # new lines are shown when the window has laid them out
    return [each.text() for each in window.studies.findChildren(QLabel) if each.isVisible()]


def _press_close(window: MainWindow) -> None:
    QTest.keyClick(window, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)


@pytest.mark.parametrize(
    ("folder", "kind", "said"),
    [
        ("sr", "SR · ", "What it marks on images that are here"),
        ("pdf-cda", "PDF · ", "listed only"),
        ("waveform", "WAVEFORM · ", "listed only"),
        ("rt", "RTDOSE · ", "listed only"),
    ],
)
def test_objects_of_a_patient_without_images_are_listed_by_kind(
    window: MainWindow, imaging_data: Path, quiet, folder: str, kind: str, said: str
) -> None:
    window.open_paths([imaging_data / folder])
    quiet(window)

    lines = [text for text in _listed(window) if text.startswith(kind)]

    assert lines
    line = next(each for each in window.studies.findChildren(QLabel) if each.text() == lines[0])
    assert said in line.toolTip()


def test_a_folder_with_objects_alone_says_that_there_is_no_image(
    window: MainWindow, imaging_data: Path, quiet
) -> None:
    window.open_paths([imaging_data / "pdf-cda"])
    quiet(window)

    assert "No image was found, but 2 objects" in window.status.message


def test_what_is_in_an_object_is_said_in_chinese_too(
    window: MainWindow, imaging_data: Path, quiet
) -> None:
    window.open_paths([imaging_data / "seg" / "liver.dcm"])
    quiet(window)

    set_language("zh_CN")
    window.retranslate()
    quiet(window)

    assert "SEG · 1 个分割：Liver" in _listed(window)


def test_ctrl_w_closes_what_has_no_image_until_nothing_is_open(
    window: MainWindow, imaging_data: Path, quiet
) -> None:
    window.open_paths([imaging_data / "pdf-cda"])
    quiet(window)
    window.open_paths([imaging_data / "odd" / "made-cut-in-header.dcm"])
    quiet(window)

    for _ in range(3):
        _press_close(window)
        quiet(window)

    assert "Nothing is open" in _listed(window)
    assert not window.session.studies.opened_paths


def test_the_bar_gives_the_window_that_the_views_use(
    window: MainWindow, imaging_data: Path, quiet
) -> None:
    window.open_paths([imaging_data / "petct" / "pet"])
    quiet(window)

    window.grid.active_view.apply_preset(0)  # one without a name
    used = window.grid.window_in_use

    texts = [each.text() for each in window.top.findChildren(QToolButton)]
    assert f"W {used.width:.2f}  L {used.center:.2f}" in texts


def test_what_was_said_of_one_series_does_not_stand_under_the_next(
    window: MainWindow, imaging_data: Path, quiet, qtbot: QtBot
) -> None:
    window.open_paths([imaging_data / "ct" / "head-tilt-philips"])
    quiet(window)
    assert "gantry tilt" in window.status.message
    said = [str(sentence) for _, sentence, _ in window.messages]
    assert len(said) == len(set(said))

    window.open_paths([imaging_data / "mr" / "mosaic-siemens"])
    quiet(window)

    assert window.status.message == ""


def test_a_series_that_grows_while_its_first_part_is_read_slowly_is_shown(
    window: MainWindow, imaging_data: Path, quiet, qtbot: QtBot
) -> None:
    from medview.dicom import scan

    files = sorted((imaging_data / "ct" / "head-small").iterdir())
    session, opened = window.session, []

    def linger(event: Event) -> None:
        if isinstance(event, VolumeOpened) and not opened:
            opened.append(event)
            time.sleep(3)  # in the thread that reads

    session.events.subscribe(linger)
    for part in (files[:20], files):
        session.studies.show_sketch(scan(part), frozenset())
        key = next(iter(session.studies.places())).key
        session.select(key)
        qtbot.waitUntil(lambda: bool(opened))
    quiet(window)

    shown = window.grid.active_view.stage.shown
    assert shown is not None
    assert len(shown.stack.frames) == len(files)


@pytest.mark.parametrize("how", ["button", "escape"])
def test_the_dialog_for_copies_without_identity_can_be_closed(
    window: MainWindow, qtbot: QtBot, how: str
) -> None:
    window.show_anonymize()
    dialog = window.findChild(AnonymizeDialog)
    assert dialog is not None
    assert dialog.isVisible()

    if how == "button":
        qtbot.mouseClick(dialog.quit, Qt.MouseButton.LeftButton)
    else:
        qtbot.keyClick(dialog, Qt.Key.Key_Escape)

    qtbot.waitUntil(lambda: window.findChild(AnonymizeDialog) is None)


def test_another_patient_is_reached_with_the_keyboard(
    window: MainWindow, imaging_data: Path, quiet
) -> None:
    for folder in ("ct/three-slice", "ct/gap"):
        window.open_paths([imaging_data / folder])
        quiet(window)
    before = window.session.patient
    card = next(
        each
        for each in window.studies.findChildren(Card)
        if each.isVisible() and each.focusPolicy() == Qt.FocusPolicy.TabFocus
    )
    assert card.accessibleName().startswith("Open ")

    card.setFocus()
    QTest.keyClick(card, Qt.Key.Key_Return)
    quiet(window)

    assert before is not None
    assert window.session.patient is not None
    assert window.session.patient.id != before.id


def test_every_value_under_the_probe_has_its_place_in_the_corner(
    window: MainWindow, imaging_data: Path, quiet
) -> None:
    window.open_paths([imaging_data / "petct" / "pet"])
    quiet(window)
    view = window.grid.active_view
    reading = reading_at(view.stage, view.width() / 2, view.height() / 2)
    assert reading is not None
    shown = view.stage.shown
    assert shown is not None

    lines = lower_left(shown, view.stage.state, 1.0, reading.text())

    assert [line.count("SUV") for line in lines[:2]] == [2, 1]
    assert lines[1].endswith("Bq/mL")


def test_stacks_of_one_series_that_only_their_direction_parts_have_names_of_their_own(
    window: MainWindow, imaging_data: Path, quiet
) -> None:
    window.open_paths([imaging_data / "mr" / "mixed-orientation"])
    quiet(window)

    names = [item.accessibleName() for item in window.studies.items]

    assert [name.rsplit(" · ", 1)[1] for name in names] == ["part 1 of 2", "part 2 of 2"]


def test_an_empty_library_offers_nothing_that_needs_a_study(window: MainWindow, quiet) -> None:
    dialog = window.library.show()
    quiet(window)

    shown = [each.text() for each in dialog.findChildren(QPushButton) if each.isVisible()]

    assert "Add a folder…" in shown
    assert not {"Open", "Tags…", "Forget this patient…"} & set(shown)

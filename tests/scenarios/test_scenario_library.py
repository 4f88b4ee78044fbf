"""The library as a reader uses it: add, find, open with priors, tag, forget."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from medview.core.words import set_language
from medview.gui.cards import ElidedLink
from medview.gui.dialogs.library import LibraryDialog
from medview.gui.dialogs.library_asks import ForgetDialog, TagsDialog
from medview.gui.dialogs.settings import SettingsDialog
from medview.gui.window import MainWindow
from medview.library import add, stored_thumbnail, studies

Quiet = Callable[..., None]


@pytest.fixture
def images(small_demo: Path, tmp_path: Path) -> Path:
    """The demo's images, where a test may change them."""
    return Path(shutil.copytree(small_demo / "images", tmp_path / "images"))


@pytest.fixture
def worklist(window: MainWindow, images: Path, quiet: Quiet) -> LibraryDialog:
    """The worklist on a library of the demo's studies."""
    add(window.session.library.library, [images])
    window.actions_["file.library"].trigger()
    dialog = window.findChildren(LibraryDialog)[0]
    quiet(window)
    return dialog


def click(dialog: QDialog, words: str, qtbot: QtBot) -> None:
    button = next(b for b in dialog.findChildren(QPushButton) if b.text() == words)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def cells(dialog: LibraryDialog, column: int) -> list[str]:
    model = dialog.model
    return [model.data(model.index(line, column)) for line in range(model.rowCount())]


def test_an_empty_library_says_what_to_do_and_a_folder_is_added(
    window: MainWindow,
    images: Path,
    quiet: Quiet,
    qtbot: QtBot,
    choose: Callable[..., None],
) -> None:
    assert window.actions_["file.library"].shortcut().toString() == "Ctrl+B"
    dialog = window.library.show()
    quiet(window)
    assert dialog._pages.currentIndex() == 1

    click(dialog, "Add a folder…", qtbot)
    choose(dialog, images)
    quiet(window)
    qtbot.waitUntil(lambda: dialog.model.rowCount() > 0)

    assert dialog._pages.currentIndex() == 0
    assert any("new images" in str(sentence) for _, sentence, _ in window.messages)
    assert cells(dialog, 3) == sorted(cells(dialog, 3), reverse=True)


def test_words_narrow_the_list_and_enter_opens_what_is_found(
    worklist: LibraryDialog, window: MainWindow, quiet: Quiet, qtbot: QtBot
) -> None:
    whole = worklist.model.rowCount()
    entry = worklist.model.entry(0)
    assert entry is not None

    qtbot.keyClicks(worklist.search, entry.date)
    qtbot.waitUntil(lambda: 0 < worklist.model.rowCount() < whole)
    qtbot.keyClick(worklist.search, Qt.Key.Key_Return)
    quiet(window)

    assert window.session.study is not None
    assert window.session.study.uid in {e.uid for e in studies(window.session.library.library)}
    assert window.session.study.date == entry.date
    assert window.findChildren(LibraryDialog) == []


def test_words_that_nothing_has_say_so(worklist: LibraryDialog, qtbot: QtBot) -> None:
    qtbot.keyClicks(worklist.search, "zzzz")

    qtbot.waitUntil(lambda: worklist._pages.currentIndex() == 2)


def patient_with_priors(dialog: LibraryDialog) -> int:
    """The line of the newest study of somebody with several dates."""
    entries = [dialog.model.entry(line) for line in range(dialog.model.rowCount())]
    dates = {}
    for entry in entries:
        assert entry is not None
        dates.setdefault(entry.patient.id, set()).add(entry.date)
    return next(n for n, e in enumerate(entries) if e is not None and len(dates[e.patient.id]) > 1)


def test_a_study_opens_alone_and_its_priors_are_offered_beside_it(
    worklist: LibraryDialog, window: MainWindow, quiet: Quiet, qtbot: QtBot
) -> None:
    worklist.table.selectRow(patient_with_priors(worklist))
    click(worklist, "Open", qtbot)
    quiet(window)
    patient, looked_at = window.session.patient, window.session.active
    assert patient is not None
    assert looked_at is not None
    links = [w for w in window.studies.findChildren(ElidedLink) if w.toolTip().startswith("Open")]
    assert links

    qtbot.mouseClick(links[0], Qt.MouseButton.LeftButton)
    quiet(window)

    assert window.session.patient is not None
    assert len(window.session.patient.studies) == len(patient.studies) + 1
    assert window.session.active is not None
    assert window.session.active.key == looked_at.key


def test_a_study_opens_with_its_priors(
    worklist: LibraryDialog, window: MainWindow, quiet: Quiet, qtbot: QtBot
) -> None:
    worklist.table.selectRow(patient_with_priors(worklist))

    qtbot.keyClick(worklist.table, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    quiet(window)

    assert window.session.patient is not None
    assert len({study.date for study in window.session.patient.studies}) > 1


def test_tags_are_given_and_found(
    worklist: LibraryDialog, window: MainWindow, quiet: Quiet, qtbot: QtBot
) -> None:
    worklist.table.selectRow(0)
    click(worklist, "Tags…", qtbot)
    dialog = worklist.findChildren(TagsDialog)[0]
    dialog.line.setText("teaching， 随访,")
    click(dialog, "Keep", qtbot)
    quiet(window)
    qtbot.waitUntil(lambda: "teaching, 随访" in cells(worklist, 7))

    worklist.search.setText("随访")  # keyClicks knows ASCII alone

    qtbot.waitUntil(lambda: worklist.model.rowCount() == 1)


def test_tags_are_typed_and_kept_with_enter(
    worklist: LibraryDialog, quiet: Quiet, qtbot: QtBot
) -> None:
    qtbot.keyClick(worklist, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    dialog = worklist.findChildren(TagsDialog)[0]

    qtbot.keyClicks(dialog.line, "teaching")
    qtbot.keyClick(dialog.line, Qt.Key.Key_Return)

    qtbot.waitUntil(lambda: "teaching" in cells(worklist, 7), timeout=10_000)


def test_forgetting_asks_says_what_goes_and_closes_the_patient(
    worklist: LibraryDialog, window: MainWindow, quiet: Quiet, qtbot: QtBot, images: Path
) -> None:
    entry = worklist.model.entry(0)
    assert entry is not None
    worklist.table.selectRow(0)
    window.open_paths([images])
    quiet(window)
    before = len(list(images.rglob("*")))

    click(worklist, "Forget this patient…", qtbot)
    qtbot.waitUntil(lambda: bool(worklist.findChildren(ForgetDialog)))
    dialog = worklist.findChildren(ForgetDialog)[0]
    qtbot.keyClick(dialog, Qt.Key.Key_Return)  # Enter is no consent
    quiet(window)
    assert entry.patient.id in cells(worklist, 1)

    click(worklist, "Forget this patient…", qtbot)
    qtbot.waitUntil(lambda: any(d.isVisible() for d in worklist.findChildren(ForgetDialog)))
    dialog = next(d for d in worklist.findChildren(ForgetDialog) if d.isVisible())
    click(dialog, "Forget this patient", qtbot)
    quiet(window)
    qtbot.waitUntil(lambda: entry.patient.id not in cells(worklist, 1))

    assert entry.patient.id not in {p.id for p in window.session.studies.holdings.patients}
    assert len(list(images.rglob("*"))) == before


def test_nothing_is_remembered_of_what_is_opened_unless_the_reader_wants_it(
    window: MainWindow, images: Path, quiet: Quiet
) -> None:
    window.open_paths([images])
    quiet(window)
    assert not window.session.library.library.folder.exists()

    window.actions_["file.settings"].trigger()
    (dialog,) = window.findChildren(SettingsDialog)
    dialog.remember.setChecked(True)
    assert window.session.settings.remember_opened
    window.open_paths([images])
    quiet(window)

    assert len(studies(window.session.library.library)) >= 2
    dialog.close()


def test_thumbnails_of_indexed_series_are_made_once(
    worklist: LibraryDialog,
    window: MainWindow,
    images: Path,
    quiet: Quiet,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    window.open_paths([images])
    quiet(window)
    place = next(iter(window.session.studies.places()))
    library = window.session.library.library
    kept = stored_thumbnail(library, *place.key, place.stack)
    assert kept is not None
    assert kept.startswith(b"\x89PNG")

    from medview.gui import thumbnails

    monkeypatch.setattr(thumbnails, "make_thumbnail", lambda _: pytest.fail("made again"))
    picture = thumbnails.thumbnail_of(window.session, place)

    assert picture is not None
    assert picture.width() == 96


def test_the_worklist_speaks_chinese_and_has_no_name_in_its_title(
    window: MainWindow, images: Path, quiet: Quiet
) -> None:
    set_language("zh_CN")
    add(window.session.library.library, [images])
    dialog = window.library.show()
    quiet(window)

    assert dialog.windowTitle() == "影像库"
    assert dialog.model.headerData(0, Qt.Orientation.Horizontal) == "患者"


def test_files_that_are_gone_are_said_in_a_sentence(
    worklist: LibraryDialog, window: MainWindow, quiet: Quiet, qtbot: QtBot, images: Path
) -> None:
    images.rename(images.with_name("elsewhere"))
    worklist.table.selectRow(0)

    click(worklist, "Open", qtbot)
    quiet(window)

    assert any("not there any more" in str(sentence) for _, sentence, _ in window.messages)


def test_a_library_that_cannot_be_read_says_so_in_its_own_window(
    window: MainWindow, quiet: Quiet
) -> None:
    window.session.library.library.path.mkdir(parents=True)  # where the index should be

    dialog = window.library.show()
    quiet(window)

    said = " ".join(text.text() for text in dialog.findChildren(QLabel) if text.isVisible())
    assert "Opening folders works without it." in said
    shown = {b.text() for b in dialog.findChildren(QPushButton) if b.isVisible()}
    assert "Open" not in shown  # there is nothing to open, tag or forget
    assert "Add a folder…" in shown


def test_a_check_says_what_it_found(
    worklist: LibraryDialog, window: MainWindow, quiet: Quiet, images: Path
) -> None:
    next(images.rglob("*.dcm")).unlink()

    worklist.check()
    quiet(window)

    assert worklist._said.text() == "Missing files: 1."


def test_a_drive_that_does_not_answer_can_be_left_and_the_library_goes_on(
    worklist: LibraryDialog,
    window: MainWindow,
    qtbot: QtBot,
    images: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hung, back, scandir = tmp_path / "hung", threading.Event(), os.scandir
    hung.mkdir()

    def waiting(path: Any = ".") -> Any:
        if str(path) == str(hung):
            back.wait(60)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", waiting)
    for _ in range(5):  # more than there are threads in the window's pool
        worklist.add(hung)
    stop = next(b for b in worklist.findChildren(QPushButton) if b.text() == "Stop")
    qtbot.waitUntil(stop.isVisible, timeout=10_000)

    qtbot.mouseClick(stop, Qt.MouseButton.LeftButton)

    qtbot.waitUntil(lambda: not window.operations.is_busy, timeout=20_000)
    assert not stop.isVisible()
    worklist.search.setText("no such words")
    qtbot.waitUntil(lambda: worklist.model.rowCount() == 0, timeout=10_000)
    back.set()

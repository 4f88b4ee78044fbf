"""Results and images go to a DICOM node that the reader names in the settings, all by mouse.

The node is pynetdicom's own on the loopback interface, the only address that a socket reaches here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from node_that_keeps import ON_LOOPBACK, Archive
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from medview.core.words import set_language
from medview.gui.dialogs.nodes_page import NodesPage
from medview.gui.dialogs.send import SendDialog
from medview.gui.dialogs.settings import SettingsDialog
from medview.gui.window import MainWindow

pytestmark = ON_LOOPBACK
Quiet = Callable[..., None]
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def read(window: MainWindow, imaging_data: Path, qtbot: QtBot, quiet: Quiet) -> MainWindow:
    """A window with a small series and a ruler on it."""
    window.open_paths([imaging_data / "mr" / "brain-t1-pre"])
    qtbot.waitUntil(lambda: window.session.active is not None, timeout=60_000)
    quiet(window)
    window.set_tool("length")
    view = window.grid.active_view
    middle = view.rect().center()
    qtbot.mousePress(view, LEFT, pos=middle)
    qtbot.mouseMove(view, middle + QPoint(20, 5))
    qtbot.mouseMove(view, middle + QPoint(40, 10))
    qtbot.mouseRelease(view, LEFT, pos=middle + QPoint(40, 10))
    qtbot.waitUntil(lambda: len(window.session.work.measurements) == 1, timeout=60_000)
    return window


def click(qtbot: QtBot, where: QWidget, name: str) -> None:
    """The button of this name, when it can be clicked."""

    def found() -> list[QPushButton]:
        return [b for b in where.findChildren(QPushButton)
                if b.accessibleName() == name and b.isVisible() and b.isEnabled()]  # fmt: skip

    qtbot.waitUntil(lambda: bool(found()), timeout=60_000)
    qtbot.mouseClick(found()[0], LEFT)


def open_dialog(window: MainWindow, qtbot: QtBot) -> SendDialog:
    keys = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(window, Qt.Key.Key_D, keys)
    qtbot.waitUntil(lambda: window.findChild(SendDialog) is not None, timeout=60_000)
    return window.findChild(SendDialog)


def name_node(window: MainWindow, dialog: SendDialog, port: int, qtbot: QtBot) -> None:
    """In the settings, which the dialog opens where the nodes are."""
    click(qtbot, dialog, "Set up nodes…")
    qtbot.waitUntil(lambda: window.findChild(SettingsDialog) is not None, timeout=60_000)
    settings = window.findChild(SettingsDialog)
    page = settings.tabs.currentWidget()
    assert isinstance(page, NodesPage)
    click(qtbot, page, "Add a node")
    (row,) = page.rows
    for field, text in ((row.name, "Archive"), (row.title, "ARCHIVE"), (row.host, "127.0.0.1")):
        qtbot.keyClicks(field, text)
    row.port.setValue(port)
    row.port.editingFinished.emit()
    assert page.wrong.text() == ""
    click(qtbot, settings, "Close")
    qtbot.waitUntil(lambda: dialog.nodes.currentText() == "Archive", timeout=60_000)


def test_measurements_and_images_reach_the_node_that_was_named(
    read: MainWindow, archive: Archive, qtbot: QtBot
) -> None:
    dialog = open_dialog(read, qtbot)
    assert not any(each.isVisible() for each in (dialog.nodes, dialog.test, dialog.send))
    assert "No node is set up" in dialog.answer.text()
    name_node(read, dialog, archive.port, qtbot)
    click(qtbot, dialog, "Test")
    qtbot.waitUntil(lambda: dialog.answer.text() == "The node answers.", timeout=60_000)
    assert (archive.got, len(archive.asked)) == ([], 1)

    click(qtbot, dialog, "Send")
    qtbot.waitUntil(lambda: "Archive took 1 of 1" in dialog.answer.text(), timeout=60_000)
    (report,) = archive.got
    patient = read.session.patient
    assert patient is not None
    assert (report.Modality, report.PatientID) == ("SR", patient.id)

    qtbot.mouseClick(dialog.results, LEFT, pos=QPoint(8, 8))
    qtbot.mouseClick(dialog.series, LEFT, pos=QPoint(8, 8))
    count = len({frame.path for frame in read.session.active.stack.frames})  # type: ignore[union-attr]
    click(qtbot, dialog, "Send")
    qtbot.waitUntil(lambda: f"took {count} of {count}" in dialog.answer.text(), timeout=60_000)
    frames = {f.sop_instance_uid for f in read.session.active.stack.frames}  # type: ignore[union-attr]
    assert {data.SOPInstanceUID for data in archive.got[1:]} == frames
    click(qtbot, dialog, "Close")


def test_a_second_version_names_the_first_that_the_node_has(
    read: MainWindow, archive: Archive, qtbot: QtBot
) -> None:
    read.preferences.remember(nodes={"Archive": f"SOMEBODY@127.0.0.1:{archive.port}"})
    dialog = open_dialog(read, qtbot)
    click(qtbot, dialog, "Send")  # the node takes nothing: this version is no first one
    qtbot.waitUntil(lambda: "does not go by" in dialog.answer.text(), timeout=60_000)
    read.preferences.remember(nodes={"Archive": archive.place})
    for number in (1, 2):
        click(qtbot, dialog, "Send")
        qtbot.waitUntil(lambda number=number: len(archive.got) == number, timeout=60_000)
        qtbot.waitUntil(dialog.send.isEnabled, timeout=60_000)
    first, second = archive.got
    assert "PredecessorDocumentsSequence" not in first
    before = second.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0]
    assert before.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == first.SOPInstanceUID
    dialog.close()


def test_what_is_sent_is_the_work_as_it_is_and_images_go_without_results_too(
    read: MainWindow, archive: Archive, qtbot: QtBot
) -> None:
    read.preferences.remember(nodes={"Archive": archive.place})
    dialog = open_dialog(read, qtbot)
    patient = read.session.patient
    assert patient is not None
    assert patient.id in "".join(each.text() for each in dialog.findChildren(QLabel))
    read.reactions.undo()  # the ruler
    qtbot.waitUntil(lambda: read.session.work.measurements == (), timeout=60_000)
    click(qtbot, dialog, "Send")
    qtbot.waitUntil(lambda: "nothing to save as DICOM" in dialog.answer.text(), timeout=60_000)
    assert archive.got == []

    qtbot.waitUntil(dialog.series.isEnabled, timeout=60_000)
    qtbot.mouseClick(dialog.series, LEFT, pos=QPoint(8, 8))
    click(qtbot, dialog, "Send")
    qtbot.waitUntil(lambda: "Archive took" in dialog.answer.text(), timeout=60_000)
    assert archive.got
    assert {data.Modality for data in archive.got} == {"MR"}
    assert "nothing to save as DICOM" in dialog.answer.text()  # said beside
    dialog.close()


def test_a_node_that_refuses_says_why_in_the_reader_s_language(
    read: MainWindow, archive: Archive, qtbot: QtBot
) -> None:
    read.preferences.remember(nodes={"Archive": f"SOMEBODY@127.0.0.1:{archive.port}"})
    dialog = open_dialog(read, qtbot)
    click(qtbot, dialog, "Send")
    qtbot.waitUntil(lambda: "does not go by this AE title" in dialog.answer.text(), timeout=60_000)
    assert archive.got == []
    set_language("zh_CN")
    read.retranslate()
    qtbot.waitUntil(lambda: dialog.send.text() == "发送", timeout=60_000)
    assert "AE 标题" in dialog.answer.text()
    dialog.close()


class SlowArchive(Archive):
    """It thinks about the first object until it is told to go on."""

    def __init__(self) -> None:
        self.came, self.go_on = threading.Event(), threading.Event()
        super().__init__()

    def _store(self, event: object) -> int:
        self.came.set()
        self.go_on.wait(60)
        return super()._store(event)


def test_closing_the_window_stops_what_is_sent_and_leaves_nothing_of_it(
    read: MainWindow, loopback: str, own_home: Path, qtbot: QtBot
) -> None:
    archive = SlowArchive()
    read.preferences.remember(nodes={"Archive": archive.place})
    click(qtbot, open_dialog(read, qtbot), "Send")
    qtbot.waitUntil(archive.came.is_set)
    assert len(list(own_home.rglob("medview-*"))) == 1

    read.close()

    qtbot.waitUntil(lambda: not list(own_home.rglob("medview-*")), timeout=10_000)
    archive.go_on.set()
    archive.server.shutdown()

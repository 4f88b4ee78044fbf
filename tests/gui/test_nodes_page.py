"""The nodes in the settings: what is whole is kept, whatever is half written beside it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QPushButton, QVBoxLayout
from pytestqt.qtbot import QtBot

from medview.gui.dialogs.nodes_page import NodesPage

PLACE = "ARCHIVE@10.0.0.7:104"


def shown(qtbot: QtBot) -> tuple[NodesPage, list[tuple[dict[str, str], str]], QDialog]:
    """The page with one node in a dialog whose button takes Return, and what it told."""
    dialog = QDialog()
    qtbot.addWidget(dialog)
    page = NodesPage({"Archive": PLACE}, "MEDVIEW", dialog)
    close = QPushButton("Close", dialog)
    close.clicked.connect(dialog.reject)
    layout = QVBoxLayout(dialog)
    layout.addWidget(page)
    layout.addWidget(close)
    told: list[tuple[dict[str, str], str]] = []
    page.changed.connect(lambda nodes, own: told.append((dict(nodes), own)))
    dialog.open()
    qtbot.waitUntil(dialog.isVisible)
    return page, told, dialog


def leave(field: object) -> None:
    field.editingFinished.emit()  # type: ignore[attr-defined]


def test_a_wrong_title_of_our_own_deletes_no_node(qtbot: QtBot) -> None:
    page, told, _ = shown(qtbot)
    page.own.setText("MÜNCHEN")
    leave(page.own)
    assert told[-1] == ({"Archive": PLACE}, "MEDVIEW")
    assert "no backslash" in page.wrong.text()

    page.own.setText("READER 7")
    leave(page.own)
    assert told[-1] == ({"Archive": PLACE}, "READER 7")
    assert page.wrong.text() == ""


def test_a_field_that_is_emptied_for_a_moment_keeps_its_node(qtbot: QtBot) -> None:
    page, told, _ = shown(qtbot)
    (row,) = page.rows
    row.host.clear()
    leave(row.host)
    assert told[-1] == ({"Archive": PLACE}, "MEDVIEW")
    assert page.wrong.text() == "A node needs a name, an AE title and a host."

    row.host.setText("10.0.0.8")
    leave(row.host)
    assert told[-1] == ({"Archive": "ARCHIVE@10.0.0.8:104"}, "MEDVIEW")
    qtbot.mouseClick(row.remove, Qt.MouseButton.LeftButton)
    assert told[-1] == ({}, "MEDVIEW")


def test_return_in_a_field_does_not_close_the_dialog_over_a_half_written_node(
    qtbot: QtBot,
) -> None:
    page, told, dialog = shown(qtbot)
    qtbot.mouseClick(page.add, Qt.MouseButton.LeftButton)
    new = page.rows[-1]
    qtbot.keyClicks(new.name, "Second")
    qtbot.keyClick(new.name, Qt.Key.Key_Return)
    assert dialog.isVisible()
    assert set(told[-1][0]) == {"Archive"}
    assert new.name.text() == "Second"

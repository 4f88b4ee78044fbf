"""A reader meets a document of somebody else: compares, says yes, takes it back."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from medview.gui.panels.record_joining import JoinDialog, RefusedCard
from medview.gui.window import MainWindow

STRANGER = (
    "Discharge letter\nPatient ID: X-9\nName: Doe, Ann\nSex: female\n\nKnown diabetes mellitus."
)


def refused_card(window: MainWindow) -> RefusedCard | None:
    cards = window.sidebar.record.findChildren(RefusedCard)
    return cards[0] if cards else None


def dialog_of(window: MainWindow) -> JoinDialog | None:
    found = window.sidebar.record.findChildren(JoinDialog)
    return found[0] if found else None


def test_a_strangers_letter_is_used_only_after_both_identities_were_seen(
    opened: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    window = opened
    record = window.sidebar.record
    window.sidebar.show_tab("record")
    before = len(record.documents)
    letter = tmp_path / "letter.txt"
    letter.write_text(STRANGER, encoding="utf-8")
    window.session.open([letter])
    qtbot.waitUntil(lambda: refused_card(window) is not None)
    card = refused_card(window)
    assert card is not None

    qtbot.mouseClick(card.join, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: dialog_of(window) is not None)
    dialog = dialog_of(window)
    assert dialog is not None
    said = [found.text() for found in dialog.findChildren(QLabel)]
    patient = window.session.patient
    assert patient is not None
    assert any("X-9" in text for text in said)
    assert patient.id in said
    assert dialog.no.isDefault()
    qtbot.mouseClick(dialog.yes, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(record.documents) == before + 1)
    qtbot.waitUntil(lambda: refused_card(window) is None)

    joined = next(item for item in record.documents if item.is_joined)
    shown = record.card_of(joined.document.id)
    assert "≠" not in shown.accessibleName()
    qtbot.mouseClick(shown.joined.apart, Qt.MouseButton.LeftButton)

    qtbot.waitUntil(lambda: refused_card(window) is not None)
    assert len(record.documents) == before


def test_no_is_the_answer_of_a_key_pressed_too_soon(
    opened: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    window = opened
    letter = tmp_path / "letter.txt"
    letter.write_text(STRANGER, encoding="utf-8")
    window.session.open([letter])
    qtbot.waitUntil(lambda: refused_card(window) is not None)
    refused = window.session.documents.refused[0].document.id

    window.sidebar.record.ask_whose(refused)
    qtbot.waitUntil(lambda: dialog_of(window) is not None)
    dialog = dialog_of(window)
    assert dialog is not None
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    QApplication.processEvents()

    assert [item.document.id for item in window.session.documents.refused] == [refused]

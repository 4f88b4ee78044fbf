"""Every document of the public records works in the panel with the mouse alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from medview.core.settings import Settings
from medview.gui.panels.record import RecordPanel
from medview.gui.panels.record_document import DocumentCard
from medview.session import Session

pytestmark = [pytest.mark.slow, pytest.mark.qt_log_ignore("This plugin does not support")]
LEFT = Qt.MouseButton.LeftButton
ROOT = Path(os.environ.get("MEDVIEW_DATA", "")) / "clinical" / "ehr"


def documents() -> list[Path]:
    """Every file of the records but the list of them."""
    found = sorted(p for p in ROOT.rglob("*") if p.is_file()) if ROOT.is_dir() else []
    return [p for p in found if p.name != "manifest.csv"]


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session(Settings())
    yield made
    made.close()


def visible_cards(panel: RecordPanel) -> list[DocumentCard]:
    return [c for c in panel.findChildren(DocumentCard) if c.isVisible()]


@pytest.mark.skipif(not ROOT.is_dir(), reason="the public records are not on this computer")
@pytest.mark.parametrize("path", documents(), ids=lambda p: f"{p.parent.name}/{p.name}")
def test_a_document_is_shown_searched_and_corrected(
    path: Path, session: Session, qtbot: QtBot
) -> None:
    session.documents.open([path], (), None)
    panel = RecordPanel(session)
    qtbot.addWidget(panel)
    panel.resize(340, 900)
    panel.show()
    if not session.documents.opened:
        assert session.documents.unread, path.name
        assert any(path.name in b.text() for b in panel.findChildren(type(panel.top.search.count)))
        return

    qtbot.waitUntil(lambda: bool(visible_cards(panel)))
    for view in ("summary", "timeline", "documents"):
        qtbot.mouseClick(panel.top.views[view], LEFT)
        assert panel.view == view
    qtbot.waitUntil(lambda: bool(visible_cards(panel)))
    for chip in list(panel.filters.chips.values())[:3]:
        qtbot.mouseClick(panel.filters.chips[_name_of(panel, chip)], LEFT)
    qtbot.mouseClick(panel.filters.chips["all"], LEFT)
    _search_a_word(panel, qtbot)
    _correct_a_mention(panel, session, qtbot)


def _name_of(panel: RecordPanel, chip: QPushButton) -> str:
    said = chip.text()
    return next((n for n, c in panel.filters.chips.items() if c.text() == said), "all")


def _search_a_word(panel: RecordPanel, qtbot: QtBot) -> None:
    words = [w for w in panel.documents[0].note.text.split() if w.isascii() and w.isalpha()]
    if not words:
        return
    qtbot.mouseClick(panel.top.search.field, LEFT)
    panel.top.search.field.setText(words[len(words) // 2])
    qtbot.waitUntil(lambda: bool(panel.searching.hits))
    qtbot.mouseClick(panel.top.search.forward, LEFT)


def _correct_a_mention(panel: RecordPanel, session: Session, qtbot: QtBot) -> None:
    """A click on the first mention that is seen, a click on `No mention`, and undo."""
    qtbot.waitUntil(lambda: bool(visible_cards(panel)))
    card = next((c for c in visible_cards(panel) if c.text.placed), None)
    if card is None:
        return
    entity = card.text.placed[0]
    place = card.text.place_of(entity.id)
    assert place is not None
    qtbot.mouseClick(card.text.viewport(), LEFT, pos=place.center().toPoint())
    qtbot.waitUntil(lambda: card.bar is not None)
    assert card.bar is not None
    wrong = next(b for b in card.bar.findChildren(QPushButton) if b.text() == "No mention")
    qtbot.mouseClick(wrong, LEFT)
    qtbot.waitUntil(lambda: len(session.corrections.of(card.item)) == 1)
    assert session.book is not None
    session.book.undo()
    qtbot.waitUntil(lambda: session.corrections.of(card.item) == ())

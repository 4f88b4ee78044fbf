"""A reader at the record panel: sees what the documents say, filters, goes to a sentence."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from medview.core import words
from medview.core.words import set_language
from medview.gui.panels.record import RecordPanel
from medview.gui.panels.record_document import DocumentCard
from medview.gui.panels.record_lists import KnownCard
from medview.gui.panels.record_trend import TrendCard
from medview.gui.style import tokens
from medview.gui.window import MainWindow
from medview.session import Session
from medview.session.events import Event, ShowSource

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")
ROOT = Path(__file__).resolve().parents[2]
LETTER = (
    "Discharge letter\nDate: 2025-12-02\n\n"
    "67-year-old ex-smoker, 38 pack-years. No haemoptysis, no weight loss. "
    "Sister with lung cancer. Rash after amoxicillin. Creatinine 0.9 mg/dL."
)
NOTE = "门诊记录\n日期：2026-01-20\n否认胸痛。高血压病史10年，服氨氯地平5mg。肌酐106μmol/L。"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A session with two documents open."""
    (tmp_path / "letter.txt").write_text(LETTER, encoding="utf-8")
    (tmp_path / "note.txt").write_bytes(NOTE.encode("gb18030"))
    (tmp_path / "broken.json").write_text('{"resourceType": ', encoding="utf-8")
    made = Session()
    made.documents.open(sorted(tmp_path.glob("*.*")), (), None)
    yield made
    made.close()


@pytest.fixture
def panel(session: Session, qtbot: QtBot) -> RecordPanel:
    """The panel as the reader sees it, on a fixed day."""
    made = RecordPanel(session, today=lambda: dt.date(2026, 1, 31))
    qtbot.addWidget(made)
    made.resize(340, 1400)
    made.show()
    qtbot.waitUntil(lambda: made.is_whole, timeout=60_000)
    return made


def texts(panel: RecordPanel) -> list[str]:
    return [found.text() for found in panel.findChildren(QLabel) if found.isVisible()]


def underlined(panel: RecordPanel) -> set[str]:
    return {
        entity.text
        for card in panel.findChildren(DocumentCard)
        if card.isVisible()
        for entity in card.text.placed
    }


def has_colour(panel: RecordPanel, wanted: str) -> bool:
    picture = panel.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(picture.constBits(), np.uint32)
    return bool((pixels == QColor(wanted).rgb()).any())


def test_documents_stand_newest_first_with_date_and_kind(panel: RecordPanel) -> None:
    shown = texts(panel)

    assert shown.index("门诊记录") < shown.index("Discharge letter")
    assert "2026-01-20 · text" in shown
    assert {"lung cancer", "amoxicillin", "胸痛", "氨氯地平"} <= underlined(panel)
    assert has_colour(panel, tokens().accent)


def test_context_stands_beside_the_words(panel: RecordPanel) -> None:
    said = "".join(panel.card_of(i.document.id).text.toPlainText() for i in panel.documents)

    assert "haemoptysis\u2009no" in said
    assert "lung cancer\u2009family" in said
    assert "amoxicillin\u2009adverse" in said


def test_a_filter_leaves_only_its_words_underlined(panel: RecordPanel, qtbot: QtBot) -> None:
    qtbot.mouseClick(panel.filters.chips["family"], Qt.MouseButton.LeftButton)

    qtbot.waitUntil(lambda: underlined(panel) == {"lung cancer"})
    assert "门诊记录" not in texts(panel)


def test_the_number_on_a_filter_is_what_it_shows(panel: RecordPanel, qtbot: QtBot) -> None:
    count = int(panel.filters.chips["negated"].text().split()[-1])
    qtbot.mouseClick(panel.filters.chips["negated"], Qt.MouseButton.LeftButton)

    qtbot.waitUntil(lambda: len(underlined(panel)) == count)


def test_a_lab_over_time_is_a_line_with_its_newest_value(panel: RecordPanel) -> None:
    (trend,) = panel.findChildren(TrendCard)

    assert trend.accessibleName() == "Creatinine 1.2"
    assert any("11 days old" in text for text in texts(panel))


def test_a_source_chip_asks_for_the_sentence(panel: RecordPanel, qtbot: QtBot) -> None:
    heard: list[Event] = []
    panel.session.events.subscribe(heard.append)
    (known,) = panel.findChildren(KnownCard)
    chip = next(c for c in known.findChildren(QPushButton) if "lung cancer" in c.toolTip())
    qtbot.mouseClick(chip, Qt.MouseButton.LeftButton)
    (asked,) = [event for event in heard if isinstance(event, ShowSource)]
    panel.show_source(asked.locator)

    document_id = asked.locator.split(":")[1]
    assert panel.card_of(document_id).text.pointed_text() == "lung cancer"


def test_what_could_not_be_read_is_named(panel: RecordPanel) -> None:
    assert any("broken.json" in text and "line 1" in text for text in texts(panel))


def test_a_sentence_far_down_a_long_document_is_found(
    session: Session, panel: RecordPanel, qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "long.txt"
    path.write_text(
        "𠮷: nothing new happened on this quiet ward.\n" * 1_500 + "Emphysema.", encoding="utf-8"
    )
    session.documents.open([path], (), None)
    qtbot.waitUntil(lambda: len(panel.documents) == 3)
    item = next(i for i in panel.documents if i.document.path == str(path))
    emphysema = item.note.entities[-1]
    qtbot.waitUntil(lambda: "long" in texts(panel))
    panel.show_source(f"document:{item.document.id}:{emphysema.start}:{emphysema.end}")

    assert panel.card_of(item.document.id).text.pointed_text() == "Emphysema"


def test_the_panel_speaks_chinese_after_a_change_of_language(
    panel: RecordPanel, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    fragment = ROOT / "resources" / "translations" / "zh_CN.d" / "record.json"
    chinese = json.loads(fragment.read_text(encoding="utf-8"))
    monkeypatch.setattr(words, "_catalogue", lambda _language: chinese)
    set_language("zh_CN")
    panel.retranslate()

    assert panel.filters.chips["all"].text() == "全部"
    qtbot.waitUntil(lambda: "2026-01-20 · 文本" in texts(panel))
    assert "lung cancer\u2009家族" in "".join(
        panel.card_of(i.document.id).text.toPlainText() for i in panel.documents
    )


def test_an_empty_panel_says_what_to_drop(qtbot: QtBot) -> None:
    session = Session()
    panel = RecordPanel(session)
    qtbot.addWidget(panel)
    panel.show()

    assert any("FHIR bundles" in text for text in texts(panel))
    session.close()


def test_many_documents_come_twenty_at_a_time(tmp_path: Path, qtbot: QtBot) -> None:
    for number in range(45):
        text = f"Note {number}\nDate: 2025-01-{1 + number % 28:02}\nCough for {number + 2} days."
        (tmp_path / f"note{number:02}.txt").write_text(text, encoding="utf-8")
    session = Session()
    session.documents.open(sorted(tmp_path.glob("*.txt")), (), None)
    panel = RecordPanel(session, today=lambda: dt.date(2026, 1, 31))
    qtbot.addWidget(panel)
    panel.show()

    def shown() -> list[str]:
        cards = [c for c in panel.findChildren(DocumentCard) if not c.isHidden()]
        return [c.document_id for c in sorted(cards, key=lambda c: c.y())]

    def more() -> list[QPushButton]:
        buttons = panel.findChildren(QPushButton)
        return [b for b in buttons if b.text().startswith("Show more doc") and not b.isHidden()]

    ids = [item.document.id for item in panel.documents]
    qtbot.waitUntil(lambda: shown() == ids[:20])
    panel.show_document(ids[44])
    qtbot.waitUntil(lambda: shown() == [*ids[:20], ids[44]])
    qtbot.waitUntil(lambda: [b.text() for b in more()] == ["Show more documents (24 left)"])
    qtbot.mouseClick(more()[0], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: shown() == [*ids[:40], ids[44]])
    panel.show_source(f"document:{ids[41]}:0:4")
    qtbot.waitUntil(lambda: len(more()) == 1)
    assert panel.card_of(ids[41]).document_id == ids[41]
    qtbot.mouseClick(more()[0], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: shown() == ids)
    assert more() == []
    session.close()


def test_a_long_list_grows_while_the_window_answers(
    session: Session, panel: RecordPanel, qtbot: QtBot, tmp_path: Path
) -> None:
    diseases = ("asthma", "gout", "psoriasis", "pancreatitis", "cholangitis", "cirrhosis",
                "sarcoidosis", "osteoporosis", "epilepsy", "migraine")  # fmt: skip
    path = tmp_path / "list.txt"
    path.write_text("".join(f"- {name}\n" for name in diseases), encoding="utf-8")
    session.documents.open([path], (), None)
    qtbot.waitUntil(lambda: len(panel.documents) == 3, timeout=60_000)
    panel.show_view("summary")
    assert not panel.is_whole  # the window goes on before all of it is made
    qtbot.waitUntil(lambda: set(diseases) <= set(texts(panel)), timeout=60_000)
    qtbot.waitUntil(lambda: panel.is_whole, timeout=60_000)


def test_documents_without_images_open_on_the_record(
    window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "letter.txt").write_text(LETTER, encoding="utf-8")
    assert window.sidebar.tab == "findings"
    window.open_paths([tmp_path / "letter.txt"])
    qtbot.waitUntil(lambda: window.sidebar.tab == "record", timeout=60_000)
    shown = window.sidebar.record
    qtbot.waitUntil(
        lambda: any(c.isVisible() for c in shown.findChildren(DocumentCard)), timeout=60_000
    )
    qtbot.waitUntil(lambda: "No images are open" in texts(window.studies), timeout=60_000)

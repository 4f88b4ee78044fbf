"""What a reader does at the record panel, for the pictures of its page in the guide."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from reading_pictures import Room

_LEFT = Qt.MouseButton.LeftButton


def mention_open(room: Room) -> None:
    """The letter in English, with the bar of one mention."""
    _letter(room, "Discharge letter", "Hypertension")


def chinese_mention_open(room: Room) -> None:
    """The note in Chinese, with the bar of one mention."""
    _letter(room, "门诊", "高血压")


def _letter(room: Room, title: str, words: str) -> None:
    panel = room.window.sidebar.record
    item = next(i for i in panel.documents if i.document.title.startswith(title))
    entity = next(e for e in item.note.entities if words in e.text)
    panel.show_source(f"document:{item.document.id}:{entity.start}:{entity.end}")
    room.rest(0.5)
    card = panel.card_of(item.document.id)
    place = card.text.place_of(entity.id)
    if place is not None:
        QTest.mouseClick(card.text.viewport(), _LEFT, pos=place.center().toPoint())
    room.rest(0.5)
    panel.show_document(item.document.id)


def summary(room: Room) -> None:
    """The lists, with the plot of creatinine open."""
    panel = room.window.sidebar.record
    panel.show_view("summary")
    room.rest(0.5)
    from medview.gui.panels.record_trend import SeriesLine

    line = next(s for s in panel.findChildren(SeriesLine) if s.isVisible())
    QTest.mouseClick(line.findChildren(QPushButton)[0], _LEFT)
    room.rest(3.0)  # the first plot loads its library
    panel.show_widget(line)
    room.rest(1.0)


def timeline(room: Room) -> None:
    """Everything on one line."""
    room.window.sidebar.record.show_view("timeline")


def search(room: Room) -> None:
    """Hits of a word, one of them shown."""
    panel = room.window.sidebar.record
    panel.searching.ask("nodule")
    room.rest(0.5)
    panel.searching.step(1)


def chinese_search(room: Room) -> None:
    """Hits of a Chinese word."""
    panel = room.window.sidebar.record
    panel.searching.ask("结节")
    room.rest(0.5)
    panel.searching.step(1)

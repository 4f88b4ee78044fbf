"""Cards and bars give way to the panel, never the panel to them; messages go and are tinted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from medview.core.study import Patient, Series, Stack, Study
from medview.core.words import set_language
from medview.gui.cards import Card, CardColumn, ElidedLabel, ElidedLink, reading_direction
from medview.gui.panels.studies import SeriesItem, _age
from medview.gui.statusbar import StatusBar
from medview.gui.style import tokens


def _series(**changes: object) -> Series:
    stack = Stack(
        frames=(), geometry=None, verdict="gaps", badges=("LOSSY", "BURNED-IN", "DERIVED")
    )
    return Series(uid="1", number=3, modality="CT", stacks=(stack,), **changes)


@pytest.fixture
def bar(qtbot) -> Iterator[StatusBar]:
    """A status bar of a narrow window."""
    parent = QWidget()
    qtbot.addWidget(parent)
    made = StatusBar(parent)
    made.resize(700, 24)
    parent.show()
    yield made
    parent.close()


@pytest.mark.parametrize("name", ["W" * 80, "محمد بن عبد الله آل سعود الطويل جدا", "Ada"])
def test_long_name_is_cut_to_the_card_and_the_card_to_the_panel(qtbot, name: str) -> None:
    column, card = CardColumn(), Card()
    qtbot.addWidget(column)
    card.add(ElidedLabel(name, "title"))
    column.fill([card])
    column.setFixedWidth(232)
    column.show()

    assert card.mapTo(column, card.rect().topRight()).x() < 232
    assert card.findChild(ElidedLabel).toolTip() == name


def test_hebrew_name_starts_at_the_right(qtbot) -> None:
    label = ElidedLabel("אדה")
    qtbot.addWidget(label)
    label.setFixedSize(200, 20)
    picture = label.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)

    def ink(columns: range) -> bool:
        back = picture.pixel(100, 0)
        return any(picture.pixel(x, y) != back for x in columns for y in range(20))

    assert reading_direction("אדה") == Qt.LayoutDirection.RightToLeft
    assert ink(range(150, 200))
    assert not ink(range(50))


def test_badges_of_a_series_take_a_second_line_inside_the_panel(qtbot) -> None:
    column, item = CardColumn(), SeriesItem(_series(), 0, ["prior", "AI"])
    qtbot.addWidget(column)
    column.fill([item])
    column.setFixedWidth(232)
    column.show()

    badges = [w for w in item.findChildren(ElidedLabel) if w.styleSheet()]
    assert [w.text() for w in badges][:2] == ["CT", "LOSSY"]
    assert all(w.width() >= w.sizeHint().width() for w in badges)
    assert all(w.mapTo(column, w.rect().topRight()).x() < 232 for w in badges)


def test_badges_are_said_in_chinese(qtbot) -> None:
    set_language("zh_CN")
    try:
        item = SeriesItem(_series(), 0, [])
        qtbot.addWidget(item)
    finally:
        set_language("en")

    assert "派生图像" in [label.text() for label in item.findChildren(ElidedLabel)]


def test_folded_card_tells_the_age_at_the_newest_study() -> None:
    def study(date: str, age: str) -> Study:
        return Study(uid=date, date=date, series=(_series(header={"PatientAge": age}),))

    patient = Patient(id="A", studies=(study("2020-01-01", "060Y"), study("2026-01-01", "066Y")))

    assert _age(patient, None) == "66 y"
    assert _age(patient, patient.studies[0]) == "60 y"


def test_info_goes_by_itself_and_what_is_wrong_stays(bar, qtbot) -> None:
    link = bar.findChild(ElidedLink)
    bar._old.setInterval(30)

    bar.show_message("Read.", "info")
    qtbot.waitUntil(lambda: not link.text(), timeout=60_000)
    assert bar.message == "Read."

    bar.show_message("Broken.", "bad")
    qtbot.wait(80)
    assert link.text() == "Broken."
    assert tokens().bad in link.styleSheet()


def test_long_message_does_not_widen_the_window(bar) -> None:
    bar.show_message("A sentence that goes on. " * 20, "warn")

    assert bar.minimumSizeHint().width() < 700


def test_memory_changes_language(bar) -> None:
    bar.show_memory(100_000_000, 2 << 30)
    set_language("zh_CN")
    try:
        bar.retranslate()
    finally:
        set_language("en")

    assert bar._memory.text() == "图像内存 95 MB / 2.0 GB"

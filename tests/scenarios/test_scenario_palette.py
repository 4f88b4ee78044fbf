"""The palette: every action and open series by a few letters, in both languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from medview.gui.actions import GROUPS, ROWS
from medview.gui.actions.row import LETTERS
from medview.gui.dialogs.matching import mismatch
from medview.gui.dialogs.palette import Palette
from medview.gui.window import MainWindow
from medview.imaging.presets import preset_groups, use_presets


@pytest.fixture
def palette(opened: MainWindow, qtbot: QtBot) -> Iterator[Palette]:
    qtbot.keyClick(opened, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    (made,) = opened.findChildren(Palette)
    yield made
    for left in opened.findChildren(Palette):  # it goes by itself when an action was chosen
        left.reject()


def lines(palette: Palette) -> list[tuple[str, str]]:
    items = (palette.list.topLevelItem(n) for n in range(palette.list.topLevelItemCount()))
    return [(item.text(0), item.text(1)) for item in items]


def test_it_lists_every_action_with_its_keys_and_every_series(
    opened: MainWindow, palette: Palette
) -> None:
    shown = dict(lines(palette))

    for row in ROWS:
        if row.is_listed:
            wanted = opened.actions_.keys_of(opened.actions_[row.id])
            called = opened.actions_[row.id].iconText()
            assert shown[f"{GROUPS[row.group]} · {called}"] == wanted
            assert called == row.title or row.id.startswith("window.preset_")
    assert any("Lung 1.25 mm" in text for text in shown)


def test_a_few_letters_find_an_action_and_enter_does_it(
    opened: MainWindow, palette: Palette
) -> None:
    QTest.keyClicks(palette.search, "flip top")
    assert lines(palette)[0] == ("View · Flip top to bottom", "V")

    QTest.keyClick(palette.search, Qt.Key.Key_Return)

    assert opened.grid.active_view.stage.state.flip_v


def test_a_window_is_found_by_its_name_and_a_digit_without_one_says_so(
    opened: MainWindow, palette: Palette
) -> None:
    QTest.keyClicks(palette.search, "lung")
    assert lines(palette)[0] == ("Window · Lung", "2")
    QTest.keyClick(palette.search, Qt.Key.Key_Return)

    view = opened.grid.active_view
    assert (view.stage.state.window.width, view.stage.state.window.center) == (1500, -600)

    own = {modality: group for modality, group in preset_groups().items() if modality[0] != "CT"}
    use_presets(own)
    try:
        opened.presets.show()
        QTest.keyClick(view, Qt.Key.Key_5)
    finally:
        use_presets(None)
        opened.presets.show()
    assert "CT has no window preset 5" in opened.status.message
    assert view.stage.state.window.width == 1500


def test_arrows_choose_and_a_series_is_shown(opened: MainWindow, palette: Palette) -> None:
    palette.search.setText("scout")
    assert len(lines(palette)) >= 1

    QTest.keyClick(palette.search, Qt.Key.Key_Down)
    QTest.keyClick(palette.search, Qt.Key.Key_Up)
    QTest.keyClick(palette.search, Qt.Key.Key_Return)

    assert opened.session.active.series.description == "Scout AP"


def test_in_chinese_both_languages_find_it(opened: MainWindow, qtbot: QtBot) -> None:
    opened.preferences.set_language("zh_CN")
    opened.show_palette()
    (made,) = opened.findChildren(Palette)
    try:
        made.search.setText("反相")
        chinese = lines(made)[0][0]
        made.search.setText("invert")
        assert lines(made)[0][0] == chinese
        assert "反相" in chinese
    finally:
        made.reject()
        opened.preferences.set_language("en")


@pytest.mark.parametrize(
    ("typed", "better", "worse"),
    [
        ("length", "Length", "Full length of it"),
        ("flip", "View · Flip left to right", "View · Reflipped"),
        ("zoo", "View · Zoom in", "View · Bazooka"),
        ("fltr", "View · Flip left to right", "View · Invert"),
        ("in zoom", "View · Zoom in", "View · Zoom out"),
    ],
)
def test_what_fits_better_stands_first(typed: str, better: str, worse: str) -> None:
    first, second = mismatch(typed, better), mismatch(typed, worse)

    assert first is not None
    assert second is None or first <= second


def test_what_was_not_typed_in_order_is_not_found() -> None:
    assert mismatch("zzz", "View · Zoom in") is None
    assert mismatch("pilf", "View · Flip left to right") is None
    assert mismatch("", "anything") == 0


def test_every_menu_has_its_letter() -> None:
    listed = {row.group for row in ROWS if row.is_listed}

    assert set(LETTERS) == listed
    assert len(set(LETTERS.values())) == len(LETTERS)

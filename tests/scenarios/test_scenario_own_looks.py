"""Window presets and corner texts of the reader's own: edited, kept, refused in a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from medview.core.errors import InvalidInput
from medview.core.settings import load_settings
from medview.gui.dialogs.corners_page import CornersPage
from medview.gui.dialogs.presets_page import PresetsPage
from medview.gui.dialogs.settings import SettingsDialog
from medview.gui.tools.habits import Habits
from medview.gui.views.corner_templates import (
    FIELDS,
    Moment,
    fault_of,
    filled,
    use_corner_templates,
)
from medview.gui.window import MainWindow
from medview.imaging.preset_files import own_presets_path, read_groups, shipped_groups
from medview.imaging.presets import preset_groups, use_presets
from medview.session import Session


@pytest.fixture(autouse=True)
def own_looks_end() -> Iterator[None]:
    """What a test made of presets and corners ends with it."""
    yield
    use_presets(None)
    use_corner_templates({})


@pytest.fixture
def dialog(opened: MainWindow) -> Iterator[SettingsDialog]:
    opened.preferences.ask()
    (made,) = opened.findChildren(SettingsDialog)
    yield made
    made.accept()


def presets(dialog: SettingsDialog) -> PresetsPage:
    return dialog.findChild(PresetsPage)


def test_a_preset_that_is_changed_answers_to_its_key_and_is_kept(
    opened: MainWindow, dialog: SettingsDialog
) -> None:
    page = presets(dialog)
    page.group.setCurrentIndex(page.group.findData("CT|HU"))
    page.table.item(0, 1).setText("My lung")
    page.table.item(0, 2).setText("1400")
    page.table.item(0, 3).setText("−550")

    view = opened.grid.active_view
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_2)

    window = opened.grid.window_in_use
    assert (window.width, window.center, window.name) == (1400, -550, "My lung")
    assert own_presets_path().stat().st_mode & 0o777 == 0o600
    kept = read_groups(own_presets_path())["CT", "HU"]
    assert (kept[0].name, kept[0].window.width) == ("My lung", 1400)
    assert kept[1:] == shipped_groups()["CT", "HU"][1:]


def test_presets_are_added_moved_removed_and_reset(dialog: SettingsDialog) -> None:
    page = presets(dialog)
    page.group.setCurrentIndex(page.group.findData("MR|"))
    assert page.table.rowCount() == 0

    page.add()
    page.table.item(0, 1).setText("Bright")
    page.add()
    page.table.item(1, 1).setText("Dark")
    page.shift(-1)

    assert [p.name for p in preset_groups()["MR", ""]] == ["Dark", "Bright"]
    assert [page.table.item(n, 0).text() for n in (0, 1)] == ["2", "3"]
    page.remove()
    assert [p.name for p in preset_groups()["MR", ""]] == ["Bright"]
    page.reset()
    assert preset_groups()["MR", ""] == ()


@pytest.mark.parametrize(
    ("column", "text", "said"),
    [(2, "0", "must be 1 or more"), (2, "wide", "must be 1 or more"), (1, "", "needs a name")],
)
def test_a_preset_that_makes_no_window_is_said_and_not_taken(
    dialog: SettingsDialog, column: int, text: str, said: str
) -> None:
    page = presets(dialog)
    page.group.setCurrentIndex(page.group.findData("CT|HU"))
    before = preset_groups()["CT", "HU"]

    page.table.item(0, column).setText(text)

    assert said in page.said.text()
    assert preset_groups()["CT", "HU"] == before


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"groups": 3}', '{"groups": [{"modality": "CT"}]}',
     json.dumps({"groups": [{"modality": "CT", "unit": "HU", "presets": [
         {"name": "Lung", "width": -3, "center": 1}]}]})],
)  # fmt: skip
def test_nonsense_in_the_file_of_presets_is_said_and_medviews_own_hold(
    loop: object, text: str
) -> None:
    own_presets_path().write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput):
        read_groups(own_presets_path())

    window = MainWindow(Session())

    said = [str(sentence) for _level, sentence, _where in window.messages]
    assert "MedView's own window presets hold." in said
    assert preset_groups()["CT", "HU"] == shipped_groups()["CT", "HU"]
    window.close()
    window.deleteLater()


def test_corner_texts_follow_the_readers_template(
    opened: MainWindow, dialog: SettingsDialog
) -> None:
    page = dialog.findChild(CornersPage)
    page.edits["upper_left"].setPlainText("{patient_id} · {body_part} · {sex}\n{probe}")
    stage = opened.grid.active_view.stage
    now = Moment(shown=stage.shown, plane=stage.plane, index=stage.index, state=stage.state, zoom=1)

    assert load_settings().corner_upper_left.startswith("{patient_id}")
    assert filled(load_settings().corner_upper_left, now) == ["MV-0001 · CHEST · F"]
    before = opened.grid.active_view.grab().toImage()
    page.edits["upper_left"].setPlainText("{study_date}")
    assert opened.grid.active_view.grab().toImage() != before


def test_every_field_of_a_template_can_be_filled(opened: MainWindow) -> None:
    stage = opened.grid.active_view.stage
    now = Moment(shown=stage.shown, plane=stage.plane, index=stage.index, state=stage.state, zoom=2)

    for name in FIELDS:
        assert isinstance(FIELDS[name](now), str)
    assert filled("{window} · {zoom}", now)[0].endswith("2.0×")


def test_a_template_is_no_program(dialog: SettingsDialog) -> None:
    page = dialog.findChild(CornersPage)
    page.edits["upper_left"].setPlainText("{name.__class__}")

    assert page.said.text() == "There is no field name.__class__."
    assert load_settings().corner_upper_left == ""
    assert str(fault_of("{name")) == "A field is written in curly brackets."
    assert fault_of("\n" * 30 + "x") is not None
    assert fault_of("{name} · {age}") is None


@pytest.mark.parametrize(
    ("drag", "right_and_up"),
    [
        ("width-up", (10, 5)), ("width-down", (10, -5)), ("level-up", (5, 10)),
        ("level-down", (-5, 10)),
    ],
)  # fmt: skip
def test_the_way_of_the_window_drag_can_be_set(
    drag: str, right_and_up: tuple[float, float]
) -> None:
    assert Habits(window_drag=drag).window_change(10, 5) == right_and_up


def test_the_window_drag_that_is_set_holds_in_the_view(
    opened: MainWindow, dialog: SettingsDialog
) -> None:
    from medview.gui.tools.habits import habits

    dialog.window_drag.setCurrentIndex(dialog.window_drag.findData("level-down"))
    assert habits().window_drag == "level-down"
    assert load_settings().window_drag == "level-down"
    dialog.window_drag.setCurrentIndex(dialog.window_drag.findData("width-up"))

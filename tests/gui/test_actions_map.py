"""The map of keys and mouse that the reading-room reference recommends (its section 2.4)."""

from __future__ import annotations

import pytest

from medview.gui.actions import MOUSE, ROWS
from medview.gui.actions.bindings import Bindings
from medview.gui.actions.keymaps import KeyMap

KEYS = {
    "0": "window.automatic", "1": "window.from_file", "2": "window.preset_2",
    "9": "window.preset_9", "I": "view.invert", "R": "view.reset", "Shift+R": "window.reset",
    "T": "view.corner_text", "H": "view.flip_h", "V": "view.flip_v",
    "Ctrl+Left": "view.rotate_left", "Ctrl+Right": "view.rotate_right", "L": "tool.length",
    "A": "tool.angle", "E": "tool.ellipse", "F": "tool.freehand", "P": "tool.probe",
    "C": "cine.toggle", "K": "measure.key_image", "X": "tool.crosshair", "O": "view.overlay",
    "Esc": "edit.escape", "Del": "edit.delete", "Ctrl+Z": "edit.undo", "Ctrl+Y": "edit.redo",
    "F11": "view.full_screen", "F1": "help.keys", "Up": "series.previous_slice",
    "Down": "series.next_slice", "PgUp": "series.previous", "PgDown": "series.next",
    "Home": "series.first_slice", "End": "series.last_slice", "Tab": "layout.next_tile",
    "Shift+Tab": "layout.previous_tile", "Return": "layout.maximise", "Ctrl+K": "help.palette",
    "Alt+F": "menu.file",
}  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_a_key_of_the_map_does_what_the_map_says(key: str) -> None:
    assert key in Bindings(ROWS).keys(KEYS[key])


def test_o_held_is_a_look_and_what_scrolls_goes_on_while_held() -> None:
    rows = {row.id: row for row in ROWS}

    assert rows["view.overlay"].peeks
    assert all(rows[name].repeats for name in ("series.next_slice", "series.previous_slice"))
    assert not rows["view.invert"].repeats


def test_the_mouse_is_as_the_map_says() -> None:
    keymap = KeyMap()

    assert (keymap.drag("middle"), keymap.drag("right")) == ("pan", "zoom")
    hands = {hand for hand, _ in MOUSE}
    assert {"Left drag", "Middle drag, Space + left drag", "Right drag", "Right click", "Wheel",
            "Ctrl + wheel", "Shift + wheel", "Left + right drag"} <= hands  # fmt: skip

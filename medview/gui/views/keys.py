"""Which key does what in a slice view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent


class KeyTarget(Protocol):
    """What the keys ask of a view."""

    def scroll_by(self, steps: int) -> None:
        """Some slices further."""

    def scroll_to_end(self, *, is_last: bool) -> None:
        """The first or the last slice."""

    def step_series(self, steps: int) -> None:
        """Another series."""

    def apply_preset(self, number: int) -> None:
        """0 automatic, 1 as in the file, 2 to 9 presets."""

    def toggle(self, what: str) -> None:
        """invert, flip-h, flip-v, text, overlay."""

    def turn(self, quarters: int) -> None:
        """A quarter turn."""

    def reset(self, *, window: bool) -> None:
        """The view, or its window."""

    def choose_tool(self, name: str) -> None:
        """Another tool; the same one again goes back to the window tool."""

    def escape(self) -> None:
        """Give up a drawing, then the tool."""

    def cine(self, what: str) -> None:
        """toggle, bounce, faster, slower."""

    def delete_selected(self) -> None:
        """The selected measurement."""

    def maximise(self) -> None:
        """This view alone, and back."""


_K = Qt.Key
_PLAIN: dict[int, Callable[[KeyTarget], None]] = {
    _K.Key_Up: lambda to: to.scroll_by(-1),
    _K.Key_Left: lambda to: to.scroll_by(-1),
    _K.Key_Down: lambda to: to.scroll_by(1),
    _K.Key_Right: lambda to: to.scroll_by(1),
    _K.Key_Home: lambda to: to.scroll_to_end(is_last=False),
    _K.Key_End: lambda to: to.scroll_to_end(is_last=True),
    _K.Key_PageUp: lambda to: to.step_series(-1),
    _K.Key_PageDown: lambda to: to.step_series(1),
    _K.Key_I: lambda to: to.toggle("invert"),
    _K.Key_H: lambda to: to.toggle("flip-h"),
    _K.Key_V: lambda to: to.toggle("flip-v"),
    _K.Key_T: lambda to: to.toggle("text"),
    _K.Key_O: lambda to: to.toggle("overlay"),
    _K.Key_R: lambda to: to.reset(window=False),
    _K.Key_X: lambda to: to.choose_tool("crosshair"),
    _K.Key_L: lambda to: to.choose_tool("length"),
    _K.Key_E: lambda to: to.choose_tool("ellipse"),
    _K.Key_P: lambda to: to.choose_tool("probe"),
    _K.Key_C: lambda to: to.cine("toggle"),
    _K.Key_Plus: lambda to: to.cine("faster"),
    _K.Key_Equal: lambda to: to.cine("faster"),
    _K.Key_Minus: lambda to: to.cine("slower"),
    _K.Key_Escape: lambda to: to.escape(),
    _K.Key_Delete: lambda to: to.delete_selected(),
    _K.Key_Backspace: lambda to: to.delete_selected(),
    _K.Key_Return: lambda to: to.maximise(),
    _K.Key_Enter: lambda to: to.maximise(),
}
_SHIFT: dict[int, Callable[[KeyTarget], None]] = {
    _K.Key_R: lambda to: to.reset(window=True),
    _K.Key_C: lambda to: to.cine("bounce"),
    _K.Key_Plus: lambda to: to.cine("faster"),
    _K.Key_Up: lambda to: to.scroll_by(-10),
    _K.Key_Down: lambda to: to.scroll_by(10),
}
_CTRL: dict[int, Callable[[KeyTarget], None]] = {
    _K.Key_Left: lambda to: to.turn(-1),
    _K.Key_Right: lambda to: to.turn(1),
}


def answer(event: QKeyEvent, target: KeyTarget) -> bool:
    """Do what the key means; False for keys that mean nothing here."""
    # The keypad and arrow keys carry a modifier of their own, which means nothing here.
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    key = event.key()
    if modifiers == Qt.KeyboardModifier.NoModifier and _K.Key_0 <= key <= _K.Key_9:
        target.apply_preset(int(key) - int(_K.Key_0))
        return True
    tables = {
        Qt.KeyboardModifier.NoModifier: _PLAIN,
        Qt.KeyboardModifier.ShiftModifier: _SHIFT,
        Qt.KeyboardModifier.ControlModifier: _CTRL,
    }
    action = tables.get(modifiers, {}).get(key)
    if action is None:
        return False
    action(target)
    return True

"""What the reader's hand is used to: what the buttons do and which way the window's drag goes."""

from __future__ import annotations

from dataclasses import dataclass

WINDOW_DRAGS = ("width-up", "width-down", "level-up", "level-down")


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """middle, right: a tool's name or `menu`. window_drag: what a drag across changes, and which
    way along the other axis raises the other one. has_letters: orientation letters are shown."""

    middle: str = "pan"
    right: str = "zoom"
    window_drag: str = "width-up"
    has_letters: bool = True

    def window_change(self, right: float, up: float) -> tuple[float, float]:
        """(width, level) in pixels of a drag of so many pixels to the right and up."""
        first, _, way = self.window_drag.partition("-")
        along = up if way == "up" else -up
        return (right, along) if first == "width" else (along, right)


_in_use = {"habits": Habits()}


def habits() -> Habits:
    """Those of this window's reader."""
    return _in_use["habits"]


def use_habits(wanted: Habits) -> None:
    """Take others up at once."""
    _in_use["habits"] = wanted

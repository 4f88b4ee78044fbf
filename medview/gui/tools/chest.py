"""Cardiothoracic ratio: the midline, both borders of the heart, both inner borders of the chest."""

from __future__ import annotations

from medview.gui.tools.clicks import ClicksTool, Points


class ChestTool(ClicksTool):
    """The midline as a drag, then four clicks: heart right, heart left, chest right, chest left.

    Danzer 1919: the heart's greatest ways to both sides of the midline over the greatest inner
    width of the chest; all across the midline.
    """

    name = "ctr"
    kind = "ctr"
    count = 6

    def sketched_kind(self, places: Points) -> str:
        """Pairs of borders until all are there."""
        return self.kind if len(places) == self.count else "pairs"

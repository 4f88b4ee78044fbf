"""Angle and Cobb angle."""

from __future__ import annotations

from medview.gui.tools.clicks import ClicksTool, Points


class AngleTool(ClicksTool):
    """End, vertex, end: a drag and a click, or three clicks."""

    name = "angle"
    kind = "angle"
    count = 3


class CobbTool(ClicksTool):
    """Two lines, each a drag or two clicks; between them nothing is joined."""

    name = "cobb"
    kind = "cobb"
    count = 4

    def sketched_kind(self, places: Points) -> str:
        """The second line begins by itself."""
        return {2: "path", 3: "pairs", 4: "cobb"}.get(len(places), "path")

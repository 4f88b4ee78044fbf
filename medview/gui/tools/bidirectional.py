"""Bidirectional: a long axis, and a short one that is perpendicular to it wherever it is drawn."""

from __future__ import annotations

import numpy as np

from medview.gui.tools.base import Stage
from medview.gui.tools.clicks import ClicksTool, Points
from medview.imaging import roi


class BidirectionalTool(ClicksTool):
    """Two drags: along the lesion, then across it (RECIST 1.1 measures nodes across)."""

    name = "bidirectional"
    kind = "bidirectional"
    count = 4

    def shaped(self, stage: Stage, places: Points) -> Points:
        """The short axis's end is moved onto the perpendicular through its beginning."""
        if len(places) != self.count:
            return places
        long, (start, to) = places[:2], places[2:]
        normal = stage.measuring.measured("path", long).normal
        if np.allclose(long[0], long[1]):
            return places
        return (*long, *roi.short_axis(long, start, to, normal))

    def sketched_kind(self, places: Points) -> str:
        """The short axis begins by itself."""
        return {3: "pairs", 4: "bidirectional"}.get(len(places), "path")

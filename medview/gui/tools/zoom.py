"""Zoom: up is larger, around the place where the drag began."""

from __future__ import annotations

import math

from medview.gui.tools.base import DragTool, Pointer, Stage
from medview.gui.views.state import ViewState, zoomed

_DOUBLE_PX = 120.0  # pixels of drag that double the picture


class ZoomTool(DragTool):
    """Also the right button's."""

    name = "zoom"
    cursor = "zoom"

    def drag(self, stage: Stage, state: ViewState, begin: Pointer, now: Pointer) -> None:
        """Scale from how it stood at the beginning."""
        factor = math.pow(2.0, (begin.y - now.y) / _DOUBLE_PX)
        stage.change(zoomed(state, factor, stage.from_middle(begin)))

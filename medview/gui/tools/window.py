"""Window and level: across is width and up is level, or as the reader has set it."""

from __future__ import annotations

from dataclasses import replace

from medview.gui.tools.base import DragTool, Pointer, Stage
from medview.gui.tools.habits import habits
from medview.gui.views.state import ViewState, window_step
from medview.imaging.window import Window, dragged


class WindowTool(DragTool):
    """The tool a view has when no other is chosen."""

    name = "window"
    cursor = "arrow"

    def drag(self, stage: Stage, state: ViewState, begin: Pointer, now: Pointer) -> None:
        """Widen or narrow, raise or lower."""
        step = window_step(state)
        wider, higher = habits().window_change(now.x - begin.x, begin.y - now.y)
        window = dragged(state.window, wider * step, higher * step)
        stage.change(replace(stage.state, window=_rounded(window)))


def _rounded(window: Window) -> Window:
    """Whole numbers where fractions mean nothing to a reader."""
    if window.width < 20:
        return window
    return replace(window, center=float(round(window.center)), width=float(round(window.width)))

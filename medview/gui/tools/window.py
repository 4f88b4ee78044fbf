"""Window and level: across is width, up is level."""

from __future__ import annotations

from dataclasses import replace

from medview.gui.tools.base import DragTool, Pointer, Stage
from medview.gui.views.state import ViewState, window_step
from medview.imaging.window import Window, dragged


class WindowTool(DragTool):
    """The tool a view has when no other is chosen."""

    name = "window"
    cursor = "arrow"

    def drag(self, stage: Stage, state: ViewState, begin: Pointer, now: Pointer) -> None:
        """Widen or narrow, raise or lower."""
        step = window_step(state)
        window = dragged(state.window, (now.x - begin.x) * step, (begin.y - now.y) * step)
        stage.change(replace(stage.state, window=_rounded(window)))


def _rounded(window: Window) -> Window:
    """Whole numbers where fractions mean nothing to a reader."""
    if window.width < 20:
        return window
    return replace(window, center=float(round(window.center)), width=float(round(window.width)))

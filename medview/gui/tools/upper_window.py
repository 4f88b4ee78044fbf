"""Window and level of the upper layer of a fused view: Ctrl with the left button."""

from __future__ import annotations

from dataclasses import replace

from medview.gui.tools.base import Pointer, Stage, Tool
from medview.imaging.fusion import UpperLayer
from medview.imaging.window import dragged

_PIXELS = 250.0  # of drag for the width of the window


class UpperWindowTool(Tool):
    """As the window tool, for what lies over the picture; lives for one drag."""

    name = "upper-window"

    def __init__(self) -> None:
        self._start: tuple[Pointer, UpperLayer] | None = None

    def press(self, stage: Stage, pointer: Pointer) -> None:
        """Remember where it began."""
        if stage.upper is not None:
            self._start = (pointer, stage.upper)

    def move(self, stage: Stage, pointer: Pointer) -> None:
        """Across is width, up is level; PET keeps its lower end at nothing where it was there."""
        if self._start is None:
            return
        begin, layer = self._start
        step = layer.window.width / _PIXELS
        wider, higher = (pointer.x - begin.x) * step, (begin.y - pointer.y) * step
        if layer.ends[0] == 0.0:  # SUV is read from nothing upwards
            higher = wider / 2
        stage.lay_over(replace(layer, window=dragged(layer.window, wider, higher)), tell=True)

    def release(self, stage: Stage, pointer: Pointer) -> None:
        """The drag is over."""
        self._start = None

    def cancel(self, stage: Stage) -> bool:
        """Back to how it was when the drag began."""
        if self._start is None:
            return False
        stage.lay_over(self._start[1], tell=True)
        self._start = None
        return True

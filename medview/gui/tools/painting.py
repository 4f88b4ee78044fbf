"""Tools that change segments: brushes, growing from a seed, one click on a nodule."""

from __future__ import annotations

from medview.gui.tools.base import Pointer, Stage, Tool


class BrushTool(Tool):
    """Adds what its circle covers while the button is down."""

    name = "brush"
    cursor = "cross"
    is_brush = True

    def __init__(self) -> None:
        self._is_down = False

    def press(self, stage: Stage, pointer: Pointer) -> None:
        """A stroke begins."""
        self._is_down = True
        stage.painting.hover(pointer.x, pointer.y)
        stage.painting.dab(self.name, "begin", pointer.x, pointer.y)

    def move(self, stage: Stage, pointer: Pointer) -> None:
        """It goes on."""
        stage.painting.hover(pointer.x, pointer.y)
        if self._is_down:
            stage.painting.dab(self.name, "go", pointer.x, pointer.y)

    def release(self, stage: Stage, pointer: Pointer) -> None:
        """It is done."""
        if self._is_down:
            self._is_down = False
            stage.painting.dab(self.name, "end", pointer.x, pointer.y)

    def hover(self, stage: Stage, pointer: Pointer) -> None:
        """Show how large the brush is."""
        stage.painting.hover(pointer.x, pointer.y)

    def cancel(self, stage: Stage) -> bool:
        """Take the stroke back."""
        was_down, self._is_down = self._is_down, False
        if was_down:
            stage.painting.dab(self.name, "cancel", 0.0, 0.0)
        stage.painting.leave()
        return was_down


class EraserTool(BrushTool):
    """Takes away what its circle covers."""

    name = "eraser"


class ThresholdTool(BrushTool):
    """Adds what its circle covers and what lies in the window."""

    name = "threshold"


class ClickTool(Tool):
    """Acts where the button comes up."""

    cursor = "cross"

    def __init__(self) -> None:
        self._is_down = False

    def press(self, stage: Stage, pointer: Pointer) -> None:
        """It counts when the button comes up."""
        self._is_down = True

    def release(self, stage: Stage, pointer: Pointer) -> None:
        """Here."""
        if self._is_down:
            self._is_down = False
            stage.painting.dab(self.name, "click", pointer.x, pointer.y)

    def cancel(self, stage: Stage) -> bool:
        """Nothing was done yet."""
        was_down, self._is_down = self._is_down, False
        return was_down


class GrowTool(ClickTool):
    """Adds what hangs together with the place and is as bright."""

    name = "grow"


class NoduleTool(ClickTool):
    """Measures the lung nodule under the mouse."""

    name = "nodule"

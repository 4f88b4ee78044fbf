"""Pan: the picture follows the mouse."""

from __future__ import annotations

from dataclasses import replace

from medview.gui.tools.base import DragTool, Pointer, Stage
from medview.gui.views.state import ViewState


class PanTool(DragTool):
    """Also the middle button's, and Space with the left one's."""

    name = "pan"
    cursor = "hand"

    def drag(self, stage: Stage, state: ViewState, begin: Pointer, now: Pointer) -> None:
        """Move the picture as far as the mouse went."""
        pan = (state.pan[0] + now.x - begin.x, state.pan[1] + now.y - begin.y)
        stage.change(replace(stage.state, pan=pan))

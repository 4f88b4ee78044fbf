"""Probe: the value under the mouse while the button is down; it stays where it is let go."""

from __future__ import annotations

from medview.gui.tools.base import Pointer, PointTool, Stage


class ProbeTool(PointTool):
    """One point, one value with its unit."""

    name = "probe"
    kind = "probe"

    def move(self, stage: Stage, pointer: Pointer) -> None:
        """The value follows the mouse."""
        if self._is_down:
            stage.measuring.sketch(
                stage.measuring.measured("probe", (stage.patient_at(pointer.x, pointer.y),))
            )

    def release(self, stage: Stage, pointer: Pointer) -> None:
        """Leave it here; outside the picture there is nothing to leave."""
        if not self._is_down:
            return
        self._is_down = False
        stage.measuring.sketch(None)
        found = stage.measuring.measured("probe", (stage.patient_at(pointer.x, pointer.y),))
        if found.quantities:
            stage.measuring.finish(found)

    def cancel(self, stage: Stage) -> bool:
        """Take the value away."""
        was_down, self._is_down = self._is_down, False
        stage.measuring.sketch(None)
        return was_down

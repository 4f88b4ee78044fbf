"""Drawing by several places: each a click, or two of them the ends of a drag."""

from __future__ import annotations

import math

from medview.core.geometry import PatientPoint
from medview.gui.tools.base import Pointer, Stage, Tool
from medview.imaging.roi import is_whole

_LEAST_PX = 4.0  # a shorter drag is a click
_NEAR_PX = 10.0  # a click so near to the first place closes an outline

Points = tuple[PatientPoint, ...]


class ClicksTool(Tool):
    """Collects places; done when there are `count` of them.

    Places are kept in the patient, so that zooming meanwhile does not move them; on another slice
    drawing begins anew.
    """

    cursor = "cross"
    count = 0

    def __init__(self) -> None:
        self._places: Points = ()
        self._pressed: Pointer | None = None

    def shaped(self, stage: Stage, places: Points) -> Points:
        """Places as the kind wants them; the last one may still move."""
        return places

    def sketched_kind(self, places: Points) -> str:
        """As what unfinished places are drawn: their own kind when there are enough."""
        return self.kind if len(places) == self.count else "path"

    def press(self, stage: Stage, pointer: Pointer) -> None:
        """The next place."""
        if self._places and not stage.measuring.lies_here(self._places):
            self._places = ()
        self._pressed = pointer
        self._add(stage, pointer)

    def move(self, stage: Stage, pointer: Pointer) -> None:
        """Show what it would be with the next place here."""
        if self._places:
            here = stage.patient_at(pointer.x, pointer.y)
            self._sketch(stage, self.shaped(stage, (*self._places, here)))

    def hover(self, stage: Stage, pointer: Pointer) -> None:
        """Between clicks the shape follows without a button."""
        self.move(stage, pointer)

    def release(self, stage: Stage, pointer: Pointer) -> None:
        """After a drag its end is a place too."""
        start, self._pressed = self._pressed, None
        if start is None or not self._places:
            return
        if math.hypot(pointer.x - start.x, pointer.y - start.y) >= _LEAST_PX:
            self._add(stage, pointer)

    def cancel(self, stage: Stage) -> bool:
        """Forget all places."""
        was_drawing = bool(self._places)
        self._places, self._pressed = (), None
        stage.measuring.sketch(None)
        return was_drawing

    @property
    def is_drawing(self) -> bool:
        """From the first place to the last."""
        return bool(self._places)

    def _add(self, stage: Stage, pointer: Pointer) -> None:
        here = stage.patient_at(pointer.x, pointer.y)
        self._places = self.shaped(stage, (*self._places, here))
        if len(self._places) == self.count:
            self._finish(stage, self._places)
        else:
            self._sketch(stage, self._places)

    def _sketch(self, stage: Stage, places: Points) -> None:
        kind = self.sketched_kind(places)
        stage.measuring.sketch(stage.measuring.measured(kind, places))

    def _finish(self, stage: Stage, places: Points) -> None:
        self._places, self._pressed = (), None
        stage.measuring.sketch(None)
        stage.measuring.finish(stage.measuring.measured(self.kind, places))


class ClosingTool(ClicksTool):
    """Collects places until the reader closes the outline: by a click on the first place, a double
    click, or Enter."""

    least = 3

    def press(self, stage: Stage, pointer: Pointer) -> None:
        """The next place, or the end."""
        if self._is_first(stage, pointer) and self.close(stage):
            return
        super().press(stage, pointer)

    def close(self, stage: Stage) -> bool:
        """Done with the places that there are; False where they are too few."""
        if len(self._places) < self.least:
            return False
        places = self.closed(stage, self._places)
        if is_whole(self.kind, len(places)):
            self._finish(stage, places)
        else:
            self.cancel(stage)
        return True

    def closed(self, stage: Stage, places: Points) -> Points:
        """The whole outline of the places that were set."""
        return places

    def _is_first(self, stage: Stage, pointer: Pointer) -> bool:
        if not self._places:
            return False
        here, beside = (stage.patient_at(pointer.x + x, pointer.y) for x in (0, _NEAR_PX))
        return math.dist(here, self._places[0]) <= math.dist(here, beside)

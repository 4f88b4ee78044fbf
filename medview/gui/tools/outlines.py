"""Outlines: drawn free by hand, a smooth curve through places, or along edges."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from medview.core.geometry import PatientPoint
from medview.gui.tools.base import Pointer, Stage, Tool
from medview.gui.tools.clicks import ClosingTool, Points
from medview.imaging import roi

_FINE_PX = 0.4  # how far a simplified outline may leave the hand's way, in screen pixels
_NEAR = 0.75  # pixels: two ways along one edge
_FINE_EDGE = 0.35  # and an edge, in pixels of the picture


class FreehandTool(Tool):
    """A drag around; it closes when the button comes up."""

    name = "freehand"
    kind = "freehand"
    cursor = "cross"

    def __init__(self) -> None:
        self._places: list[PatientPoint] = []

    def press(self, stage: Stage, pointer: Pointer) -> None:
        """Begin here."""
        self._places = [stage.patient_at(pointer.x, pointer.y)]

    def move(self, stage: Stage, pointer: Pointer) -> None:
        """Follow the hand."""
        if self._places:
            self._places.append(stage.patient_at(pointer.x, pointer.y))
            stage.measuring.sketch(stage.measuring.measured("path", tuple(self._places)))

    def release(self, stage: Stage, pointer: Pointer) -> None:
        """Closed; a mere line is nothing."""
        pixel = float(np.linalg.norm(np.subtract(stage.patient_at(1, 0), stage.patient_at(0, 0))))
        drawn, self._places = self._places, []
        stage.measuring.sketch(None)
        if len(drawn) < roi.LEAST["freehand"]:
            return
        ring = roi.simplified(np.array(drawn), _FINE_PX * pixel)
        if len(ring) >= roi.LEAST["freehand"]:
            points = tuple(PatientPoint(*(float(v) for v in each)) for each in ring)
            stage.measuring.finish(stage.measuring.measured(self.kind, points))

    def cancel(self, stage: Stage) -> bool:
        """Forget the way."""
        was_drawing, self._places = bool(self._places), []
        stage.measuring.sketch(None)
        return was_drawing

    @property
    def is_drawing(self) -> bool:
        """While the button is down."""
        return bool(self._places)


class SplineTool(ClosingTool):
    """A closed curve through the clicked places."""

    name = "spline"
    kind = "spline"

    def sketched_kind(self, places: Points) -> str:
        """Closed as soon as it can be."""
        return "spline" if len(places) >= self.least else "path"


class LivewireTool(ClosingTool):
    """Between clicks the outline follows the strongest edges.

    The ways from a place are found in a thread; until they are there the line goes straight.
    """

    name = "livewire"
    kind = "livewire"
    least = 2

    def __init__(self) -> None:
        super().__init__()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="medview-livewire")
        self._ways: Future[roi.EdgeWays] | None = None
        self._pieces: list[Points] = []  # the way from each place to the next

    def press(self, stage: Stage, pointer: Pointer) -> None:
        """The next place, and the way to it."""
        before, count = self._places, len(self._places)
        super().press(stage, pointer)
        if len(self._places) == count + 1:
            if before:
                self._pieces.append(self._way(stage, self._places[-1], is_final=True))
            else:
                self._pieces = []
            self._look_around(stage, self._places[-1])

    def release(self, stage: Stage, pointer: Pointer) -> None:
        """Places are clicks: a drag adds none."""
        self._pressed = None

    def move(self, stage: Stage, pointer: Pointer) -> None:
        """Show the way to here."""
        if not self._places:
            return
        here = stage.patient_at(pointer.x, pointer.y)
        line = (*self._line(), *self._way(stage, here))
        stage.measuring.sketch(stage.measuring.measured("path", line))

    def closed(self, stage: Stage, places: Points) -> Points:
        """All ways and the one back to the first place, without needless corners."""
        if not places:
            return ()
        ring = (*self._line(), *self._way(stage, places[0], is_final=True)[:-1])
        pixel = stage.measuring.pixel_mm()
        found = roi.without_spurs(np.array(ring), _NEAR * pixel)
        if len(found) < roi.LEAST["livewire"]:
            return ()
        found = roi.simplified(found, _FINE_EDGE * pixel)
        return tuple(PatientPoint(*(float(v) for v in each)) for each in found)

    def cancel(self, stage: Stage) -> bool:
        """Forget places and ways."""
        self._pieces, self._ways = [], None
        return super().cancel(stage)

    def _line(self) -> Points:
        return (self._places[0], *(point for piece in self._pieces for point in piece))

    def _look_around(self, stage: Stage, place: PatientPoint) -> None:
        ways = stage.measuring.edge_ways(place)
        self._ways = None if ways is None else self._pool.submit(ways.grow)

    def _way(self, stage: Stage, to: PatientPoint, *, is_final: bool = False) -> Points:
        """Places after the last one up to `to`; straight while no way is known."""
        ways = self._ways
        if ways is None or not (ways.done() or is_final):
            return (to,)
        return (*stage.measuring.along(ways.result(), to), to)

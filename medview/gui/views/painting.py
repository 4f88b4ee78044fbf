"""Painting on the shown slice: where the brush is, and what the reader does with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from PySide6.QtCore import QObject, Signal

from medview.core.geometry import FloatArray, PatientPoint

if TYPE_CHECKING:
    from medview.gui.views.stage import SliceStage

Phase = Literal["begin", "go", "end", "cancel", "click"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Dab:
    """One step of a tool that changes segments.

    tool: brush, eraser, threshold, grow or nodule. way: from where to where, patient mm. normal and
    half_mm: the shown slice's unit normal and half its thickness, for flat brushes.
    """

    tool: str
    phase: Phase
    way: tuple[PatientPoint, PatientPoint]
    normal: FloatArray
    half_mm: float


class Painting(QObject):
    """What segment tools do in one view. `dabbed` carries a Dab, `sized` notches of the wheel.

    cursor: where the brush hovers, in the view's pixels; diameter_mm: its circle, 0 for none.
    """

    dabbed = Signal(object)
    sized = Signal(int)

    def __init__(self, stage: SliceStage) -> None:
        super().__init__(stage)
        self._stage = stage
        self._last: PatientPoint | None = None
        self.cursor: tuple[float, float] | None = None
        self.diameter_mm = 0.0

    def hover(self, x: float, y: float) -> None:
        """The brush is here."""
        self.cursor = (x, y)
        self._stage.repaint_wanted.emit()

    def leave(self) -> None:
        """The mouse is elsewhere."""
        if self.cursor is not None:
            self.cursor = None
            self._stage.repaint_wanted.emit()

    def dab(self, tool: str, phase: Phase, x: float, y: float) -> None:
        """The tool begins, goes on, ends or clicks at a place of the screen."""
        plane = self._stage.plane
        if plane is None:
            return
        now = self._stage.patient_at(x, y)
        begin = self._last if self._last is not None and phase in ("go", "end") else now
        self._last = now if phase in ("begin", "go") else None
        normal = np.asarray(plane.normal_vector, np.float64)
        half = max(plane.step_mm / 2.0, 1e-3) * 0.999
        self.dabbed.emit(Dab(tool=tool, phase=phase, way=(begin, now), normal=normal, half_mm=half))

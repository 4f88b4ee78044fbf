"""Measurements on the shown slice: their numbers, what is being drawn, where they stand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

from PySide6.QtCore import QObject, Signal

from medview.core.geometry import PatientPoint
from medview.core.results import Measurement
from medview.gui.views.corners import Shown
from medview.gui.views.marks import Mark, mark
from medview.imaging import roi

if TYPE_CHECKING:
    from medview.gui.views.stage import SliceStage


class Measuring(QObject):
    """What lies on one view's slices; `made` and `changed` carry what the reader has drawn."""

    made = Signal(object)
    changed = Signal(object)

    def __init__(self, stage: SliceStage) -> None:
        super().__init__(stage)
        self._stage = stage
        self.measurements: tuple[Measurement, ...] = ()
        self.sketched: Measurement | None = None
        self.selected = ""

    def clear(self) -> None:
        """Another stack: nothing lies on it yet."""
        self.measurements = ()
        self.sketched, self.selected = None, ""

    def marks(self) -> list[Mark]:
        """The measurements that lie on the shown slice, where they are drawn."""
        plane = self._stage.plane
        if plane is None:
            return []
        where = self._stage.map()
        sketched = () if self.sketched is None else (self.sketched,)
        replaced = "" if self.sketched is None else self.sketched.id
        kept = (m for m in self.measurements if m.id != replaced)
        found = (mark(m, plane, self._stage.index, where) for m in (*kept, *sketched))
        return [each for each in found if each is not None]

    def measured(
        self, kind: str, points: tuple[PatientPoint, ...], like: Measurement | None = None
    ) -> Measurement:
        """A measurement of the shown slice with its numbers; `like` is the one it replaces."""
        shown, plane = self._stage.shown, self._stage.plane
        if shown is None or plane is None:
            return Measurement(
                id="", kind=kind, series_uid="", stack=0, points=points, normal=(0.0, 0.0, 1.0)
            )
        calibration, places, measured_on = shown.stack.calibration, points, plane
        if calibration == "US" and kind != "probe":  # a probe has no length
            found = roi.in_region(plane, points, shown.stack.regions)
            calibration = "none" if found is None else "US"
            measured_on, places = found or (plane, points)
        quantities = roi.quantities(kind, shown.volume, measured_on, places, calibration)
        if like is not None:
            return replace(like, points=points, quantities=quantities, calibration=calibration)
        x, y, z = (float(part) for part in plane.normal_vector)
        return Measurement(
            id=uuid4().hex,
            kind=kind,
            series_uid=shown.series.uid,
            stack=_number_of(shown),
            points=points,
            normal=(x, y, z),
            quantities=quantities,
            calibration=calibration,
        )

    def sketch(self, measurement: Measurement | None) -> None:
        """Draw what is not finished, or none."""
        self.sketched = measurement
        self._stage.repaint_wanted.emit()

    def finish(self, measurement: Measurement) -> None:
        """Hand a drawn or changed measurement on; it shows when it comes back."""
        self.selected = measurement.id
        known = any(each.id == measurement.id for each in self.measurements)
        (self.changed if known else self.made).emit(measurement)
        self._stage.repaint_wanted.emit()


def _number_of(shown: Shown) -> int:
    stacks = shown.series.stacks
    return next(
        (number for number, stack in enumerate(stacks) if stack.frames is shown.stack.frames), 0
    )

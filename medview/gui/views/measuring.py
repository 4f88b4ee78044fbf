"""Measurements on the shown slice: their numbers, what is being drawn, where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
from PySide6.QtCore import QObject, Signal

from medview.core.geometry import PatientPoint
from medview.core.results import Measurement
from medview.core.words import tr
from medview.gui.views.corners import Shown
from medview.gui.views.labels import Label, place_labels
from medview.gui.views.marks import Mark, label_shift, mark
from medview.gui.views.measured_on import is_held_here, target
from medview.gui.views.state import ScreenMap
from medview.imaging import roi
from medview.imaging.curved import CrossSections, CurvedPlane, unroll, unrolled_volume
from medview.imaging.oblique import ObliquePlane
from medview.imaging.slice_plane import SlicePlane
from medview.session.measures import ALONG_CURVE

if TYPE_CHECKING:
    from medview.gui.views.stage import SliceStage


_SMALL = 260  # px of a view's shorter side: with less, words would cover what they are about


class Measuring(QObject):
    """What lies on one view's slices; `made` and `changed` carry what the reader has drawn.

    known_factor: what lengths are multiplied by, where the reader has said how long something is.
    key_slices: the acquired slices that are key images.
    handle: the point of the selected measurement that the arrow keys move.
    """

    made = Signal(object)
    changed = Signal(object)

    def __init__(self, stage: SliceStage) -> None:
        super().__init__(stage)
        self._stage = stage
        self.measurements: tuple[Measurement, ...] = ()
        self._passing: tuple[tuple[SlicePlane, Measurement], ...] = ()  # on straightened pictures
        self.known_factor: float | None = None
        self.key_slices: tuple[int, ...] = ()
        self.sketched: Measurement | None = None
        self.selected = ""
        self.handle: int | None = None

    def clear(self) -> None:
        """Another stack: nothing lies on it yet."""
        self.measurements, self.known_factor, self.key_slices = (), None, ()
        self.sketched, self._passing = None, ()
        self.select("")

    def select(self, measurement_id: str, handle: int | None = None) -> None:
        """Frame a measurement, and let the arrow keys move one of its points."""
        self.selected, self.handle = measurement_id, handle

    @property
    def calibration(self) -> str:
        """By what lengths are true here: Stack.calibration, or USER."""
        shown = self._stage.shown
        if shown is None:
            return "none"
        return shown.stack.calibration if self.known_factor is None else "USER"

    @property
    def is_key(self) -> bool:
        """Whether the slice that is shown is a key image."""
        plane = self._stage.plane
        return plane is not None and plane.is_native and self._stage.index in self.key_slices

    def is_of_another(self, measurement: Measurement) -> bool:
        """Whether it was measured on another stack, and only lies here too."""
        shown = self._stage.shown
        own = None if shown is None else (shown.series.uid, number_of(shown))
        return own != (measurement.series_uid, measurement.stack)

    def is_fixed(self, measurement: Measurement) -> bool:
        """Whether it can be changed in another view only, where its series is measured."""
        return self.is_of_another(measurement) and not is_held_here(self._stage, measurement)

    def remarks(self, measurement: Measurement) -> list[str]:
        """What must be said beside a measurement besides its numbers."""
        shown = self._stage.shown
        if shown is None or not self.is_of_another(measurement):
            return []
        series = next((s for s in shown.study.series if s.uid == measurement.series_uid), None)
        if series is None or series.number is None:
            return [tr("measured on another series")]
        return [tr("measured on series {number}", number=series.number)]

    def marks(self) -> list[Mark]:
        """The measurements that lie on the shown slice or go through it, where they are drawn."""
        plane = self._stage.plane
        if plane is None:
            return []
        if isinstance(plane, CurvedPlane):
            return self._marks_along(plane)
        plane, index, where = self._drawn_on(plane)
        sketched = () if self.sketched is None else (self.sketched,)
        replaced = "" if self.sketched is None else self.sketched.id
        kept = (m for m in self.measurements if m.id != replaced)
        found = (mark(m, plane, index, where) for m in (*kept, *sketched))
        return [each for each in found if each is not None]

    def _drawn_on(self, plane: SlicePlane) -> tuple[SlicePlane, int, ScreenMap]:
        """The plane whose pixels the marks lie on, its slice, and how they come to the screen."""
        where, index = self._stage.map(), self._stage.index
        if isinstance(plane, CrossSections):
            return _flat(plane, index, where)
        if isinstance(plane, CurvedPlane):
            return plane.unrolled, 0, where
        return plane, index, where

    def labels(self, marks: Sequence[Mark] | None = None) -> list[Label]:
        """The words of what lies on the shown slice, where they are drawn; in a small view the
        first line alone."""
        marks = self.marks() if marks is None else marks
        said = ((m, self._said(m.measurement)) for m in marks if m.is_whole)
        most = 1 if min(self._stage.size) < _SMALL else None
        kept = ((mark, lines[:most]) for mark, lines in said if lines)
        return place_labels(kept, self._stage.size)

    def _said(self, measurement: Measurement) -> tuple[str, ...]:
        return (*roi.lines(measurement), *self.remarks(measurement))

    def with_label_at(self, mark: Mark, x: float, y: float) -> Measurement:
        """The measurement of a mark with the middle of its label at a place of the screen."""
        plane = self._stage.plane
        if plane is None:
            return mark.measurement
        on, index, where = self._drawn_on(plane)
        placed = mark.measurement
        if isinstance(plane, CurvedPlane):
            placed = replace(placed, points=tuple(unroll(plane, point) for point in placed.points))
        shift = label_shift(placed, on, index, where.to_pixel(x, y))
        return replace(mark.measurement, label_shift=shift)

    def _marks_along(self, plane: CurvedPlane) -> list[Mark]:
        """What was drawn on the straightened picture as it stands."""
        where = self._stage.map()
        here = [m for on, m in self._passing if on is plane]
        if self.sketched is not None:
            here = [m for m in here if m.id != self.sketched.id] + [self.sketched]
        found = []
        for each in here:
            flat = replace(each, points=tuple(unroll(plane, point) for point in each.points))
            seen = mark(flat, plane.unrolled, 0, where)
            if seen is not None:
                found.append(replace(seen, measurement=each))
        return found

    def site(self) -> roi.Site | None:
        """What is measured here: the stack in the unit that is shown, and its plane."""
        shown, plane = self._stage.shown, self._stage.plane
        if shown is None or plane is None:
            return None
        volume = shown.volume
        if isinstance(plane, CrossSections):
            plane = plane.flat_at(self._stage.index)
        elif isinstance(plane, CurvedPlane):
            volume, plane = unrolled_volume(plane, volume), plane.unrolled
        return roi.Site(
            volume=volume,
            plane=plane,
            calibration=self.calibration,
            factor=self.known_factor or 1.0,
            regions=shown.stack.regions,
            ready=self._stage.ready,
        )

    def measured(
        self, kind: str, points: tuple[PatientPoint, ...], like: Measurement | None = None
    ) -> Measurement:
        """A measurement of the shown slice with its numbers; `like` is the one it replaces."""
        measured = target(self._stage, like)
        if measured is None:
            return Measurement(
                id="", kind=kind, series_uid="", stack=0, points=points, normal=(0.0, 0.0, 1.0)
            )
        site, (series_uid, stack) = measured
        on = self._stage.plane
        places = (
            tuple(unroll(on, place) for place in points) if isinstance(on, CurvedPlane) else points
        )
        found = roi.measured(kind, places, site)
        if like is not None:
            return replace(
                like,
                points=points,
                quantities=found.quantities,
                calibration=found.calibration,
                extra=tuple((k, v) for k, v in like.extra if k != "reported by"),
            )
        x, y, z = (float(part) for part in site.plane.normal_vector)
        return Measurement(
            id=uuid4().hex,
            kind=kind,
            series_uid=series_uid,
            stack=stack,
            points=points,
            normal=(x, y, z),
            quantities=found.quantities,
            calibration=found.calibration,
            extra=((ALONG_CURVE, "yes"),) if isinstance(on, CurvedPlane) else (),
        )

    def lies_here(self, points: tuple[PatientPoint, ...]) -> bool:
        """Whether places that were set lie on the slice that is shown."""
        plane = self._stage.plane
        if plane is None or not points:
            return False
        away = roi.pixels_of(plane, np.array(points))[:, 0] - self._stage.index
        return bool((np.abs(away) <= 0.5 + 1e-6).all())

    def pixel_mm(self) -> float:
        """The width of a pixel of the slice."""
        plane = self._stage.plane
        return 1.0 if plane is None else float(np.linalg.norm(plane.step_right))

    def edge_ways(self, place: PatientPoint) -> roi.EdgeWays | None:
        """The ways along edges from a place of the slice; None for colour and off the picture."""
        shown, plane = self._stage.shown, self._stage.plane
        if shown is None or plane is None or shown.volume.is_colour:
            return None
        row, column = (round(v) for v in plane.to_pixel(place)[1:])
        if not (0 <= row < plane.shape[0] and 0 <= column < plane.shape[1]):
            return None
        values = plane.values(shown.volume, self._stage.index)
        spacing = (float(np.linalg.norm(plane.step_down)), self.pixel_mm())
        return roi.EdgeWays(values, (row, column), spacing)

    def along(self, ways: roi.EdgeWays, to: PatientPoint) -> tuple[PatientPoint, ...]:
        """The places of a way along edges to a place, both ends left out."""
        plane = self._stage.plane
        if plane is None:
            return ()
        _, row, column = plane.to_pixel(to)
        index = self._stage.index
        return tuple(plane.to_patient(index, *each) for each in ways.way_to(row, column)[1:-1])

    def sketch(self, measurement: Measurement | None) -> None:
        """Draw what is not finished, or none."""
        self.sketched = measurement
        self._stage.repaint_wanted.emit()

    def finish(self, measurement: Measurement) -> None:
        """Hand a drawn or changed measurement on; it shows when it comes back."""
        if self.selected != measurement.id:
            self.select(measurement.id)
        plane = self._stage.plane
        if isinstance(plane, CurvedPlane):  # it means nothing on a slice, so it is not kept
            others = ((on, m) for on, m in self._passing if m.id != measurement.id)
            self._passing = (*others, (plane, measurement))
            self._stage.repaint_wanted.emit()
            return
        known = any(each.id == measurement.id for each in self.measurements)
        (self.changed if known else self.made).emit(measurement)
        self._stage.repaint_wanted.emit()

    def next_handle(self) -> None:
        """Select the next handle on the slice; after the last one none."""
        own = [each for each in self.marks() if not self.is_fixed(each.measurement)]
        held = [(each.measurement.id, point) for each in own for point in each.points]
        now = (self.selected, self.handle)
        at = held.index(now) + 1 if now in held else 0
        self.select(*(held[at] if at < len(held) else ("", None)))
        self._stage.repaint_wanted.emit()

    def nudge(self, across: int, down: int) -> bool:
        """Move the selected handle by a pixel of the picture; False where none is selected."""
        chosen = next((m for m in self.measurements if m.id == self.selected), None)
        if chosen is None or self.handle is None or self.handle >= len(chosen.points):
            return False
        plane = self._stage.plane
        if plane is None or self.is_fixed(chosen):
            return False
        where = self._stage.map()
        _, row, column = plane.to_pixel(chosen.points[self.handle])
        x, y = where.to_screen(row, column)
        pixel = float(np.sqrt(abs(np.linalg.det(where.matrix[:, :2]))))
        to = self._stage.patient_at(x + across * pixel, y + down * pixel)
        points = roi.reshaped(chosen.kind, chosen.points, self.handle, to, chosen.normal)
        self.finish(self.measured(chosen.kind, points, like=chosen))
        return True


def _flat(
    plane: CrossSections, index: int, where: ScreenMap
) -> tuple[ObliquePlane, int, ScreenMap]:
    """A section as a plane through the whole volume, and how its pixels come to the screen."""
    flat = plane.flat_at(index)
    at = round(flat.to_pixel(flat.anchor)[0])
    way = np.linalg.inv(plane.matrix_at(index)) @ flat.matrix_at(at)
    turn = np.array([[way[2, 2], way[2, 1]], [way[1, 2], way[1, 1]]])  # of (column, row)
    start = way @ (at, 0.0, 0.0, 1.0)
    shift = where.matrix[:, :2] @ (start[2], start[1]) + where.matrix[:, 2]
    return flat, at, ScreenMap(np.column_stack([where.matrix[:, :2] @ turn, shift]), where.scale)


def number_of(shown: Shown) -> int:
    """Which stack of its series is shown."""
    stacks = shown.series.stacks
    return next(
        (number for number, stack in enumerate(stacks) if stack.frames is shown.stack.frames), 0
    )

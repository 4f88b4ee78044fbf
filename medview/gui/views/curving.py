"""Curves along vessels and nerves: what one view knows of them, what the reader does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
from PySide6.QtCore import QObject, Signal

from medview.core.geometry import PatientPoint
from medview.core.results import CurvePath
from medview.imaging.curves import Curve, curve_through

if TYPE_CHECKING:
    from medview.gui.views.stage import SliceStage

NEAR_PX = 9.0


class Curving(QObject):
    """The curves of a view's stack; `changed` carries one that the reader has drawn or changed."""

    changed = Signal(object)  # CurvePath
    bent = Signal()  # another curve is in use, or it runs otherwise

    def __init__(self, stage: SliceStage) -> None:
        super().__init__(stage)
        self._stage = stage
        self._paths: tuple[CurvePath, ...] = ()
        self._sketched: CurvePath | None = None
        self._is_new = False  # whether the next point begins another curve

    def show(self, paths: tuple[CurvePath, ...]) -> None:
        """The curves of the stack that is shown, the one in use last."""
        if paths != self._paths:
            self._paths, self._sketched = paths, None
            self.bent.emit()

    @property
    def path(self) -> CurvePath | None:
        """The curve that is straightened and can be changed."""
        if self._sketched is not None:
            return self._sketched
        return self._paths[-1] if self._paths else None

    @property
    def curve(self) -> Curve | None:
        """The curve in use, even steps of the finest voxel edge; None below two points."""
        path, shown = self.path, self._stage.shown
        if path is None or shown is None:
            return None
        return curve_through(path.points, min(shown.volume.geometry.spacing))

    def begin(self) -> None:
        """The next point begins another curve."""
        self._is_new = True

    def add(self, point: PatientPoint) -> None:
        """Another point at the end of the curve, or the first one of a new curve."""
        shown, path = self._stage.shown, self.path
        if shown is None:
            return
        if path is None or self._is_new:
            path = CurvePath(
                id=uuid4().hex, name=f"Curve {len(self._paths) + 1}",
                series_uid=shown.series.uid, stack=0, points=(),
            )  # fmt: skip
        self._is_new = False
        self._keep(replace(path, points=(*path.points, point)))

    def sketch(self, path: CurvePath | None) -> None:
        """Show a curve as it would be, or none."""
        self._sketched = path
        self.bent.emit()

    def finish(self) -> None:
        """Keep what was sketched."""
        path, self._sketched = self._sketched, None
        if path is not None:
            self._keep(path)

    def _keep(self, path: CurvePath) -> None:
        """Show it at once: the next click may come before the work says so."""
        self._paths = (*(known for known in self._paths if known.id != path.id), path)
        self.bent.emit()
        self.changed.emit(path)

    def handles(self) -> list[tuple[int, float, float, float]]:
        """(number, x, y, slices away) of the curve's points on the shown slice's plane."""
        plane, path = self._stage.plane, self.path
        if plane is None or path is None or not plane.is_flat:
            return []
        where, index = self._stage.map(), self._stage.index
        found = []
        for number, point in enumerate(path.points):
            at, row, column = plane.to_pixel(point)
            x, y = where.to_screen(row, column)
            found.append((number, x, y, abs(at - index)))
        return found

    def handle_at(self, x: float, y: float) -> int | None:
        """The number of the point under a place of the screen; those in the slice come first."""
        near = [
            (away > self._reach, float(np.hypot(hx - x, hy - y)), number)
            for number, hx, hy, away in self.handles()
            if np.hypot(hx - x, hy - y) <= NEAR_PX
        ]
        return min(near)[2] if near else None

    @property
    def _reach(self) -> float:
        return 0.5 if self._stage.plane is None else self._stage.plane.reach

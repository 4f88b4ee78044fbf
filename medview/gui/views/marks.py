"""Where measurements stand on the screen: their lines, their handles, what a click meets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from medview.core.geometry import FloatArray
from medview.core.results import Measurement
from medview.gui.views.state import ScreenMap
from medview.imaging import roi
from medview.imaging.slice_plane import SlicePlane

HANDLE_PX = 8.0  # how near a click must be to a handle
LINE_PX = 5.0  # and to a line

Place = tuple[float, float]


@dataclass(frozen=True, eq=False, slots=True)
class Mark:
    """A measurement as it is drawn on a slice.

    lines: (n, 2) places of the screen, and whether they are closed. spots: where lines go through
    the slice. places: its handles on the screen, none where it only goes through; points: which of
    the measurement's points each handle is. label: where the reader has put the middle of its
    words, None where the view chooses.
    """

    measurement: Measurement
    lines: tuple[tuple[FloatArray, bool], ...]
    places: tuple[Place, ...]
    points: tuple[int, ...] = ()
    spots: tuple[Place, ...] = ()
    label: Place | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it lies on the slice, and is not only cut by it."""
        return bool(self.places)


def mark(measurement: Measurement, plane: SlicePlane, index: int, to: ScreenMap) -> Mark | None:
    """What is seen of a measurement on a slice, None for nothing."""
    if not measurement.points:
        return None
    found = roi.cut(measurement.kind, measurement.points, plane, index)
    if found is None:
        return None
    lines = tuple((_on_screen(line, to), is_closed) for line, is_closed in found.lines)
    spots = _places(_on_screen(found.spots, to))
    if not found.is_whole:
        return Mark(measurement, lines, (), (), spots)
    points = roi.handles(measurement.kind, len(measurement.points))
    held = roi.pixels_of(plane, np.array([measurement.points[n] for n in points]))
    places = _places(_on_screen(held[:, 1:], to))
    return Mark(measurement, lines, places, points, spots, _label_of(measurement, plane, to))


def _label_of(measurement: Measurement, plane: SlicePlane, to: ScreenMap) -> Place | None:
    """Where the reader has put its words: the shift is from the middle of its points."""
    if measurement.label_shift is None:
        return None
    at = np.mean(measurement.points, axis=0) + measurement.label_shift
    return _places(_on_screen(roi.pixels_of(plane, at[None])[:, 1:], to))[0]


def label_shift(
    measurement: Measurement, plane: SlicePlane, index: int, pixel: tuple[float, float]
) -> tuple[float, float, float]:
    """Millimetres from the middle of a measurement's points to a (row, column) of a slice."""
    middle = np.mean(measurement.points, axis=0)
    x, y, z = (float(v) for v in np.subtract(plane.to_patient(index, *pixel), middle))
    return x, y, z


def _on_screen(places: FloatArray, to: ScreenMap) -> FloatArray:
    """(n, 2) [row, column] to (n, 2) [x, y]."""
    found: FloatArray = places[:, ::-1] @ to.matrix[:, :2].T + to.matrix[:, 2]
    return found


def _places(found: FloatArray) -> tuple[Place, ...]:
    return tuple((float(x), float(y)) for x, y in found)


def handle_at(marks: Iterable[Mark], x: float, y: float) -> tuple[Mark, int] | None:
    """The handle under a place of the screen, the nearest one, as the point that it moves."""
    found = [
        (distance, point, each)
        for each in marks
        for place, point in zip(each.places, each.points, strict=True)
        if (distance := float(np.hypot(place[0] - x, place[1] - y))) <= HANDLE_PX
    ]
    if not found:
        return None
    _, point, each = min(found, key=lambda row: row[0])
    return each, point


def body_at(marks: Iterable[Mark], x: float, y: float) -> Mark | None:
    """The measurement whose line runs under a place of the screen."""
    return next((each for each in marks if _touches(each, np.array([x, y]))), None)


def _touches(each: Mark, at: FloatArray) -> bool:
    spots = each.spots + (each.places if len(each.places) == 1 else ())
    if any(np.hypot(*np.subtract(spot, at)) <= HANDLE_PX for spot in spots):
        return True
    return any(
        _distance(line, at, is_closed=is_closed) <= LINE_PX for line, is_closed in each.lines
    )


def _distance(line: FloatArray, at: FloatArray, *, is_closed: bool) -> float:
    """How far a place is from a line."""
    start, end = (line, np.roll(line, -1, axis=0)) if is_closed else (line[:-1], line[1:])
    if not len(start):
        return float("inf")
    along = end - start
    size = np.maximum((along**2).sum(axis=1), 1e-9)
    share = np.clip(((at - start) * along).sum(axis=1) / size, 0, 1)
    return float(np.linalg.norm(start + share[:, None] * along - at, axis=1).min())

"""Where measurements stand on the screen: their points, their handles, what a click meets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from medview.core.results import Measurement
from medview.gui.views.state import ScreenMap
from medview.imaging.slice_plane import SlicePlane

HANDLE_PX = 8.0  # how near a click must be to a handle
LINE_PX = 5.0  # and to a line

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Mark:
    """A measurement as it is drawn: its points on the screen."""

    measurement: Measurement
    places: tuple[Place, ...]


def mark(measurement: Measurement, plane: SlicePlane, index: int, to: ScreenMap) -> Mark | None:
    """The measurement on a slice, None where it does not lie on it."""
    if abs(float(np.dot(measurement.normal, plane.normal_vector))) < 0.999:
        return None
    places = []
    for point in measurement.points:
        at, row, column = plane.to_pixel(point)
        if abs(at - index) > plane.reach:
            return None
        places.append(to.to_screen(row, column))
    return Mark(measurement, tuple(places))


def handle_at(marks: Iterable[Mark], x: float, y: float) -> tuple[Mark, int] | None:
    """The handle under a place of the screen, the nearest one."""
    found = [
        (distance, number, each)
        for each in marks
        for number, place in enumerate(each.places)
        if (distance := float(np.hypot(place[0] - x, place[1] - y))) <= HANDLE_PX
    ]
    if not found:
        return None
    _, number, each = min(found, key=lambda row: row[0])
    return each, number


def body_at(marks: Iterable[Mark], x: float, y: float) -> Mark | None:
    """The measurement whose line runs under a place of the screen."""
    return next((each for each in marks if _touches(each, np.array([x, y]))), None)


def _touches(each: Mark, at: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bool:
    places = np.array(each.places)
    if len(places) == 1:
        return bool(np.hypot(*(places[0] - at)) <= HANDLE_PX)
    if len(places) == 2:
        along = places[1] - places[0]
        share = np.clip((at - places[0]) @ along / max(float(along @ along), 1e-9), 0, 1)
        return bool(np.hypot(*(places[0] + share * along - at)) <= LINE_PX)
    middle = places.mean(axis=0)
    axes = np.array([places[1] - places[0], places[3] - places[2]]) / 2
    lengths = np.linalg.norm(axes, axis=1)
    if lengths.min() < 1e-6:
        return False
    reach = float(np.hypot(*(axes @ (at - middle) / lengths**2)))
    return abs(reach - 1.0) * float(lengths.min()) <= LINE_PX

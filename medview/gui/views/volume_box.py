"""The crop box on the screen: its edges, and a handle on each face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QPainter, QPen

from medview.core.geometry import FloatArray, Geometry
from medview.gui.views import ink
from medview.gui.views.volume_camera import ScreenMap
from medview.imaging.cutting import CropBox

_GRAB = 10.0  # pixels round a handle
_RADIUS = 5.0


@dataclass(frozen=True, slots=True)
class Handle:
    """One face of the box: array axis (0 i, 1 j, 2 k) and whether it is the far one."""

    axis: int
    is_high: bool


HANDLES = tuple(Handle(axis, is_high) for axis in range(3) for is_high in (False, True))


def _point(box: CropBox, geometry: Geometry, shares: Sequence[float]) -> FloatArray:
    """(3,) LPS mm of a place in the box; shares of 0 to 1 along i, j and k."""
    low, high = (np.array(v) for v in box.bounds(geometry.shape))
    i, j, k = low + np.array(shares) * (high - low)
    return np.asarray(geometry.to_patient_array([(k, j, i)])[0], np.float64)


def handle_places(box: CropBox, geometry: Geometry, seen: ScreenMap) -> list[QPointF]:
    """Where the handles lie on the screen, in the order of HANDLES."""
    middles = []
    for handle in HANDLES:
        shares = [0.5, 0.5, 0.5]
        shares[handle.axis] = float(handle.is_high)
        middles.append(_point(box, geometry, shares))
    return [QPointF(float(x), float(y)) for x, y in seen.to_pixels(middles)]


def handle_at(box: CropBox, geometry: Geometry, seen: ScreenMap, point: QPointF) -> Handle | None:
    """The handle under a point, the nearest of several."""
    places = handle_places(box, geometry, seen)
    away = [(place - point).manhattanLength() for place in places]
    number = int(np.argmin(away))
    return HANDLES[number] if away[number] <= _GRAB else None


def dragged(
    box: CropBox, handle: Handle, geometry: Geometry, seen: ScreenMap, way: QPointF
) -> CropBox:
    """A face moved by as much of a drag as runs along its own axis."""
    ends = []
    for share in (0.0, 1.0):
        shares = [0.5, 0.5, 0.5]
        shares[handle.axis] = share
        ends.append(_point(CropBox(), geometry, shares))
    low, high = seen.to_pixels(ends)
    axis = high - low
    length = float(axis @ axis)
    if length < 16.0:  # seen end on: no drag on the screen means a depth
        return box
    by = float(np.array([way.x(), way.y()]) @ axis) / length
    now = (box.high if handle.is_high else box.low)[handle.axis]
    return box.with_face(handle.axis, is_high=handle.is_high, share=now + by)


def paint_box(
    painter: QPainter, box: CropBox, geometry: Geometry, seen: ScreenMap, held: Handle | None
) -> None:
    """The twelve edges and six handles."""
    corners = list(product((0.0, 1.0), repeat=3))
    places = seen.to_pixels([_point(box, geometry, shares) for shares in corners])
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(ink.INK.accent), 1.0))
    for a, b in combinations(range(8), 2):
        if sum(x != y for x, y in zip(corners[a], corners[b], strict=True)) == 1:
            painter.drawLine(QPointF(*places[a]), QPointF(*places[b]))
    for handle, place in zip(HANDLES, handle_places(box, geometry, seen), strict=True):
        painter.setBrush(QColor(ink.INK.accent if handle == held else ink.INK.canvas))
        painter.drawEllipse(place, _RADIUS, _RADIUS)
    painter.restore()

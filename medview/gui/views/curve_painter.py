"""A curve over the slices it runs through, and where its sections lie beside it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from medview.gui.style import colour
from medview.gui.views import ink
from medview.gui.views.stage import SliceStage
from medview.imaging.curved import CurvedPlane

_FAR, _NEAR = 0.35, 0.95  # how strongly it is drawn beside the slice, and in it
_HANDLE = 4.0


def paint_curve(stage: SliceStage, painter: QPainter, *, has_handles: bool) -> None:
    """The curve in use on a plane, faint where it lies beside the slice; its points to take."""
    plane, curve = stage.plane, stage.curving.curve
    if plane is None:
        return
    if isinstance(plane, CurvedPlane):
        _paint_place(stage, painter)
        return
    if plane.name not in stage.planes or stage.curving.path is None:
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if curve is not None:
        matrix = np.linalg.inv(plane.matrix_at(stage.index))
        at = curve.places @ matrix[:3, :3].T + matrix[:3, 3]
        screen = stage.map().matrix
        xy = at[:, [2, 1]] @ screen[:, :2].T + screen[:, 2]
        points = [QPointF(x, y) for x, y in xy.tolist()]
        painter.setPen(QPen(colour(ink.INK.accent, _FAR), 1.5))
        painter.drawPolyline(QPolygonF(points))
        painter.setPen(QPen(colour(ink.INK.accent, _NEAR), 2.0))
        for start, end in _runs(np.abs(at[:, 0] - stage.index) <= plane.reach):
            painter.drawPolyline(QPolygonF(points[start:end]))
    if has_handles or curve is None:
        _paint_handles(stage, painter, plane.reach)
    painter.restore()


def _paint_handles(stage: SliceStage, painter: QPainter, reach: float) -> None:
    for _, x, y, away in stage.curving.handles():
        is_here = away <= reach
        painter.setBrush(QColor(ink.INK.canvas) if is_here else Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour(ink.INK.accent, _NEAR if is_here else _FAR), 1.5))
        size = _HANDLE if is_here else _HANDLE - 1
        painter.drawEllipse(QPointF(x, y), size, size)


def _paint_place(stage: SliceStage, painter: QPainter) -> None:
    """The row of the straightened picture whose section is shown."""
    plane = stage.plane
    if plane is None:
        return
    _, row, column = plane.to_pixel(stage.state.point)
    x, y = stage.map().to_screen(row, column)
    width, _ = stage.size
    painter.fillRect(QRectF(0, round(y), width, 1), colour(ink.INK.accent, 0.6))
    painter.fillRect(QRectF(round(x), round(y) - 6, 1, 13), colour(ink.INK.accent, _NEAR))


def _runs(near: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[tuple[int, int]]:
    """(first, end) of the runs of True, each one place longer so that runs meet their ends."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], near, [False]]).astype(np.int8)))
    return [(int(a), int(b) + 1) for a, b in edges.reshape(-1, 2)]

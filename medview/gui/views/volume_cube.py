"""The small cube in the corner that says how the patient stands: letters on its faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF, QTransform

from medview.gui.style import colour
from medview.gui.views import ink
from medview.gui.views.volume_camera import SIDES, Frame

_NORMALS = {side: frame[2] for side, frame in SIDES.items()}
_SEEN = 0.02  # cosines below this are an edge, not a face
HALF = 16.0  # pixels from the cube's middle to a face


@dataclass(frozen=True, slots=True)
class Face:
    """A face that is seen: its letter and its corners on the screen, upper left first."""

    side: str
    corners: QPolygonF
    facing: float  # cosine towards the viewer


def faces(frame: Frame, middle: QPointF, half: float = HALF) -> list[Face]:
    """The faces that a camera sees, the furthest turned away first."""
    screen = np.array(frame, float)
    found = []
    for side, normal in _NORMALS.items():
        facing = float(screen[2] @ np.array(normal))
        if facing < _SEEN:
            continue
        right, up, near = (np.array(v, float) for v in SIDES[side])
        corners = [near + a * right + b * up for a, b in ((-1, 1), (1, 1), (1, -1), (-1, -1))]
        places = [(screen @ corner) * half for corner in corners]
        polygon = QPolygonF([middle + QPointF(float(p[0]), -float(p[1])) for p in places])
        found.append(Face(side, polygon, facing))
    return sorted(found, key=lambda face: face.facing)


def face_at(frame: Frame, middle: QPointF, point: QPointF) -> str:
    """The letter of the face under a point, empty beside the cube."""
    for face in reversed(faces(frame, middle)):
        if face.corners.containsPoint(point, Qt.FillRule.OddEvenFill):
            return face.side
    return ""


def paint_cube(painter: QPainter, frame: Frame, middle: QPointF) -> None:
    """Draw the cube; letters lie on its faces as they would on a real one."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(ink.letter_font())
    unit = QPolygonF([QPointF(0, 0), QPointF(24, 0), QPointF(24, 24), QPointF(0, 24)])
    for face in faces(frame, middle):
        painter.setBrush(colour(ink.INK.surface_2, 0.55 + 0.4 * face.facing))
        painter.setPen(QPen(QColor(ink.INK.faint), 1.0))
        painter.drawPolygon(face.corners)
        lying = QTransform()
        if face.facing > 0.25 and QTransform.quadToQuad(unit, face.corners, lying):
            painter.save()
            painter.setTransform(lying, combine=True)
            painter.setPen(QColor(ink.INK.text))
            painter.drawText(unit.boundingRect(), int(Qt.AlignmentFlag.AlignCenter), face.side)
            painter.restore()
    painter.restore()

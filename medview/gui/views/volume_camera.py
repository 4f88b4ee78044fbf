"""Where the volume is looked at from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from medview.core.geometry import FloatArray, Vector

_LEAST_ZOOM, _MOST_ZOOM = 0.2, 20.0
_FRONT: tuple[Vector, Vector, Vector] = ((1, 0, 0), (0, 0, 1), (0, -1, 0))


@dataclass(frozen=True, slots=True)
class Camera:
    """frame: unit vectors (LPS) of the screen's right, up, and towards the viewer.

    At first from the front: the patient's left on the right, the head up. pan is in shares of
    the picture's height.
    """

    frame: tuple[Vector, Vector, Vector] = _FRONT
    zoom: float = 1.0
    pan: tuple[float, float] = (0.0, 0.0)

    def rotated(self, across: float, down: float) -> Camera:
        """Turned as if the volume were dragged: angles in radians to the right and down."""
        right, up, near = np.array(self.frame, float)
        turned = _turn(up, -across) @ _turn(right, -down) @ np.array([right, up, near]).T
        # Rounding must not pile up over thousands of drags.
        x = turned[:, 0] / np.linalg.norm(turned[:, 0])
        y = turned[:, 1] - (turned[:, 1] @ x) * x
        y = y / np.linalg.norm(y)
        return replace(self, frame=(_vector(x), _vector(y), _vector(np.cross(x, y))))

    def zoomed(self, factor: float) -> Camera:
        """Nearer or further."""
        return replace(self, zoom=float(np.clip(self.zoom * factor, _LEAST_ZOOM, _MOST_ZOOM)))

    def panned(self, across: float, down: float) -> Camera:
        """Moved by shares of the picture's height."""
        return replace(self, pan=(self.pan[0] + across, self.pan[1] + down))


def _turn(axis: FloatArray, angle: float) -> FloatArray:
    """Rodrigues' rotation about a unit axis."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)
    return np.asarray(turn, np.float64)


def _vector(values: FloatArray) -> Vector:
    return float(values[0]), float(values[1]), float(values[2])

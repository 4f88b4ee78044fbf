"""Where the volume is looked at from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from medview.core.geometry import FloatArray, Geometry, Vector

Frame = tuple[Vector, Vector, Vector]
_LEAST_ZOOM, _MOST_ZOOM = 0.2, 20.0
_MARGIN = 1.06  # of the picture's height that the volume fills at most, turned over
# Screen's right, up and towards the viewer for a look from each side, by the letter of that side.
SIDES: dict[str, Frame] = {
    "A": ((1, 0, 0), (0, 0, 1), (0, -1, 0)),
    "P": ((-1, 0, 0), (0, 0, 1), (0, 1, 0)),
    "L": ((0, 1, 0), (0, 0, 1), (1, 0, 0)),
    "R": ((0, -1, 0), (0, 0, 1), (-1, 0, 0)),
    "H": ((-1, 0, 0), (0, -1, 0), (0, 0, 1)),
    "F": ((1, 0, 0), (0, -1, 0), (0, 0, -1)),
}


@dataclass(frozen=True, slots=True)
class Camera:
    """frame: unit vectors (LPS) of the screen's right, up, and towards the viewer.

    At first from the front: the patient's left on the right, the head up. pan is in shares of
    the picture's height.
    """

    frame: Frame = SIDES["A"]
    zoom: float = 1.0
    pan: tuple[float, float] = (0.0, 0.0)

    def seen_from(self, side: str) -> Camera:
        """The same zoom from one side of the patient: A, P, L, R, H or F."""
        return replace(self, frame=SIDES[side], pan=(0.0, 0.0))

    def rotated(self, across: float, down: float) -> Camera:
        """Turned as if the volume were dragged: angles in radians to the right and down."""
        right, up, near = np.array(self.frame, float)
        turned = _turn(up, -across) @ _turn(right, -down) @ np.array([right, up, near]).T
        # Rounding must not pile up over thousands of drags.
        x = turned[:, 0] / np.linalg.norm(turned[:, 0])
        y = turned[:, 1] - (turned[:, 1] @ x) * x
        y = y / np.linalg.norm(y)
        return replace(self, frame=(_vector(x), _vector(y), _vector(np.cross(x, y))))

    def spun(self, angle: float) -> Camera:
        """Walked round the patient's long axis, angle in radians."""
        turned = _turn(np.array([0.0, 0.0, 1.0]), angle) @ np.array(self.frame, float).T
        x, y, z = (_vector(turned[:, n]) for n in range(3))
        return replace(self, frame=(x, y, z))

    def zoomed(self, factor: float) -> Camera:
        """Nearer or further."""
        return replace(self, zoom=float(np.clip(self.zoom * factor, _LEAST_ZOOM, _MOST_ZOOM)))

    def panned(self, across: float, down: float) -> Camera:
        """Moved by shares of the picture's height."""
        return replace(self, pan=(self.pan[0] + across, self.pan[1] + down))


@dataclass(frozen=True, slots=True)
class ScreenMap:
    """Where the patient lies on the screen: parallel rays, millimetres to pixels and back.

    centre: LPS mm of the picture's middle. half_mm: half of the picture's height.
    """

    frame: Frame
    centre: Vector
    half_mm: float
    size: tuple[float, float]  # width and height in pixels

    @property
    def pixel_mm(self) -> float:
        """Millimetres of one pixel."""
        return 2.0 * self.half_mm / max(self.size[1], 1.0)

    def to_pixels(self, points: ArrayLike) -> FloatArray:
        """(n, 3) LPS mm to (n, 2) pixels from the upper left corner."""
        away = (np.asarray(points, float) - np.array(self.centre)) / self.pixel_mm
        across, up = away @ np.array(self.frame[0]), away @ np.array(self.frame[1])
        return np.column_stack([self.size[0] / 2 + across, self.size[1] / 2 - up])

    def to_patient(self, x: float, y: float) -> Vector:
        """The point under a pixel, in the plane through the picture's middle."""
        across, up = self._away(x, y)
        return _vector(
            np.array(self.centre) + across * np.array(self.frame[0]) + up * np.array(self.frame[1])
        )

    def along_screen(self, x: float, y: float) -> tuple[float, float]:
        """Millimetres along the screen's right and up from the patient's origin."""
        across, up = self._away(x, y)
        centre = np.array(self.centre)
        return (
            across + float(centre @ np.array(self.frame[0])),
            up + float(centre @ np.array(self.frame[1])),
        )

    def _away(self, x: float, y: float) -> tuple[float, float]:
        return (x - self.size[0] / 2) * self.pixel_mm, (self.size[1] / 2 - y) * self.pixel_mm


def screen_map(camera: Camera, geometry: Geometry, size: tuple[float, float]) -> ScreenMap:
    """How a camera sees a grid: at zoom 1 all of it fits, however it is turned about its axis."""
    right, up, _ = np.array(camera.frame, float)
    extent = extent_of(geometry)
    aspect = size[0] / max(size[1], 1.0)
    half = max(float(extent[2]), float(extent[0]) / aspect, float(extent[1]) / aspect)
    half *= _MARGIN / 2 / camera.zoom
    centre = np.array(geometry.centre)
    centre = centre - (camera.pan[0] * right - camera.pan[1] * up) * 2 * half
    return ScreenMap(camera.frame, _vector(centre), half, size)


def extent_of(geometry: Geometry) -> FloatArray:
    """(3,) size of the grid's box in the patient, millimetres."""
    k, j, i = geometry.shape
    corners = [(a, b, c) for a in (0, k - 1) for b in (0, j - 1) for c in (0, i - 1)]
    return np.asarray(np.ptp(geometry.to_patient_array(corners), axis=0), np.float64)


def _turn(axis: FloatArray, angle: float) -> FloatArray:
    """Rodrigues' rotation about a unit axis."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)
    return np.asarray(turn, np.float64)


def _vector(values: FloatArray) -> Vector:
    return float(values[0]), float(values[1]), float(values[2])

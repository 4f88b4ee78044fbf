"""The outlines of measurements, their lengths, areas and angles; everything in patient space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from medview.core.geometry import FloatArray, PatientPoint
from medview.imaging.planes import Plane
from medview.imaging.roi.kinds import CLOSED, OUTLINES
from medview.imaging.slice_plane import SlicePlane

_AROUND = 64  # edges of a drawn ellipse or circle
_BETWEEN = 16  # edges of a spline from one place to the next
_MOST_HANDLES = 16
_MOST_TESTED = 3000  # corners; each edge is held against each other one


def outline(kind: str, points: Sequence[PatientPoint]) -> FloatArray:
    """(n, 3) corners of a closed shape, the first not repeated."""
    corners = np.array(points, float)
    if kind == "ellipse":
        middle = corners.mean(axis=0)
        halves = (corners[1] - corners[0]) / 2, (corners[3] - corners[2]) / 2
        return around(middle, *halves)
    return closed_spline(corners) if kind == "spline" else corners


def around(middle: FloatArray, across: FloatArray, upright: FloatArray) -> FloatArray:
    """(64, 3) places of an ellipse with these half axes."""
    turn = np.linspace(0, 2 * np.pi, _AROUND, endpoint=False)[:, None]
    found: FloatArray = middle + np.cos(turn) * across + np.sin(turn) * upright
    return found


def closed_spline(corners: FloatArray) -> FloatArray:
    """(16 n, 3) places of the closed Catmull-Rom curve through n places, these included."""
    before, after = np.roll(corners, 1, axis=0), np.roll(corners, -1, axis=0)
    beyond = np.roll(corners, -2, axis=0)
    t = (np.arange(_BETWEEN) / _BETWEEN)[None, :, None]
    a, b, c, d = (each[:, None, :] for each in (before, corners, after, beyond))
    curve = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    found: FloatArray = curve.reshape(-1, corners.shape[1])
    return found


def polygon_area(corners: FloatArray) -> float:
    """Area of a plane polygon in space or on a picture, in squares of its unit."""
    if corners.shape[1] == 2:
        corners = np.column_stack([corners, np.zeros(len(corners))])
    away = corners - corners[0]  # near zero the products lose no figures
    total = np.cross(away, np.roll(away, -1, axis=0)).sum(axis=0)
    return float(np.linalg.norm(total)) / 2.0


def crosses_itself(corners: FloatArray, normal: ArrayLike) -> bool:
    """Whether edges of a closed outline cut one another: then it has no one area.

    Not looked for in outlines of many thousands of corners: no hand draws these.
    """
    if len(corners) > _MOST_TESTED:
        return False
    flat = corners @ across(normal).T
    start, end = flat, np.roll(flat, -1, axis=0)

    def side(a: FloatArray, b: FloatArray, c: FloatArray) -> FloatArray:
        ab, ac = b - a, c - a
        found: FloatArray = ab[..., 0] * ac[..., 1] - ab[..., 1] * ac[..., 0]
        return found

    one, two = start[:, None], end[:, None]
    left = side(one, two, start[None]) * side(one, two, end[None]) < 0
    right = side(start[None], end[None], one) * side(start[None], end[None], two) < 0
    return bool((left & right).any())


def across(normal: ArrayLike) -> FloatArray:
    """(2, 3) two perpendicular unit directions across a normal."""
    n = np.array(normal, float)
    first = np.cross(n, np.eye(3)[int(np.argmin(np.abs(n)))])
    first = first / np.linalg.norm(first)
    return np.array([first, np.cross(n, first) / np.linalg.norm(n)])


def angle(points: Sequence[PatientPoint]) -> float:
    """Degrees between the arms of an angle: end, vertex, end."""
    end, vertex, other = np.array(points, float)
    return _degrees(end - vertex, other - vertex)


def cobb_angle(points: Sequence[PatientPoint]) -> float:
    """Degrees between two lines that were drawn in any direction, 0 to 180.

    Both are taken to run to the same side of the way from one line's middle to the other's, as the
    end plates of two vertebrae do: so the angle of a severe curve may pass 90 degrees.
    """
    a, b, c, d = np.array(points, float)
    one, other, way = b - a, d - c, (c + d - a - b) / 2
    size = float(way @ way)
    across = [line - (line @ way) / size * way if size else line for line in (one, other)]
    return _degrees(one, other if float(across[0] @ across[1]) >= 0 else -other)


def _degrees(one: FloatArray, other: FloatArray) -> float:
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    if size == 0:
        return 0.0
    # The half-angle form keeps its figures near 0 and 180 degrees, where a cosine is flat.
    u, v = one / np.linalg.norm(one), other / np.linalg.norm(other)
    return float(np.degrees(2 * np.arctan2(np.linalg.norm(u - v), np.linalg.norm(u + v))))


def chest_widths(points: Sequence[PatientPoint]) -> tuple[FloatArray, FloatArray]:
    """(2, 2, 3) the heart's two ways from the midline, and (2, 3) the chest's inner width.

    All perpendicular to the midline: its place nearest to a border, and the border; for the chest
    two ends as far apart as its borders are across the midline, at the right border's height.
    """
    top, foot, *borders = np.array(points, float)
    along = foot - top
    length = float(np.linalg.norm(along))
    along = along / length if length else along
    heights = [float((border - top) @ along) for border in borders]
    feet = [top + height * along for height in heights]
    heart = np.array([[feet[0], borders[0]], [feet[1], borders[1]]])
    level = borders[3] - (heights[3] - heights[2]) * along
    return heart, np.array([borders[2], level])


def polylines(kind: str, points: Sequence[PatientPoint]) -> list[tuple[FloatArray, bool]]:
    """The lines that a measurement is drawn with: (n, 3) places, and whether they are closed.

    What is not finished is drawn as a `path` or as `pairs` of ends.
    """
    if kind in CLOSED:
        return [(outline(kind, points), True)]
    places = np.array(points, float)
    if kind in ("cobb", "bidirectional", "pairs"):
        return [(places[at : at + 2], False) for at in range(0, len(places), 2)]
    if kind == "ctr":
        heart, chest = chest_widths(points)
        return [(places[:2], False), *((way, False) for way in heart), (chest, False)]
    return [(places, False)]


def handles(kind: str, count: int) -> tuple[int, ...]:
    """Which of its places a measurement is taken by: all, or some of a long outline."""
    if kind not in OUTLINES or count <= _MOST_HANDLES:
        return tuple(range(count))
    return tuple(int(n) for n in np.linspace(0, count, _MOST_HANDLES, endpoint=False))


def pixels_of(plane: SlicePlane, points: FloatArray) -> FloatArray:
    """(n, 3) [index, row, column] of (n, 3) points; see `SlicePlane.to_pixel`."""
    if isinstance(plane, Plane) and not plane.geometry.is_even:
        return np.array([plane.to_pixel(PatientPoint(*point)) for point in points])
    inverse = np.linalg.inv(plane.matrix_at(0))
    found: FloatArray = points @ inverse[:3, :3].T + inverse[:3, 3]
    return found


def without_spurs(corners: FloatArray, tolerance: float) -> FloatArray:
    """A closed outline without ways that go out and come back along themselves."""
    kept: list[FloatArray] = []
    for corner in np.concatenate([corners, corners[:1]]):
        if len(kept) > 1 and np.linalg.norm(corner - kept[-2]) <= tolerance:
            kept.pop()
        else:
            kept.append(corner)
    while len(kept) > 3 and np.linalg.norm(kept[1] - kept[-2]) <= tolerance:
        kept = kept[1:-1]  # a spur over the place where the outline begins
    return np.array(kept[:-1])


def simplified(corners: FloatArray, tolerance: float) -> FloatArray:
    """A closed outline with fewer corners, none further than the tolerance from where it was.

    Ramer 1972, Douglas and Peucker 1973; on each half between two far corners.
    """
    if len(corners) < 4:
        return corners
    far = int(np.argmax(np.linalg.norm(corners - corners[0], axis=1)))
    ring = np.concatenate([corners, corners[:1]])
    keep = np.zeros(len(ring), bool)
    keep[[0, far, len(corners)]] = True
    waiting = [(0, far), (far, len(corners))]
    while waiting:
        low, high = waiting.pop()
        if high - low < 2:
            continue
        away = _away(ring[low + 1 : high], ring[low], ring[high])
        worst = int(np.argmax(away))
        if away[worst] > tolerance:
            middle = low + 1 + worst
            keep[middle] = True
            waiting += [(low, middle), (middle, high)]
    found: FloatArray = ring[:-1][keep[:-1]]
    return found


def _away(points: FloatArray, start: FloatArray, end: FloatArray) -> FloatArray:
    """How far each point is from a piece of a line."""
    along = end - start
    share = np.clip((points - start) @ along / max(float(along @ along), 1e-12), 0, 1)
    found: FloatArray = np.linalg.norm(points - start - share[:, None] * along, axis=1)
    return found

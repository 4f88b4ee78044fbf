"""Bones: spine, ribs with their cartilage, sternum, shoulder girdle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medview.demo.habitus import CENTRE_Y, Habitus
from medview.demo.shapes import Drum, Ellipsoid, Point, Segment, Shape, mirrored, smooth_curve, tube

# Height of the vertebral bodies' centres, C4 to L3 (mm, carina at 0); T1 is number 4.
LEVELS = (
    153, 138, 122, 106, 88, 69, 49, 28, 6, -16, -38, -61, -84, -108, -133, -159, -186, -215, -245,
)  # fmt: skip
FIRST_THORACIC = 4
# Ribs 1 to 12: how far they come down (mm), and the angle from the front at which bone ends.
_DROP = (34, 50, 64, 75, 84, 92, 97, 96, 90, 80, 58, 38)
_END = (27, 27, 28, 32, 36, 42, 50, 58, 66, 74, 100, 132)
_STERNAL = (46, 10, -16, -36, -53, -67, -79)  # where the cartilages reach the sternum


@dataclass(frozen=True, eq=False, kw_only=True)
class Skeleton:
    """Shapes by what they are made of."""

    bone: tuple[Shape, ...]
    bodies: tuple[Shape, ...]
    discs: tuple[Shape, ...]
    cartilage: tuple[Shape, ...]
    canal: tuple[Shape, ...]
    back: tuple[Shape, ...]  # the muscle around the arches, behind the pleura


def spine_y(z: float) -> float:
    """How far back the vertebral bodies' centres lie: lordosis of the neck, kyphosis below."""
    heights = (-245, -190, -150, -100, -50, 0, 50, 100, 150)
    return float(np.interp(z, heights, (36, 46, 55, 62, 64, 60, 50, 37, 27)))


def build_skeleton(habitus: Habitus) -> Skeleton:
    """All bones of the trunk down to L3."""
    bodies: list[Shape] = []
    discs: list[Shape] = []
    bone: list[Shape] = []
    for number, z in enumerate(LEVELS):
        below = LEVELS[number + 1] if number + 1 < len(LEVELS) else z - 30
        bodies += _body(number, z, z - below)
        bone += mirrored(_arch(number, z)) + _spinous(number, z)
        discs.append(_disc(number, (z + below) / 2))
    ribs, cartilage = _ribs(habitus)
    bone += mirrored(ribs + _girdle(habitus))
    bone += _sternum(habitus)
    canal = tube([(0, spine_y(z) + 22, z) for z in LEVELS], [8.5], step=15)
    return Skeleton(
        bone=tuple(bone), bodies=tuple(bodies), discs=tuple(discs),
        cartilage=tuple(mirrored(cartilage)), canal=tuple(canal),
        back=tuple(tube([(0, spine_y(z) + 27, z) for z in LEVELS], [21.0], step=15)),
    )  # fmt: skip


def _half_width(number: int) -> float:
    return 12.0 + 0.42 * number


def _body(number: int, z: float, pitch: float) -> list[Shape]:
    return [Drum((0, spine_y(z), z), _half_width(number) + 0.8, pitch / 2 - 2.3)]


def _disc(number: int, z: float) -> Shape:
    width = _half_width(number)
    return Ellipsoid((0, spine_y(z) - 0.5, z), (width + 0.3, width * 0.8, 5.0))


def _arch(number: int, z: float) -> list[Shape]:
    y, w = spine_y(z), _half_width(number)
    reach = 19 + 0.9 * number if number < 12 else 34 - 1.0 * (number - 12)
    back = 20 if number < 14 else 8
    foot: Point = (w * 0.72, y + w * 0.6, z + 3)
    joint: Point = (13.5, y + 24, z + 2)
    return [
        *tube([foot, (12.5, y + 17, z + 3), joint], [3.9, 3.6, 4.4], 5),
        *tube([joint, (7, y + 33, z - 3), (0, y + 36, z - 6)], [4.0, 3.0, 3.0], 5),
        *tube([joint, (reach, y + 18 + back * 0.75, z + 2)], [3.8, 3.2], 6),
        Segment((12.5, y + 25, z + 8), (13.0, y + 27, z - 13), 3.0, 2.6),
    ]


def _spinous(number: int, z: float) -> list[Shape]:
    y = spine_y(z)
    drop = 30 if FIRST_THORACIC + 2 <= number <= FIRST_THORACIC + 9 else 10
    long = 20 if number > 2 else 12
    return [Segment((0, y + 35, z - 6), (0, y + 37 + long, z - 6 - drop), 4.6, 4.2, (1, 0, 0), 1.7)]


def _ribs(habitus: Habitus) -> tuple[list[Shape], list[Shape]]:
    ribs: list[Shape] = []
    cartilage: list[Shape] = []
    for n in range(12):
        z = LEVELS[FIRST_THORACIC + n] + 4.0
        drop = _DROP[n] * habitus.rib_slope
        points = _rib_line(habitus, n, z, drop)
        tall = 5.4 if n else 6.2
        sides = _outward(points)
        nodes, _ = smooth_curve(points, [1.0], 6.0)
        for k in range(len(nodes) - 1):
            side = sides(nodes[k])
            high = tall * min(1.0, 0.62 + 0.04 * k)
            ribs.append(Segment(tuple(nodes[k]), tuple(nodes[k + 1]), high, high, side, 1.55))
        if n < 7:
            cartilage += _cartilage(habitus, points[-1], z - drop, n)
        elif n < 10:
            cartilage += tube([points[-1], _on_wall(habitus, _END[n] - 14, z - drop + 14)], [5, 4])
    return ribs, cartilage


def _on_wall(habitus: Habitus, degrees: float, z: float, out: float = 4.8) -> Point:
    angle = np.radians(degrees)
    r = habitus.radius_at(angle, z) + out
    return (float(r * np.sin(angle)), float(CENTRE_Y - r * np.cos(angle)), z)


def _rib_line(habitus: Habitus, n: int, z: float, drop: float) -> list[Point]:
    y = spine_y(z)
    head: list[Point] = [
        (13 + 0.3 * n, y + 11, z),
        (27.0 + 0.3 * n, y + 24, z + 1),
    ]
    end, start = _END[n], 156.0
    steps = max(4, int((start - end) / 10))
    for k in range(steps + 1):
        share = k / steps
        degrees = start + (end - start) * share
        # Steep behind and at the side, flatter again in front.
        height = z - 3 - drop * (0.75 * share + 0.25 * np.sin(share * np.pi / 2) ** 2)
        head.append(_on_wall(habitus, degrees, float(height)))
    return head


def _outward(points: list[Point]):  # type: ignore[no-untyped-def]
    def side(node: np.ndarray) -> Point:
        v = np.array([node[0], node[1] - float(CENTRE_Y), 0.0])
        v /= max(float(np.linalg.norm(v)), 1e-6)
        return (float(v[0]), float(v[1]), float(v[2]))

    return side


def _cartilage(habitus: Habitus, end: Point, z: float, n: int) -> list[Shape]:
    zs = _STERNAL[n]
    angle = 15 if n < 5 else 10
    points = [
        end,
        _on_wall(habitus, (_END[n] + angle) / 2, (z * 0.65 + zs * 0.35)),
        _on_wall(habitus, angle, zs),
    ]
    return list(tube(points, [5.6, 5.2, 4.8], 6))


def _sternum(habitus: Habitus) -> list[Shape]:
    def at(z: float) -> Point:
        return (0.0, _on_wall(habitus, 0, z, 5.5)[1], z)

    front: Point = (0, 1, 0)
    parts: list[Shape] = []
    for high, low, wide, narrow in (
        (58, 36, 25, 22),
        (36, 12, 22, 15),
        (7, -40, 14, 17),
        (-40, -86, 17, 13),
    ):
        parts.append(Segment(at(high - 8), at(low + 4), wide, narrow, front, wide / 6.0))
    parts.append(Segment(at(-88), at(-112), 6, 3, front, 2.0))
    return parts


def _girdle(habitus: Habitus) -> list[Shape]:
    """Clavicle, scapula and upper arm of the left side, arms raised."""
    grow = (1 - habitus.muscle) * 6
    parts: list[Shape] = []
    parts += tube(
        [(16, -50, 57), (50, -46, 70), (95, -14, 92), (136, 14, 112)], [7.0, 5.2, 5.2, 6.2]
    )
    glenoid, top, tip = (126 - grow, 44, 86), (78 - grow, 88, 78), (112 - grow, 88, -32)
    for share in np.linspace(0, 1, 22):
        lateral = _between(glenoid, tip, float(share))
        medial = _between(top, tip, float(share))
        r = 1.4 + 0.8 * abs(float(share) - 0.5)
        x, y, z = _between(lateral, medial, 0.5)
        middle = (x + 2.0, y + 3.0, z)
        parts += tube([lateral, middle, medial], [2.6, r, 2.2], 12)
    parts += tube([glenoid, tip], [6.0, 4.0], 12)
    parts += tube(
        [(82 - grow, 97, 58), (112 - grow, 92, 78), (140, 62, 108), (150, 38, 124)],
        [3.5, 4.5, 6, 6.5],
    )
    parts.append(Ellipsoid(glenoid, (8, 12, 16)))
    parts += tube([glenoid, (122, 24, 102), (116, 8, 98)], [7, 5.5, 5])
    parts.append(Ellipsoid((148, 28, 104), (21, 21, 23)))
    parts += tube([(150, 26, 108), (160, 16, 150), (186, -8, 250)], [15, 11.5, 11])
    return parts


def _between(a: Point, b: Point, share: float) -> Point:
    return tuple(np.array(a) * (1 - share) + np.array(b) * share)

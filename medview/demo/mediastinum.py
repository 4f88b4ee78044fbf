"""Heart, great vessels, windpipe and gullet."""

from __future__ import annotations

from dataclasses import dataclass

from medview.demo.habitus import Habitus
from medview.demo.shapes import Ellipsoid, Point, Segment, Shape, tube

CARINA: Point = (0, 20, 0)
_AXIS: tuple[Point, Point, Point] = (
    (0.735, -0.490, -0.468),  # base to apex
    (0.555, 0.832, 0.000),
    (0.389, -0.260, 0.884),
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Mediastinum:
    """Shapes by organ; `airway` is the lumen, its wall is `airway` grown by `airway_wall`."""

    heart: tuple[Shape, ...]
    chambers: tuple[Shape, ...]
    grooves: tuple[Shape, ...]
    vessels: tuple[Shape, ...]
    oesophagus: tuple[Shape, ...]
    oesophagus_air: tuple[Shape, ...]
    thyroid: tuple[Shape, ...]
    airway: tuple[Shape, ...]
    fat: tuple[Shape, ...]
    coronary: tuple[Shape, ...]


def build_mediastinum(habitus: Habitus) -> Mediastinum:
    """The organs between the lungs; the heart grows around its own centre by `habitus.heart`."""
    grow = habitus.heart
    return Mediastinum(
        heart=tuple(_about_heart(s, grow) for s in _heart()),
        chambers=tuple(_about_heart(s, grow) for s in _chambers()),
        grooves=tuple(_about_heart(s, grow) for s in _grooves()),
        coronary=tuple(_about_heart(s, grow) for s in _coronary()),
        vessels=tuple(_arteries() + _arch_branches() + _veins() + _pulmonary()),
        oesophagus=tuple(tube(_GULLET, [6.5, 6.5, 7.5, 7.5, 8, 9], 8)),
        oesophagus_air=tuple(tube(_GULLET[1:3], [1.6, 2.4], 8)),
        thyroid=(
            Ellipsoid((17, 2, 132), (8, 11, 20)), Ellipsoid((-17, 2, 130), (8.5, 11, 21)),
            Ellipsoid((0, -7, 124), (14, 4, 7)),
        ),
        airway=tuple(_airway()),
        fat=_fat(),
    )  # fmt: skip


_HEART_CENTRE: Point = (24, -24, -62)
_GULLET: list[Point] = [
    (3, 28, 150), (6, 33, 55), (5, 38, 5), (7, 40, -50), (14, 30, -110), (26, 14, -138),
]  # fmt: skip


def _about_heart(shape: Shape, grow: float) -> Shape:
    def move(p: Point) -> Point:
        a, b, c = (m + (v - m) * grow for v, m in zip(p, _HEART_CENTRE, strict=True))
        return (a, b, c)

    if isinstance(shape, Ellipsoid):
        a, b, c = shape.radii
        return Ellipsoid(move(shape.centre), (a * grow, b * grow, c * grow), shape.axes)
    if isinstance(shape, Segment):
        return Segment(move(shape.a), move(shape.b), shape.ra * grow, shape.rb * grow)
    return shape


def _heart() -> list[Shape]:
    return [
        Ellipsoid((43, -20, -70), (48, 32, 34), _AXIS),  # left ventricle
        Ellipsoid((22, -44, -70), (46, 26, 38), _AXIS),  # right ventricle
        Ellipsoid((14, -48, -45), (20, 18, 26)),  # its outflow
        Ellipsoid((-24, -22, -58), (25, 29, 36)),  # right atrium
        Ellipsoid((8, 17, -42), (33, 20, 25)),  # left atrium
        Ellipsoid((42, -4, -28), (14, 12, 12)),  # left appendage
        Ellipsoid((-18, -40, -32), (13, 14, 16)),  # right appendage
        *tube([(6, -14, -46), (0, -20, -28)], [17, 16.5]),
    ]


def _chambers() -> list[Shape]:
    return [
        Ellipsoid((43, -18, -70), (41, 21, 23), _AXIS),
        Ellipsoid((19, -46, -70), (40, 21, 32), _AXIS),
        Ellipsoid((-24, -22, -58), (22, 26, 33)),
        Ellipsoid((8, 17, -42), (31, 18, 23)),
    ]


def _grooves() -> list[Shape]:
    """Fat of the atrioventricular and the anterior interventricular groove."""
    return [
        *tube([(-8, -52, -32), (-8, -53, -58), (-14, -44, -88), (0, -26, -100)], [5, 5.5, 6, 5]),
        *tube([(34, 8, -26), (40, 14, -50), (30, 10, -78)], [4, 5, 5]),
        *tube(_LAD, [4.2, 4.6, 4.4, 4]),
    ]


_LAD: list[Point] = [(26, -30, -27), (40, -49, -46), (54, -60, -70), (70, -58, -92)]


def _coronary() -> list[Shape]:
    return [
        *tube(_LAD, [1.9, 1.7, 1.4, 1.0], 4),
        *tube(
            [(8, -24, -26), (-8, -48, -40), (-9, -51, -60), (-14, -43, -86)],
            [1.8, 1.7, 1.5, 1.2],
            4,
        ),
        *tube(
            [(26, -30, -27), (34, 6, -28), (39, 13, -50), (30, 10, -76)], [1.8, 1.6, 1.4, 1.0], 4
        ),
    ]


def calcifications() -> list[Shape]:
    """Calcium in the wall of the anterior descending artery, in the grown woman's frame."""
    return [
        *tube([(30.5, -36.5, -33), (35, -43.5, -39)], [1.5, 1.9], 3),
        Ellipsoid((41.5, -50.5, -48), (1.7, 1.5, 2.6)),
        Ellipsoid((47, -55, -57), (1.2, 1.2, 1.8)),
    ]


def _arteries() -> list[Shape]:
    return list(tube(
        [(4, -16, -44), (-9, -24, -18), (-15, -24, 10), (-9, -12, 32), (6, 10, 39), (20, 34, 28),
         (27, 48, 2), (26, 56, -50), (20, 54, -110), (10, 44, -165), (4, 32, -240)],
        [16, 16.5, 16, 15, 13.5, 12.8, 12.5, 12, 11.5, 10.5, 9.5],
    ))  # fmt: skip


def _arch_branches() -> list[Shape]:
    parts: list[Shape] = []
    parts += tube([(-9, -10, 38), (-17, -6, 66), (-26, 4, 92)], [7, 6.2, 6])
    parts += tube([(2, 4, 44), (13, 0, 76), (22, 4, 110), (26, 4, 160)], [4.6, 4, 3.8, 3.8])
    parts += tube(
        [(13, 20, 44), (22, 18, 75), (38, 14, 96), (75, 6, 100), (140, 14, 108)],
        [5.5, 5, 4.8, 4.4, 3.5],
    )
    parts += tube(
        [(-26, 4, 92), (-50, 10, 102), (-85, 4, 100), (-140, 14, 108)], [5.2, 4.8, 4.2, 3.5]
    )
    parts += tube([(-26, 4, 92), (-24, 2, 118), (-26, 4, 160)], [4.4, 3.8, 3.8])
    return parts


def _veins() -> list[Shape]:
    parts: list[Shape] = []
    parts += tube([(-32, -14, 58), (-32, -10, 10), (-29, -14, -30)], [9, 9.8, 10])
    parts += tube([(-32, -14, 58), (-37, -14, 88), (-36, -4, 150)], [8, 7, 6])
    parts += tube([(-31, -16, 55), (0, -30, 62), (32, -18, 84), (37, -4, 150)], [7, 6.2, 6.5, 6])
    parts += tube([(-37, -14, 88), (-70, -14, 96), (-138, 4, 108)], [6, 5.5, 4])
    parts += tube([(32, -18, 84), (70, -14, 96), (138, 4, 108)], [6, 5.5, 4])
    parts += tube(
        [(-29, -4, 14), (-24, 22, 17), (-11, 44, 8), (-6, 49, -20), (-7, 50, -90), (-8, 42, -170)],
        [4.5, 4, 3.8, 3.4, 3.2, 2.8],
        5,
    )
    parts += tube(
        [(-20, 14, -240), (-24, 8, -140), (-26, -6, -98), (-26, -14, -76)], [11, 11.5, 13, 14]
    )
    return parts


def _pulmonary() -> list[Shape]:
    parts: list[Shape] = []
    parts += tube([(16, -46, -40), (24, -34, -18), (23, -18, -4)], [14, 13.5, 12.5])
    parts += tube(
        [(22, -18, -8), (0, -6, -14), (-26, 0, -17), (-42, 4, -20)], [11.5, 11.2, 10.5, 8.5]
    )
    parts += tube([(23, -18, -4), (36, 6, 4), (46, 22, -4), (50, 30, -20)], [11.5, 11, 10, 8])
    parts += tube([(-14, 10, -36), (-34, -4, -32), (-48, -10, -22)], [8, 6.5, 4.8])
    parts += tube([(-14, 22, -48), (-40, 32, -54), (-52, 36, -58)], [8, 6, 4.8])
    parts += tube([(32, 12, -34), (50, -4, -26), (58, -12, -16)], [7, 5.5, 4.6])
    parts += tube([(30, 22, -46), (48, 36, -54), (58, 42, -60)], [7.5, 6, 4.6])
    return parts


def _airway() -> list[Shape]:
    parts: list[Shape] = []
    parts += tube(
        [(0, 4, 165), (-1, 10, 95), (-2, 14, 48), (0, 19, 6), CARINA], [8, 8.2, 8.4, 8, 7], 4
    )
    parts += tube([(0, 18, 4), (-12, 21, -6), (-28, 20, -17)], [6.8, 7, 6.6], 4)
    parts += tube([(0, 18, 4), (14, 21, -8), (30, 23, -20), (43, 25, -30)], [6.2, 6.2, 5.8, 5.4], 4)
    parts += tube([(-27, 20, -16), (-34, 22, -36), (-36, 24, -44)], [5.6, 5.2, 4.6], 4)
    parts += tube([(43, 25, -30), (48, 30, -44)], [5, 4.4], 4)
    return parts


def _fat() -> tuple[Shape, ...]:
    """What fills the space between the organs: without it the lungs would reach in."""
    return (
        *tube([(0, -38, 50), (2, -56, 10), (4, -66, -40), (12, -70, -90)], [17, 13, 15, 24]),
        *tube(
            [(0, 20, 110), (0, 28, 30), (0, 40, -40), (2, 45, -120), (0, 45, -200)],
            [24, 18, 14, 18, 26],
        ),
        Ellipsoid((-2, 0, 52), (29, 27, 32)),
        Ellipsoid((-11, -2, 18), (22, 24, 26)),
        Ellipsoid((22, 4, 12), (17, 26, 24)),
        Ellipsoid((40, -52, -98), (40, 26, 18)),
        Ellipsoid((-30, -48, -92), (20, 20, 16)),
        *tube([(-4, 8, -78), (0, 14, -104), (2, 18, -130)], [15, 26, 30]),
        *tube([(4, -14, -104), (10, -20, -130)], [30, 36]),
    )

"""Diaphragm and what shows beneath it on a chest CT: liver, spleen, stomach, bowel gas."""

from __future__ import annotations

import numpy as np

from medview.demo.habitus import Habitus
from medview.demo.shapes import Ellipsoid, Shape, tube
from medview.demo.space import Float, Grid

_RIM = np.float32(60.0)  # how far from the chest wall the dome has its full height, mm

LIVER: tuple[Shape, ...] = (
    Ellipsoid((-66, 4, -158), (88, 100, 78)),
    Ellipsoid((-34, -42, -140), (84, 46, 44)),
)
LIVER_VESSELS: tuple[Shape, ...] = (
    *tube([(-26, -2, -112), (-60, -14, -128), (-92, -20, -145)], [6, 4.5, 2.5]),
    *tube([(-27, 4, -114), (-68, 34, -128), (-96, 52, -140)], [6, 4.5, 2.5]),
    *tube([(-24, -6, -112), (-8, -36, -124), (10, -58, -132)], [5, 3.8, 2.2]),
    *tube([(-20, 14, -240), (-24, 8, -140), (-26, -4, -104)], [11, 11.5, 12]),
    *tube([(-24, -14, -170), (-50, -10, -162), (-76, 4, -160), (-96, 2, -170)], [7, 6, 4, 2.5]),
)
SPLEEN: tuple[Shape, ...] = (
    Ellipsoid(
        (92, 46, -150), (27, 50, 44),
        ((0.82, 0.5, -0.28), (-0.54, 0.84, 0), (0.23, 0.15, 0.96)),
    ),
    Ellipsoid((88, 64, -132), (24, 26, 26)),
)  # fmt: skip
STOMACH: tuple[Shape, ...] = (
    *tube(
        [(56, 14, -122), (66, -16, -136), (60, -44, -162), (28, -58, -190)], [27, 31, 27, 21], 10
    ),
)
STOMACH_LEVEL_Y = -22.0  # lying on the back: gas in front, fluid behind
BOWEL: tuple[Shape, ...] = (
    *tube(
        [(104, -38, -158), (100, -18, -150), (106, 4, -168), (110, 10, -230)], [15, 17, 15, 16], 12
    ),
    *tube([(100, -40, -168), (40, -72, -205), (-40, -70, -215)], [16, 17, 16], 12),
)
KIDNEYS: tuple[Shape, ...] = (
    Ellipsoid((54, 58, -222), (27, 24, 52)), Ellipsoid((-56, 58, -232), (27, 24, 52)),
)  # fmt: skip
GALLBLADDER: tuple[Shape, ...] = (Ellipsoid((-52, -52, -188), (16, 24, 17)),)


def diaphragm(grid: Grid, cavity: Float, habitus: Habitus) -> Float:
    """Signed distance to the diaphragm's dome, mm, negative above it.

    cavity: distance to the chest wall on the same grid; the dome rises from its rim along a
    quarter of an ellipse and is higher on the right.
    """
    x, y, z = grid.broadcast
    peak = habitus.dome - 108 + 22 * _bell(x, -60, 44) + 11 * _bell(x, 66, 38)
    peak = peak - 8 * np.maximum(y - 30, 0) / 50
    edge = habitus.dome * np.float32(0.5) - 146 - np.float32(0.26) * (y - 5)
    inward = 1 - np.clip(-cavity / _RIM, 0, 1)
    rise = np.sqrt(np.maximum(1 - inward * inward, 0))
    height = edge + (peak - edge) * rise
    slope = (peak - edge) * inward / (_RIM * np.maximum(rise, np.float32(0.2)))
    return np.asarray((height - z) / np.sqrt(1 + slope * slope), np.float32)


def _bell(x: Float, middle: float, width: float) -> Float:
    t = (x - np.float32(middle)) * np.float32(1 / width)
    return np.asarray(np.exp(-t * t), np.float32)

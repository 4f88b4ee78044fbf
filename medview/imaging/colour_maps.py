"""Colour maps: 256 colours for a fraction from 0 to 1, for grey pictures and upper layers.

Hot iron is the well-known palette of PS3.6 B.1.1; inferno, viridis and cividis are matplotlib's
(CC0), even steps to the eye; cividis holds for every kind of colour vision.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Colours = NDArray[np.uint8]

GREY = "grey"
# id and English name, in the order of menus; `grey` is no colour at all.
MAPS = (
    (GREY, "Grey"),
    ("inverse-grey", "Inverse grey"),
    ("hot-iron", "Hot iron"),
    ("inferno", "Inferno"),
    ("viridis", "Viridis"),
    ("cividis", "Cividis, colour-blind safe"),
)
# 26 even steps each; between them the colour runs straight.
_ANCHORS = {
    "inferno": (
        "000004050417100a2e1f0c47300a5c420a68530e6d63146e731a6e83206b932667a42c61b33359"
        "c23b50d04545dd513ae75f2df06e21f67f13fa9207fca50afbb81df8cc36f4e055f2f27cfcffa4"
    ),
    "viridis": (
        "440154471063481d6f472a7a4537814144873c4f8a375a8c32648e2e6f8e2a788e26828e228b8d"
        "1f958b1f9f8822a8842cb17e3bbb754ec36b63cb5f7ad15195d840b0dd2fcae11fe5e419fde725"
    ),
    "cividis": (
        "00224e002a5f003070163770273e6e35456c404c6c4a536c545a6d5e626e6669706f7073777777"
        "817f788b8778948e779e9676a99f73b4a76fbeaf6bc8b866d4c15fdfca57ead34cf6dd3ffee838"
    ),
}


@cache
def colour_map(name: str) -> Colours:
    """(256, 3) the colours of a map from nothing to its end; an unknown name is grey."""
    steps = np.arange(256, dtype=np.float64)
    if name == "inverse-grey":
        table = np.repeat(steps[::-1, None], 3, axis=1)
    elif name == "hot-iron":
        table = np.stack([2 * steps, 2 * steps - 256, 4 * steps - 764], axis=1)
        table[-1] = 255
    elif name in _ANCHORS:
        table = _between(_ANCHORS[name])
    else:
        table = np.repeat(steps[:, None], 3, axis=1)
    colours = np.clip(np.round(table), 0, 255).astype(np.uint8)
    colours.flags.writeable = False
    return colours


def _between(anchors: str) -> NDArray[np.float64]:
    points = np.frombuffer(bytes.fromhex(anchors), np.uint8).reshape(-1, 3)
    places = np.linspace(0, len(points) - 1, 256)
    at = np.arange(len(points))
    return np.stack([np.interp(places, at, points[:, part]) for part in range(3)], axis=1)


def coloured(grey: NDArray[np.uint8], name: str) -> Colours:
    """8-bit grey (rows, columns) through a map: (rows, columns, 3)."""
    return colour_map(name)[grey]

"""How a grid of views stands, as values: what hanging protocols keep and recordings replay."""

from __future__ import annotations

import re
from dataclasses import dataclass

from medview.core.geometry import PatientPoint, Vector

MOST_LINES = 4  # rows or columns of a grid
PLANES_AND_VOLUME = ("axial", "coronal", "sagittal", "volume")


@dataclass(frozen=True, slots=True)
class Turn:
    """How a turned plane lies: unit vectors (LPS) to its right and down, and a place in it.

    rest_mm: (right, down) from the anchor to the middle of a view; span_mm: (width, height) that
    fill it: the picture turns about the anchor and keeps its scale.
    """

    right: Vector
    down: Vector
    anchor: PatientPoint
    rest_mm: tuple[float, float]
    span_mm: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class TileState:
    """What one tile shows and how it stands.

    key: series UID and number of the stack, None for an empty tile. plane: axial, coronal,
    sagittal, native (as acquired) or volume. point: the place in the patient, window: (centre,
    width) in modality units; None for both as the stack opens. zoom: times the size that fits;
    pan: parts of the view's width and height from its middle; turns: quarters clockwise.
    slab: what several slices are shown as (mip, minip, mean) and their millimetres; None for one.
    slabs: the same of every plane of its stack, by name. turned: those that are turned; roll:
    radians that a straightened picture is turned about its curve.
    """

    key: tuple[str, int] | None = None
    plane: str = "native"
    point: PatientPoint | None = None
    window: tuple[float, float] | None = None
    zoom: float = 1.0
    pan: tuple[float, float] = (0.0, 0.0)
    is_inverted: bool = False
    flip_h: bool = False
    flip_v: bool = False
    turns: int = 0
    slab: tuple[str, float] | None = None
    slabs: tuple[tuple[str, str, float], ...] = ()
    turned: tuple[tuple[str, Turn], ...] = ()
    roll: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GridState:
    """A grid of rows x columns tiles, row by row; alone: the one tile that fills it, or None.

    second: the tiles of a second window, None where there is none.
    """

    rows: int = 2
    columns: int = 2
    tiles: tuple[TileState, ...] = ()
    active: int = 0
    alone: int | None = None
    second: GridState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpperState:
    """What lies over a stack in all its views, and how: keys as in `TileState`.

    blend: 0 the lower picture alone, 1 the upper one. level, width: the upper one's window;
    threshold: values below it are transparent, None for none.
    """

    lower: tuple[str, int]
    upper: tuple[str, int]
    blend: float
    colours: str
    level: float
    width: float
    threshold: float | None = None


def layout_name(rows: int, columns: int) -> str:
    """`2x3` for two rows of three."""
    return f"{rows}x{columns}"


def layout_named(name: str) -> tuple[int, int] | None:
    """(rows, columns) of a name from `1x1` to `4x4`, None for anything else."""
    found = re.fullmatch(r"([1-9])x([1-9])", name)
    if found is None:
        return None
    rows, columns = int(found[1]), int(found[2])
    return (rows, columns) if max(rows, columns) <= MOST_LINES else None


def is_planes_and_volume(tiles: tuple[TileState, ...]) -> bool:
    """Whether the first four tiles are the three planes and the volume of one stack."""
    first = tiles[: len(PLANES_AND_VOLUME)]
    return tuple(t.plane for t in first) == PLANES_AND_VOLUME and len({t.key for t in first}) == 1

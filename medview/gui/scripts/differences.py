"""What the mouse changed in a grid of views, as the named actions that lead there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from medview.core.codec import to_plain
from medview.core.geometry import PatientPoint
from medview.core.layout import MOST_LINES, GridState, TileState, UpperState

MOST_TILES = MOST_LINES**2  # where the numbers of the second window begin
_ONE = GridState(rows=1, columns=1)
Done = tuple[str, dict[str, object]]  # an action's name and its parameters


def grid_changes(before: GridState, after: GridState) -> Iterator[Done]:
    """The actions from one state of the grid to another, the second window's views last.

    Views of one stack share place and window: what one says is not said again of the others.
    """
    if (before.rows, before.columns) != (after.rows, after.columns):
        yield "layout.set", {"rows": after.rows, "columns": after.columns}
    yield from _tiles(before, after, 0)
    if before.alone != after.alone:
        yield "layout.alone", {"tile": -1 if after.alone is None else after.alone}
    if after.second is not None:
        yield from _second(before.second or _ONE, after.second, after.active)


def _second(before: GridState, after: GridState, main: int) -> Iterator[Done]:
    """What changed in the second window; main: the tile that is active in the first."""
    if (before.rows, before.columns) != (after.rows, after.columns):
        yield "layout.activate", {"tile": MOST_TILES}
        yield "layout.set", {"rows": after.rows, "columns": after.columns}
        yield "layout.activate", {"tile": main}
    yield from _tiles(before, after, MOST_TILES)


def upper_changes(before: tuple[UpperState, ...], after: tuple[UpperState, ...]) -> Iterator[Done]:
    """The actions that bring what lies over series to where it is now."""
    known = {each.lower: each for each in before}
    for each in after:
        old = known.get(each.lower)
        if old == each:
            continue
        if old is None or old.upper != each.upper:
            yield "fusion.lay", {"lower": _named(each.lower), "upper": _named(each.upper)}
        yield "fusion.stand", {"state": to_plain(each)}


def _named(key: tuple[str, int]) -> str:
    return f"{key[0]}#{key[1]}"


def _tiles(before: GridState, after: GridState, first: int) -> Iterator[Done]:
    """What hangs in the tiles of a window, which is active, and how they stand."""
    known = {first + place: tile for place, tile in enumerate(before.tiles)}
    for number, tile in enumerate(after.tiles, first):
        old = known.get(number)
        if old is None or (old.key, old.plane) != (tile.key, tile.plane):
            yield _hung(number, tile)
            known[number] = TileState(key=tile.key, plane=tile.plane)
    if before.active != after.active:
        yield "layout.activate", {"tile": first + after.active}
    yield from _stood(known, after, first)


def _hung(number: int, tile: TileState) -> Done:
    if tile.key is None:
        return "series.empty", {"tile": number, "plane": tile.plane}
    series, stack = tile.key
    place = {"series": series, "stack": stack, "plane": tile.plane}
    return "series.hang", {"tile": number, **place}


def _stood(known: dict[int, TileState], after: GridState, first: int) -> Iterator[Done]:
    points: set[tuple[object, PatientPoint]] = set()
    windows: set[tuple[object, tuple[float, float]]] = set()
    order = sorted(enumerate(after.tiles, first), key=lambda each: each[0] != first + after.active)
    for number, tile in order:
        old = known.get(number, TileState())
        if tile.key is None or tile.plane == "volume":
            continue
        if tile.point not in (None, old.point) and (tile.key, tile.point) not in points:
            points.add((tile.key, tile.point))
            yield "series.look_at", {"tile": number, "point": list(tile.point)}
        if tile.window not in (None, old.window) and (tile.key, tile.window) not in windows:
            windows.add((tile.key, tile.window))
            level, width = tile.window
            yield "window.set", {"width": width, "level": level, "tile": number}
        same = replace(old, key=tile.key, point=tile.point, window=tile.window)
        if same != tile:
            yield "view.stand", {"tile": number, "state": to_plain(tile)}

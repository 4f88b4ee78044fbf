"""What the mouse changed in a grid of views, as the named actions that lead there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from medview.core.codec import to_plain
from medview.core.geometry import PatientPoint
from medview.core.layout import GridState, TileState

Done = tuple[str, dict[str, object]]  # an action's name and its parameters


def grid_changes(before: GridState, after: GridState) -> Iterator[Done]:
    """The actions from one state of the grid to another.

    Views of one stack share place and window: what one says is not said again of the others.
    """
    if (before.rows, before.columns) != (after.rows, after.columns):
        yield "layout.set", {"rows": after.rows, "columns": after.columns}
    known = dict(enumerate(before.tiles))
    for number, tile in enumerate(after.tiles):
        old = known.get(number)
        if old is None or (old.key, old.plane) != (tile.key, tile.plane):
            yield _hung(number, tile)
            known[number] = TileState(key=tile.key, plane=tile.plane)
    if before.active != after.active:
        yield "layout.activate", {"tile": after.active}
    if before.alone != after.alone:
        yield "layout.alone", {"tile": -1 if after.alone is None else after.alone}
    yield from _stood(known, after)


def _hung(number: int, tile: TileState) -> Done:
    if tile.key is None:
        return "series.empty", {"tile": number, "plane": tile.plane}
    series, stack = tile.key
    place = {"series": series, "stack": stack, "plane": tile.plane}
    return "series.hang", {"tile": number, **place}


def _stood(known: dict[int, TileState], after: GridState) -> Iterator[Done]:
    points: set[tuple[object, PatientPoint]] = set()
    windows: set[tuple[object, tuple[float, float]]] = set()
    order = sorted(enumerate(after.tiles), key=lambda each: each[0] != after.active)
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

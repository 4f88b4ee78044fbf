"""Rows and columns of tiles in one window, and how they change."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QGridLayout, QWidget

from medview.core.layout import (
    MOST_LINES,
    PLANES_AND_VOLUME,
    GridState,
    TileState,
    is_planes_and_volume,
    layout_name,
    layout_named,
)
from medview.gui.views.tile import Tile
from medview.session.studies import Key

MOST_TILES = MOST_LINES**2


class Pane(QWidget):
    """Up to 4 x 4 tiles; one of them may fill it alone. Tiles that it does not show are kept.

    first: the number of its first tile; make: makes a tile of a number for a plane.
    """

    def __init__(self, first: int, make: Callable[[int, str, QWidget], Tile]) -> None:
        super().__init__()
        self._first, self._make = first, make
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(1)
        self.shape = (1, 1)
        self.alone: Tile | None = None
        self.tiles: list[Tile] = []
        self._active: Tile | None = None  # the tile that 1 x 1 shows

    def tile(self, number: int) -> Tile:
        """A tile by its place here, made where it was never shown. Raises IndexError."""
        if not 0 <= number < MOST_TILES:
            raise IndexError(number)
        while len(self.tiles) <= number:
            at = len(self.tiles)
            is_main = self._first == 0 and at < len(PLANES_AND_VOLUME)
            plane = PLANES_AND_VOLUME[at] if is_main else "native"
            self.tiles.append(self._make(self._first + at, plane, self))
        return self.tiles[number]

    @property
    def shown(self) -> tuple[Tile, ...]:
        """The tiles that the layout shows, row by row, or the one that stands alone."""
        return tuple(tile for tile in self.tiles if not tile.isHidden())

    @property
    def layout_name(self) -> str:
        """`2x3` for two rows of three."""
        return layout_name(*self.shape)

    @property
    def is_planes_and_volume(self) -> bool:
        """Whether the tiles are the three planes and the volume of one stack (or of none yet)."""
        states = tuple(TileState(key=t.key, plane=t.plane) for t in self.tiles)
        return self.shape in ((1, 1), (2, 2)) and is_planes_and_volume(states)

    def turn_to(self, tile: Tile) -> None:
        """The tile that stays where there is room for one."""
        self._active = tile

    def hang_together(self, key: Key | None) -> bool:
        """Another stack in the three planes and the volume; whether it is another."""
        is_new = key != self.tiles[0].key
        for each in self.tiles[: len(PLANES_AND_VOLUME)]:
            each.want(key)
        self.alone = None if is_new else self.alone
        return is_new

    def lay_out(self, name: str, key: Key | None) -> None:
        """Rows by columns, or `planes`; see `ViewGrid.set_layout_name`. key: the active stack's."""
        shape = layout_named(name) or (2, 2)
        keys = {tile.key for tile in self.shown if tile.key is not None}
        was_planes, key = self.is_planes_and_volume, key or next(iter(keys), None)
        self.shape, self.alone = shape, None
        if name == "planes" or (shape == (2, 2) and len(keys) <= 1):
            for number, plane in enumerate(PLANES_AND_VOLUME):
                self.tile(number).want(key, plane)
        elif was_planes and shape not in ((1, 1), (2, 2)):
            for number, tile in enumerate(self.tiles):
                tile.want(None if number else key, "native")
        self.arrange()

    def state(self, active: Tile) -> GridState:
        """How it stands, to be taken up by `restore`."""
        rows, columns = self.shape
        shown = self.tiles if rows * columns == 1 else self.tiles[: rows * columns]
        return GridState(
            rows=rows,
            columns=columns,
            tiles=tuple(tile.state() for tile in shown),
            active=active.number - self._first if active in self.tiles else 0,
            alone=None if self.alone is None else self.alone.number - self._first,
        )

    def restore(self, state: GridState) -> Tile:
        """Stand as a state says; the tile that is active in it."""
        self.shape = (state.rows, state.columns)
        for number, wish in enumerate(state.tiles):
            self.tile(number).want(wish.key, wish.plane, wish)
        for tile in self.tiles[len(state.tiles) :]:
            tile.want(None, "native")
        self.alone = None if state.alone is None else self.tile(state.alone)
        self._active = self.tile(state.active)
        self.arrange()
        return self._active

    def arrange(self) -> None:
        """Put the tiles that are shown in their places."""
        while self._grid.count():
            self._grid.takeAt(0)
        rows, columns = self.shape
        alone = self.alone
        if rows * columns == 1:
            alone = self._active or self.tile(0)
        elif self.is_planes_and_volume and not self.tiles[0].is_in_space:
            alone = self.tiles[0]  # a film has no planes
        if alone is not None:
            rows, columns = 1, 1
        shown = [alone] if alone else [self.tile(n) for n in range(rows * columns)]
        for tile in self.tiles:
            tile.setVisible(tile in shown)
        for number, tile in enumerate(shown):
            self._grid.addWidget(tile, number // columns, number % columns)
            tile.see_to_volume()
        for line in range(MOST_LINES):
            self._grid.setRowStretch(line, int(line < rows))
            self._grid.setColumnStretch(line, int(line < columns))

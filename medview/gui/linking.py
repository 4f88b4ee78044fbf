"""What views share: the place in the patient and the window."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from medview.core.geometry import PatientPoint
from medview.gui.views.tile import Tile
from medview.imaging.window import Window

if TYPE_CHECKING:
    from medview.gui.view_grid import ViewGrid


class Linking(QObject):
    """Tells the tiles of a grid what one of them did; tiles of one stack move together."""

    def __init__(self, grid: ViewGrid) -> None:
        super().__init__(grid)
        self._grid = grid
        self._tiles: list[Tile] = []

    def join(self, tile: Tile) -> None:
        """A tile takes part from now on."""
        self._tiles.append(tile)
        tile.view.crosshair_moved.connect(partial(self._follow, tile))
        tile.view.window_changed.connect(partial(self._share_window, tile))

    def go_to(self, tile: Tile, point: PatientPoint) -> None:
        """Show a place of a tile's stack in all tiles that share its space."""
        for other in self._with(tile):
            other.view.go_to(point)

    def _with(self, tile: Tile) -> Iterator[Tile]:
        return (other for other in self._tiles if other.key == tile.key)

    def _follow(self, tile: Tile, point: PatientPoint) -> None:
        for other in self._with(tile):
            other.view.set_crosshair(point)
        if not self._grid.playing.stepped() and tile is self._grid.active_tile:
            self._grid.looked_at.emit(point)

    def _share_window(self, tile: Tile, window: Window) -> None:
        for other in self._with(tile):
            other.view.set_window(window)
        self._grid.window_changed.emit(window)

"""Cine in the grid: what plays, how fast, and what the corner of its view says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from medview.gui.views.cine import Cine, pace_of

if TYPE_CHECKING:
    from medview.gui.view_grid import ViewGrid


class Playing(QObject):
    """Plays the active view of a grid; `rate` is what the reader wants, 0 for the file's own."""

    changed = Signal(bool)  # whether something plays

    def __init__(self, grid: ViewGrid) -> None:
        super().__init__(grid)
        self._grid = grid
        self.rate = 0.0
        self.cine = Cine(self)
        self.cine.changed.connect(self._changed)

    @property
    def is_playing(self) -> bool:
        """Whether a cine moves a view."""
        return self.cine.stage is not None

    def ask(self, what: str) -> None:
        """toggle, bounce, faster, slower or stop."""
        cine, tile = self.cine, self._grid.active_tile
        if what == "stop" or (what == "toggle" and cine.stage is not None):
            cine.stop()
        elif tile.opened is None:
            return
        elif what == "toggle":
            place = tile.opened.place
            cine.play(tile.view.stage, pace_of(place.series, self.rate, place.stack.frame_ms))
        elif what == "bounce":
            cine.set_pace(replace(cine.pace, is_bouncing=not cine.pace.is_bouncing))
        else:
            cine.quicken(1 if what == "faster" else -1)

    def stepped(self) -> bool:
        """A view moved: whether the cine moved it; anyone else ends the cine."""
        if not self.cine.is_stepping:
            self.cine.stop()
            return False
        self._show_rate()
        return True

    def _show_rate(self) -> None:
        """The rate, also the true one, in the corner of the view that plays."""
        for tile in self._grid.tiles:
            is_playing = tile.view.stage is self.cine.stage
            tile.view.set_cine(self.cine.text() if is_playing else "")

    def _changed(self) -> None:
        self._show_rate()
        self.changed.emit(self.cine.stage is not None)

"""What the window does with curves: keeps them in the work, shows them, straightens along them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from medview.core.results import CurvePath
from medview.core.words import say
from medview.gui.bridge import SessionBridge
from medview.gui.views.tile import Tile
from medview.session import curves
from medview.session.events import Event, VolumeOpened, WorkChanged

if TYPE_CHECKING:
    from medview.gui.window import MainWindow

_STRAIGHT, _ACROSS = 2, 3  # the tiles of 2 x 2 that show the picture along and across a curve


class CurveWork(QObject):
    """Between the views that draw curves and the book that keeps them."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._session = window.session
        self._joined: set[Tile] = set()
        on = window.actions_.connect
        on("planes.straighten", self._straighten)
        on("planes.new_curve", self._begin)
        on("planes.delete_curve", self._delete)
        window.grid.wants_changed.connect(self._show)
        window.showing.shown.connect(lambda _key: self._show())
        SessionBridge(self._session, self).heard.connect(self._hear)
        self._show()

    def _hear(self, event: Event) -> None:
        if isinstance(event, WorkChanged | VolumeOpened):
            self._show()

    def _show(self) -> None:
        """The curves of every tile's stack in it."""
        places = {place.key: place for place in self._session.studies.places()}
        for tile in self._window.grid.all_tiles:
            curving = tile.view.stage.curving
            if tile not in self._joined:
                self._joined.add(tile)
                curving.changed.connect(partial(self._keep, tile))
            place = None if tile.key is None else places.get(tile.key)
            if place is None:
                curving.show(())
            else:
                work = self._session.made.book_of(place).work
                curving.show(curves.on_stack(work, place.key))

    def _keep(self, tile: Tile, path: CurvePath) -> None:
        book = self._session.book
        if book is not None and tile.key is not None:
            curves.keep(book, replace(path, series_uid=tile.key[0], stack=tile.key[1]))

    def _begin(self) -> None:
        """The next click of the curve tool begins another curve."""
        for tile in self._window.grid.all_tiles:
            tile.view.stage.curving.begin()
        self._window.set_tool("curve")
        self._window.reactions.say(
            say("Click along a vessel on any slices; then straighten the curve.")
        )

    def _straighten(self) -> None:
        """Axial and coronal stay; beside them the straightened picture and its sections."""
        grid, tile = self._window.grid, self._window.grid.active_tile
        stage = tile.view.stage
        if tile.key is None or stage.shown is None:
            self._window.reactions.say(say("Open a study first."), "warn")
        elif stage.curving.curve is None:
            self._window.set_tool("curve")
            self._window.reactions.say(
                say("Draw a curve first: click along a vessel, on at least two places."), "warn"
            )
        else:
            key = tile.key
            self._window.preferences.set_layout("2x2")
            for number, plane in enumerate(("axial", "coronal", "curved", "section")):
                grid.hang(key, plane, number)
            for each in grid.tiles:  # one that was a volume before has a window of its own
                if stage.state.window is not None:
                    each.view.set_window(stage.state.window)

    def _delete(self) -> None:
        """The curve in use goes; undo brings it back."""
        book, path = self._session.book, self._window.grid.active_view.stage.curving.path
        if book is None or path is None:
            self._window.reactions.say(say("There is no curve here."))
        else:
            curves.remove(book, path.id)

"""The stacks that the tiles want: read, shown, kept in memory, and given back when they go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from medview.core.errors import Cancelled
from medview.core.geometry import PatientPoint
from medview.core.progress import CancelToken
from medview.core.words import tr
from medview.gui.views.tile import Tile
from medview.session import events
from medview.session.studies import Key, Place

if TYPE_CHECKING:
    from medview.gui.window import MainWindow

_AT_ONCE = 2  # series that are read beside the active one


@dataclass(eq=False)
class _Stand:
    """A stack as it was asked for. is_coming: its reading has not ended yet."""

    place: Place
    token: CancelToken = field(default_factory=CancelToken)
    is_coming: bool = True
    is_begun: bool = False
    is_new: bool = True  # it was not in memory when it was asked for


class Showing(QObject):
    """Keeps tiles and volumes together: what is wanted is read and pinned, what is not goes."""

    shown = Signal(object)  # Key whose first image stands there
    arrived = Signal(object)  # Place that was read anew
    emptied = Signal()  # nothing is looked at any more

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._session = window.session
        self._volumes = window.session.studies.volumes
        self._grid = window.grid
        self._stands: dict[Key, _Stand] = {}
        self._is_following = False
        self.beside: frozenset[Key] = frozenset()  # what lies over others, and stays in memory
        self._grid.wants_changed.connect(self._see_to_all)
        self._grid.active_changed.connect(self._activated)
        self._grid.looked_at.connect(self._looked_at)
        self._grid.links.moved.connect(self._followed)

    def choose(self, key: Key) -> None:
        """The reader wants a series: it takes the active tile and becomes the active one."""
        self._grid.hang(key)
        self._session.select(key)

    def follow(self) -> None:
        """The session looks at another stack, or the same one has grown."""
        place = self._session.active
        self._forget_closed()
        # The thread that opens may look at a better study meanwhile: what the tiles say now is not
        # the reader's choice.
        self._is_following = True
        try:
            self._hang_active(place)
        finally:
            self._is_following = False

    def _hang_active(self, place: Place | None) -> None:
        """What the session looks at takes the active tile, or the tile that shows it is active."""
        grid = self._grid
        if place is None:
            grid.hang(None)
            self.emptied.emit()
            return
        if grid.active_tile.key == place.key:
            self._see_to_all()
            return
        shown = next((tile for tile in grid.tiles if tile.key == place.key), None)
        if shown is None:
            grid.hang(place.key)
        elif grid.active_tile.key is not None:
            grid.activate(shown)
        self._see_to_all()

    def cancel(self) -> None:
        """Stop reading."""
        for stand in self._stands.values():
            stand.token.cancel()

    def hear(self, event: events.VolumeOpened | events.LoadProgress | events.VolumeClosed) -> None:
        """A volume came, grew or went."""
        key = (event.series_uid, event.stack)
        if isinstance(event, events.VolumeOpened):
            self._first_image(key)
        elif isinstance(event, events.LoadProgress):
            self._more_slices(key, event.done, event.total)
        else:
            self._gone(key)

    # -- what is wanted --------------------------------------------------------------------

    def _forget_closed(self) -> None:
        """Tiles of what is not open any more become empty."""
        there = {place.key for place in self._session.studies.places()}
        for tile in self._grid.all_tiles:
            if tile.key is not None and tile.key not in there:
                self._grid.hang(None, tile.plane, tile.number)

    def _see_to_all(self) -> None:
        wanted = self._grid.wanted
        for key in set(self._stands) - set(wanted):
            self._stands.pop(key).token.cancel()  # read again when it is wanted again
        self._volumes.pin([*wanted, *self.beside])
        places = {place.key: place for place in self._session.studies.places()}
        for key in wanted:
            if key in places:
                self._see_to(places[key])
        self._begin_next()

    def _see_to(self, place: Place) -> None:
        before, opened = self._stands.get(place.key), self._session.studies.volume(place.key)
        is_same = before is not None and before.place.stack.frames == place.stack.frames
        if before is not None and not is_same:
            before.token.cancel()
        if not is_same:
            self._stands[place.key] = _Stand(place, is_new=opened is None)
        if opened is not None:
            self._first_image(place.key)
            self._grid.slices_arrived(place.key)
        elif before is None:  # one that has grown stays on the screen until it is there again
            self._grid.lose(place.key)

    def _begin_next(self) -> None:
        """Read the active stack at once, the others a few at a time."""
        active = self._grid.active_tile.key
        waiting = (self._stands[key] for key in self._grid.wanted if key in self._stands)
        for stand in [each for each in waiting if not each.is_begun]:
            reading = sum(each.is_begun and each.is_coming for each in self._stands.values())
            if stand.place.key == active or reading < _AT_ONCE:
                stand.is_begun = True
                self._session.prefetch.yield_to(stand.place.key)
                self._window.operations.start(self._bring(stand))

    async def _bring(self, stand: _Stand) -> None:
        """Have a stack read, then the next one; when all are there, others in advance."""
        place, token = stand.place, stand.token
        try:
            await self._window.operations.call(self._session.studies.show, place, token)
        except Cancelled:
            if self._stands.get(place.key) is stand:
                raise
            return  # the reader turned to another series: nothing to say
        finally:
            stand.is_coming = False
            self._gone(place.key)  # where it did not come after all
            self._begin_next()
        if stand.is_new:
            self.arrived.emit(place)
        if any(each.is_coming for each in self._stands.values()):
            return
        if not token.is_cancelled:
            self._session.prefetch.follow(self._session.active or place)

    # -- what happens to volumes -------------------------------------------------------------

    def _first_image(self, key: Key) -> None:
        opened = self._session.studies.volume(key)
        if key in self._stands and opened is not None:
            self._grid.take(opened)
            self.shown.emit(key)

    def _more_slices(self, key: Key, done: int, total: int) -> None:
        status = self._window.status
        status.show_memory(self._volumes.held_bytes, self._volumes.budget_bytes)
        if key not in self._stands or not done:
            return
        self._grid.slices_arrived(key)
        if not self._session.analyses.running:
            opened = self._session.studies.volume(key)
            is_going_on = done < total and opened is not None and opened.bytes_held is None
            status.show_progress(tr("Reading series") if is_going_on else "", done, total)

    def _gone(self, key: Key) -> None:
        """A stack was given back: reading was stopped, its files changed, or memory ran short."""
        if self._session.studies.volume(key) is not None:
            return
        stand = self._stands.get(key)
        if stand is None:
            self._grid.lose(key)
            return
        self._window.status.show_progress("", 0, 0)
        if stand.is_coming and not stand.token.is_cancelled:
            return  # it is asked for anew: it stays on the screen until it is there again
        place = self._session.studies.place(key)
        if self._volumes.is_reading(key):
            return
        if place is not None and place.stack.frames != stand.place.stack.frames:
            return  # more of it was found: it stays on the screen until it is read again
        del self._stands[key]
        self._grid.lose(key)

    def _activated(self, tile: Tile) -> None:
        """The reader turned to another tile: its stack becomes the active one."""
        active = self._session.active
        if self._is_following or tile.key is None:
            return
        if active is None or active.key != tile.key:
            self._session.select(tile.key)

    def _looked_at(self, point: PatientPoint) -> None:
        """The reader turned to another place: it is read next."""
        key = self._grid.active_tile.key
        if key in self._stands:
            self._session.look_at(key, point)

    def _followed(self, tile: Tile, point: PatientPoint) -> None:
        """A linked tile went along: where its slices come one by one, that one comes next."""
        if tile.opened is not None:
            k = tile.opened.volume.geometry.to_index(point).k
            self._volumes.look_at(tile.opened.place.key, round(k))

"""A film of what one view shows, one picture after another: its slices, or its phases."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, QTimer, Signal

from medview.core.progress import CancelToken
from medview.core.words import say, tr
from medview.gui.views.cine import is_number_ready, pace_of, shown_number
from medview.gui.views.picture import as_array, picture_of
from medview.gui.views.state import slice_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from medview.gui.phase_work import PhaseWork
    from medview.gui.views.slice_view import SliceView
    from medview.gui.views.tile import Tile
    from medview.gui.window import MainWindow
    from medview.imaging.slice_plane import SlicePlane
    from medview.session.places import Place

_LOOK_MS = 5  # how often it is looked whether the next picture stands
_PATIENCE_S = 20.0


class Shots(Protocol):
    """What a film goes through."""

    @property
    def count(self) -> int:
        """How many pictures."""

    def show(self, number: int) -> None:
        """Turn the view to a picture."""

    def is_there(self) -> bool:
        """Whether the view still shows what the film goes through."""

    def is_shown(self, number: int) -> bool:
        """Whether a picture stands in the view."""

    def times(self) -> list[float]:
        """How long each stays, ms."""

    def back(self) -> None:
        """As the view stood."""


class SliceShots:
    """Every slice of what a view shows when the film begins, as they are read; the key images
    alone where the view keeps to them."""

    def __init__(self, window: MainWindow, tile: Tile) -> None:
        self._tile, self._view, self._state = tile, tile.view, tile.view.stage.state
        self._key, self._plane = tile.key, tile.view.stage.plane
        self._numbers = self._wanted(is_keys=window.actions_["measure.only_keys"].isChecked())
        self._times = self._paces(window)

    @property
    def count(self) -> int:
        """Slices that the film has."""
        return len(self._numbers)

    def show(self, number: int) -> None:
        """A picture of the film by its number as they are read."""
        stage = self._view.stage
        stage.scroll(self._numbers[number] - shown_number(stage))

    def is_there(self) -> bool:
        """Not where another series or plane came into the view."""
        plane = self._view.stage.plane
        return self._tile.key == self._key and _cut(plane) == _cut(self._plane)

    def is_shown(self, number: int) -> bool:
        """Once it was read; where the reader scrolled meanwhile, it is turned to again."""
        stage, wanted = self._view.stage, self._numbers[number]
        if shown_number(stage) != wanted:
            self.show(number)
        return shown_number(stage) == wanted and is_number_ready(stage, wanted)

    def times(self) -> list[float]:
        """The frames' own, or the reader's rate."""
        return self._times

    def back(self) -> None:
        """The slice that was shown."""
        if self.is_there():
            self._view.stage.change(self._state)

    def _wanted(self, *, is_keys: bool) -> list[int]:
        plane, keys = self._plane, self._view.stage.measuring.key_slices
        if plane is None:
            return []
        if is_keys and plane.is_native and keys:
            return sorted(slice_number(plane, key) - 1 for key in keys)
        return list(range(plane.count))

    def _paces(self, window: MainWindow) -> list[float]:
        shown = self._view.stage.shown
        if shown is None:
            return [100.0] * self.count
        pace = pace_of(shown.series, window.grid.playing.rate, shown.stack.frame_ms)
        return [float(pace.wait_ms(number)) for number in self._numbers]


class PhaseShots:
    """Every phase of a tile's 4-D series at one place; all of them are in memory."""

    def __init__(self, phases: PhaseWork, tile: Tile) -> None:
        self._phases, self._tile = phases, tile
        self._places: Sequence[Place] = phases.places_of(tile)
        self._times, self._first = phases.times_ms(self._places), tile.key

    @property
    def count(self) -> int:
        """Phases of the series."""
        return len(self._places)

    def show(self, number: int) -> None:
        """All views of the series turn to a phase."""
        self._phases.lead(self._tile, self._places[number])

    def is_there(self) -> bool:
        """Not where another series came into the tile."""
        return self._tile.key in [place.key for place in self._places]

    def is_shown(self, number: int) -> bool:
        """Once the view has taken its voxels."""
        opened = self._tile.opened
        return opened is not None and opened.place.key == self._places[number].key

    def times(self) -> list[float]:
        """As the cine plays them."""
        return self._times

    def back(self) -> None:
        """The phase that was shown."""
        first = next((place for place in self._places if place.key == self._first), None)
        if first is not None and self.is_there():
            self._phases.lead(self._tile, first)


class Film(QObject):
    """Shows picture after picture, one a turn of the loop, then has them written in a thread."""

    ended = Signal()  # written, left or failed: it goes

    def __init__(self, window: MainWindow, view: SliceView, shots: Shots, path: Path) -> None:
        super().__init__(window)
        self._window, self._view, self._shots, self._path = window, view, shots, path
        self._frames: list[NDArray[np.uint8]] = []
        self._cancel = CancelToken()
        self._since = time.monotonic()
        self._timer = QTimer(self, interval=_LOOK_MS)
        self._timer.timeout.connect(self._take)
        shots.show(0)
        self._timer.start()

    def stop(self) -> None:
        """Leave it; the view stands as it stood."""
        self._cancel.cancel()
        if self._timer.isActive():
            self._end()
            self._leave()

    def _take(self) -> None:
        at, count = len(self._frames), self._shots.count
        if not self._shots.is_there():
            self.stop()
            self._window.reactions.say(
                say("The film was left: its view shows something else now."), "bad"
            )
            return
        picture = None
        if self._shots.is_shown(at):
            picture = picture_of(self._view, has_text=False)
        if picture is None or self._view.is_refining:  # the very look at it drafts it first
            if time.monotonic() - self._since > _PATIENCE_S:
                self.stop()
                self._window.reactions.say(say("The film was left: a picture did not come."), "bad")
            return
        self._since = time.monotonic()
        self._frames.append(as_array(picture))
        self._window.status.show_progress(tr("Film"), at + 1, count)
        if at + 1 < count:
            self._shots.show(at + 1)
            return
        self._end()
        self._window.operations.start(self._write())

    async def _write(self) -> None:
        from medview.imaging.film import write_film

        try:
            await self._window.operations.call(
                write_film, self._frames, self._shots.times(), self._path, self._cancel
            )
        finally:
            self._leave()
        self._window.reactions.say(say("Saved: {path}", path=self._path))

    def _leave(self) -> None:
        """Its pictures may be a gigabyte."""
        self._frames = []
        self.ended.emit()
        self.deleteLater()

    def _end(self) -> None:
        self._timer.stop()
        self._window.status.show_progress("", 0, 0)
        self._shots.back()


def _cut(plane: SlicePlane | None) -> tuple[str, int]:
    return ("", 0) if plane is None else (plane.name, plane.count)

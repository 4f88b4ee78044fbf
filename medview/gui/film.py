"""A film of what one view shows, one picture after another: its slices, or its phases."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, QTimer

from medview.core.progress import CancelToken
from medview.core.words import say, tr
from medview.gui.views.picture import as_array, picture_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from medview.gui.phase_work import PhaseWork
    from medview.gui.views.slice_view import SliceView
    from medview.gui.window import MainWindow
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

    def is_shown(self, number: int) -> bool:
        """Whether it stands in the view."""

    def times(self) -> list[float]:
        """How long each stays, ms."""

    def back(self) -> None:
        """As the view stood."""


class SliceShots:
    """Every slice of a view, as they are read."""

    def __init__(self, window: MainWindow, view: SliceView) -> None:
        self._window, self._view, self._state = window, view, view.stage.state

    @property
    def count(self) -> int:
        """Slices of the plane that is shown."""
        plane = self._view.stage.plane
        return 0 if plane is None else plane.count

    def show(self, number: int) -> None:
        """A slice by its number as they are read."""
        from medview.gui.views.cine import shown_number

        stage = self._view.stage
        stage.scroll(number - shown_number(stage))

    def is_shown(self, _number: int) -> bool:
        """At once."""
        return True

    def times(self) -> list[float]:
        """The frames' own, or the reader's rate."""
        from medview.gui.views.cine import pace_of

        shown = self._view.stage.shown
        if shown is None:
            return [100.0] * self.count
        pace = pace_of(shown.series, self._window.grid.playing.rate, shown.stack.frame_ms)
        return [float(pace.wait_ms(number)) for number in range(self.count)]

    def back(self) -> None:
        """The slice that was shown."""
        self._view.stage.change(self._state)


class PhaseShots:
    """Every phase of a 4-D series at one place; all of them are in memory."""

    def __init__(self, phases: PhaseWork, window: MainWindow) -> None:
        self._phases, self._tile = phases, window.grid.active_tile
        self._places: Sequence[Place] = phases.places
        self._times, self._first = phases.times_ms(), phases.number

    @property
    def count(self) -> int:
        """Phases of the series."""
        return len(self._places)

    def show(self, number: int) -> None:
        """All views of the series turn to a phase."""
        self._phases.lead_to(self._places[number])

    def is_shown(self, number: int) -> bool:
        """Once the view has taken its voxels."""
        opened = self._tile.opened
        return opened is not None and opened.place.key == self._places[number].key

    def times(self) -> list[float]:
        """As the cine plays them."""
        return self._times

    def back(self) -> None:
        """The phase that was shown."""
        self._phases.show_number(self._first)


class Film(QObject):
    """Shows picture after picture, one a turn of the loop, then has them written in a thread."""

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

    def _take(self) -> None:
        at, count = len(self._frames), self._shots.count
        if self._view.stage.plane is None or not self._shots.is_shown(at):
            if time.monotonic() - self._since > _PATIENCE_S:
                self.stop()
                self._window.reactions.say(say("The film was left: a picture did not come."), "bad")
            return
        self._since = time.monotonic()
        self._frames.append(as_array(picture_of(self._view, has_text=False)))
        self._window.status.show_progress(tr("Film"), at + 1, count)
        if at + 1 < count:
            self._shots.show(at + 1)
            return
        self._end()
        self._window.operations.start(self._write())

    async def _write(self) -> None:
        from medview.imaging.film import write_film

        times = self._shots.times()
        await self._window.operations.call(
            write_film, self._frames, times, self._path, self._cancel
        )
        self._window.reactions.say(say("Saved: {path}", path=self._path))

    def _end(self) -> None:
        self._timer.stop()
        self._window.status.show_progress("", 0, 0)
        self._shots.back()

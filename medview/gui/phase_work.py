"""4-D series in the window: from phase to phase at one place, a cine over them, their curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout

from medview.core.progress import CancelToken
from medview.core.results import Measurement
from medview.core.words import say, tr
from medview.gui.dialogs.curve import CurveDialog
from medview.gui.panels.phase_bar import PhaseBar
from medview.gui.views.measuring import Measuring
from medview.imaging.phases import Curve, phase_ms, phases_of
from medview.session.phases import curve_over, load_phases, phase_places
from medview.session.places import Place

if TYPE_CHECKING:
    from medview.gui.views.tile import Tile
    from medview.gui.window import MainWindow

_FASTEST_MS = 8


class PhaseWork(QObject):
    """Knows which tiles show a phase of a 4-D series and leads them to another one."""

    progressed = Signal(int, int)

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._grid = window.grid
        self._session = window.session
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._play_on)
        self._cancel = CancelToken()
        self._dialog: CurveDialog | None = None
        self.progressed.connect(self._show_progress)
        self.bar = PhaseBar(window)
        centre = window.centralWidget()
        column = None if centre is None else centre.layout()
        if isinstance(column, QVBoxLayout):
            column.insertWidget(column.count() - 1, self.bar)
        self.bar.chosen.connect(self.show_number)
        window.showing.shown.connect(lambda _key: self.show())
        self._grid.wants_changed.connect(self.show)
        self._grid.active_changed.connect(self._turned_to)
        self._grid.phase_step.connect(self.step)
        on = window.actions_.connect
        on("series.next_phase", partial(self.step, 1))
        on("series.previous_phase", partial(self.step, -1))
        on("cine.phases", self.toggle)
        on("series.curve", self.ask_curve)
        for action in ("models.cancel", "edit.escape"):
            on(action, self.stop)
        window.status.cancel_asked.connect(self.stop)

    def _turned_to(self, _tile: object) -> None:
        self.stop()
        self._show_bar()

    # -- which phases there are --------------------------------------------------------------

    @property
    def places(self) -> list[Place]:
        """The phases of the active tile's series, itself alone where it is none."""
        return self.places_of(self._grid.active_tile)

    def places_of(self, tile: Tile) -> list[Place]:
        """The phases of a tile's series, itself alone where it is none."""
        key = tile.key
        place = None if key is None else self._session.studies.place(key)
        return [] if place is None else phase_places(self._session.studies, place)

    @property
    def number(self) -> int:
        """Which phase the active tile shows, from 0."""
        keys = [place.key for place in self.places]
        key = self._grid.active_tile.key
        return keys.index(key) if key in keys else 0

    @property
    def is_playing(self) -> bool:
        """Whether a cine goes through the phases."""
        return self._timer.isActive()

    def show(self) -> None:
        """Say in every tile which phase it shows."""
        for tile in self._grid.all_tiles:
            place = None if tile.key is None else self._session.studies.place(tile.key)
            numbers = () if place is None else phases_of(place.series, place.stack_number)
            tile.view.phase_count = max(1, len(numbers))
            words = ""
            if place is not None and len(numbers) > 1:
                at = numbers.index(place.stack_number) + 1
                said = "" if place.stack.label is None else str(place.stack.label)
                counted = tr("phase {number} / {count}", number=at, count=len(numbers))
                words = " · ".join(part for part in (counted, said) if part)
            if tile.view.look.phase != words:
                tile.view.look = replace(tile.view.look, phase=words)
                tile.view.update()
        self._show_bar()

    def _show_bar(self) -> None:
        count = len(self.places)
        keys = " ".join(
            self._window.actions_[f"series.{way}_phase"].shortcut().toString()
            for way in ("previous", "next")
        )
        words = self._grid.active_tile.view.look.phase if count > 1 else ""
        self.bar.show_phase(self.number, count, words, keys)

    def retranslate(self) -> None:
        """The bar's words and those of the views in the current language."""
        self.bar.retranslate()
        self.show()

    # -- from one to another -------------------------------------------------------------------

    def step(self, steps: int) -> None:
        """Show another phase at the same place, with the same window and zoom."""
        self.stop()
        places = self.places
        if len(places) < 2:
            self._window.reactions.say(say("This series has no phases."))
            return
        self._choose(places[(self.number + steps) % len(places)])

    def show_number(self, number: int) -> None:
        """Show a phase by its number, from 0, at the same place."""
        self.stop()
        places = self.places
        if 0 <= number < len(places) and number != self.number:
            self._choose(places[number])

    def _choose(self, target: Place) -> None:
        self.lead(self._grid.active_tile, target)
        self._session.select(target.key)

    def lead(self, leader: Tile, target: Place) -> None:
        """Every tile that shows the leader's phase shows another one, standing as it stood."""
        own = leader.key
        for tile in self._grid.all_tiles:
            if tile.key == own:
                tile.want(target.key, tile.plane, tile.state())
        self._grid.wants_changed.emit()
        self._show_bar()
        if self._dialog is not None:
            self._dialog.plot.show_phase(self.number)

    # -- cine --------------------------------------------------------------------------------

    def toggle(self) -> None:
        """Begin a cine over the phases, or end it; they are read first."""
        if self.is_playing:
            self.stop()
            return
        places = self.places
        if len(places) < 2:
            self._window.reactions.say(say("This series has no phases."))
            return

        async def action() -> None:
            if await self.read():
                self._timer.start(self._wait_ms())

        self._window.operations.start(action())

    async def read(self) -> bool:
        """Have every phase in memory; whether there are several. Raises NoRoom, Cancelled."""
        self.stop()
        places, self._cancel = self.places, CancelToken()
        if len(places) < 2:
            return False
        try:
            call = self._window.operations.call
            await call(load_phases, self._session.studies, places, self._report, self._cancel)
        finally:
            self.progressed.emit(-1, 0)
        return True

    def stop(self) -> None:
        """End the cine; the phase that is shown becomes the active series."""
        self._cancel.cancel()
        if not self._timer.isActive():
            return
        self._timer.stop()
        key = self._grid.active_tile.key
        if key is not None:
            self._session.select(key)

    def _play_on(self) -> None:
        places = self.places
        there = [p for p in places if self._session.studies.volume(p.key) is not None]
        if len(there) < 2:
            self.stop()
            return
        keys = [place.key for place in there]
        own = self._grid.active_tile.key
        at = keys.index(own) if own in keys else -1
        self.lead(self._grid.active_tile, there[(at + 1) % len(there)])
        self._timer.setInterval(self._wait_ms())

    def _wait_ms(self) -> int:
        """How long the shown phase stays: the reader's rate, else the file's own times."""
        return round(self.times_ms(self.places)[self.number])

    def times_ms(self, places: Sequence[Place]) -> list[float]:
        """How long each phase stays in a cine: by the reader's rate, else by the files' times."""
        rate = self._grid.playing.rate
        times = [1000 / rate] * len(places) if rate > 0 else phase_ms([p.stack for p in places])
        return [max(float(_FASTEST_MS), each) for each in times]

    # -- the curve -----------------------------------------------------------------------------

    def ask_curve(self) -> None:
        """The curve of the selected measurement, of the last one, or of the crosshair's place."""
        places = self.places
        if len(places) < 2:
            self._window.reactions.say(say("This series has no phases."))
            return
        measurement = _chosen(self._grid.active_view.stage.measuring)
        if measurement is None:
            point = self._grid.active_view.stage.state.point
            measurement = self._grid.active_view.stage.measuring.measured("probe", (point,))
        self._cancel = CancelToken()
        arguments = (self._session.studies, places, measurement, self._report, self._cancel)

        async def action() -> None:
            try:
                curve = await self._window.operations.call(curve_over, *arguments)
            finally:
                self.progressed.emit(-1, 0)
            self._show_curve(curve)

        self._window.operations.start(action())

    def _show_curve(self, curve: Curve) -> None:
        if self._dialog is not None:
            self._dialog.close()
        self._dialog = CurveDialog(curve, self._window)
        self._dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._dialog.destroyed.connect(self._closed)
        self._dialog.plot.show_phase(self.number)
        self._dialog.show()

    def _closed(self) -> None:
        self._dialog = None

    def _report(self, done: int, total: int, _what: str) -> None:
        self.progressed.emit(done, total)

    def _show_progress(self, done: int, total: int) -> None:
        what = tr("Reading the phases") if done >= 0 else ""
        self._window.status.show_progress(what, max(0, done), total)


def _chosen(measuring: Measuring) -> Measurement | None:
    """The selected measurement with values, else the last one."""
    valued = [
        m for m in measuring.measurements if {"Mean", "Value"} & {q.concept for q in m.quantities}
    ]
    selected = [m for m in valued if m.id == measuring.selected]
    return next(iter([*selected, *reversed(valued)]), None)

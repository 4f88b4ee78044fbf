"""What the window does with measurements: keeps what is drawn, shows it, measures it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer

from medview.core.results import Measurement
from medview.core.words import Sentence, say, tr
from medview.gui.bridge import SessionBridge
from medview.gui.dialogs.asking import ask_number, ask_text
from medview.gui.views.measured_on import target
from medview.gui.views.tile import Tile
from medview.imaging import roi
from medview.session import measures
from medview.session.events import Event, LoadProgress, WorkChanged
from medview.session.knowledge import name_measurement
from medview.session.nodules import nodule_again
from medview.session.studies import Key, Place
from medview.session.work import WorkBook

if TYPE_CHECKING:
    from medview.gui.window import MainWindow

_SHORTEST_MM, _LONGEST_MM = 0.1, 2000.0


class MeasuringWork(QObject):
    """Between the views that draw, the book that keeps, and the volumes that are measured.

    Numbers follow from voxels, unit and calibration: whenever one of these changes they are
    measured again, outside of the window's thread, without a command of their own.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._session = window.session
        self.named_next = ""  # the concept that the next ruler or region is to be
        self._again = QTimer(self, singleShot=True, interval=30)
        self._again.timeout.connect(self._measure_again)
        grid, on = window.grid, window.actions_.connect
        grid.measurement_made.connect(self._made)
        grid.measurement_changed.connect(self._changed)
        grid.measurement_deleted.connect(self._deleted)
        on("measure.uncalibrate", self._uncalibrate)
        SessionBridge(self._session, self).heard.connect(self._hear)

    def show_in(self, tile: Tile, place: Place | None) -> None:
        """What is measured on a stack, and on others of its space, in a tile that shows it."""
        measuring = tile.view.stage.measuring
        if place is None:
            measuring.known_factor, measuring.key_slices = None, ()
            tile.view.set_measurements(())
            return
        work = self._session.made.book_of(place).work
        measuring.known_factor = measures.factor_of(work, place.key)
        measuring.key_slices = measures.key_slices(work, place.stack)
        tile.view.set_measurements(measures.on_stack(work, place))
        self._again.start()

    def slices_arrived(self) -> None:
        """Voxels that measurements were waiting for may be there."""
        self._again.start()

    def _hear(self, event: Event) -> None:
        is_whole = isinstance(event, LoadProgress) and event.done >= event.total
        if is_whole or isinstance(event, WorkChanged):
            self.slices_arrived()

    # -- what was drawn ----------------------------------------------------------------------

    def _made(self, measurement: Measurement) -> None:
        if measurement.kind == "calibrate":
            self._ask_length(measurement)
            return
        refusal = self._refusal(measurement)
        if refusal is not None:
            self._window.reactions.say(refusal, "warn")
        elif measurement.kind in roi.WORDS:
            ask_text(self._window, tr("Words"), "", partial(self._keep_with_words, measurement))
        else:
            self._keep(measurement)

    def _book_of(self, measurement: Measurement) -> WorkBook | None:
        """The work that it belongs to, whoever is looked at by now; None where that is closed."""
        places = self._session.studies.places()
        mine = (place for place in places if place.series.uid == measurement.series_uid)
        place = next(mine, None)
        return None if place is None else self._session.made.book_of(place)

    def _keep(self, measurement: Measurement) -> None:
        book = self._book_of(measurement)
        if book is None:
            return
        if self.named_next and all(m.id != measurement.id for m in book.work.measurements):
            measurement = name_measurement(measurement, self.named_next)
            self.named_next = ""
        measures.keep(book, measurement)

    def _changed(self, measurement: Measurement) -> None:
        self._keep(measurement)

    def _deleted(self, measurement_id: str) -> None:
        book = self._session.book
        if book is not None:
            measures.remove(book, (measurement_id,))

    def _keep_with_words(self, measurement: Measurement, text: str) -> None:
        if text.strip() or measurement.kind == "arrow":
            self._keep(replace(measurement, text=text.strip()))

    def _refusal(self, measurement: Measurement) -> Sentence | None:
        """Why something that was drawn means nothing here."""
        stage = self._window.grid.active_view.stage
        shown, measured = stage.shown, target(stage, measurement)
        if measurement.kind not in roi.SOLID or shown is None or measured is None:
            return None
        volume = measured[0].volume
        if not shown.stack.is_in_space or shown.volume.is_colour:
            return say("A sphere takes slices that lie one behind the other.")
        if measurement.kind == "sphere":
            return None
        if not volume.unit.startswith("SUV"):
            return say("There is no SUV here: the peak is measured on PET in SUV.")
        if not any(quantity.concept == "Peak" for quantity in measurement.quantities):
            return say("No sphere of 1 mL fits here; draw it around the lesion, inside the volume.")
        return None

    # -- known lengths -----------------------------------------------------------------------

    def _ask_length(self, line: Measurement) -> None:
        ask_number(
            self._window,
            tr("How long is this line in millimetres?"),
            (_SHORTEST_MM, _LONGEST_MM),
            partial(self._calibrate, line),
        )

    def _calibrate(self, line: Measurement, millimetres: float) -> None:
        drawn = float(np.linalg.norm(np.subtract(line.points[1], line.points[0])))
        book = self._book_of(line)
        if book is not None and drawn > 0:
            key = (line.series_uid, line.stack)
            measures.calibrate(book, key, millimetres / drawn)
            self._window.reactions.say(
                say("Lengths on this series now follow from the line that you drew.")
            )

    def _uncalibrate(self) -> None:
        book, place = self._session.book, self._session.active
        if book is None or place is None or measures.factor_of(book.work, place.key) is None:
            self._window.reactions.say(say("No known length was drawn on this series."))
            return
        measures.calibrate(book, place.key, None)

    # -- measured again ------------------------------------------------------------------------

    def _measure_again(self) -> None:
        """Every stack that a tile shows, in the unit that it shows."""
        seen: set[Key] = set()
        for tile in self._window.grid.all_tiles:
            place = None if tile.key is None else self._session.studies.place(tile.key)
            site = tile.view.stage.measuring.site()
            if place is None or site is None or place.key in seen:
                continue
            seen.add(place.key)
            work = self._session.made.book_of(place).work
            mine = [m for m in work.measurements if (m.series_uid, m.stack) == place.key]
            if mine:
                self._window.operations.start(self._bring_up_to_date(place, mine, site))

    async def _bring_up_to_date(
        self, place: Place, mine: Sequence[Measurement], site: roi.Site
    ) -> None:
        found = await self._window.operations.call(again_all, mine, site)
        now = {m.id: (before, m) for before, m in zip(mine, found, strict=True) if m != before}
        book = self._session.made.book_of(place)
        # What the reader changed meanwhile is measured again by that change.
        changed = tuple(
            now[m.id][1] if m.id in now and now[m.id][0] == m else m for m in book.work.measurements
        )
        book.amend(measurements=changed)


def again_all(mine: Sequence[Measurement], site: roi.Site) -> list[Measurement]:
    """Each measurement with its numbers as they are now; those of a report stay the report's, and
    those along a curve what they were where it was straightened."""
    return [m if _is_settled(m) else nodule_again(m, roi.again(m, site)) for m in mine]


def _is_settled(measurement: Measurement) -> bool:
    return any(name in (measures.REPORTED, measures.ALONG_CURVE) for name, _ in measurement.extra)

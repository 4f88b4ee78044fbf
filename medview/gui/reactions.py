"""How the window answers the session's events and the views' intentions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer

from medview.core.errors import Cancelled, MedViewError
from medview.core.geometry import PatientPoint
from medview.core.progress import CancelToken
from medview.core.words import Sentence, say, tr
from medview.gui.views.tile import Tile
from medview.imaging.units import suv_units
from medview.session import events
from medview.session.studies import Key, Place

if TYPE_CHECKING:
    from medview.gui.window import MainWindow
    from medview.session.analysis import Task


class Reactions:
    """Session events in, changes of widgets out; and the other way for what views report."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._session = window.session
        self._analysing = CancelToken()
        self._noted: tuple[Key | None, tuple[Sentence, ...]] = (None, ())  # notes said last
        self._device = ""
        self._state = ""
        grid = window.grid
        grid.wants_changed.connect(self.show_work)
        window.showing.shown.connect(self._first_image)
        window.showing.arrived.connect(self._arrived)
        self._refresh = QTimer(window)
        self._refresh.setSingleShot(True)
        self._refresh.timeout.connect(self.show_work)
        self.show_all()

    def hear(self, event: events.Event) -> None:
        """One event of the session, in the window's thread."""
        match event:
            case events.ActiveChanged():
                self._show_active()
            case events.VolumeOpened() | events.LoadProgress() | events.VolumeClosed():
                self._window.showing.hear(event)
            case events.WorkChanged() | events.PartShown():
                self._refresh.start(0)
            case events.JobsChanged():
                self._show_jobs()
            case events.WorkerChanged(state=state, device=device):
                self._device = device or self._device
                self._state = state
                self._show_worker()
            case events.GoTo(series_uid=uid, point=point):
                self._go_to(uid, point)
            case events.ShowSource(locator=locator):
                self._show_source(locator)
            case events.Message(sentence=sentence, level=level, where=where):
                self.say(sentence, level, where)

    def say(self, sentence: Sentence, level: str = "info", where: str = "") -> None:
        """A sentence for the reader, kept for the list of messages."""
        self._window.messages.append((level, sentence, where))
        text = f"{where}: {sentence}" if where else str(sentence)
        self._window.status.show_message(text, level)

    def show_all(self) -> None:
        """Everything that carries words, again."""
        self._show_worker()
        self._window.presets.show()
        self.show_work()
        self._show_jobs()
        if self._window.messages and self._window.status.message:
            level, sentence, where = self._window.messages[-1]
            text = f"{where}: {sentence}" if where else str(sentence)
            self._window.status.show_message(text, level)

    def undo(self) -> None:
        """Take the last command back and say which."""
        book = self._session.book
        name = book.undo() if book is not None else None
        self.say(say("Undone: {name}", name=name) if name else say("There is nothing to undo."))

    def redo(self) -> None:
        """Do the last undone command again and say which."""
        book = self._session.book
        name = book.redo() if book is not None else None
        self.say(say("Done again: {name}", name=name) if name else say("There is nothing to redo."))

    def next_unit(self) -> None:
        """Show PET in another SUV and say which and by what, or why there is none."""
        grid = self._window.grid
        shown = grid.active_view.stage.shown
        units = () if shown is None else suv_units(shown.volume, shown.stack)
        if shown is None or len(units) < 2:
            self.say(say("There is no other SUV here: it takes a PET with weight, height and sex."))
            return
        unit = units[(units.index(shown.volume.unit) + 1) % len(units)]
        for tile in grid.all_tiles:
            if tile.key == grid.active_tile.key:
                tile.set_unit(unit)
        if grid.active_tile.key is not None:
            self._window.fusion.set_unit(grid.active_tile.key, unit)
        shown = grid.active_view.stage.shown
        if shown is not None and shown.stack.values_said is not None:
            self.say(shown.stack.values_said)
        self._window.presets.show()
        self.show_work()

    def cancel_loading(self) -> None:
        """Stop reading the series that is shown, and what is being prepared for analysis."""
        self._window.showing.cancel()
        self._analysing.cancel()

    def analyse(self, place: Place | None, *, is_asked: bool = True) -> None:
        """Queue every model that fits a series; say so where none does and the reader asked."""
        if place is None:
            self.say(say("Open a study first."), "warn")
            return
        token = self.begin_analysing()

        async def action() -> None:
            from medview.session.offers import not_run

            tasks = await self._window.operations.call(self._session.analyses.offers, place)
            if not tasks and is_asked:
                self.say(say("No model is made for this kind of series."), "warn")
            if not is_asked:  # a rule may have been quicker
                tasks = not_run(tasks, self._session.made.all_runs_of(place))
            await self.run_all(tasks, token)

        self._window.operations.start(action())

    def begin_analysing(self) -> CancelToken:
        """What `cancel_loading` cancels from now on."""
        if self._analysing.is_cancelled:
            self._analysing = CancelToken()
        return self._analysing

    async def run_all(self, tasks: Sequence[Task], token: CancelToken) -> None:
        """Queue tasks one after the other; what one cannot is said, the others go on."""
        for task in tasks:
            token.check()
            try:
                await self._window.operations.call(self._session.analyses.run, task)
            except Cancelled:
                raise
            except MedViewError as error:
                self.say(error.what, "bad", error.where)

    # -- images ----------------------------------------------------------------------------

    def _show_active(self) -> None:
        self._window.showing.follow()
        self._show_notes()
        self._window.presets.show()
        self.show_work()

    def _arrived(self, place: Place) -> None:
        """A series is read: have it analysed where the reader wants that."""
        active = self._session.active
        is_active = active is not None and active.key == place.key
        if is_active and self._session.settings.analyse_on_open:
            self.analyse(place, is_asked=False)

    def _first_image(self, _key: Key) -> None:
        self._show_notes()
        self._window.presets.show()
        self.show_work()

    def _show_notes(self) -> None:
        """What is special about the active stack; what was said of another one goes."""
        place = self._session.active
        opened = None if place is None else self._session.studies.volume(place.key)
        if opened is not None:
            self._say_notes(opened.place)
        elif place is None:
            if self._window.status.message in map(str, self._noted[1]):
                self._window.status.show_message("", "info")
            self._noted = (None, ())

    def _say_notes(self, place: Place) -> None:
        """What is special about a stack, once; what was said of another one goes."""
        from medview.dicom import is_remark

        if (place.key, place.stack.notes) == self._noted:
            return
        if self._window.status.message in map(str, self._noted[1]):
            self._window.status.show_message("", "info")
        self._noted = (place.key, place.stack.notes)
        for note in place.stack.notes:
            self.say(note, "info" if is_remark(note) else "warn")

    # -- work ------------------------------------------------------------------------------

    def show_work(self) -> None:
        """What was made on the stacks that are shown: masks, heatmaps, measurements."""
        places = {place.key: place for place in self._session.studies.places()}
        for tile in self._window.grid.tiles:
            place = None if tile.key is None else places.get(tile.key)
            if place is None:
                tile.view.set_overlays([], [])
                self._window.measures.show_in(tile, None)
            else:
                self._show_work_in(tile, place)

    def _show_work_in(self, tile: Tile, place: Place) -> None:
        """What was made on a stack, in a tile that shows it."""
        # The window is drawn before this is loaded.
        from medview.session.decided import is_accepted
        from medview.session.detections import boxes

        made = self._session.made
        runs = [
            run
            for run in made.runs_of(place)
            if (run.series_uid, run.stack) == place.key and run.status == "run"
        ]
        parts = () if made.hides(place) else self._session.analyses.parts_of(place.key)
        drawn = [run for run in (*runs, *parts) if run.label_map]
        book = made.book_of(place)
        is_confirmed = not parts and is_accepted(book.work, runs)
        tile.view.set_overlays(
            [
                *self._session.segmenting.drawn(place, drawn),
                *boxes(place, runs, book.work),
            ],
            self._window.trust.on_images(runs),
            is_confirmed=is_confirmed,
        )
        volume = tile.volume_view
        if volume is not None and volume.stage.extras.is_confirmed != is_confirmed:
            volume.stage.show_beside(is_confirmed=is_confirmed)
        self._window.measures.show_in(tile, place)

    def _show_jobs(self) -> None:
        running = self._session.analyses.running
        if running:
            job = running[0]
            more = len(running) - 1
            what = tr("{title} · {stage}", title=tr(job.title), stage=tr(job.stage or "waiting"))
            what += tr(" · {count} waiting", count=more) if more else ""
            self._window.status.show_progress(what, job.done, job.total, is_share=True)
        else:
            self._window.status.show_progress("", 0, 0)
        self._show_worker()

    def _show_worker(self) -> None:
        state = "busy" if self._session.analyses.running else self._state
        device = self._device.upper()
        words = {
            "": tr("AI"),
            "starting": tr("AI is starting"),
            "ready": tr("AI ready · {device}", device=device),
            "busy": tr("AI is working · {device}", device=device),
            "dead": tr("AI stopped"),
        }
        self._window.top.show_worker(words.get(state, words[""]), state)
        worker = {
            "ready": tr("Worker ready"),
            "dead": tr("Worker stopped"),
            "busy": tr("Worker busy"),
        }
        self._window.status.show_worker(worker.get(state, ""))

    def _go_to(self, series_uid: str, point: PatientPoint | None) -> None:
        place = self._session.active
        if place is None or place.series.uid != series_uid:
            target = next(
                (p for p in self._session.studies.places() if p.series.uid == series_uid), None
            )
            if target is not None:
                self._session.select(target.key)
        if point is not None:
            # After the views have the other series, if it had to be changed.
            QTimer.singleShot(0, lambda: self._window.grid.go_to(point))

    def _show_source(self, locator: str) -> None:
        kind, _, rest = locator.partition(":")
        if kind == "document":
            self._window.sidebar.show_tab("record")
            self._window.sidebar.record.show_source(locator)
        elif kind == "mentions":
            self._window.sidebar.show_tab("record")
            self._window.sidebar.record.searching.ask(rest)
        elif kind == "series":
            uid, _, number = rest.rpartition(":")
            self._session.select((uid, int(number)))
        elif kind == "finding":
            self._window.sidebar.show_tab("findings")
            self._window.sidebar.findings.show_finding(rest)
        elif kind == "measurement":
            for measurement in self._session.work.measurements:
                if measurement.id == rest and measurement.points:
                    self._go_to(measurement.series_uid, measurement.points[0])

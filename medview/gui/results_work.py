"""What the window does with results of models: offers, first look, corrections, where they come
from, and what became of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from medview.core.results import Finding, ModelRun
from medview.core.settings import save_settings
from medview.core.words import say
from medview.gui.bridge import SessionBridge
from medview.session.events import (
    ActiveChanged,
    Event,
    GoTo,
    ModelsChanged,
    StudiesOpened,
    WorkChanged,
)
from medview.session.studies import Key, Place

if TYPE_CHECKING:
    from medview.gui.segment_work import SegmentWork
    from medview.gui.window import MainWindow
    from medview.session.analysis import Task

_SETTLED_MS = 2000  # after the last decision, before training cases are written


class ResultsWork(QObject):
    """Listens to the findings panel and to what is opened; what lasts runs in threads."""

    def __init__(self, window: MainWindow, segments: SegmentWork) -> None:
        super().__init__(window)
        self._window, self._session, self._segments = window, window.session, segments
        self._offers: dict[tuple[Key, int], list[Task]] = {}
        self._asking: set[tuple[Key, int]] = set()
        self._decided: dict[Key, Place] = {}  # where the reader's word changed of late
        panel = window.sidebar.findings
        panel.runs.edit_asked.connect(self._edit)
        panel.runs.origin_asked.connect(self._show_origin)
        panel.offer_taken.connect(self._run)
        panel.looked.connect(self._looked)
        on = window.actions_.connect
        on("models.rules", self._show_rules)
        on("models.truth", self._show_truth)
        on("models.origin", self._show_newest_origin)
        on("models.look_first", self._look_first)
        self._settled = QTimer(self, singleShot=True, interval=_SETTLED_MS)
        self._settled.timeout.connect(self._keep_cases)
        SessionBridge(self._session, self).heard.connect(self._hear)

    def _hear(self, event: Event) -> None:
        if isinstance(event, StudiesOpened):
            self._run_by_rule(event.studies)
            self._ask()
        elif isinstance(event, ActiveChanged):
            self._ask()
        elif isinstance(event, ModelsChanged):
            self._offers.clear()
            self._asking.clear()
            self._ask()
        elif isinstance(event, WorkChanged):
            self._show_offers()
            place = self._session.active
            if place is not None and self._session.settings.keep_local_truth:
                self._decided[place.key] = place  # the reader may turn to somebody else
                self._settled.start()

    def _keep_cases(self) -> None:
        """With the reader's consent: what was decided becomes training cases, in a thread."""
        from medview.session.truth_cases import keep_cases

        places, self._decided = tuple(self._decided.values()), {}
        if not self._session.settings.keep_local_truth:
            return  # taken back meanwhile

        async def action() -> None:
            await self._window.operations.call(keep_cases, places, self._session)

        self._window.operations.start(action())

    # -- offers ----------------------------------------------------------------------------

    def _ask(self) -> None:
        """What fits the series that is shown: the catalogue is read in a thread, once a series."""
        place = self._session.active
        asked = None if place is None else _asked(place)
        if place is None or asked is None or asked in self._offers or asked in self._asking:
            self._show_offers()
            return
        self._asking.add(asked)

        async def action() -> None:
            try:
                found = await self._window.operations.call(self._session.analyses.offers, place)
                self._offers[asked] = [t for t in found if t.verdict.verdict != "refused"]
            finally:
                self._asking.discard(asked)
            self._show_offers()

        self._window.operations.start(action())

    def _show_offers(self) -> None:
        from medview.session.offers import not_run

        place = self._session.active
        tasks = [] if place is None else self._offers.get(_asked(place), [])
        runs = () if place is None or not tasks else self._session.made.all_runs_of(place)
        busy = {job.model for job in self._session.analyses.running if not job.is_stopping}
        fresh = [task for task in not_run(tasks, runs) if task.identity not in busy]
        self._window.sidebar.findings.show_offers(fresh)

    def _run(self, task: Task) -> None:
        async def action() -> None:
            await self._window.operations.call(self._session.analyses.run, task)
            self._show_offers()

        self._window.operations.start(action())

    def _run_by_rule(self, studies: tuple[str, ...]) -> None:
        """What the reader lets run by itself, on every series of what was opened."""
        rules = dict(self._session.settings.run_rules)
        places = [place for place in self._session.studies.places() if place.study.uid in studies]
        if not rules or not places:
            return
        from medview.session.offers import by_rule, not_run

        def tasks() -> list[Task]:
            found: list[Task] = []
            for place in places:
                fitting = by_rule(self._session.analyses.offers(place), rules)
                found += not_run(fitting, self._session.made.all_runs_of(place))
            return found

        reactions = self._window.reactions
        token = reactions.begin_analysing()

        async def action() -> None:
            await reactions.run_all(await self._window.operations.call(tasks), token)

        self._window.operations.start(action())

    # -- first look --------------------------------------------------------------------------

    def _look_first(self) -> None:
        """Results wait for a first opinion, or no longer."""
        is_on = not self._session.settings.look_first
        self._session.settings = replace(self._session.settings, look_first=is_on)
        save_settings(self._session.settings)
        self._window.reactions.say(
            say("Results of models wait for your first look.")
            if is_on
            else say("Results of models are shown at once.")
        )
        self._session.events.send(WorkChanged())
        self._session.events.send(ActiveChanged())

    def _looked(self, opinion: str) -> None:
        from medview.session.work import FirstLook

        place = self._session.active
        if place is None:
            return
        book = self._session.made.book_of(place)
        at = dt.datetime.now().astimezone().isoformat(timespec="seconds")
        by = self._session.made.decision("", "accepted").by
        look = FirstLook(study_uid=place.study.uid, opinion=opinion, by=by, at=at)
        book.amend(first_looks=(*book.work.first_looks, look))

    # -- one result --------------------------------------------------------------------------

    def _edit(self, run: ModelRun, finding: Finding) -> None:
        """The finding's mask becomes a segment, the brush is taken up."""
        from medview.session.decided import corrected_by
        from medview.session.segment_sources import from_finding

        place = self._session.studies.place((run.series_uid, run.stack))
        if place is None:
            self._window.reactions.say(say("The images of this result are not open."), "warn")
            return
        desk = self._session.segmenting
        known = corrected_by(self._session.work, run, finding)

        async def action() -> None:
            if known is not None:
                desk.choose(known.id)
            else:
                found = await self._window.operations.call(from_finding, place, run, finding)
                if found is None:
                    self._window.reactions.say(
                        say("There is no mask of a model here that could be corrected."), "warn"
                    )
                    return
                name = say("Correct {name}", name=finding.label)
                desk.add_all([found], name, place)
            self._session.events.send(GoTo(run.series_uid, finding.centroid))
            self._window.set_tool("brush")
            self._window.reactions.say(
                say("Paint with the left button; the eraser takes away. Undo gives the mask back.")
            )

        self._window.operations.start(action())

    def _show_origin(self, run: ModelRun) -> None:
        from medview.gui.dialogs.provenance import ProvenanceDialog

        ProvenanceDialog(run, self._session.work, self._window).show()

    def _show_newest_origin(self) -> None:
        place = self._session.active
        runs = () if place is None else self._session.made.runs_of(place)
        if not runs:
            self._window.reactions.say(say("There is no result of a model here."), "warn")
            return
        self._show_origin(runs[-1])

    # -- dialogs -------------------------------------------------------------------------------

    def _show_rules(self) -> None:
        from medview.gui.dialogs.run_rules import RunRulesDialog

        RunRulesDialog(self._session, self._window.operations, self._window).show()

    def _show_truth(self) -> None:
        from medview.gui.dialogs.local_truth import LocalTruthDialog

        window = self._window
        dialog = LocalTruthDialog(self._session, window.operations, window)
        window.closing.connect(dialog.close)
        dialog.show()


def _asked(place: Place) -> tuple[Key, int]:
    """A stack as it is now: while a folder is being read it grows, and other models fit."""
    return place.key, len(place.stack.frames)

"""What the window does about trust in a model: heatmaps on wish, a reader's word against its gate.

Heatmaps are off until the reader asks for them, with one key or on the card's "Why".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from medview.core.words import say
from medview.gui.bridge import SessionBridge
from medview.session.events import Event, JobsChanged

if TYPE_CHECKING:
    from medview.ai.look import Look
    from medview.core.results import Heatmap, ModelRun
    from medview.gui.window import MainWindow

_FIRST = "grad_cam"  # what the key draws where there is no heatmap yet


class TrustWork(QObject):
    """Which heatmap stands on the images, and what is asked of models beyond their results."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._session = window, window.session
        self.is_on = False
        self._chosen: dict[str, tuple[str, str]] = {}  # by run: class and method
        self._methods: dict[str, tuple[str, ...]] = {}  # by the model's manifest
        self._asked: dict[str, str] = {}  # runs whose heatmap is being drawn: their jobs
        findings = window.sidebar.findings
        findings.runs.looks = self
        findings.runs.override_asked.connect(self._override)
        findings.runs.why_opened.connect(self._learn_methods)
        window.actions_.connect("view.heatmap", self.switch)
        SessionBridge(window.session, self).heard.connect(self._hear)

    # -- which heatmap is shown --------------------------------------------------------------

    def on_images(self, runs: Sequence[ModelRun]) -> list[Heatmap]:
        """What stands on an image with these runs: of each one heatmap, none while it is off."""
        if not self.is_on:
            return []
        found = (self.shown_of(run) for run in runs)
        return [heatmap for heatmap in found if heatmap is not None]

    def shown_of(self, run: ModelRun) -> Heatmap | None:
        """The heatmap that the reader chose, or else that of the likeliest class."""
        if not run.heatmaps:
            return None
        chosen = self._chosen.get(run.id)
        scores = {finding.label: finding.probability or 0.0 for finding in run.findings}
        likeliest = max(run.heatmaps, key=lambda each: scores.get(each.class_name, 0.0))
        own = (each for each in run.heatmaps if (each.class_name, each.method) == chosen)
        return next(own, likeliest)

    def methods_of(self, run: ModelRun) -> tuple[str, ...]:
        """By which methods its model can be asked; empty until that was looked up."""
        return self._methods.get(run.model.manifest_sha256, ())

    def is_busy_with(self, run: ModelRun) -> bool:
        """Whether a heatmap of it is being drawn."""
        return run.id in self._asked

    def switch(self, on: bool) -> None:
        """Show heatmaps, or do not; where there is none yet the shown result's is drawn."""
        self.is_on = on
        self._window.actions_["view.heatmap"].setChecked(on)
        runs = self._runs() if on else ()
        if on and not any(run.heatmaps for run in runs):
            self._draw_first(runs)
        self._refresh()

    def choose(self, run: ModelRun, heatmap: Heatmap) -> None:
        """Show another heatmap of a run."""
        self._chosen[run.id] = (heatmap.class_name, heatmap.method)
        self.switch(True)

    def _refresh(self) -> None:
        self._window.reactions.show_work()
        self._window.sidebar.findings.retranslate()

    def _runs(self) -> tuple[ModelRun, ...]:
        """Results on the stack that is looked at."""
        place = self._session.active
        if place is None:
            return ()
        runs = self._session.made.runs_of(place)
        return tuple(
            run for run in runs if (run.series_uid, run.stack) == place.key and run.status == "run"
        )

    # -- what is asked of the worker ---------------------------------------------------------

    def _draw_first(self, runs: Sequence[ModelRun]) -> None:
        call = self._window.operations.call

        async def action() -> None:
            from medview.ai.look import Look
            from medview.session.looks import questions, structures

            for run in runs:
                if structures(run) and _FIRST in await call(questions, run):
                    first = next(f for f in run.findings if f.label == structures(run)[0])
                    self.ask(run, Look(label=first.label, method=_FIRST, at=first.centroid))
                    return
            self._window.reactions.say(say("There is no result here with a heatmap."), "warn")

        self._window.operations.start(action())

    def ask(self, run: ModelRun, look: Look) -> None:
        """Have a heatmap drawn; it is shown when it is there."""
        call, session = self._window.operations.call, self._session
        self._asked[run.id] = ""
        self._chosen[run.id] = (look.label, look.method)

        async def action() -> None:
            from medview.session.looks import look_task

            job = ""
            try:
                task = await call(look_task, session.studies, run, look)
                job = await call(session.analyses.run, task)
            finally:  # whatever failed: it can be asked for again
                if job:
                    self._asked[run.id] = job
                else:
                    self._asked.pop(run.id, None)
                self._hear(JobsChanged())
                self._window.sidebar.findings.retranslate()

        self._window.operations.start(action())
        self._window.sidebar.findings.retranslate()

    def _hear(self, event: Event) -> None:
        """A heatmap is there, or will not come."""
        if not isinstance(event, JobsChanged):
            return
        going = {job.id for job in self._session.analyses.running}
        ended = [run for run, job in self._asked.items() if job and job not in going]
        for run_id in ended:
            del self._asked[run_id]
        if ended:
            self.is_on = any(run.heatmaps for run in self._runs())
            self._window.actions_["view.heatmap"].setChecked(self.is_on)
            self._refresh()

    def _learn_methods(self, run: ModelRun) -> None:
        if run.model.manifest_sha256 in self._methods:
            return
        call = self._window.operations.call

        async def action() -> None:
            from medview.session.looks import questions

            self._methods[run.model.manifest_sha256] = await call(questions, run)
            self._window.sidebar.findings.retranslate()

        self._window.operations.start(action())

    def _override(self, run: ModelRun) -> None:
        call, session = self._window.operations.call, self._session

        async def action() -> None:
            from medview.session.overriding import overriding_task

            task = await call(overriding_task, session.studies, run, session.settings.reader_name)
            await call(session.analyses.run, task)

        self._window.operations.start(action())

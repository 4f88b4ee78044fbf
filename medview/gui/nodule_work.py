"""What the window does when a nodule was clicked: asks the models that look at one nodule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from medview.core.words import say

if TYPE_CHECKING:
    from medview.core.results import Measurement
    from medview.gui.segment_work import SegmentWork
    from medview.gui.window import MainWindow
    from medview.session.analysis import Task
    from medview.session.nodule_model import Lesion
    from medview.session.studies import OpenVolume


class NoduleWork(QObject):
    """Every nodule is asked about once it is measured, and again when the reader wants it."""

    def __init__(self, window: MainWindow, segments: SegmentWork) -> None:
        super().__init__(window)
        self._window, self._session = window, window.session
        self._segments = segments
        segments.nodule_measured.connect(self._ask)
        window.actions_.connect("models.rate_nodule", self._rate_again)

    def _ask(self, opened: OpenVolume, lesion: Lesion) -> None:
        analyses, call = self._session.analyses, self._window.operations.call

        def tasks() -> list[Task]:
            from medview.session.nodule_model import lesion_models, lesion_task

            return [
                lesion_task(model, opened.place, opened.volume, lesion) for model in lesion_models()
            ]

        async def action() -> None:
            for task in await call(tasks):
                await call(analyses.run, task)

        self._window.operations.start(action())

    def _rate_again(self) -> None:
        """The nodule of the segment in use, with its outline and axes as they are now."""
        opened = self._segments.opened()
        segment = self._session.segmenting.active
        if opened is None:
            return
        measured = None if segment is None else self._nodule_of(segment.id)
        if segment is None or measured is None:
            self._window.reactions.say(
                say("Click a nodule with the nodule tool (D) first, or choose its segment."), "warn"
            )
            return
        # The window is drawn before any of this is loaded.
        import numpy as np

        from medview.session.nodule_model import Lesion, clicked_at
        from medview.session.nodules import mean_diameter

        live = self._session.segmenting.mask(opened.place, segment)
        lesion = Lesion(
            mask=np.array(live.voxels, bool),
            first=live.box.first,
            diameter_mm=mean_diameter(measured),
            subject=measured.id,
            at=clicked_at(self._session.made.runs_of(opened.place), segment, measured.id),
        )
        self._ask(opened, lesion)

    def _nodule_of(self, segment_id: str) -> Measurement | None:
        measured = self._session.work.measurements
        from medview.session.nodules import is_nodule, linked_to

        return next((m for m in measured if is_nodule(m) and linked_to(m) == segment_id), None)

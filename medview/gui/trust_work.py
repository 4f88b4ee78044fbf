"""What the window does about trust in a model: a reader's word against its gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from medview.core.results import ModelRun
    from medview.gui.window import MainWindow


class TrustWork(QObject):
    """Runs a refused model all the same where the model lets the reader answer for it."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._session = window, window.session
        window.sidebar.findings.override_asked.connect(self._override)

    def _override(self, run: ModelRun) -> None:
        call, session = self._window.operations.call, self._session

        async def action() -> None:
            from medview.session.overriding import overriding_task

            task = await call(overriding_task, session.studies, run, session.settings.reader_name)
            await call(session.analyses.run, task)

        self._window.operations.start(action())

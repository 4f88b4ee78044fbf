"""A recording done by `medview replay`: a window of its own, a picture at the end, and gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer

from medview.gui.scripts.replayer import Replayer, StepResult

if TYPE_CHECKING:
    from medview.gui.window import MainWindow
    from medview.session.script import Script

_SETTLE_MS = 600
_DONE, _WRONG_INPUT, _IN_PART = 0, 2, 3  # exit statuses of the commands
Told = Callable[[Sequence[StepResult], bool], object]  # the steps; whether a picture was saved


class ReplayRun:
    """What the window does once it is whole. told: called at the end, before the window goes."""

    def __init__(
        self,
        script: Script,
        *,
        paths: Sequence[Path],
        picture: Path | None,
        is_strict: bool,
        stays: bool,
        told: Told,
    ) -> None:
        self._script = script
        self._paths = tuple(paths)
        self._picture = picture
        self._is_strict = is_strict
        self._stays = stays
        self._told = told

    def begin(self, window: MainWindow) -> None:
        """Start to repeat."""
        window.resize(*self._script.size)
        self._window = window
        self._replayer = Replayer(
            window, self._script, paths=self._paths, is_strict=self._is_strict
        )
        self._replayer.finished.connect(lambda: QTimer.singleShot(_SETTLE_MS, self._end))
        self._replayer.begin()

    def _end(self) -> None:
        if self._window.is_busy:
            QTimer.singleShot(_SETTLE_MS, self._end)
            return
        is_saved = True
        if self._picture is not None:
            is_saved = self._window.grab().save(str(self._picture), "PNG")
        results = self._replayer.results
        status = _DONE if all(result.is_done for result in results) else _IN_PART
        self._told(results, self._picture is not None and is_saved)
        if not self._stays:
            self._window.setProperty("status", status if is_saved else _WRONG_INPUT)
            self._window.close()

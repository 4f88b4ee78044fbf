"""A true picture of the window: after everything was read, drawn and analysed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer

if TYPE_CHECKING:
    from medview.gui.app import Start
    from medview.gui.window import MainWindow

FAILED, WRONG_INPUT = 1, 2  # exit statuses of the commands
_GIVE_UP_S = 280
_SETTLE_S = 0.6


class Screenshot:
    """Opens the paths, waits until nothing is going on any more, saves the picture, ends."""

    def __init__(self, window: MainWindow, start: Start) -> None:
        self._window = window
        self._start = start
        self._began = time.monotonic()
        self._quiet_since: float | None = None
        self._analysed = not start.analyze
        self._timer = QTimer(window)
        self._timer.setInterval(50)
        self._timer.timeout.connect(self._look)

    def begin(self) -> None:
        """Start to open and to look."""
        if self._start.paths:
            self._window.open_paths(self._start.paths)
        self._timer.start()

    def _look(self) -> None:
        try:
            self._step()
        except Exception:
            self._end(FAILED)
            raise

    def _step(self) -> None:
        if time.monotonic() - self._began > _GIVE_UP_S:
            self._end(FAILED)
            return
        if self._window.is_busy:
            self._quiet_since = None
            return
        now = time.monotonic()
        self._quiet_since = self._quiet_since or now
        if now - self._quiet_since < _SETTLE_S:
            return
        if not self._analysed:
            self._analysed = True
            self._quiet_since = None
            self._window.analyse_study()
            return
        self._save()

    def _save(self) -> None:
        target = self._start.screenshot
        saved = target is not None and self._window.grab().save(str(target), "PNG")
        self._end(0 if saved else WRONG_INPUT)

    def _end(self, status: int) -> None:
        self._timer.stop()
        self._window.setProperty("status", status)
        self._window.close()

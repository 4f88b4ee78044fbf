"""Long work of the window's thread, done in short slices between the events of the user."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator

from PySide6.QtCore import QObject, QTimer

Steps = Generator[None, None, None]

_OVER = object()
_SLICE_S = 0.004  # leaves room for the step that passes it


class Slices(QObject):
    """Runs the steps of one piece of work, a few milliseconds at a time."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._steps: Steps | None = None
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._go_on)

    @property
    def is_running(self) -> bool:
        """Whether steps are still to come."""
        return self._steps is not None

    def start(self, steps: Callable[[], Steps]) -> None:
        """Begin; what was begun before and is not done is given up."""
        self.stop()
        self._steps = steps()
        self._timer.start()

    def finish(self) -> None:
        """Do all that is left, at once."""
        while self._steps is not None:
            self._step()

    def stop(self) -> None:
        """Give up what is left."""
        steps, self._steps = self._steps, None
        self._timer.stop()
        if steps is not None:
            steps.close()

    def _go_on(self) -> None:
        end = time.monotonic() + _SLICE_S
        while self._steps is not None and time.monotonic() < end:
            self._step()

    def _step(self) -> None:
        steps = self._steps
        if steps is None:
            return
        is_over = True
        try:
            is_over = next(steps, _OVER) is _OVER
        finally:  # a step that fails ends the work: it is not tried again and again
            if is_over and self._steps is steps:
                self._steps = None
                self._timer.stop()

"""Garbage is collected in the window's thread alone.

Python collects cycles in whichever thread happens to allocate. A cycle that holds a widget must
not be destroyed outside Qt's own thread: the process would die. So the automatic collector is off,
and a timer collects by Python's own thresholds.

And no thread keeps the window's waiting: one that reads headers would hold the interpreter for 5 ms
at a time, again and again, by Python's own choice.
"""

from __future__ import annotations

import gc
import sys

from PySide6.QtCore import QObject, QTimer

_EVERY_MS = 500
_TURN_S = 0.001  # how long other threads may go on while the window's waits


class Collector(QObject):
    """Collects while it lives; gives the automatic collector back when it is stopped."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._thresholds = gc.get_threshold()
        self._turn_s = sys.getswitchinterval()
        sys.setswitchinterval(_TURN_S)
        gc.disable()
        # What the imports made stays for good and need not be looked through again.
        gc.freeze()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._collect)
        self._timer.start(_EVERY_MS)

    def stop(self) -> None:
        """Let Python collect by itself again."""
        self._timer.stop()
        gc.enable()
        sys.setswitchinterval(self._turn_s)

    def _collect(self) -> None:
        counts = gc.get_count()
        for generation in (2, 1, 0):
            if counts[generation] > self._thresholds[generation]:
                gc.collect(generation)
                return

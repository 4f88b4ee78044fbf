"""The thread that owns VTK, seen from the window's: wishes in, pictures out."""

from __future__ import annotations

import logging
import os
import sys
import threading
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from medview.core.errors import MedViewError
from medview.core.words import say
from medview.gui.views.volume_wishes import Drawn, Wish, WishList

_log = logging.getLogger("medview.gui.volume")
_SLOW_JOIN_S = 2.0
_PATIENT = 10  # niceness


def _has_stood_back() -> bool:
    """Let every other thread go before this one and those that it starts; whether one can."""
    if sys.platform != "linux":  # elsewhere it would be said of the whole process
        return False
    this = threading.get_native_id()
    try:
        patient = max(_PATIENT, os.getpriority(os.PRIO_PROCESS, this))
        os.setpriority(os.PRIO_PROCESS, this, patient)
    except OSError:
        return False
    return True


class VolumeThread(QObject):
    """Does wishes one after the other; signals arrive queued in the view's thread."""

    prepared = Signal(object)  # Prepared
    drawn = Signal(object)  # Drawn
    picked = Signal(object)  # PatientPoint or None
    failed = Signal(object)  # MedViewError

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._number = 0
        self._path = ""  # what drew last, empty for the processor
        self._wishes = WishList()
        self._thread = threading.Thread(target=self._run, name="volume view", daemon=True)
        self._thread.start()
        # Every voxel takes the processor seconds that nothing can cut short: turning goes on
        # beside them.
        self._slow_wishes = WishList()
        self._slow: threading.Thread | None = None

    def ask(self, wish: Wish) -> int:
        """Do this next; of pictures the newest alone. Gives the wish's number."""
        self._number += 1
        wish = replace(wish, number=self._number)
        self._slow_wishes.interrupt()
        if wish.detail != "whole" or self._path:
            self._wishes.put(wish)
            return self._number
        if self._slow is None:
            self._slow = threading.Thread(target=self._run_slow, name="volume rest", daemon=True)
            self._slow.start()
        self._slow_wishes.put(wish)
        return self._number

    def forget(self) -> None:
        """Let the volume go: nothing of it is wanted any more."""
        self._wishes.forget()
        self._slow_wishes.forget()

    def end(self, timeout_s: float = 10.0) -> None:
        """Give up the picture that is being drawn and give VTK back."""
        self._wishes.end()
        self._slow_wishes.end()
        self._thread.join(timeout_s)
        if self._slow is not None:
            self._slow.join(min(timeout_s, _SLOW_JOIN_S))

    @property
    def is_alive(self) -> bool:
        """Whether it can still draw."""
        return self._thread.is_alive()

    def _drawn(self, drawn: Drawn) -> None:
        self._path = drawn.path
        self.drawn.emit(drawn)

    def _run_slow(self) -> None:
        """Pictures of every voxel; where one fails, the fine one stays."""
        from medview.gui.views.volume_worker import Told, Worker

        told = Told(lambda _prepared: None, self.drawn.emit, lambda _point: None)
        # Behind everything the reader waits for, it may have every core.
        threads = os.cpu_count() if _has_stood_back() else None
        try:
            Worker(self._slow_wishes, told, has_probe=False, threads=threads).work()
        except Exception as error:  # noqa: BLE001 - the top of the thread: log, and go without
            _log.warning("whole volume not drawn", extra={"kind": type(error).__name__})

    def _run(self) -> None:
        # VTK costs half a second: it is loaded here, beside the window's thread.
        from medview.gui.views.volume_worker import Told, Worker

        told = Told(self.prepared.emit, self._drawn, self.picked.emit)
        try:
            Worker(self._wishes, told).work()
        except MedViewError as error:
            _log.warning("volume view refused", extra={"detail": error.detail})
            self._say(error)
        except MemoryError:
            self._say(
                MedViewError(
                    say("There is not enough memory to draw the volume."),
                    what_to_do=say("Close other patients or programs and open it again."),
                )
            )
        except Exception as error:  # noqa: BLE001 - the top of the thread: log, say, stay away
            _log.warning("volume view failed", extra={"kind": type(error).__name__})
            self._say(MedViewError(say("The volume view could not be drawn.")))

    def _say(self, error: MedViewError) -> None:
        if not self._wishes.is_ended:
            self.failed.emit(error)

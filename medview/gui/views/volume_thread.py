"""The thread that owns VTK, seen from the window's: wishes in, pictures out."""

from __future__ import annotations

import logging
import threading

from PySide6.QtCore import QObject, Signal

from medview.core.errors import MedViewError
from medview.core.words import say
from medview.gui.views.volume_wishes import Wish, WishList

_log = logging.getLogger("medview.gui.volume")


class VolumeThread(QObject):
    """Does wishes one after the other; signals arrive queued in the view's thread."""

    prepared = Signal(object)  # Prepared
    drawn = Signal(object)  # Drawn
    picked = Signal(object)  # PatientPoint or None
    failed = Signal(object)  # MedViewError

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._wishes = WishList()
        self._thread = threading.Thread(target=self._run, name="volume view", daemon=True)
        self._thread.start()

    def ask(self, wish: Wish) -> int:
        """Do this next; of pictures the newest alone. Gives the wish's number."""
        return self._wishes.put(wish)

    def forget(self) -> None:
        """Let the volume go: nothing of it is wanted any more."""
        self._wishes.forget()

    def end(self, timeout_s: float = 10.0) -> None:
        """Give up the picture that is being drawn and give VTK back."""
        self._wishes.end()
        self._thread.join(timeout_s)

    @property
    def is_alive(self) -> bool:
        """Whether it can still draw."""
        return self._thread.is_alive()

    def _run(self) -> None:
        # VTK costs half a second: it is loaded here, beside the window's thread.
        from medview.gui.views.volume_worker import Told, Worker

        told = Told(self.prepared.emit, self.drawn.emit, self.picked.emit)
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

"""Session events, from whichever thread, as a Qt signal in the window's thread."""

from __future__ import annotations

from contextlib import suppress

from PySide6.QtCore import QObject, Qt, Signal

from medview.session import Session
from medview.session.events import Event


class SessionBridge(QObject):
    """`heard` is delivered in the thread that made the bridge; it dies with its parent."""

    heard = Signal(object)
    _arrived = Signal(object)

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        # Always queued: a listener must not run inside the session's own call.
        self._arrived.connect(self.heard, Qt.ConnectionType.QueuedConnection)
        end = session.events.subscribe(self._hear)
        parent.destroyed.connect(end)

    def _hear(self, event: Event) -> None:
        with suppress(RuntimeError):  # the window is gone, a thread is still ending
            self._arrived.emit(event)

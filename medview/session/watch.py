"""Folders that are watched for new studies as long as the window lives."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from medview.core.errors import MedViewError
from medview.core.words import say
from medview.library import Library
from medview.session.events import Events, LibraryChanged, Message

if TYPE_CHECKING:
    from medview.library import Added, Watcher


class Watch:
    """Methods block and run outside the window's thread, `start` and `close` excepted."""

    def __init__(self, library: Library, events: Events) -> None:
        self._library = library
        self._events = events
        self._watcher: Watcher | None = None
        self._lock = threading.Lock()

    def add(self, folder: Path) -> None:
        """Watch a folder from now on."""
        from medview.library import set_watched

        set_watched(self._library, folder, is_watched=True)
        self._events.send(LibraryChanged())
        self.start()

    def remove(self, folder: Path) -> None:
        """Stop watching a folder."""
        from medview.library import set_watched

        set_watched(self._library, folder, is_watched=False)
        self._events.send(LibraryChanged())

    def folders(self) -> tuple[Path, ...]:
        """The folders that are watched."""
        from medview.library import roots

        return tuple(root.path for root in roots(self._library) if root.is_watched)

    def start(self) -> None:
        """End what a killed run began to forget, and watch folders, in a thread of its own."""
        from medview.library import Watcher

        with self._lock:
            if self._watcher is not None or not self._library.is_there:
                return
            self._watcher = Watcher(self._library, self._heard_new, self._heard_trouble)
        threading.Thread(target=self._begin, name="medview-library", daemon=True).start()

    def close(self) -> None:
        """Stop watching."""
        with self._lock:
            watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.stop()

    def _begin(self) -> None:
        from medview.session.forgetting import finish_forgetting

        try:
            finish_forgetting(self._library)
        except MedViewError as error:
            self._heard_trouble(error)
        with self._lock:
            if self._watcher is not None:
                self._watcher.start()

    def _heard_new(self, added: Added) -> None:
        self._events.send(LibraryChanged())
        tell_added(self._events, added)

    def _heard_trouble(self, error: MedViewError) -> None:
        self._events.send(Message(error.what, "warn", error.where))


def tell_added(events: Events, added: Added) -> None:
    """Say what came into the library."""
    words = (
        say("Library: new images and objects: {new}; studies: {count}.",
            new=added.new, count=len(added.studies))
        if added.new
        else say("Library: nothing new; files known already: {count}.", count=added.known)
    )  # fmt: skip
    events.send(Message(words))
    count = len(added.unreadable)
    if count:
        unread = say("{count} {count:file|files} could not be read", count=count)
        events.send(Message(unread, "warn"))

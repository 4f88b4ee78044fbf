"""Watched folders: looked through now and then, new and changed files are indexed.

By size and time of change, not by messages of the system: those do not come from network drives.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress

from medview.core.errors import InvalidInput, MedViewError
from medview.core.progress import CancelToken
from medview.library.database import Library
from medview.library.headlines import headlines
from medview.library.indexing import Added, IndexWriter
from medview.library.labels import roots

_log = logging.getLogger("medview.library")
_SETTLE_S = 2.0  # a file that was just written may not be whole
_LEAVE_S = 1.5
_PAUSE_S, _SHARE = 5.0, 20.0  # looking takes at most a twentieth of the time


def look(library: Library, cancel: CancelToken | None = None) -> Added:
    """Look through every watched folder once. Blocks. Raises WriteFailed, Cancelled."""
    from medview.dicom.walk import files_below

    # pathlib raises where a network folder fails, and that is to stop nothing.
    watched = [r.path for r in roots(library) if r.is_watched and os.path.isdir(r.path)]  # noqa: PTH112
    if not watched:
        return Added()
    with suppress(InvalidInput):  # a folder that went while it was looked at
        files = list(files_below(watched))
        before = time.time_ns() - int(_SETTLE_S * 1e9)
        with library.connection() as connection:
            writer = IndexWriter(library, connection)
            for root in watched:
                writer.own(root)
            changed = [path for path in writer.unknown(files) if _is_settled(path, before)]
            with closing(headlines(changed)) as found:
                writer.take(found, 0, len(changed), cancel=cancel)
        return writer.added(len(files), len(files) - len(changed))
    return Added()


def _is_settled(path: str, before_ns: int) -> bool:
    try:
        return os.stat(path).st_mtime_ns < before_ns  # noqa: PTH116
    except OSError:
        return False


class Watcher:
    """A thread that looks until it is stopped; `on_new` hears, in that thread, of what was added.

    on_trouble hears once of an error, and again after it went well in between.
    """

    def __init__(
        self,
        library: Library,
        on_new: Callable[[Added], None],
        on_trouble: Callable[[MedViewError], None],
        pause_s: float = _PAUSE_S,
    ) -> None:
        self._library = library
        self._on_new, self._on_trouble = on_new, on_trouble
        self._pause_s = pause_s
        self._cancel = CancelToken()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look; once more does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self.run, name="medview-watch", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End soon; what is being read is let go. Waits for the thread, but not for a drive."""
        self._cancel.cancel()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=_LEAVE_S)

    def run(self) -> None:
        """Look until `stop`, in the calling thread."""
        is_in_trouble = False
        while not self._cancel.is_cancelled:
            begun = time.monotonic()
            try:
                added = look(self._library, self._cancel)
                is_in_trouble = False
                if added.new:
                    self._on_new(added)
            except MedViewError as error:
                if not is_in_trouble and not self._cancel.is_cancelled:
                    self._on_trouble(error)
                is_in_trouble = True
            taken = time.monotonic() - begun
            self._wake.wait(max(self._pause_s, taken * _SHARE))

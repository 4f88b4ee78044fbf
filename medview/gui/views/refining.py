"""Coarse to fine: a quick draft is painted at once, the full result comes from a thread.

The full one is begun when the reader has rested for a moment, so that a drag is never behind.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import Generic, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

T = TypeVar("T")
REST_MS = 60
_log = logging.getLogger("medview.gui")


class _Arrival(QObject):
    """Brings what a thread has made into the window's thread."""

    came = Signal(object, object)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="medview-fine")


class Refined(Generic[T]):
    """One thing that is shown, drafted first; `on_finer` is called when the full one is there."""

    def __init__(self, parent: QObject, on_finer: Callable[[], None]) -> None:
        self._on_finer = on_finer
        self._key: object = None
        self._value: T | None = None
        self._full: Callable[[], T] | None = None  # what is still to be made
        self._timer = QTimer(parent)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REST_MS)
        self._timer.timeout.connect(self._begin)
        self._arrival = _Arrival(parent)
        self._arrival.came.connect(self._take)

    @property
    def is_busy(self) -> bool:
        """Whether the full one is still to come."""
        return self._full is not None

    def forget(self) -> None:
        """Make it anew at the next look."""
        self._timer.stop()
        self._key = self._value = self._full = None

    def get(self, key: object, full: Callable[[], T], draft: Callable[[], T] | None = None) -> T:
        """What belongs to a key: as it is known, else made now; with a draft, the full one soon."""
        if self._value is None or self._key != key:
            self.forget()
            self._key, self._value = key, (draft or full)()
            if draft is not None:
                self._full = full
                self._timer.start()
        return self._value

    def _begin(self) -> None:
        if self._full is not None:
            _pool().submit(self._work, self._key, self._full)

    def _work(self, key: object, full: Callable[[], T]) -> None:
        if self._full is not full:  # the reader has turned on
            return
        value: T | None = None
        try:
            value = full()
        except Exception as error:  # noqa: BLE001 - the top of a thread: the draft stays
            _log.warning("a plane could not be refined", extra={"kind": type(error).__name__})
        with suppress(RuntimeError):  # the view was closed meanwhile
            self._arrival.came.emit(key, value)

    def _take(self, key: object, value: T | None) -> None:
        if self._full is not None and key == self._key:
            self._value, self._full = self._value if value is None else value, None
            self._on_finer()

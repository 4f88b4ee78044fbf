"""Work for the next frame that another thread begins while the window paints something else."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Generic, TypeVar

Made = TypeVar("Made")


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="medview-frames")


class Begun(Generic[Made]):
    """One work at a time; `key` says what it is for, its objects are held meanwhile."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._future: Future[Made] | None = None

    def begin(self, key: tuple[object, ...], work: Callable[[], Made]) -> None:
        """Begin it, unless it is begun already; what was begun for something else is dropped."""
        if self._future is None or self._key != key:
            self.drop()
            self._key, self._future = key, _thread().submit(work)

    def take(self, key: tuple[object, ...], work: Callable[[], Made]) -> Made:
        """What was begun for this; done here where nothing was, or while its turn has not come."""
        known, future = self._key, self._future
        self._key, self._future = (), None
        if future is None or known != key or future.cancel():
            return work()
        return future.result()

    def drop(self) -> None:
        """It is wanted no more."""
        if self._future is not None:
            self._future.cancel()
        self._key, self._future = (), None

"""Rows of a picture shared by two threads, and room for large pictures."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_THREADS = 2
_UNUSED = 3

Done = TypeVar("Done")


@cache
def planes_pool() -> ThreadPoolExecutor:
    """The threads that resample planes; made when they are first needed."""
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="medview-planes")


_lock = threading.Lock()
_spare: list[NDArray[np.uint8]] = []  # the latest room, in case nobody looks at it any more


def room_for(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Room for a large picture of bytes, not cleared: the latest one where nobody holds it.

    While a window is dragged every picture replaces the one before; new memory costs as much as
    filling it.
    """
    size = math.prod(shape)
    with _lock:
        for room in _spare:
            # Held by the list, the loop and the question alone: no picture lies in it.
            if room.size == size and sys.getrefcount(room) == _UNUSED:
                return room.reshape(shape)
        _spare[:] = [np.empty(size, np.uint8)]
        return _spare[0].reshape(shape)


def in_halves(
    work: Callable[[tuple[int, int]], Done], shape: tuple[int, ...], *, least: int
) -> list[Done]:
    """Do the rows [first, end) of a picture, half by this thread and half by another.

    least: pictures with fewer pixels are done whole by this thread.
    """
    rows, columns = shape[:2]
    if rows * columns < least:
        return [work((0, rows))]
    other = planes_pool().submit(work, (rows // 2, rows))
    return [work((0, rows // 2)), other.result()]

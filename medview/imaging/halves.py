"""Rows of a picture shared by two threads, where the work lets go of the interpreter."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

_THREADS = 2

Done = TypeVar("Done")


@cache
def planes_pool() -> ThreadPoolExecutor:
    """The threads that resample planes; made when they are first needed."""
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="medview-planes")


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

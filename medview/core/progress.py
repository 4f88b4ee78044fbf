"""How long work reports how far it is, and how it is asked to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable

from medview.core.errors import Cancelled

# done, total (0 when unknown), what is being done now
Progress = Callable[[int, int, str], None]


def no_progress(done: int, total: int, what: str) -> None:
    """For callers who do not want to know."""


def part_of(progress: Progress, number: int, count: int) -> Progress:
    """Progress of the `number`-th of `count` things, told as a part of all of them."""

    def within(done: int, total: int, what: str) -> None:
        progress(number * total + done, count * total, what)

    return within


class CancelToken:
    """Set once by whoever wants the work to stop; looked at by the work between small steps."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop."""
        self._event.set()

    @property
    def is_cancelled(self) -> bool:
        """Whether someone asked."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise Cancelled if someone asked."""
        if self._event.is_set():
            raise Cancelled

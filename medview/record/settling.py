"""What a long text gives in hundreds of thousands of pieces is kept from the search for garbage.

The window collects garbage in its own thread. Looking through all mentions of a note of five
megabytes would hold it up for a third of a second each time, although none of them can be garbage
before the note is closed, and they hold no cycles: counting references frees them then. What else
there was at that moment is kept from the search with them, until `let_go` when the note is closed.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from threading import Event
from typing import TypeVar

_Thing = TypeVar("_Thing")
MANY = 2000  # things; few documents have as many
_held = Event()  # whether anything is kept from the search; of the process, as the search is


def settling(things: Iterable[_Thing]) -> Iterator[_Thing]:
    """The same things; what is made on the way is looked through no more until `let_go`."""
    for number, thing in enumerate(things, 1):
        yield thing
        if number % MANY == 0:
            gc.freeze()
            _held.set()


def let_go() -> None:
    """Search everything again: the notes that were too long for it are closed."""
    if _held.is_set():
        _held.clear()
        gc.unfreeze()

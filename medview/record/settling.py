"""What a long text gives in hundreds of thousands of pieces is kept from the search for garbage.

The window collects garbage in its own thread. Looking through all mentions of a note of five
megabytes would hold it up for a third of a second each time, although none of them can be garbage
before the note is closed, and they hold no cycles: counting references frees them then.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from typing import TypeVar

_Thing = TypeVar("_Thing")
_EVERY = 2000  # things; few documents have as many


def settling(things: Iterable[_Thing]) -> Iterator[_Thing]:
    """The same things; all that is made on the way is looked through no more."""
    for number, thing in enumerate(things, 1):
        yield thing
        if number % _EVERY == 0:
            gc.freeze()

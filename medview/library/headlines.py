"""Headlines of many files: in this process, or by children where there are many.

A child speaks `marshal` over its pipes: a list of paths in, a list of headlines out. Lots are small
enough for the pipes to hold those that wait, so neither side can block the other for ever.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from itertools import islice

from medview.dicom.headline import Headline, HeadlineReader
from medview.library.headline_child import Plain, one_headline, read_message, write_message

_log = logging.getLogger("medview.library")
_FEW = 1500  # below this a child's start costs more than it saves
_LOT, _LOT_BYTES = 256, 24_000
_AHEAD = 2  # lots that a child has in hand

# None: no DICOM file; a text: why it cannot be read (English template).
Found = tuple[str, Headline | str | None]


def headlines(paths: Sequence[str], children: int | None = None) -> Generator[Found, None, None]:
    """Every path with its headline, in any order.

    children: how many processes read; by default as many as cores where that is worth it.
    """
    # One core is for who writes what they found.
    wanted = min(max((os.cpu_count() or 1) - 1, 1), 4) if children is None else children
    if wanted < 1 or (children is None and len(paths) < _FEW):
        yield from _here(paths)
    else:
        yield from _by_children(paths, wanted)


def _here(paths: Sequence[str]) -> Iterator[Found]:
    reader = HeadlineReader()
    for path in paths:
        yield path, one_headline(reader, path)


def _lots(paths: Sequence[str]) -> Iterator[list[str]]:
    waiting = iter(paths)
    while lot := list(islice(waiting, _LOT)):
        while lot:
            count, size = 0, 0
            while count < len(lot) and size < _LOT_BYTES:
                size += 4 * len(lot[count])
                count += 1
            yield lot[:count]
            lot = lot[count:]


class _Child:
    def __init__(self) -> None:
        self.lots: deque[list[str]] = deque()
        self._process = subprocess.Popen(
            # -P: the folder the user stands in, perhaps a CD, must not lend its modules.
            [sys.executable, "-P", "-m", "medview.library.headline_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def give(self, lot: list[str]) -> None:
        self.lots.append(lot)
        pipe = self._process.stdin
        with suppress(OSError):  # it died: `take` reads the lot itself
            if pipe is not None:
                write_message(pipe.fileno(), lot)

    def take(self) -> Iterator[Found]:
        lot = self.lots.popleft()
        pipe = self._process.stdout
        try:
            found: list[Plain] = [] if pipe is None else read_message(pipe.fileno())
        except (OSError, EOFError, ValueError, TypeError):
            _log.warning("a reader of headers died")
            found = []
        if len(found) != len(lot):
            yield from _here(lot)
            return
        for path, plain in zip(lot, found, strict=True):
            yield path, Headline(*plain) if isinstance(plain, tuple) else plain

    def close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        if self.lots:  # stopped before the end
            self._process.kill()
        self._process.wait()


def _by_children(paths: Sequence[str], count: int) -> Iterator[Found]:
    waiting = _lots(paths)
    children = [_Child() for _ in range(count)]
    try:
        for lot, child in zip(islice(waiting, _AHEAD * count), children * _AHEAD, strict=False):
            child.give(lot)
        while any(child.lots for child in children):
            for child in children:
                if child.lots:
                    yield from child.take()
                    for lot in islice(waiting, 1):
                        child.give(lot)
    finally:
        for child in children:
            child.close()

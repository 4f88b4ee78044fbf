"""Headlines of many files: in this process, or by children where there are many.

A child speaks `marshal` over its pipes: a list of paths in, a list of headlines out. Lots are small
enough for the pipes to hold those that wait, so neither side can block the other for ever.
"""

from __future__ import annotations

import logging
import os
import select
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import IO

from medview.dicom.headline import Headline, HeadlineReader
from medview.library.headline_child import Plain, read_message, why_not, write_message

_log = logging.getLogger("medview.library")
_FEW = 5000  # below this a child's start costs more than it saves
_LOT, _LOT_BYTES = 256, 24_000
# Lots that a child has in hand: what it reads while a thousand rows are written, if pipes hold it.
_AHEAD, _LONG_AHEAD, _WIDE_PIPE = 2, 12, 1 << 20

# None: no DICOM file; a text: why it cannot be read (English template).
Found = tuple[str, Headline | str | None]


def headlines(paths: Sequence[str], children: int | None = None) -> Generator[Found, None, None]:
    """Every path with its headline, in any order.

    children: how many processes read; by default as many as cores where that is worth it.
    """
    # One core is for who writes what they found.
    wanted = min(max((os.cpu_count() or 1) - 1, 1), 4) if children is None else children
    if wanted < 1 or (children is None and len(paths) < _FEW):
        return _here(paths)
    return _by_children(paths, wanted)


def _here(
    paths: Sequence[str], reader: HeadlineReader | None = None
) -> Generator[Found, None, None]:
    reader = reader or HeadlineReader()
    for path in paths:
        try:
            found: Headline | str | None = reader.read(path)
        except Exception as error:  # noqa: BLE001 - no file, however hostile, stops the rest
            found = why_not(error)
        yield path, found


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
        pipes = (self._process.stdin, self._process.stdout)
        self.ahead = _LONG_AHEAD if all(map(_is_widened, pipes)) else _AHEAD

    def give(self, lot: list[str]) -> None:
        self.lots.append(lot)
        pipe = self._process.stdin
        with suppress(OSError):  # it died: `take` reads the lot itself
            if pipe is not None:
                write_message(pipe.fileno(), lot)

    @property
    def is_ready(self) -> bool:
        """Whether `take` need not wait; on Windows, which cannot tell, it is taken to be so."""
        pipe = self._process.stdout
        if pipe is None or sys.platform == "win32":
            return True
        return bool(select.select([pipe], [], [], 0)[0])

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


def _is_widened(pipe: IO[bytes] | None) -> bool:
    """Have a pipe hold all that `_LONG_AHEAD` lots say; whether the system does so."""
    if pipe is None or not sys.platform.startswith("linux"):
        return False
    import fcntl

    with suppress(OSError):
        return fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _WIDE_PIPE) >= _WIDE_PIPE
    return False


def _by_children(paths: Sequence[str], count: int) -> Generator[Found, None, None]:
    waiting = _lots(paths)
    children = [_Child() for _ in range(count)]
    try:
        for child in children * _LONG_AHEAD:
            if len(child.lots) < child.ahead:
                for lot in islice(waiting, 1):
                    child.give(lot)
        reader = HeadlineReader()
        while busy := [child for child in children if child.lots]:
            ready = [child for child in busy if child.is_ready]
            # While children start or are behind, this process reads too instead of waiting.
            own = None if ready else next(waiting, None)
            if own is not None:
                yield from _here(own, reader)
                continue
            for child in ready or busy[:1]:
                yield from child.take()
                for lot in islice(waiting, 1):
                    child.give(lot)
    finally:
        for child in children:
            child.close()

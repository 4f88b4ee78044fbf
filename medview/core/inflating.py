"""A deflated stream by offset, in bounded memory: snapshots of the inflater every few megabytes."""

from __future__ import annotations

import zlib
from typing import Any, NamedTuple, Protocol

_INPUT = 1 << 16
_STEP = 1 << 18
_MOST_SNAPSHOTS = 128  # about 50 KB each
_FIRST_SPAN = 4 << 20


class Seekable(Protocol):
    """What the packed bytes are read from."""

    def seek(self, offset: int, /) -> int: ...
    def read(self, count: int, /) -> bytes | None: ...


class _Snapshot(NamedTuple):
    out: int
    taken: int
    machine: Any


class Inflater:
    """Reads `packed` bytes of a file from `start` as what they were before deflation (RFC 1951).

    Going back costs one span at most; wbits as in zlib (-15 raw deflate, 31 gzip). sum: CRC-32 of
    the first `summed` bytes, which is all that was inflated so far.
    """

    def __init__(self, file: Seekable, start: int, packed: int, wbits: int) -> None:
        self._file, self._start, self._packed = file, start, packed
        machine = zlib.decompressobj(wbits)
        self._snapshots = [_Snapshot(0, 0, machine.copy())]
        self._span = _FIRST_SPAN
        self._now = _Snapshot(0, 0, machine)
        self.summed = self.sum = 0

    @property
    def is_at_end(self) -> bool:
        """Whether the stream closed itself where it was last read."""
        return bool(self._now.machine.eof)

    @property
    def left(self) -> int:
        """Packed bytes behind the end of the stream, where it is at its end."""
        return self._packed - self._now.taken + len(self._now.machine.unused_data)

    def read_at(self, offset: int, count: int) -> bytes:
        """At most `count` inflated bytes from `offset`, fewer where the stream ends.

        Raises zlib.error for a damaged stream.
        """
        if offset < self._now.out:
            nearest = max((s for s in self._snapshots if s.out <= offset), key=lambda s: s.out)
            self._now = nearest._replace(machine=nearest.machine.copy())
        self._pass_over(offset)
        parts, left = [], count
        while left:
            part = self._some(left)
            if not part:
                break
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def _pass_over(self, offset: int) -> None:
        while self._now.out < offset and self._some(min(_STEP, offset - self._now.out)):
            pass

    def _some(self, most: int) -> bytes:
        """The next bytes, at least one unless the stream is at its end."""
        out, taken, machine = self._now
        part = b""
        while not part and not machine.eof:
            waiting = machine.unconsumed_tail
            if not waiting:
                self._file.seek(self._start + taken)
                waiting = self._file.read(min(_INPUT, self._packed - taken)) or b""
                taken += len(waiting)
            if not waiting:
                break  # the archive ends before its stream does
            part = machine.decompress(waiting, min(most, _STEP))
        if out + len(part) > self.summed:
            self.sum = zlib.crc32(memoryview(part)[self.summed - out :], self.sum)
            self.summed = out + len(part)
        self._now = _Snapshot(out + len(part), taken, machine)
        self._keep()
        return part

    def _keep(self) -> None:
        out, taken, machine = self._now
        if out < self._snapshots[-1].out + self._span or machine.eof:
            return
        self._snapshots.append(_Snapshot(out, taken, machine.copy()))
        if len(self._snapshots) > _MOST_SNAPSHOTS:
            self._snapshots = self._snapshots[::2]
            self._span *= 2

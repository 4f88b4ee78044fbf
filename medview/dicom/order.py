"""Which slices of a volume are read next: from the one that is looked at outwards."""

from __future__ import annotations

import threading


class Outwards:
    """Slices still to be read, nearest to the one looked at first; for several threads at once.

    They are handed out in lots that grow (1, 2, 4 ... `largest`), so that the neighbours of a
    slice are seen soon and handing over costs little later; a new look begins with a lot of one.
    """

    def __init__(self, count: int, first: int, largest: int = 1) -> None:
        self._count = count
        self._largest = largest
        self._is_taken = bytearray(count)
        self._lock = threading.Lock()
        self.look_at(first)

    def look_at(self, k: int) -> None:
        """Go on from slice k (clipped to what there is), in whatever order it was before."""
        with self._lock:
            self._focus = min(max(k, 0), self._count - 1)
            self._up, self._down, self._size = self._focus, self._focus - 1, 1

    def take(self) -> list[int]:
        """The next lot, empty when there is nothing left."""
        with self._lock:
            lot: list[int] = []
            while len(lot) < self._size and (k := self._next()) >= 0:
                self._is_taken[k] = 1
                lot.append(k)
            self._size = min(2 * self._size, self._largest)
            return lot

    def _next(self) -> int:
        """The nearest slice that nobody has taken, -1 when there is none."""
        while self._up < self._count and self._is_taken[self._up]:
            self._up += 1
        while self._down >= 0 and self._is_taken[self._down]:
            self._down -= 1
        if self._up >= self._count:
            return self._down
        if self._down < 0 or self._up - self._focus <= self._focus - self._down:
            return self._up
        return self._down

"""The one spare block of memory that is kept for the next series."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import time
from typing import cast

import numpy as np

from medview.core.mapped import Memory

_LEAST_SPARE = 8 << 20  # below that nothing is gained
_IDLE = 19  # priority of the wiping thread where threads have one
_WIPED_AT_ONCE = 1 << 20
_PATIENCE_S, _LOOK_EVERY_S = 10.0, 0.02  # for those who still look at a block that was released


class Arena:
    """At most one spare block: touched, zeroed, ready for the next series.

    Zeroing a fresh page costs as much as reading its pixels, so the memory of a closed series is
    used again. It is wiped in a thread that yields to all others, and only when nobody looks at it
    any more: no pixel of the series before is ever seen in the next.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limit = 0
        self._spare: Memory | None = None
        self._is_clean = threading.Event()

    def allow(self, nbytes: int) -> None:
        """How large a spare block may be; 0 keeps none."""
        self._limit = nbytes
        if nbytes < self.nbytes:
            self.give_back()

    @property
    def nbytes(self) -> int:
        """Memory held for nothing yet."""
        spare = self._spare
        return 0 if spare is None else spare.size

    def keep(self, memory: Memory) -> bool:
        """Take a block whose owner has done with it; False when there is no room for it."""
        with self._lock:
            if self._spare is not None or not _LEAST_SPARE <= memory.size <= self._limit:
                return False
            self._spare = memory
            self._is_clean.clear()
        threading.Thread(
            target=self._wipe, args=(memory,), name="medview-wipe", daemon=True
        ).start()
        return True

    def take(self, nbytes: int) -> Memory | None:
        """The spare block if it is ready and not much larger than what is needed."""
        with self._lock:
            spare = self._spare
            if spare is None or not self._is_clean.is_set():
                return None
            if not is_fit(spare.size, nbytes):
                return None
            self._spare = None
            return spare

    def wait(self, timeout_s: float) -> bool:
        """Whether a spare block is ready, perhaps after a while."""
        return self._spare is not None and self._is_clean.wait(timeout_s)

    def give_back(self) -> None:
        """Return the memory to the system: at once, or as soon as its wiping can be stopped."""
        with self._lock:
            spare, self._spare = self._spare, None
            is_clean = self._is_clean.is_set()
        if spare is not None:
            with contextlib.suppress(FileNotFoundError):
                spare.unlink()
            if is_clean:
                spare.close()  # else `_wipe` does it

    def _wipe(self, memory: Memory) -> None:
        with contextlib.suppress(OSError, AttributeError):  # Linux knows the priority of a thread
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _IDLE)
        is_clean = self._is_let_go(memory) and self._is_wiped(memory)
        with self._lock:
            if is_clean and self._spare is memory:
                self._is_clean.set()
                return
            if self._spare is memory:
                self._spare = None
        unlink(memory)

    def _is_let_go(self, memory: Memory) -> bool:
        """Whether the last view of it ends in time."""
        end = time.monotonic() + _PATIENCE_S
        while not memory.open_anew():
            if time.monotonic() > end or self._spare is not memory:
                return False
            time.sleep(_LOOK_EVERY_S)
        return True

    def _is_wiped(self, memory: Memory) -> bool:
        whole = np.frombuffer(cast(memoryview, memory.buf), np.uint8)
        for begin in range(0, len(whole), _WIPED_AT_ONCE):
            if self._spare is not memory:
                return False
            whole[begin : begin + _WIPED_AT_ONCE] = 0
        return True


def is_fit(spare: int, needed: int) -> bool:
    """Whether a spare block of some size serves for what is needed, at most a fifth unused."""
    return needed <= spare <= needed + (needed >> 2)


def unlink(memory: Memory) -> None:
    """Take the name away and close; the memory goes with the last view of it."""
    with contextlib.suppress(FileNotFoundError):
        memory.unlink()
    memory.close()


arena = Arena()
atexit.register(arena.allow, 0)

"""A volume larger than the memory for images: slices come when they are looked at, others go."""

from __future__ import annotations

import mmap
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from medview.core.errors import MedViewError
from medview.core.volume import Volume
from medview.core.words import Sentence, say
from medview.session.places import OpenVolume, Place, stack_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAST_SLICES = 3  # that are kept, however little room there is


class WindowedVolume:
    """Keeps the slices around the one looked at, as many as `room` bytes hold.

    The volume is as large as the stack in addresses only; slices that are not kept take no
    memory and read as not ready. told: called after each slice, in the reading thread. Raises
    MedViewError where the first slice cannot be read or the system has no such memory.
    """

    def __init__(self, place: Place, room: int, first: int, told: Callable[[], None]) -> None:
        import numpy as np

        from medview.dicom import read_frame

        self._stack = place.stack
        self._told = told
        self._focus = first
        sample = read_frame(place.stack, first)
        shape = (len(place.stack.frames), *sample.stored.shape[1:])
        self._slice_bytes = sample.stored.nbytes
        self._memory = _reserve(shape[0] * self._slice_bytes)
        stored = np.frombuffer(self._memory, sample.stored.dtype).reshape(shape)
        self._stored = stored
        self._rescales: NDArray[np.float64] = np.tile(
            (sample.slope, sample.intercept), (shape[0], 1)
        )
        self._capacity = min(shape[0], max(LEAST_SLICES, room // self._slice_bytes))
        self.failed: dict[int, Sentence] = {}
        self.opened = OpenVolume(
            place=place,
            volume=_like(sample, place, stored, self._rescales),
            ready=np.zeros(shape[0], bool),
            failed=self.failed,
            bytes_held=self._capacity * self._slice_bytes,
        )
        self._is_over = False
        self._wanted = threading.Condition()
        self._keep(first, sample)
        self.settled = threading.Event()  # all that there is room for is there
        self._thread = threading.Thread(target=self._run, name="medview-windowed", daemon=True)

    def start(self) -> None:
        """Begin to read the neighbours."""
        self._thread.start()

    def look_at(self, k: int) -> None:
        """Slice k is looked at: read it next, then its neighbours."""
        with self._wanted:
            self._focus = min(max(k, 0), len(self.opened.ready) - 1)
            self.settled.clear()
            self._wanted.notify()

    def give_back(self, nbytes: int) -> int:
        """Keep fewer slices, so that so much memory comes free; how much came, perhaps less."""
        with self._wanted:
            wanted = -(-nbytes // self._slice_bytes)
            spare: int = max(0, self._capacity - min(LEAST_SLICES, len(self.opened.ready)))
            self._capacity -= min(wanted, spare)
            while int(self.opened.ready.sum()) > self._capacity:
                self._forget_furthest()
            self.opened.bytes_held = self._capacity * self._slice_bytes
        self._told()
        return int(min(wanted, spare) * self._slice_bytes)

    def stop(self) -> None:
        """Read nothing any more."""
        with self._wanted:
            self._is_over = True
            self._wanted.notify()
        self.settled.set()

    def _run(self) -> None:
        while True:
            with self._wanted:
                k = self._next()
                while k is None and not self._is_over:
                    self.settled.set()
                    self._wanted.wait()
                    k = self._next()
                if self._is_over or k is None:
                    return
            self._read(k)
            self._told()

    def _next(self) -> int | None:
        """The nearest slice that is not there, None where all that have room are."""
        count, ready = len(self.opened.ready), self.opened.ready
        begin = min(max(0, self._focus - self._capacity // 2), count - self._capacity)
        near = range(begin, begin + self._capacity)
        missing = (k for k in near if not ready[k] and k not in self.failed)
        return min(missing, key=lambda k: abs(k - self._focus), default=None)

    def _read(self, k: int) -> None:
        from medview.dicom import read_frame

        try:
            picture = read_frame(self._stack, k)
            if picture.stored.shape[1:] != self._stored.shape[1:]:
                self.failed[k] = say("The file has changed.")
                return
            self._keep(k, picture)
        except MedViewError as error:
            self.failed[k] = error.what

    def _keep(self, k: int, picture: Volume) -> None:
        with self._wanted:
            while int(self.opened.ready.sum()) >= self._capacity:
                self._forget_furthest()
            self._stored[k] = picture.stored[0]
            self._rescales[k] = picture.slope, picture.intercept
            self.opened.ready[k] = True
        if picture.block is not None:
            picture.block.release()

    def _forget_furthest(self) -> None:
        import numpy as np

        there = np.flatnonzero(self.opened.ready)
        self._forget(int(max(there, key=lambda other: abs(int(other) - self._focus))))

    def _forget(self, k: int) -> None:
        """Give a slice's pages back; those that it shares with its neighbours stay."""
        self.opened.ready[k] = False
        begin = -(-k * self._slice_bytes // mmap.PAGESIZE) * mmap.PAGESIZE
        end = (k + 1) * self._slice_bytes // mmap.PAGESIZE * mmap.PAGESIZE
        if end > begin and hasattr(mmap, "MADV_DONTNEED"):
            self._memory.madvise(mmap.MADV_DONTNEED, begin, end - begin)


def _reserve(nbytes: int) -> mmap.mmap:
    """Addresses without memory. Raises MedViewError where the system has nothing of the kind."""
    private, anonymous = (getattr(mmap, name, 0) for name in ("MAP_PRIVATE", "MAP_ANONYMOUS"))
    try:
        # Windows has no such flags: there a volume takes all its memory at once, or fails.
        return mmap.mmap(-1, nbytes, **({"flags": private | anonymous} if private else {}))
    except (OSError, ValueError, OverflowError) as error:
        raise MedViewError(
            say("There is not enough memory for this series ({size} MB).", size=nbytes >> 20),
            what_to_do=say("Close other studies or programs and open it again."),
            detail=type(error).__name__,
        ) from error


def _like(
    sample: Volume, place: Place, stored: NDArray[np.generic], rescales: NDArray[np.float64]
) -> Volume:
    from dataclasses import replace

    return replace(
        sample,
        geometry=place.stack.geometry,
        stored=stored,
        per_slice=None if sample.is_colour else rescales,
        block=None,
    )


def too_large(place: Place, budget: int) -> Sentence:
    """What the reader is told of such a volume."""
    return say(
        "This series takes {needed} MB, more than the {budget} MB that images may take now: its "
        "slices are read as you look at them.",
        needed=stack_bytes(place.stack) >> 20,
        budget=budget >> 20,
    )

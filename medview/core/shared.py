"""Blocks of shared memory: one copy of the voxels, seen by the window and by the worker.

Names begin with `medview-` and the owner's process number, never with anything of a patient.
"""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import sys
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from medview.core.errors import MedViewError
from medview.core.words import say

_PREFIX = "medview-"
_SHM = Path("/dev/shm")  # noqa: S108 - where POSIX shared memory lives on Linux

_WRITES_BY_CALL = sys.platform.startswith("linux")


class _Memory(SharedMemory):
    """Shared memory whose views may outlive it, also when the collector takes them in any order."""

    def close(self) -> None:
        try:
            super().close()
        except BufferError:
            # A view is still alive: the mapping ends with it. The file itself must not stay open.
            descriptor = getattr(self, "_fd", -1)
            if descriptor >= 0:
                os.close(descriptor)
                self._fd = -1

    def hold(self) -> None:
        """Lock the file shared until it is closed or this process ends, however it ends."""
        import fcntl  # not on Windows, whose blocks have no file

        fcntl.flock(getattr(self, "_fd", -1), fcntl.LOCK_SH)


class SharedBlock:
    """A named block of bytes. The owner unlinks it; others only look at it by name."""

    def __init__(self, memory: SharedMemory, *, owner: bool) -> None:
        self._memory = memory
        self._owner = owner
        self.name = memory.name

    @classmethod
    def create(cls, nbytes: int) -> SharedBlock:
        """Make a zeroed block. Raises MedViewError when memory does not suffice."""
        name = f"{_PREFIX}{os.getpid()}-{secrets.token_hex(6)}"
        try:
            _require_room(nbytes)
            memory = _Memory(name=name, create=True, size=max(1, nbytes))
            if _SHM.is_dir():
                memory.hold()
        except (OSError, MemoryError) as error:
            raise MedViewError(
                say("There is not enough memory for this series ({size} MB).", size=nbytes >> 20),
                what_to_do=say("Close other studies or programs and open it again."),
                detail=type(error).__name__,
            ) from error
        return cls(memory, owner=True)

    @classmethod
    def attach(cls, name: str) -> SharedBlock:
        """Look at a block that another process owns. Raises MedViewError when it is gone."""
        try:
            memory = _Memory(name=name)
        except OSError as error:
            raise MedViewError(say("The image memory is gone."), detail=str(error.errno)) from error
        if os.name == "posix":
            # Before Python 3.13 a process that only attaches would unlink the block when it ends.
            resource_tracker.unregister("/" + memory.name, "shared_memory")
        return cls(memory, owner=False)

    def array(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[np.generic]:
        """A view of the block, C order; the mapping lives as long as any view."""
        # frombuffer holds the buffer open; ndarray(buffer=...) would let it be unmapped below us.
        count = math.prod(shape)
        buffer = cast(memoryview, self._memory.buf)
        return np.frombuffer(buffer, np.dtype(dtype), count=count).reshape(shape)

    def writer(self) -> BlockWriter:
        """What fills the block, also while it is released. Raises MedViewError when it is gone."""
        if self._memory.buf is None:
            raise MedViewError(say("The image memory is gone."))
        return BlockWriter(self._memory)

    def release(self) -> None:
        """Give the block back; views may still live, then the memory goes with them."""
        if self._owner:
            self._owner = False
            with contextlib.suppress(FileNotFoundError):
                self._memory.unlink()
        self._memory.close()

    def __del__(self) -> None:
        self.release()


class BlockWriter:
    """Puts bytes into a block; a context manager, for several threads at once.

    On Linux by the system call: fresh pages are then filled without being zeroed and faulted in
    one by one, and memory that runs out is an error instead of a killed process. Its descriptor is
    its own, so that nothing else can be hit when the block is released meanwhile.
    """

    def __init__(self, memory: SharedMemory) -> None:
        descriptor = getattr(memory, "_fd", -1)
        self._descriptor = os.dup(descriptor) if _WRITES_BY_CALL and descriptor >= 0 else -1
        self._bytes = np.frombuffer(cast(memoryview, memory.buf), np.uint8)

    def write(self, offset: int, data: memoryview) -> None:
        """Write C-contiguous `data` at a byte offset. Raises MedViewError when memory is full."""
        whole = data.cast("B")
        if self._descriptor < 0:
            self._bytes.data[offset : offset + len(whole)] = whole
            return
        done = 0
        try:
            while done < len(whole):
                done += os.pwrite(self._descriptor, whole[done:], offset + done)
        except OSError as error:
            size = self._bytes.size >> 20
            raise MedViewError(
                say("There is not enough memory for this series ({size} MB).", size=size),
                what_to_do=say("Close other studies or programs and open it again."),
                detail=type(error).__name__,
            ) from error

    def __enter__(self) -> BlockWriter:
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _require_room(nbytes: int) -> None:
    # tmpfs hands out pages lazily and kills with SIGBUS when it is full: ask before.
    if _SHM.is_dir():
        stat = os.statvfs(_SHM)
        if stat.f_bavail * stat.f_frsize < nbytes:
            raise MemoryError


def sweep_stale_blocks() -> int:
    """Remove blocks whose owner was killed; returns how many. Called once at start."""
    removed = 0
    if not _SHM.is_dir():
        return 0
    for path in _SHM.glob(_PREFIX + "*"):
        owner = path.name.removeprefix(_PREFIX).split("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists() and _is_let_go(path):
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _is_let_go(path: Path) -> bool:
    # A container beside this one has other process numbers but the same locks; what belongs to
    # another user of the machine cannot even be opened and is that user's to sweep.
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True

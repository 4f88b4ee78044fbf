"""Blocks of shared memory: one copy of the voxels, seen by the window and by the worker.

Names begin with `medview-` and the owner's process number, never with anything of a patient.
"""

from __future__ import annotations

import math
import os
from multiprocessing import resource_tracker
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from medview.core.arena import arena, is_fit, unlink
from medview.core.block_writer import WRITES_BY_CALL, BlockWriter, write_by_call
from medview.core.errors import MedViewError
from medview.core.mapped import PREFIX, SHM, Memory
from medview.core.words import say

__all__ = [
    "BlockWriter", "LentBlock", "SharedBlock", "allow_spare", "give_back_spare", "is_fit",
    "spare_bytes", "sweep_stale_blocks", "wait_for_spare",
]  # fmt: skip


class SharedBlock:
    """A named block of bytes. The owner unlinks it; others only look at it by name."""

    def __init__(self, memory: Memory, *, owner: bool, is_warm: bool = False) -> None:
        self._memory: Memory | None = memory
        self._owner = owner
        self._is_lent = False
        self.is_warm = is_warm

    @property
    def name(self) -> str:
        """Under which others find the block; whoever asks may look for as long as they like."""
        self._is_lent = True
        return self._held.name

    @property
    def _held(self) -> Memory:
        if self._memory is None or self._memory.buf is None:
            raise MedViewError(say("The image memory is gone."))
        return self._memory

    @classmethod
    def create(cls, nbytes: int) -> SharedBlock:
        """Make a zeroed block, `is_warm` when its pages were touched before.

        Raises MedViewError when memory does not suffice.
        """
        spare = arena.take(nbytes)
        if spare is not None:
            return cls(spare, owner=True, is_warm=True)
        try:
            memory = _made(nbytes)
        except (OSError, MemoryError):
            arena.give_back()
            try:
                memory = _made(nbytes)
            except (OSError, MemoryError) as error:
                raise MedViewError(
                    say(
                        "There is not enough memory for this series ({size} MB).", size=nbytes >> 20
                    ),
                    what_to_do=say("Close other studies or programs and open it again."),
                    detail=type(error).__name__,
                ) from error
        return cls(memory, owner=True)

    @classmethod
    def attach(cls, name: str) -> SharedBlock:
        """Look at a block that another process owns. Raises MedViewError when it is gone."""
        try:
            memory = Memory(name=name)
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
        buffer = cast(memoryview, self._held.buf)
        return np.frombuffer(buffer, np.dtype(dtype), count=count).reshape(shape)

    def writer(self) -> BlockWriter:
        """What fills the block, also while it is released. Raises MedViewError when it is gone."""
        return BlockWriter(self._held, is_warm=self.is_warm)

    def release(self) -> None:
        """Give the block back; views may still live, then the memory goes with them."""
        memory, self._memory = self._memory, None
        if memory is None:
            return
        # Nobody else may look at what will soon hold another patient.
        if self._owner and not self._is_lent and arena.keep(memory):
            return
        if self._owner:
            unlink(memory)
        else:
            memory.close()

    def __del__(self) -> None:
        self.release()


allow_spare, give_back_spare, wait_for_spare = arena.allow, arena.give_back, arena.wait


def spare_bytes() -> int:
    """Memory of the spare block, which `give_back_spare` returns to the system."""
    return arena.nbytes


class LentBlock:
    """A block of the program that started this process, for as long as the with statement lasts.

    Raises MedViewError when the block is gone.
    """

    def __init__(self, name: str) -> None:
        self._descriptor = -1
        self._block: SharedBlock | None = None
        if not (WRITES_BY_CALL and SHM.is_dir()):
            self._block = SharedBlock.attach(name)
            return
        try:
            self._descriptor = os.open(SHM / name, os.O_RDWR | os.O_NOFOLLOW)
        except OSError as error:
            raise MedViewError(say("The image memory is gone."), detail=str(error.errno)) from error

    def read(self, offset: int, count: int) -> bytes:
        """Bytes of the block, a copy."""
        if self._block is None:
            return os.pread(self._descriptor, count, offset)
        return self._block.array((offset + count,), np.uint8)[offset:].tobytes()

    def write(self, offset: int, data: memoryview) -> None:
        """Write C-contiguous `data` at a byte offset. Raises MedViewError when memory is full."""
        if self._block is None:
            write_by_call(self._descriptor, offset, data.cast("B"))
        else:
            with self._block.writer() as writer:
                writer.write(offset, data)

    def __enter__(self) -> LentBlock:
        return self

    def __exit__(self, *_: object) -> None:
        if self._block is None:
            os.close(self._descriptor)
        else:
            self._block.release()


def _made(nbytes: int) -> Memory:
    _require_room(nbytes)
    return Memory(size=max(1, nbytes))


def _require_room(nbytes: int) -> None:
    # tmpfs hands out pages lazily and kills with SIGBUS when it is full: ask before.
    free = free_bytes()
    if free is not None and free < nbytes:
        raise MemoryError


def free_bytes() -> int | None:
    """Room for new blocks, None where the system sets no limit of its own."""
    if not SHM.is_dir():
        return None
    stat = os.statvfs(SHM)
    return stat.f_bavail * stat.f_frsize


def sweep_stale_blocks() -> int:
    """Remove blocks whose owner was killed; returns how many. Called once at start."""
    removed = 0
    if not SHM.is_dir():
        return 0
    for path in SHM.glob(PREFIX + "*"):
        owner = path.name.removeprefix(PREFIX).split("-")[0]
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

"""Putting bytes into blocks of shared memory, by the system call where that is cheaper."""

from __future__ import annotations

import math
import os
import sys
from multiprocessing.shared_memory import SharedMemory
from typing import cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from medview.core.errors import MedViewError
from medview.core.words import say

WRITES_BY_CALL = sys.platform.startswith("linux")


class BlockWriter:
    """Puts bytes into a block; a context manager, for several threads at once.

    On Linux by the system call: fresh pages are then filled without being zeroed and faulted in
    one by one, and memory that runs out is an error instead of a killed process. Its descriptor is
    its own, so that nothing else can be hit when the block is released meanwhile.

    is_warm: whether the pages were touched before, so that writing to `array` costs no more than to
    any other memory.
    """

    def __init__(self, memory: SharedMemory, *, is_warm: bool = False) -> None:
        descriptor = getattr(memory, "_fd", -1)
        self._descriptor = os.dup(descriptor) if WRITES_BY_CALL and descriptor >= 0 else -1
        self._bytes = np.frombuffer(cast(memoryview, memory.buf), np.uint8)
        self._memory = memory
        self.is_warm = is_warm

    @property
    def name(self) -> str:
        """Under which processes of this program find the block."""
        return self._memory.name

    def array(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[np.generic]:
        """The block itself, C order, to be written to."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        return self._bytes[:size].view(dtype).reshape(shape)

    def write(self, offset: int, data: memoryview) -> None:
        """Write C-contiguous `data` at a byte offset. Raises MedViewError when memory is full."""
        whole = data.cast("B")
        if self._descriptor < 0:
            self._bytes.data[offset : offset + len(whole)] = whole
        else:
            write_by_call(self._descriptor, offset, whole)

    def __enter__(self) -> BlockWriter:
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def write_by_call(descriptor: int, offset: int, whole: memoryview) -> None:
    """Write all of it at an offset of an open block. Raises MedViewError when memory is full."""
    done = 0
    try:
        while done < len(whole):
            done += os.pwrite(descriptor, whole[done:], offset + done)
    except OSError as error:
        raise MedViewError(
            say(
                "There is not enough memory for this series ({size} MB).",
                size=os.fstat(descriptor).st_size >> 20,
            ),
            what_to_do=say("Close other studies or programs and open it again."),
            detail=type(error).__name__,
        ) from error

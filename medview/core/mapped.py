"""Blocks of shared memory, mapped; on Linux without a name until one is asked for."""

from __future__ import annotations

import mmap
import os
import secrets
import threading
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

from medview.core.errors import MedViewError
from medview.core.words import say

SHM = Path("/dev/shm")  # noqa: S108 - where POSIX shared memory lives on Linux
PREFIX = "medview-"
# A file without a name gets one by the link that stands for its descriptor.
_NAMELESS = getattr(os, "O_TMPFILE", 0) if Path("/proc/self/fd").is_dir() else 0
_naming = threading.Lock()


class Memory(SharedMemory):
    """Shared memory whose views may outlive it, also when the collector takes them in any order."""

    _fd: int
    _mmap: mmap.mmap
    _buf: memoryview | None
    _name: str | None
    _size: int

    def __init__(self, name: str | None = None, *, size: int = 0) -> None:
        """Another process's block by its name, or a zeroed one of this process. Raises OSError.

        On Linux nobody else finds the latter, and it ends with this process, until its name is
        asked for: most blocks are never given away, and a name costs messages to the process that
        would take it away after a crash.
        """
        if name is not None:
            super().__init__(name)
        elif not self._is_nameless(size):
            super().__init__(_new_name(), create=True, size=size)
            if SHM.is_dir():
                self.hold()

    def _is_nameless(self, size: int) -> bool:
        if not _NAMELESS:
            return False
        try:
            self._fd = os.open(SHM, _NAMELESS | os.O_RDWR, 0o600)
        except OSError:  # a system that cannot do it
            return False
        os.ftruncate(self._fd, size)
        self._mmap = mmap.mmap(self._fd, size)
        self._size, self._buf = size, memoryview(self._mmap)
        self.hold()
        return True

    @property
    def name(self) -> str:
        """Under which other processes find the block, given on the first question.

        Raises MedViewError where the block was closed before.
        """
        with _naming:
            if getattr(self, "_name", None) is None:
                if self._fd < 0:
                    raise MedViewError(say("The image memory is gone."))
                self._name = self._linked()
                resource_tracker.register(self._name, "shared_memory")
        return super().name

    def _linked(self) -> str:
        name = _new_name()
        folder = os.open(SHM, os.O_RDONLY)
        try:
            # With the folder's descriptor, for else the link itself would be copied.
            own = f"/proc/self/fd/{self._fd}"
            os.link(own, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=True)
        finally:
            os.close(folder)
        return f"/{name}"

    def unlink(self) -> None:
        """Take the name away, if there is one. Raises FileNotFoundError."""
        if getattr(self, "_name", None) is not None:
            super().unlink()

    def close(self) -> None:
        try:
            super().close()
        except BufferError:
            # A view is still alive: the mapping ends with it. The file itself must not stay open.
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1

    def open_anew(self) -> bool:
        """Map the block again, if no view of it is alive in this process; whether it was done."""
        if self._fd < 0:
            return False  # Windows ends a block with its last mapping
        buffer: memoryview | None = getattr(self, "_buf", None)
        if buffer is not None:
            buffer.release()
            self._buf = None
        try:
            # Views hold the mapping, not the buffer that they were made of: only this tells.
            self._mmap.close()
        except BufferError:
            return False
        self._mmap = mmap.mmap(self._fd, self.size)
        self._buf = memoryview(self._mmap)
        return True

    def hold(self) -> None:
        """Lock the file shared until it is closed or this process ends, however it ends."""
        import fcntl  # not on Windows, whose blocks have no file

        fcntl.flock(self._fd, fcntl.LOCK_SH)


def _new_name() -> str:
    return f"{PREFIX}{os.getpid()}-{secrets.token_hex(6)}"

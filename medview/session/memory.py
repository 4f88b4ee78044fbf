"""How much memory volumes may take: what the user allows, less when the machine runs short."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from medview.core.shared import free_bytes

_LEAST = 512 << 20
_SHARE = 0.4  # of the machine's memory, where the user names no size
_RESERVE_SHARE, _MOST_RESERVE = 0.08, 1 << 30  # left to everything else
_MEMINFO = Path("/proc/meminfo")


def total_bytes() -> int:
    """The machine's memory; 4 GiB where the system does not say."""
    told = _meminfo("MemTotal")
    if told is not None:
        return told
    if sys.platform == "win32":
        return _windows_memory()[0]
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 4 << 30


def available_bytes() -> int | None:
    """Memory that can be had without swapping, None where the system does not say."""
    if sys.platform == "win32":
        return _windows_memory()[1]
    return _meminfo("MemAvailable")


def automatic_budget() -> int:
    """Bytes for volumes where the user names none: two fifths of the memory, 512 MiB at least."""
    return max(_LEAST, int(total_bytes() * _SHARE))


@dataclass(frozen=True, slots=True)
class Budget:
    """What volumes may take. wanted: bytes the user allows, 0 for `automatic_budget`."""

    wanted: int = 0

    @property
    def whole(self) -> int:
        """Bytes on a machine with memory to spare."""
        return self.wanted or automatic_budget()

    def now(self, held: int) -> int:
        """Bytes that volumes may take now, `held` of which they have: less when memory is short."""
        most = self.whole
        available = available_bytes()
        if available is not None:
            reserve = min(_MOST_RESERVE, int(total_bytes() * _RESERVE_SHARE))
            most = min(most, held + available - reserve)
        shared = free_bytes()
        if shared is not None:
            most = min(most, held + shared)
        return max(0, most)


def _meminfo(name: str) -> int | None:
    try:
        lines = _MEMINFO.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) << 10
    return None


def _windows_memory() -> tuple[int, int]:
    """Total and available bytes by GlobalMemoryStatusEx."""
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *(
                (name, ctypes.c_ulonglong)
                for name in (
                    "total", "available", "page_total", "page_available",
                    "virtual_total", "virtual_available", "virtual_extended",
                )
            ),
        )  # fmt: skip

    status = Status(length=ctypes.sizeof(Status))
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 - exists on Windows alone
    kernel.GlobalMemoryStatusEx(ctypes.byref(status))
    return int(status.total), int(status.available)

"""How much memory the machine has, and how much of it can be had now."""

from __future__ import annotations

import os
import sys
from pathlib import Path

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

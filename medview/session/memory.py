"""How much memory volumes may take: what the user allows, less when the machine runs short."""

from __future__ import annotations

from dataclasses import dataclass

from medview.core.machine import available_bytes, total_bytes
from medview.core.shared import free_bytes

__all__ = ["Budget", "automatic_budget", "available_bytes", "total_bytes"]

_LEAST = 512 << 20
_SHARE = 0.4  # of the machine's memory, where the user names no size
_RESERVE_SHARE, _MOST_RESERVE = 0.08, 1 << 30  # left to everything else


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

"""The scale at a view's edge: a round length, and the round parts that it is ticked in."""

from __future__ import annotations

import math
from dataclasses import dataclass

_PARTS = {1: 10, 2: 4, 5: 5}  # by the first digit: 10 cm in tens, 20 cm in fives, 50 cm in tens


@dataclass(frozen=True, slots=True)
class Ruler:
    """length_mm: 1, 2 or 5 times a power of ten. parts: how many equal parts its ticks make."""

    length_mm: float
    parts: int

    @property
    def text(self) -> str:
        """The length in the unit in which it is a whole number."""
        return f"{self.length_mm / 10:g} cm" if self.length_mm >= 10 else f"{self.length_mm:g} mm"


def longest_ruler(room_mm: float) -> Ruler | None:
    """The longest ruler not longer than `room_mm`; None where there is no room at all."""
    if not (math.isfinite(room_mm) and room_mm > 0):
        return None
    power = math.floor(math.log10(room_mm))
    digit = max(each for each in _PARTS if each == 1 or each * 10.0**power <= room_mm)
    return Ruler(digit * 10.0**power, _PARTS[digit])

"""Orientation letters: which way of the patient a direction on the screen points."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

_NAMES = (("L", "R"), ("P", "A"), ("H", "F"))  # growing x, y, z is left, posterior, head
_OPPOSITE = str.maketrans("LRPAHF", "RLAPFH")
_LEAST = 1e-4  # smaller cosines are rounding, not obliquity


def letters(direction: ArrayLike) -> str:
    """Up to three letters of a direction (LPS), in falling magnitude.

    Source: PS3.3 C.7.6.1.1.1 and D. Clunie's convention of writing the largest component first.
    """
    vector = np.asarray(direction, float).tolist()
    length = math.hypot(*vector)
    if not length > 0:
        return ""
    vector = [part / length for part in vector]
    order = sorted(range(3), key=lambda axis: -abs(vector[axis]))
    return "".join(
        _NAMES[axis][0 if vector[axis] > 0 else 1] for axis in order if abs(vector[axis]) > _LEAST
    )


def opposite(words: str) -> str:
    """The letters of the other side."""
    return words.translate(_OPPOSITE)


def edge_letters(right: str, down: str) -> tuple[str, str, str, str]:
    """Letters at the left, right, upper and lower edge from those of right and down."""
    return opposite(right), right, opposite(down), down


def patient_orientation(text: str | Sequence[str]) -> tuple[str, str]:
    """Right and down letters from Patient Orientation (0020,0020); empty where it says nothing.

    Only letters of the standard's alphabet pass; quadruped or free words give nothing.
    """
    parts = text.replace("/", "\\").split("\\") if isinstance(text, str) else list(text)
    if len(parts) != 2:
        return "", ""
    right, down = (part.strip().upper() for part in parts)
    known = all(word and set(word) <= set("LRPAHF") for word in (right, down))
    return (right, down) if known else ("", "")

"""What a formula is given and what it gives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from medview.core.words import Sentence


class NotKnown(Exception):
    """A formula needs an input that nobody has given; never leaves the room."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True, slots=True)
class Inputs:
    """The known inputs by name, in the units of their concepts; 95 % intervals of some."""

    values: Mapping[str, float | bool | str]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Whether an input is known."""
        return name in self.values

    def number(self, name: str) -> float:
        """A number. Raises NotKnown."""
        return float(self._get(name))

    def yes(self, name: str) -> bool:
        """A yes/no. Raises NotKnown: not mentioned is unknown, never no."""
        return bool(self._get(name))

    def word(self, name: str) -> str:
        """A word of a closed list. Raises NotKnown."""
        return str(self._get(name))

    def is_female(self) -> bool:
        """Sex F. Raises NotKnown."""
        return self.word("sex") == "F"

    def _get(self, name: str) -> float | bool | str:
        if name not in self.values:
            raise NotKnown(name)
        return self.values[name]


@dataclass(frozen=True, slots=True)
class Outcome:
    """value in the score's unit, None for a category; band: its id, "" to go by the value.

    interval: 95 %, in the score's unit, where the formula gives one. filled: inputs that were not
    known and that the formula stands in for, as `remarks` say.
    """

    value: float | None = None
    band: str = ""
    interval: tuple[float, float] | None = None
    filled: tuple[str, ...] = ()
    remarks: tuple[Sentence, ...] = ()


class Formula(Protocol):
    """One score's arithmetic."""

    def __call__(self, given: Inputs, coefficients: Mapping[str, Any], /) -> Outcome:
        """Compute; raises NotKnown."""


def logistic(x: float) -> float:
    """1 / (1 + e^-x)."""
    return 1.0 / (1.0 + math.exp(-x))

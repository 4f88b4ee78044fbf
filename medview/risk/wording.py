"""Values, units and lists as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from medview.core.numbers import number_text, unit_text
from medview.core.observation import Concept
from medview.core.words import Sentence, say


def amount(concept: Concept, value: float | bool | str) -> Sentence:
    """A value with its unit, "yes"/"no", or the word itself."""
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    if isinstance(value, str):
        return say(value) if concept.kind == "choice" else say("{text}", text=value)
    label = unit_text(concept.unit)
    if not label:
        return say("{amount}", amount=number_text(value))
    return say("{amount} {unit}", amount=number_text(value), unit=say(label))


def listing(parts: Sequence[Sentence]) -> Sentence:
    """Several names in one sentence; at least one."""
    return reduce(lambda first, rest: say("{first}, {rest}", first=first, rest=rest), parts)

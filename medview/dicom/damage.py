"""What is said of pixels that are there in part or wrong: a stack of such pictures has a mark."""

from __future__ import annotations

from collections.abc import Iterable

from medview.core.words import Sentence, say

TORN = say(
    "The picture is torn: a fault of the program that compressed it. Its values cannot be trusted."
)
SHORT = say("The pixels end early: {there} of {needed} bytes are there, the rest is blank.")
FEWER = say("{there} of {count} pictures are there.")
_MARKED = frozenset(sentence.template for sentence in (TORN, SHORT, FEWER))


def is_damaged(notes: Iterable[Sentence]) -> bool:
    """Whether one of the notes tells of missing or wrong pixels."""
    return any(note.template in _MARKED for note in notes)

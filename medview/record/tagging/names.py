"""What the tagger finds."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """text[start:end] is the name of a thing of `type` (Chemical or Disease).

    probability: that its tags are right, by the CRF; the least of its tokens.
    """

    start: int
    end: int
    type: str
    probability: float = field(default=1.0, compare=False)

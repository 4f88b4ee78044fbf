"""What a reader put right in a document: one mention as it should have been read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanCorrection:
    """A reader's word on one mention of a document.

    document: id of the document, which is made of its content. was: (type, start, end) of the
    mention as MedView read it, None where the reader marked words that MedView passed over.
    type: what it is, "" where there is no such mention. [start, end) counts code points of the
    document's text. temporality and experiencer: the words of `medview-note/1`. by: who; at: when
    (ISO, local).
    """

    id: str
    document: str
    was: tuple[str, int, int] | None
    type: str
    start: int
    end: int
    negated: bool = False
    uncertain: bool = False
    temporality: str = "current"
    experiencer: str = "patient"
    by: str = ""
    at: str = ""

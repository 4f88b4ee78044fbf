"""Answers to a name as to a label: "HTN: no. DM: yes.", "Hypertension (-)", 高血压：无."""

from __future__ import annotations

import re
from dataclasses import dataclass

from medview.record.note import Entity, Span

_ENDS = r"(?=\s*(?:[.,;)）:，。；、|]|\n|$)|\s+known\b)"
_NO = r"no|none|nil|denie[sd]|negative|neg|absent|否认?|无|没有"
_YES = r"yes|present|positive|pos|有|是"
_ANSWER = re.compile(
    r"(?:病史|史)?(?:\s?[:：=]\s?|\s?[(（]\s?)"
    rf"(?:(?P<no>{_NO}|[-－—–](?!\s?\d))|(?P<yes>{_YES}|[+＋]+)){_ENDS}"
    r"|[ \t]+(?:(?P<minus>[-－–])|(?P<plus>\+))[ \t]*(?=[,;，；]|\n|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What stands behind a name: yes or no, and where the word is."""

    says_no: bool
    span: Span


def answer_to(text: str, entity: Entity) -> Answer | None:
    """The answer behind a mention, None where what follows is none."""
    match = _ANSWER.match(text, entity.end)
    if match is None:
        return None
    word = next(k for k in ("no", "yes", "minus", "plus") if match[k])
    return Answer(word in ("no", "minus"), match.span(word))

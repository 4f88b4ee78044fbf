"""What stands right behind a name and takes it back: nobody knows it, or it ended in a past year."""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import re

from medview.record.note import Entity, Span

# "Diabetes: unknown", "stroke not known", "糖尿病史不详"; not "cancer of unknown primary".
_UNKNOWN = re.compile(
    r"(?:\s*[:：]\s*|\s*[(（]\s*|\s+[-–]\s+|\s+)(?:(?:status|history) )?(?:(?:is|was|are) )?"
    r"(?:yes ?/? ?no|y/n|n/a|not applicable|not asked|not stated|unknown|not known|unclear|unsure|undetermined|not documented|not recorded)\b"
    r"(?!,? (?:primary|origin|cause|a?etiology|source|significance|type|stage|duration|date|onset|to be|if\b|whether))"
    r"|\s?[:：]\s?(?:是 ?/ ?否|有 ?/ ?无)"
    r"|\s?[:：]?\s?(?:家族)?(?:病?史|情况)?[:：]?(?:不详|不明(?!原因)|未知)|(?:家族)?病?史(?:不清|不明)",
    re.IGNORECASE,
)
_UNTIL = re.compile(
    r"[^.;,。；，\n]{0,40}?(?:\b(?:until|till) (?:\w+ ){0,2}?(?:(?:19|20)\d{2}\b|last (?:year|month|week|spring|summer|autumn|fall|winter)\b"
    r"|age \d|recently\b|(?:\w+ ){1,2}(?:years?|months?|weeks?) ago)|(?:直至|直到|至|到)(?:19|20)\d{2}年|(?:直至|直到|至|到)(?:去年|前年))",
    re.IGNORECASE,
)
_ANSWER = 24  # characters
_PLANNED = re.compile(
    r"\b(?:continue|keep|remain|stay|plan|complete|to take|should)\b|继续|计划", re.IGNORECASE
)


def unknown_after(text: str, entity: Entity, span: Span) -> Span | None:
    """Where it is said of a disease or a treatment that nobody knows of it."""
    if entity.type not in ("disease", "procedure"):
        return None
    stop = span[1]
    if text[stop - 1] in ":：":  # a label at a line's beginning, whose answer is the next sentence
        stop = text.find("\n", stop) if "\n" in text[stop : stop + _ANSWER] else stop + _ANSWER
    match = _UNKNOWN.match(text, entity.end, stop)
    return match.span() if match else None


def ended_after(text: str, entity: Entity, span: Span) -> Span | None:
    """Where it is said that a disease, symptom or drug was only up to a time of the past."""
    if entity.type not in ("disease", "symptom", "drug"):
        return None
    match = _UNTIL.match(text, entity.end, span[1])
    if match is None or _PLANNED.search(text, max(span[0], entity.start - 40), entity.start):
        return None
    return match.span()

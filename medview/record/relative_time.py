"""Results of another time than their document: "last year", yesterday, 去年, a goal, a baseline.

A day that can be counted from the document's is the result's; where it cannot, the result is not
one of the document's day, and gives no value.
"""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import datetime as dt
import re

from medview.record.note import Entity

_LOOK = 80  # characters to either side
_NOT_SINCE = r"(?<!since )(?<!than )(?<!from )(?<!over the )(?<!in the )(?<!for the )(?<!during the )(?<!within the )(?<!compared to )(?<!compared with )(?<!within )"
_EARLIER = (
    rf"\b{_NOT_SINCE}(?:(?:last|previous|prior) (?:year|month|week|visit|admission|time|appointment|summer|winter|spring|autumn|fall)|yesterday"
    r"|(?P<n>\d+|an?|one|two|three|four|five|six|several|few) (?P<unit>day|week|month|year)s? (?:ago|earlier|before|prior))\b"
    r"|(?<![比较自从])(?:去年|前年|上个?月|上周|上次|昨[日天晚]|前[日天](?!性)|(?<!\d)(?P<zn>\d+|[一二两三四五六七八九十数半]+)个?(?P<zu>[天日周月年])前)"
)
_BEFORE = re.compile(
    rf"(?:{_EARLIER}|\b(?:previously|formerly)|既往|此前|之前)[^.;。；\n,，]{{0,40}}$",
    re.IGNORECASE,
)
_FIRST = re.compile(rf"\s*(?:{_EARLIER})[,，][^.;。；\n,，]{{0,40}}$", re.IGNORECASE)
_AFTER = re.compile(
    rf"(?:(?![.](?!\d)|[;。；\n,，)]|\d ?/ ?\d|\d++(?:\.\d++)?(?! ?(?:days?|weeks?|months?|years?|个?[天日周月年]))).){{0,30}}?(?:{_EARLIER}|\bpreviously\b)",
    re.IGNORECASE,
)
# "1.2 -> 3.4", "180/100, now 140/80": the last is that of now
_THEN_ANOTHER = re.compile(
    r" ?(?:-+>|=+>|→) ?\d"
    r"|[ ,，]*(?:then )?(?:rose|rising|fell|falling|increas\w+|decreas\w+|improv\w+|dropp?\w*|went)(?: up| down)? to (?:about )?\d|[，,]?(?:渐|逐渐|后|已|又)?(?:升高?|增高?|上升|下?降低?|增加|恢复)(?:至|到|为)\d"
    r"|[ ,，;；(（]+(?:and |but )?(?:now|today|currently|今[日天晨]|目前|现)[ :：为是]*(?:\d+(?:\.\d+)?|\d{2,3}/\d{2,3})(?: ?[^\s\d.,;。；，]{1,10})? ?(?:[.;,)。；，）\n]|$)",
    re.IGNORECASE,
)
_TODAY = re.compile(
    r"\b(?:today|now|currently|this morning)\b|今[日天晨早]|目前|(?<![发出表体呈展涌浮再])现(?!病)",
    re.IGNORECASE,
)
_WISHED = re.compile(
    r"(?:\b(?:expected|predicted|birth|peak|nadir|maxim(?:um|al)|minimum|highest|lowest|target|goal|aim(?:ing)?(?: for)?|desired|baseline|usual|normal range(?: of| for)?|threshold|if|until|when|once|keep|maintain)|目标|出生|最高|最低|峰值|基础|基线|控制在|维持|如|若)"
    r"(?:(?: (?:a|an|the|of|for|is|was))* ?| 值)$",
    re.IGNORECASE,
)
_WISH_BEHIND = re.compile(
    r" ?[(（]?(?:goal|target|baseline|threshold|目标|基线)|[^.;。；\n,，]{0,8}\b(?:is |as )(?:the |his |her )?(?:goal|target|baseline)",
    re.IGNORECASE,
)
_YEAR_WITHIN = re.compile(r"[(（][^()（）\d]{0,12}(?P<year>(?:19|20)\d{2})(?!\d)")
_YESTERDAY = re.compile(r"yesterday|昨[日天晚]", re.IGNORECASE)
_WORDS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6,
          "一": 1, "两": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8}  # fmt: skip


def of_another_time(text: str, result: Entity) -> re.Match[str] | None:
    """The words beside a result that say that it is of another time, or only wished for.

    text: in simplified characters.
    """
    start = max(0, result.start - _LOOK)
    line = max(text.rfind("\n", start, result.start), text.rfind("。", start, result.start),
               text.rfind(". ", start, result.start))  # fmt: skip
    start = max(start, line + 1)
    return (
        _THEN_ANOTHER.match(text, result.end)
        or _WISHED.search(text, start, result.start)
        or _WISH_BEHIND.match(text, result.end)
        or _BEFORE.search(text, start, result.start)
        or _FIRST.match(text, start, result.start)
        or _AFTER.match(text, result.end, result.end + _LOOK)
    )


def year_within(text: str, result: Entity) -> str:
    """The year in a bracket between a result's name and number: "Creatinine (2019): 4.5"."""
    match = _YEAR_WITHIN.search(text, result.start, result.end)
    return match["year"] if match else ""


def is_of_today(text: str, result: Entity) -> bool:
    """Whether a result itself says that it is of the day of its document."""
    begin = max(0, result.start - 14)
    before = re.split(r"[.;。；,，\n]", text[begin : result.start])[-1]
    return _TODAY.search(before + text[result.start : result.end]) is not None


def day_of_words(words: re.Match[str], today: str) -> str:
    """The ISO day that words such as "two days ago" mean on `today`, empty where they name none."""
    try:
        day = dt.date.fromisoformat(today[:10])
    except ValueError:
        return ""
    if _YESTERDAY.search(words[0]):
        return (day - dt.timedelta(days=1)).isoformat()
    said = words.groupdict()
    number, unit = said.get("n") or said.get("zn"), said.get("unit") or said.get("zu") or ""
    if not number or unit.lower() not in ("day", "天", "日"):
        return ""
    days = int(number) if number.isdecimal() else _WORDS.get(number.lower(), 0)
    return (day - dt.timedelta(days=days)).isoformat() if 0 < days < 10_000 else ""

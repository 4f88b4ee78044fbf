"""Places in the body with their side, part and segment."""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import re

from medview.record.note import Entity, Span
from medview.record.rules.lexicon import anatomy_for
from medview.record.rules.units import BEGIN, END

_SIDE_WORDS = (
    r"right|left|bilateral|both|upper|lower|middle|mid|anterior|posterior|lateral|medial|superior"
    r"|inferior|apical|basal|basilar|proximal|distal|central|peripheral|dorsal|ventral|cranial"
    r"|caudal|anterolateral|posterolateral|anteromedial|posteromedial|posterobasal|anterobasal"
    r"|laterobasal|mediobasal|apicoposterior|lingular|subpleural|paramediastinal|main|deep|frontal"
    r"|parietal|temporal|occipital|infrahilar|suprahilar|perihilar|hilar"
)
_BEFORE = re.compile(
    rf"(?:{BEGIN}(?:{_SIDE_WORDS}|L|R|\d{{1,2}}(?:st|nd|rd|th))[ -](?:and[ -](?=\w+[ -]))?)+$",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"[ -](?:(?:upper|lower|middle|superior|inferior|anterior|posterior|basal|apical|lateral|medial"
    r"|apicoposterior|posterobasal|anterobasal|laterobasal) )*"
    r"(?:lobes?|segments?|zones?|bases?|base|apex|apices|hilum|lingula|pole|head|neck|tail|body"
    r"|wall|region|quadrant|level|horn|margin)\b(?: (?:\d{1,2}[ab]?|[IVX]{1,4}[ab]?)\b)?",
    re.IGNORECASE,
)
_SPINE = re.compile(
    rf"{BEGIN}(?:[CTL]\d{{1,2}}(?:\s?[-/–]\s?[CTLS]?\d{{1,2}})?|S1)(?:(?: (?:vertebral body|vertebra|level"
    rf"|disc|disk|nerve root))|椎体|椎间盘|椎间隙|椎)?{END}(?![ -]?(?:w\b|weighted|WI\b|signal|hyper|hypo|FLAIR|stage|N\d|加权|[低高等长短稍]*信号|像|压脂))"
    r"|[颈胸腰骶]\d{1,2}(?:[-/～~、][颈胸腰骶]?\d{1,2})?(?:椎体|椎间盘|椎间隙|椎)"
)
_SEGMENT = re.compile(
    rf"{BEGIN}(?:segments? (?:\d{{1,2}}[ab]?|[IV]{{1,4}}[ab]?)(?:[/-](?:\d{{1,2}}|[IV]{{1,4}}))?|S\d{{1,2}}(?:\+\d)?段?|RUL|RML|RLL|LUL|LLL"
    rf"|RUQ|LUQ|RLQ|LLQ|LAD|LCX|RCA|LMCA){END}"
)
_PART = re.compile(r"\b(?:pole|horn|aspect|portion|segment|third|root)$", re.IGNORECASE)
_HAN_BEFORE = re.compile(r"(?:左右|双侧|左侧|右侧|两侧|双|两|左|右)(?:[上中下](?=$))?$")
_HAN_AFTER = re.compile(
    r"(?:左叶|右叶|双叶|两叶|尾状叶|上叶|中叶|下叶|舌叶|舌段|尖后段|尖段|前段|后段|背段|外侧段|内侧段|(?:前|后|外|内)?基底段|S\d+段?"
    r"|[ⅠⅡⅢⅣⅤⅥⅦⅧ]段|上段|中段|下段|近段|远段|近端|远端|上极|下极|中部|上部|下部|前部|后部|内侧|外侧|前壁|后壁|侧壁|下壁|间隔"
    r"|头部|体部|尾部|颈部|底部|头|体|尾|钩突|门部|门区|门|尖|底|上野|中野|下野|野|区|旁|周围|实质|皮质|髓质|窦|上角|下角)+"
)


def find_anatomy(text: str, span: Span, languages: tuple[str, ...]) -> list[Entity]:
    """Anatomy spans inside `span`; they may overlap names of other types."""
    start, end = span
    spans: list[Span] = []
    for match in anatomy_for(languages).find(text, start, end):
        begin, stop = _extend(text, match.start, match.end, start, end)
        if spans and begin < spans[-1][1]:  # two names that grew together
            begin, reached = spans.pop()
            stop = max(stop, reached)
        spans.append((begin, stop))
    for pattern in (_SPINE, _SEGMENT):
        spans += [m.span() for m in pattern.finditer(text, start, end)]
    return [
        Entity(type="anatomy", start=b, end=e, text=text[b:e])
        for b, e in _without_overlap(_joined(text, spans))
    ]


def _extend(text: str, begin: int, stop: int, start: int, end: int) -> Span:
    head = text[start:begin]
    before = _BEFORE.search(head[-60:]) or _HAN_BEFORE.search(head[-4:])
    if before:
        begin -= len(before.group())
    after = _AFTER.match(text, stop, end) or _HAN_AFTER.match(text, stop, end)
    return begin, after.end() if after else stop


def _joined(text: str, spans: list[Span]) -> list[Span]:
    # "右肺" and "上叶", found apart, are one place when nothing stands between.
    joined: list[Span] = []
    for begin, stop in sorted(spans):
        is_part = (
            bool(joined)
            and begin == joined[-1][1] + 1
            and _PART.search(text[: joined[-1][1]][-16:])
        )
        if joined and (
            is_part or (begin <= joined[-1][1] and text[begin - 1 : begin + 1].isalpha())
        ):
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((begin, stop))
    return joined


def _without_overlap(spans: list[Span]) -> list[Span]:
    kept: list[Span] = []
    for begin, stop in sorted(spans, key=lambda s: s[0] - s[1]):
        if not any(begin < e and b < stop for b, e in kept):
            kept.append((begin, stop))
    return sorted(kept)

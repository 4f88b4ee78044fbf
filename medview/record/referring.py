"""Which image a sentence names, and which part of a lung: "series 3, image 45", "右肺上叶"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from medview.record.note import Entity, Note, Span
from medview.record.rules.sentences import sentences

_AROUND = 800  # characters to either side in which the sentence is sought
_SERIES = re.compile(
    r"(?<![A-Za-z])(?:series|ser\.?|se\.?)\s*(?:no\.?|number|#|:)?\s*(?P<a>\d{1,5})(?!\d)|(?:序列|系列)\s*(?:号|[:：#])?\s*(?P<b>\d{1,5})|第\s*(?P<c>\d{1,5})\s*(?:序列|系列)",
    re.IGNORECASE,
)
_IMAGE = re.compile(
    r"(?<![A-Za-z])(?:images?|im\.?|img\.?|slices?|sl\.?)\s*(?:no\.?|numbers?|#|:)?\s*(?P<a>\d{1,5})(?!\d|\.\d|\s*mm)|(?:图像|图|层面|层)\s*(?:号|[:：#])?\s*(?P<b>\d{1,5})(?!\d|\.\d|\s*mm)|第\s*(?P<c>\d{1,5})\s*(?:幅|张|层|图)",
    re.IGNORECASE,
)
_PAIR = re.compile(
    r"(?<![A-Za-z])se(?:ries)?\s*/\s*im(?:age)?\s*[:#]?\s*(?P<series>\d{1,5})\s*[/:,]\s*(?P<image>\d{1,5})",
    re.IGNORECASE,
)
_LOBES = (
    ("right upper lobe", r"right upper lobe|\bRUL\b|右肺?上叶"),
    ("right middle lobe", r"right middle lobe|\bRML\b|右肺?中叶"),
    ("right lower lobe", r"right lower lobe|\bRLL\b|右肺?下叶|right (?:lung )?base"),
    ("left upper lobe", r"left upper lobe|\bLUL\b|lingula|左肺?上叶|左肺?舌"),
    ("left lower lobe", r"left lower lobe|\bLLL\b|左肺?下叶|left (?:lung )?base"),
    ("right lung", r"right lung|右肺|right hemithorax"),
    ("left lung", r"left lung|左肺|left hemithorax"),
)
_LOBE = tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in _LOBES)


@dataclass(frozen=True, slots=True)
class Mentioned:
    """What the sentence of a mention says of where it is; None and empty where it says nothing.

    series, image: numbers as DICOM has them (Series Number, Instance Number). part: a lobe or
    lung, in English. sentence: its span.
    """

    sentence: Span
    series: int | None = None
    image: int | None = None
    part: str = ""

    @property
    def says_nothing(self) -> bool:
        """Whether there is nowhere to go."""
        return self.series is None and self.image is None and not self.part


def mentioned_place(note: Note, entity: Entity) -> Mentioned:
    """Where a mention is, by what its own sentence says nearest to it."""
    start, end = _sentence(note.plain, entity)
    part = _part(note, entity, (start, end))
    pair = _nearest(_PAIR, note.plain, (start, end), entity)
    if pair is not None:
        return Mentioned((start, end), int(pair["series"]), int(pair["image"]), part)
    series = _number(_nearest(_SERIES, note.plain, (start, end), entity))
    image = _number(_nearest(_IMAGE, note.plain, (start, end), entity))
    return Mentioned((start, end), series, image, part)


def _sentence(text: str, entity: Entity) -> Span:
    left, right = max(0, entity.start - _AROUND), min(len(text), entity.end + _AROUND)
    for start, end in sentences(text, left, right):
        if start <= entity.start < end:
            return start, max(end, entity.end)
    return entity.start, entity.end


def _nearest(
    pattern: re.Pattern[str], text: str, span: Span, entity: Entity
) -> re.Match[str] | None:
    """The match that stands nearest; one behind the mention before one that stands before it."""

    def distance(match: re.Match[str]) -> tuple[bool, int]:
        is_before = match.start() < entity.start
        return is_before, abs(match.start() - entity.start)

    return min(pattern.finditer(text, *span), key=distance, default=None)


def _number(match: re.Match[str] | None) -> int | None:
    if match is None:
        return None
    return int(next(group for group in match.group("a", "b", "c") if group))


def _part(note: Note, entity: Entity, sentence: Span) -> str:
    """The lobe that a relation gives, the mention's own words, else the only one near it."""
    tails = {r.tail for r in note.relations if r.type == "finding_location" and r.head == entity.id}
    places = [note.said(e) for e in note.entities if e.id in tails]
    for said in (note.said(entity), *places):
        if found := _lobe(said):
            return found
    if entity.type not in ("finding", "disease", "measurement"):
        return ""
    parts = {found for e in _inside(note, sentence) if (found := _lobe(note.said(e)))}
    return next(iter(parts)) if len(parts) == 1 else ""


def _inside(note: Note, span: Span) -> list[Entity]:
    return [
        e for e in note.entities if e.type == "anatomy" and span[0] <= e.start and e.end <= span[1]
    ]


def _lobe(said: str) -> str:
    return next((name for name, pattern in _LOBE if pattern.search(said)), "")

"""Names that mean something else where they stand: RA after a percentage is room air."""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import re
from collections.abc import Sequence

from medview.record.note import Entity, Span

_NEAR = 12  # characters to either side that tell
# name: what stands right before and right after it where it is not meant
_NOT_MEANT = (
    (r"RA", r"%\s*(?:on |\()?$", ""),  # room air
    (r"FDG", "", r"[- ]?(?:avid|uptake|accumul|activity)"),  # a tracer, not a drug that is taken
    (r"\w+", "", r"-?RADS\b"),  # Lung-RADS, LI-RADS: a category, no lung
    (r"CT|平扫CT", "", r"\s?(?:值|numbers?\b|attenuation)"),
    (r"性病", "", r"[变灶]"),  # 空洞性病变
    (r"T[1-4]", "", r"[a-d]?N[0-3x]"),  # a stage, no vertebra
    (r"尿管", "输$", ""),  # a ureter, no catheter
    (
        r"PCN",
        r"(?i:bilateral|left|right|[LR]|plac\w+|insert\w+|exchang\w+|remov\w+|indwelling|existing) $",
        "",
    ),
    (
        r"PCN",
        "",
        r"(?i:s?[ -](?:tubes?|drains?|catheters?|(?:was |were |are )?(?:placed|placement|inserted|exchanged?|removed|draining)))",
    ),
    (
        r"CP",
        "",
        r"(?i:[ -]?(?:angles?|recess|class|score)\b|[- ][ABC]\b)",
    ),  # costophrenic, Child-Pugh
    (
        r"strokes?",
        "",
        r"(?i:[ -](?:volumes?|work|index|unit|clinic|team|ward|code|risk|cent(?:re|er)|alert|nurse|prevention|pathway|protocol)\b)",
    ),
    (r"stroke", r"(?i:\bcode |\bper |\beach )$", ""),
    (r"卒中|脑卒中", "", r"(?:中心|单元|绿色通道|门诊|病房|筛查)"),
    (r"CAD", "", r"(?i:[ -](?:detected|software|marks?|system|analysis|found|second|reader))"),
    (r"back", r"(?:dat\w+|go\w+|com\w+|held) $", ""),
    (r"DDx|allergic|DX|PRN|IM|PO|SE|FN|NKDA|NKA|NKFA|STAT|PSH|PMH|HPI|VSS|NT|ND|NAD|CTAB", "", ""),
)
_PATTERNS = tuple(
    (re.compile(name, re.IGNORECASE), re.compile(before), re.compile(after))
    for name, before, after in _NOT_MEANT
)


_ANY_WORD = r"\w+"  # a pattern that is of any name; the others are asked about theirs alone
_NAMED = re.compile("|".join(f"(?:{n})" for n, _, _ in _NOT_MEANT if n != _ANY_WORD), re.IGNORECASE)
_OF_ANY = tuple(p for p in _PATTERNS if p[0].pattern == _ANY_WORD)


def meant(text: str, span: Span, entities: Sequence[Entity]) -> list[Entity]:
    """The entities of a sentence without those whose surroundings show another meaning."""
    return [e for e in entities if not _is_other(text, span, e)]


def _is_other(text: str, span: Span, entity: Entity) -> bool:
    before = text[max(span[0], entity.start - _NEAR) : entity.start]
    return any(
        name.fullmatch(entity.text)
        and last.search(before)
        and following.match(text, entity.end, span[1])
        for name, last, following in (_PATTERNS if _NAMED.fullmatch(entity.text) else _OF_ANY)
    )

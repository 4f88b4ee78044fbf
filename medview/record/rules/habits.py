"""Smoking and alcohol, each mention one clause."""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import re

from medview.record.note import Entity, Span, Value
from medview.record.rules.smoking import find_smoking
from medview.record.rules.smoking_amounts import N
from medview.record.rules.units import BEGIN, END

_ALCOHOL = re.compile(
    rf"{BEGIN}(?:(?P<never>(?:denies|denied|no) (?:any )?(?:alcohol|etoh|drinking)(?: (?:use|abuse|consumption|intake))?|does not drink(?: alcohol)?"
    rf"|never drinks?|teetotal(?:er|ler)?|non[ -]?drinker)|(?P<former>ex[ -]?drinker|former (?:alcohol use|drinker|alcoholic)|(?:abstinent|abstaining|sober) from alcohol(?: since (?:19|20)\d{{2}})?|(?:quit|stopped) drinking(?: (?:alcohol|in \d{{4}}|since \d{{4}}|\d+ years? ago))*)"
    rf"|(?P<current>(?:social|occasional|heavy|moderate) (?:alcohol(?: use| consumption)?|drinker|drinking|etoh)|drinks (?:alcohol )?(?:socially|occasionally|(?:about )?{N}[^.,;]{{0,40}}?(?:day|week|month|daily))"
    rf"|(?:alcohol|etoh)(?: use| intake| consumption)?:? (?:of )?{N} (?:units?|drinks?|beers?|glass(?:es)?(?: of wine)?|g)(?: ?(?:per|/|a) ?(?:week|day))?)){END}"
    r"|(?P<zhnever>(?:否认|无|没有)(?:长期)?(?:饮酒|酗酒|嗜酒)(?:史|嗜好)?|(?:不|从不)饮酒)"
    r"|(?P<zhformer>(?:已)?戒酒(?:\d+余?年)?)|(?P<zhcurrent>(?:有|长期|偶有|偶尔|偶|少量|间断|社交性|大量|经常)?(?:饮酒|嗜酒|酗酒)(?:史)?(?:[，,]?(?:约)?\d+余?年)?(?:[，,]?(?:每[日天]|日均|约)*(?:白酒|啤酒|黄酒|红酒)?\d+(?:g|克|ml|mL|两|斤|瓶)(?:/[日天])?)?(?P<zhquit>[，,]?(?:已|现已|目前已)?戒酒?(?:\d+余?(?:年|个?月))?)?)",
    re.IGNORECASE,
)
# One of them stands in whatever the pattern finds: a sentence without them needs no pattern.
_DRINKING_WORDS = ("alcohol", "etoh", "drink", "teetotal", "酒")


def find_habits(text: str, span: Span) -> list[Entity]:
    """Smoking and alcohol mentions inside `span`."""
    found = find_smoking(text, span)
    said = text[span[0] : span[1]].lower()
    if any(word in said for word in _DRINKING_WORDS):
        drinking = [_alcohol(match) for match in _ALCOHOL.finditer(text, *span)]
        found += [d for d in drinking if not any(d.overlaps(f) for f in found)]
    return sorted(found, key=lambda e: e.start)


def _alcohol(match: re.Match[str]) -> Entity:
    word = next(k for k, v in match.groupdict().items() if v).removeprefix("zh")
    value = Value(text="former" if match["zhquit"] else word)
    return Entity(type="alcohol", start=match.start(), end=match.end(), text=match[0], value=value)

"""Smoking and drinking, each mention one clause."""

from __future__ import annotations

import re

from medview.record.note import Entity, Span
from medview.record.rules.drinking import find_drinking
from medview.record.rules.smoking import find_smoking

_LABEL_ALONE = re.compile(r"\s*[:：]\s*$")  # "吸烟史：", whose answer is the next sentence


def find_habits(text: str, span: Span) -> list[Entity]:
    """Mentions of smoking and drinking inside `span`."""
    found = find_smoking(text, span)
    found += [d for d in find_drinking(text, span) if not any(d.overlaps(f) for f in found)]
    whole = (e for e in found if not _LABEL_ALONE.match(text, e.end, span[1]))
    return sorted(whole, key=lambda e: e.start)

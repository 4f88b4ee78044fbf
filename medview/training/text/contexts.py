"""Sentences with one condition each: is its negation and its time read as the annotators did?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from medview.record.note import Attributes, Entity
from medview.record.rules.context import with_context
from medview.record.rules.sections import find_sections, label_at
from medview.record.rules.sentences import sentences
from medview.training.text.scores import Tally

TIMES = ("Recent", "Historical", "Not particular")
# The set's guidelines differ from those of notes in two things: a question that an examination is
# to answer ("rule out X") is about now, and allergies and habits are of the past.
_QUESTION = re.compile(r"rul|r/o|eval|assess|look|exclu|check|monitor|work|to eval|screen", re.I)
_PAST_SECTIONS = ("allergies", "social")
_TIMES = {"current": "Recent", "historical": "Historical", "hypothetical": "Not particular"}


def read_condition(row: Mapping[str, Any]) -> Attributes:
    """What the rules say of the row's condition, which is put into the sentence as a finding.

    Its time is said as the set's annotators would.
    """
    text, condition = row["sentence"], row["condition"]
    start = text.find(condition.upper())
    if start < 0:
        start = text.upper().find(condition.upper())
    if start < 0:
        return Attributes()
    end = start + len(condition)
    entity = Entity(type="finding", start=start, end=end, text=text[start:end])
    span = next((s for s in sentences(text) if s[0] <= start < s[1]), (0, len(text)))
    section = label_at(find_sections(text), start)
    (read,) = with_context(text, (span[0], max(end, span[1])), [entity], section, ("en",))
    return replace(read.attrs, temporality=_time(text, read.attrs, section))


def _time(text: str, said: Attributes, section: str) -> str:
    if said.temporality == "current" and section in _PAST_SECTIONS:
        return "historical"
    if said.temporality == "hypothetical" and said.trigger is not None:
        is_question = _QUESTION.match(text[slice(*said.trigger)])
        return "current" if is_question else said.temporality
    return said.temporality


def count_condition(tally: Tally, row: Mapping[str, Any], said: Attributes) -> None:
    """Add one sentence to a tally, as a text of its report."""
    tally.begin(str(row.get("report", row["id"])))
    tally.add("negated", {1} & {int(row["negation"] == "Negated")}, {1} & {int(said.negated)})
    when, ours = row["temporality"], _TIMES[said.temporality]
    for name in TIMES:
        tally.add(f"temporality.{name}", {1} if when == name else (), {1} if ours == name else ())
    who = row.get("experiencer", "Patient") != "Patient"
    tally.add("experiencer", {1} if who else (), {1} if said.experiencer != "patient" else ())

"""The tagger's names beside what the word lists found: one mention for one thing.

A list says what a name is (symptom, finding); the tagger knows names that no list has, and how far
a name goes ("oxaliplatin-induced peripheral neuropathy"). Where both see one the longer span holds,
without the words for how severe, large or new a thing is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from medview.record.note import Entity
from medview.record.rules.dosing import is_dosing
from medview.record.tagging.names import Name

_SURE = 0.5  # probability of a name that no list has
_SURER = 0.5  # of one that changes a list's span
_TYPES = {"Disease": ("disease", "symptom", "finding"), "Chemical": ("drug",)}
_GRADED = re.compile(
    r"(?:(?:mild|moderate|severe|marked|minimal|slight|significant|massive|extensive|large|small|new"
    r"|worsening|stable|old|recent|diffuse|multiple|bilateral|left|right)(?:ly)?[ -](?:to[ -])?)+",
    re.IGNORECASE,
)
_FELT = re.compile(
    r"(?:pain|ache|nausea|vomiting|dizziness|fever|cough|weakness|fatigue|discomfort|itching|tremor"
    r"|numbness|swelling|bleeding|rash|headache|dyspn(?:o)?ea|diarrh(?:o)?ea|drowsiness|somnolence)s?$",
    re.IGNORECASE,
)

# Words of headers and lists that abstracts name as diseases.
_GENERAL = re.compile(
    r"infectious diseases?|allerg(?:y|ies)|stroke unit|smoking|tobacco", re.IGNORECASE
)
_AMOUNT = re.compile(r"\s+\d+(?:\.\d+)?$")
_UNIT_AHEAD = re.compile(r"\s?(?:mcg|mg|g|µg|μg|ug|ml|units?|IU|U)\b", re.IGNORECASE)
_NUMBER = re.compile(r"(?:\b(?:ID|MRN)|\b(?:number|accession))\W{1,3}$", re.IGNORECASE)


def with_names(text: str, entities: Sequence[Entity], names: Sequence[Name]) -> list[Entity]:
    """The entities of a sentence, with the tagger's names beside or instead of them."""
    kept = list(entities)
    for name in names:
        if _NUMBER.search(text, max(0, name.start - 20), name.start):
            continue  # the letters of a patient's or an order's number are no name
        if _GENERAL.fullmatch(text, name.start, name.end):
            continue
        if not any(letter.isalpha() for letter in text[name.start : name.end]):
            continue
        if is_dosing(text, (name.start, name.end)):
            continue
        shortened = _without_degree(text, _without_amount(text, name))
        met = [e for e in kept if e.start < shortened.end and shortened.start < e.end]
        if not met and shortened.probability >= _SURE:
            kept.append(_entity(text, shortened))
        elif shortened.probability >= _SURER and _is_within(met, shortened):
            own = max(met, key=lambda e: (e.type in _TYPES[name.type], e.end - e.start))
            kept = [e for e in kept if e not in met]
            kept.append(_entity(text, shortened, own if own.type in _TYPES[name.type] else None))
    return sorted(kept, key=lambda e: e.start)


def _without_amount(text: str, name: Name) -> Name:
    """A drug without the number of its dose, which the tagger takes for a part of it."""
    match = _AMOUNT.search(text, name.start, name.end) if name.type == "Chemical" else None
    if match is None or _UNIT_AHEAD.match(text, name.end) is None:
        return name
    return replace(name, end=match.start())


def _is_within(met: Sequence[Entity], name: Name) -> bool:
    if any((e.type, e.start, e.end) == ("anatomy", name.start, name.end) for e in met):
        return False  # "ACL", "patella": the place alone is no disease
    return all(
        name.start <= e.start and e.end <= name.end and e.type in (*_TYPES[name.type], "anatomy")
        for e in met
    )


def _without_degree(text: str, name: Name) -> Name:
    match = _GRADED.match(text, name.start, name.end)
    if match is None or match.end() >= name.end:
        return name
    return replace(name, start=match.end())


def _entity(text: str, name: Name, like: Entity | None = None) -> Entity:
    written = text[name.start : name.end]
    kind = "drug" if name.type == "Chemical" else "symptom" if _FELT.search(written) else "disease"
    return Entity(
        type=like.type if like else kind, start=name.start, end=name.end, text=written,
        concepts=like.concepts if like else (),
    )  # fmt: skip

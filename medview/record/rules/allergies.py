"""Substances that a patient does not tolerate: drugs and allergens in an allergic context."""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from medview.core.paths import resources_dir
from medview.record.note import Entity, Span
from medview.record.rules.lexicon import Lexicon, Term

_BEFORE = re.compile(
    r"(?:allerg(?:ic|y|ies) (?:to|against)|(?:intoleran(?:t|ce)|hypersensitiv(?:e|ity)|anaphyla(?:xis|ctic reaction)) (?:to|of)"
    r"|allerg(?:y|ies):|(?-i:\b(?:All|ALL)):|过敏史[：:]|过敏原[：:]|(?<!相)对)(?:(?!premedic|pretreat|treated|given|receiv|予以|给予)[^.;。；\n])*$",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"\s*(?:allerg(?:y|ies|ic)|hypersensitivity|intoleran(?:t|ce)|skin test(?:ing)? (?:is |was )?(?:positive|negative))\b"
    r"|\s*(?:等)?(?:药物|类药物|类)?(?:(?:严重|有|并?不|没有|并?无|未见)?(?:过敏|不耐受)|皮试[(（]?[阴阳+＋—－-])",
    re.IGNORECASE,
)
# "Lisinopril caused a cough" under ALLERGIES is an effect of a drug, not an allergy.
_CAUSES = re.compile(r"[ ]*(?:caused|causes|induced|led to|引起|导致|后出现)", re.IGNORECASE)
# What may stand between a substance and what it did: one token a turn, no letter of it two ways.
_DID = r"[(（:：,，\-–→>=]|曾|可|药物|allergy|过敏|causes?|caus(?:ed|ing)|which caused|reaction|with|develops?|results? in|leads? to|出现|引起|表现为|致|史|后"
REACTION = re.compile(rf"\s*(?:{_DID})(?:\s|{_DID})*(?:\w+ ){{0,2}}", re.IGNORECASE)
# "PCN -> hives": an arrow from a substance to what an allergy does.
_ARROW = re.compile(
    r"\s*(?:-+>|=+>|→)\s*(?:\w+ ){0,2}(?:rash|hives|urticaria|anaphyla|angioedema|皮疹|荨麻疹|过敏|喉头水肿)"
    r"(?![^.;。；,，\n]{0,24}(?:improv|resolv|better|reliev|subsid|settl|gone|clear|好转|缓解|消退|减轻|消失))",
    re.IGNORECASE,
)
_APART_MAX = 60  # characters
_LIST = re.compile(r"(?:\s|,|、|，|和|及|或|and|or|\(|\)|/)*", re.IGNORECASE)


@cache
def _allergens(languages: tuple[str, ...]) -> Lexicon:
    lexicon = Lexicon()
    for language in languages:
        path = resources_dir() / "lexicon" / language / "allergen.tsv"
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                for name in line.split("|"):
                    lexicon.add(name, Term("allergy"))
    return lexicon


def with_allergies(
    text: str, span: Span, entities: Sequence[Entity], section: str, languages: tuple[str, ...]
) -> list[Entity]:
    """Entities of a sentence, with substances that cause an allergy turned into `allergy`."""
    if section != "allergies" and not re.search(
        r"allerg|intoleran|hypersens|anaphyl|skin test|过敏|不耐受|皮试|[-=]>|→|\ball:",
        text[span[0] : span[1]],
        re.IGNORECASE,
    ):
        return list(entities)
    substances = [e for e in entities if e.type == "drug"]
    for match in _allergens(languages).find(text, *span):
        entity = Entity(
            type="allergy", start=match.start, end=match.end, text=text[match.start : match.end]
        )
        if not any(entity.overlaps(e) for e in entities):
            substances.append(entity)
    substances.sort(key=lambda e: e.start)
    chosen = {
        s for s in substances
        if _is_allergic(text, span, s)
        or (section == "allergies" and not _CAUSES.match(text, s.end, span[1]))
    }  # fmt: skip
    for one, two in zip(reversed(substances[:-1]), reversed(substances[1:]), strict=True):
        if two in chosen and _LIST.fullmatch(text, one.end, two.start):
            chosen.add(one)  # "对青霉素、头孢过敏", "penicillin and sulfa allergy"
    rest = [_as_reaction(text, e, chosen) for e in entities if e not in chosen]
    return sorted(rest + [replace(s, type="allergy") for s in chosen], key=lambda e: e.start)


def _as_reaction(text: str, entity: Entity, chosen: set[Entity]) -> Entity:
    """Hives, anaphylaxis: diseases elsewhere, but as what a substance did they are symptoms."""
    is_reaction = entity.type == "disease" and any(
        s.end <= entity.start <= s.end + _APART_MAX
        and REACTION.fullmatch(text, s.end, entity.start)
        for s in chosen
    )
    return replace(entity, type="symptom") if is_reaction else entity


def _is_allergic(text: str, span: Span, substance: Entity) -> bool:
    before = _BEFORE.search(text[span[0] : substance.start])
    if before and not before[0].startswith("对"):
        return True
    ends = (substance.end, span[1])
    return _AFTER.match(text, *ends) is not None or _ARROW.match(text, *ends) is not None

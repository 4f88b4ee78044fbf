"""Which size and place belong to a finding, which effect to a drug, which reaction to an allergy."""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import re
from collections.abc import Sequence

from medview.record.note import Entity, Span
from medview.record.rules.allergies import REACTION

Link = tuple[str, Entity, Entity]

_CAUSES = re.compile(
    r"(?:[^.;。；]|\.(?=\d)){0,40}?(?:caus(?:ed|es|ing)|induc(?:ed|es|ing)|led to|leading to|result(?:ed|s|ing) in|produced|triggered|precipitated"
    r"|associated with|complicated by|-?(?:induced|associated|related)|(?:was |were )?(?:stopped|discontinued|held|withdrawn|switched) (?:because of|due to|for|after)"
    r"|followed by|developed|(?:输液|用药|服药|治疗|使用|输注|化疗)?(?:过程|期间|中)(?:出现|发生)|后(?:曾)?(?:出现|发生|引起|导致|并发)?|引起|导致|诱发|(?:相关|所致|致)(?:的|性)?|不良反应[：:为]*)"
    r"(?:[^.;。；,，]{0,24})",
    re.IGNORECASE,
)
_CAUSED_BY = re.compile(
    r"(?:\s*[，,]?\s*(?:考虑|可能|疑)(?:与|为|由)|\s*(?:[^.;。；,，]{0,16}?)(?:since (?:starting |taking |beginning |initiation of )|while (?:on |taking )|after (?:taking |starting |receiving |use of )?|following |due to |secondary to |caused by |induced by |attributed to |related to "
    r"|thought to be from |because of |from |with |on |考虑(?:与|为)|由|因|系))(?:the |his |her |a |an |use of |taking )?(?:(?:dose of|previous|prior|recent|high[ -]dose|服用|使用|口服) ?)?",
    re.IGNORECASE,
)
# "stopped lisinopril because of a dry cough"
_STOPPED = re.compile(
    r"(?:stop(?:ped|ping)?|discontinu(?:ed|ing)|withdr[ae]wn?|held|ceased|changed|switched|taken off|came off|停用|停服)\s*(?:the |his |her |taking )*$",
    re.IGNORECASE,
)
_BECAUSE = re.compile(
    r"[^.;。；,，]{0,24}?\b(?:because of|due to|owing to|secondary to|on account of|after developing) (?:\w+ ){0,2}",
    re.IGNORECASE,
)
_RELIEVED = re.compile(r"control|treat|manag|reliev|improv|respon|resolv", re.IGNORECASE)
_WITH_ON = re.compile(r"\s*(?:with|on|from) ", re.IGNORECASE)
_FOR = re.compile(
    r"(?:[^.;。；]{0,50}? )?for (?:the |his |her |treatment of |management of |chronic |known )*",
    re.IGNORECASE,
)
_GIVEN = re.compile(r"[，, ]*(?:给予|予|服用|口服|服|使用|应用|一直服用)")
_IN = re.compile(
    r"[^;.。；\n]{0,30}?(?:\b(?:in|of|within|at|involving|along|affecting|near|on|from|over|around|abutting|overlying|throughout|to)\b (?:the |both |his |her |its |a )*|,? ?\()$",
    re.IGNORECASE,
)
_SIDED = re.compile(
    r"(?:left|right|bilateral|upper|lower|mid) |(?-i:(?:RUL|RML|RLL|LUL|LLL)$)", re.IGNORECASE
)  # "cyst left lobe"
_IN_REACH = 64  # characters: more than the words of `_IN` are long
_DATE_GAP = re.compile(
    r"[\s(（,，:：]*(?:on|of|from|dated|performed|taken|obtained|in|于|示|检查)?[\s(（:：]*",
    re.IGNORECASE,
)
_CLAUSE = re.compile("[;；。]|\n")
_COMMA = re.compile("[,，]")
# Words for the look of a lesion have no size of their own.
_DESCRIBES = re.compile(
    r"^(?:spiculation|lobulation|毛刺征?|分叶征?|胸膜凹陷征?|胸膜牵拉征?|空泡征|异常强化)$",
    re.IGNORECASE,
)
_SIZE_OF = re.compile(
    r"(?:largest|larger|measur(?:es|ing)|up to|diameter(?: of)?|大小|直径|长径|最大者?|径)(?: about| of|约为?|为|：)*\s*$",
    re.IGNORECASE,
)
# A way from a landmark, which is no size: "5 cm FN", "3 cm above the carina", 距乳头5cm.
_DISTANCE = re.compile(
    r"\s?(?:FN\b|(?:from|above|below|proximal to|distal to|deep to|off) (?:the )?)", re.IGNORECASE
)
_DISTANCE_BEFORE = re.compile(r"距(?:离)?[^，,。；;]{0,10}$")
_LANDMARK = re.compile(
    r"(?:[cm]m (?:from|above|below|proximal to|distal to|deep to|off) (?:the )?|距(?:离)?)$",
    re.IGNORECASE,
)
_NODE = re.compile(r"\bnodes?$|淋巴结$", re.IGNORECASE)
_LESIONS = ("finding", "disease")
# A name that says its own place does not lie in one of the clause before.
_OWN_PLACE = re.compile(
    r"pleural|pericardi|mediastin|hilar|lymph|ascites|hepat|splen|renal|adrenal|pancrea|thyroid|aort"
    r"|coronary|osseous|rib|vertebra|胸腔|心包|胸膜|纵隔|肺门|腹腔|腹水|盆腔|淋巴结|肝|脾|肾|胰|胆|甲状腺|主动脉|冠状动脉|骨",
    re.IGNORECASE,
)


def find_relations(text: str, entities: Sequence[Entity], before: Sequence[Entity]) -> list[Link]:
    """Relations among the entities of one sentence; `before` are those of the sentence before."""
    links: list[Link] = []
    links += _adverse(text, entities)
    links += _reactions(text, entities)
    links += _indications(text, entities)
    links += _sizes(text, entities, before)
    links += _locations(text, entities)
    links += _dates(text, entities)
    return links


def _of(entities: Sequence[Entity], *types: str) -> list[Entity]:
    return [e for e in entities if e.type in types]


def _gap(text: str, one: Entity, two: Entity) -> str:
    return text[one.end : two.start] if one.end <= two.start else text[two.end : one.start]


def _adverse(text: str, entities: Sequence[Entity]) -> list[Link]:
    links: list[Link] = []
    for drug in _of(entities, "drug"):
        for effect in _of(entities, "symptom", "disease", "finding"):
            if effect.attrs.negated:
                continue
            gap = _gap(text, drug, effect)
            if drug.end <= effect.start:
                holds = _CAUSES.fullmatch(gap) is not None or _is_stopped(text, drug, gap)
            else:
                is_cure = _WITH_ON.fullmatch(gap) and effect.type == "disease"
                holds = _CAUSED_BY.fullmatch(gap) is not None and not is_cure
                holds = holds and _RELIEVED.search(gap) is None
            if holds:
                links.append(("adverse_effect", drug, effect))
    return _same_list(text, links, entities)


def _is_stopped(text: str, drug: Entity, gap: str) -> bool:
    ahead = text[max(0, drug.start - 24) : drug.start]
    return _STOPPED.search(ahead) is not None and _BECAUSE.fullmatch(gap) is not None


def _same_list(text: str, links: list[Link], entities: Sequence[Entity]) -> list[Link]:
    # "caused rash and nausea": the second effect stands in one list with the first.
    more = []
    for kind, drug, effect in links:
        later = [e for e in _of(entities, "symptom", "disease") if e.start >= effect.end]
        last = effect
        for other in later:
            if not re.fullmatch(r"(?:,|、|和|及|and|\s|also)+", text[last.end : other.start]):
                break
            more.append((kind, drug, other))
            last = other
    return list(dict.fromkeys(links + more))


def _reactions(text: str, entities: Sequence[Entity]) -> list[Link]:
    return [
        ("allergy_reaction", allergy, symptom)
        for allergy in _of(entities, "allergy")
        for symptom in _of(entities, "symptom", "disease", "finding")
        if allergy.end <= symptom.start and REACTION.fullmatch(text, allergy.end, symptom.start)
    ]


def _indications(text: str, entities: Sequence[Entity]) -> list[Link]:
    links: list[Link] = []
    diseases = _of(entities, "disease")
    for drug in _of(entities, "drug"):
        after = [
            d for d in diseases if drug.end <= d.start and _FOR.fullmatch(text, drug.end, d.start)
        ]
        if after:
            links.append(("drug_indication", drug, after[0]))
            continue
        links += [
            ("drug_indication", drug, disease)
            for disease in diseases
            if disease.end <= drug.start and _GIVEN.fullmatch(text, disease.end, drug.start)
        ]
    return links


def _sizes(text: str, entities: Sequence[Entity], before: Sequence[Entity]) -> list[Link]:
    links: list[Link] = []
    for size in _of(entities, "measurement"):
        if is_distance(text, size):
            continue
        lesions = [e for e in _of(entities, *_LESIONS) if not _DESCRIBES.search(e.text)]
        places = _of(entities, "anatomy")
        own = [e for e in lesions if not _looks_back(text, size, e)]
        own = [e for e in own if not _is_of_place(text, size, e, places)]
        own = [e for e in own if not _is_of_node(text, size, e, places)]
        lesion = _nearest(text, size, own)
        # "It measures 8 mm" goes on about the sentence before; a place begins something new.
        goes_on = not lesions and not any(p.start < size.start for p in places)
        if lesion is None and before and goes_on:
            earlier = _of(before, *_LESIONS)
            lesion = earlier[-1] if earlier else None
        if lesion is not None:
            links.append(("finding_size", lesion, size))
    return links


def is_distance(text: str, size: Entity) -> bool:
    """Whether a length says how far something lies from a landmark."""
    before = text[max(0, size.start - 14) : size.start]
    return bool(_DISTANCE.match(text, size.end) or _DISTANCE_BEFORE.search(before))


def _looks_back(text: str, size: Entity, lesion: Entity) -> bool:
    """Whether a size ends what was said before this lesion: "the largest 3 cm, likely metastases"."""
    if lesion.start < size.end:
        return False
    return bool(
        _SIZE_OF.search(text[: size.start][-24:]) and _COMMA.search(_gap(text, size, lesion))
    )


def _is_of_place(text: str, size: Entity, lesion: Entity, places: Sequence[Entity]) -> bool:
    """Whether a size is that of a duct or organ, after what is not there: "无扩张，胆总管约6mm"."""
    return (
        lesion.attrs.negated
        and lesion.end <= size.start
        and _COMMA.search(text, lesion.end, size.start) is not None
        and any(lesion.end <= p.start and p.end <= size.start for p in places)
    )


def _is_of_node(text: str, size: Entity, lesion: Entity, places: Sequence[Entity]) -> bool:
    """Whether a number is that of a lymph node named after the lesion: "... and a hilar node, SUV 3"."""
    for node in reversed(places):
        is_between = lesion.end <= node.start and node.end <= size.start
        if not is_between or not _NODE.search(node.text):
            continue
        near = max(lesion.end, node.start - _IN_REACH)
        if _IN.search(text, near, node.start) is None:
            return _CLAUSE.search(text, node.end, size.start) is None
    return False


def _nearest(text: str, entity: Entity, candidates: Sequence[Entity]) -> Entity | None:
    def cost(other: Entity) -> tuple[float, int]:
        gap = _gap(text, entity, other)
        begins_new = 0.5 if other.start >= entity.end else 0  # "in the liver, 8 mm, with ..."
        return (2 if _CLAUSE.search(gap) else 1 + begins_new if _COMMA.search(gap) else 0), len(gap)

    possible = [c for c in candidates if not c.overlaps(entity)]
    best = min(possible, key=cost, default=None)
    return best if best is not None and cost(best)[0] < 2 and cost(best)[1] < 80 else None


def _locations(text: str, entities: Sequence[Entity]) -> list[Link]:
    places = [
        p for p in _of(entities, "anatomy")
        if not _LANDMARK.search(text[max(0, p.start - 24) : p.start])
    ]  # fmt: skip
    links: list[Link] = []
    for lesion in _of(entities, *_LESIONS):
        others = [e for e in _of(entities, *_LESIONS) if e is not lesion]
        after = _place_after(text, lesion, places, others)
        if after:
            links += [("finding_location", lesion, place) for place in after]
            continue
        before = _places_before(text, lesion, places, others)
        links += [("finding_location", lesion, place) for place in before]
    return links


def _place_after(
    text: str, lesion: Entity, places: Sequence[Entity], others: Sequence[Entity]
) -> list[Entity]:
    found: list[Entity] = []
    for place in places:
        if place.start < lesion.end:
            continue
        if any(lesion.end <= o.start and o.end <= place.start for o in others) and not found:
            gap = text[lesion.end : place.start]
            if not re.match(r"\s*(?:and|or|,|with)\b", gap) or len(gap) > 60:
                break
        gap = text[(found[-1] if found else lesion).end : place.start]
        if found and not re.fullmatch(r"(?:,|and|or|&|、|和|及|\s|the)+", gap):
            break
        if not found and (
            not (gap == " " and _SIDED.match(place.text))
            and (not gap.strip(" (,") or not _IN.fullmatch(gap) or gap.strip() in ("", ","))
        ):
            break
        found.append(place)
    return found


def _places_before(
    text: str, lesion: Entity, places: Sequence[Entity], others: Sequence[Entity]
) -> list[Entity]:
    before = [p for p in places if p.end <= lesion.start]
    if not before:
        return []
    gap = text[before[-1].end : lesion.start]
    allowed = 1 if lesion.type == "finding" else 0
    # "右肺上叶结节，未见胸腔积液", "PE in the RLL, no strain": the place was that of another
    is_taken = any(o.end <= lesion.start and lesion.start > before[-1].end for o in others)
    if _OWN_PLACE.search(lesion.text) or (is_taken and lesion.attrs.negated):
        allowed = 0
    if _CLAUSE.search(gap) or len(gap) > 60 or len(_COMMA.findall(gap)) > allowed:
        return []
    found = [before[-1]]
    for place in reversed(before[:-1]):  # 主动脉及冠状动脉见钙化: both
        if not re.fullmatch(r"(?:,|、|和|及|与|and|or|\s|the)+", text[place.end : found[0].start]):
            break
        found.insert(0, place)
    return found


def _dates(text: str, entities: Sequence[Entity]) -> list[Link]:
    links: list[Link] = []
    for date in _of(entities, "date"):
        for test in _of(entities, "lab", "vital", "procedure"):
            span: Span = (
                (test.end, date.start) if test.end <= date.start else (date.end, test.start)
            )
            if span[0] <= span[1] and _DATE_GAP.fullmatch(text, *span):
                links.append(("test_date", test, date))
    return links

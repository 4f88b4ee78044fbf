"""What a report says of its lung nodules, as observations; the largest leads."""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from medview.record.note import Entity, Note, Value
from medview.record.rules.sentences import sentences

_NODULE = re.compile(r"nodul|结节", re.IGNORECASE)
_LUNG = re.compile(
    r"lung|pulmon|lobe|lingula|RUL|RML|RLL|LUL|LLL|apex|apical|肺|上叶|下叶|中叶|舌段",
    re.IGNORECASE,
)
_NOT_LUNG = re.compile(r"thyroid|liver|hepatic|adrenal|breast|spleen|pancrea|thyroid lobe|hepatic lobe|frontal|parietal|temporal lobe|occipital"
                       r"|甲状腺|肝|肾上腺|乳腺|脾|额叶|颞叶|顶叶|枕叶", re.IGNORECASE)  # fmt: skip
_UPPER = re.compile(r"upper lobe|RUL|LUL|\bapex|apical|上叶|肺尖|尖段|尖后段", re.IGNORECASE)
_OTHER_LOBE = re.compile(
    r"lower lobe|middle lobe|RML|RLL|LLL|lung base|下叶|中叶|肺底", re.IGNORECASE
)
_TYPES = (
    (
        "part-solid",
        re.compile(
            r"part[- ]solid|partly solid|mixed ground|混杂磨玻璃|部分实性|混合磨玻璃"
            r"|(?<!no )(?<!without )(?<!without a )\bsolid (?:component|core|portion)|(?<![无未见])实性成分",
            re.IGNORECASE,
        ),
    ),
    ("non-solid", re.compile(r"ground[- ]?glass|GGN|non-?solid|磨玻璃", re.IGNORECASE)),
    (
        "solid",
        re.compile(
            r"(?<!non-)(?<!non)(?<!part-)(?<!part )(?<!sub)\bsolid\b(?! (?:component|core|portion))|(?<!部分)(?<!亚)实性(?!成分)",
            re.IGNORECASE,
        ),
    ),
)
_SPIKES = re.compile(
    r"(?P<no>(?:no|without|not) (?:\w+ )?|无|未见(?:明显)?)?(?:spiculat|毛刺)", re.IGNORECASE
)
_SIDE = re.compile(r"right|left|RUL|RML|RLL|LUL|LLL|lingula|右|左", re.IGNORECASE)
# "with a 4 mm solid component", 实性成分约4mm: a part of a nodule
_PART = re.compile(
    r" (?:\w+ )?(?:components?|core|portions?|cavit\w+|calcifications?)\b|的?(?:实性|囊性|磨玻璃)?(?:成分|空洞)",
    re.IGNORECASE,
)
_PART_BEFORE = re.compile(
    r"(?:\b(?:component|core|portion|part)s?(?: (?:of|is|was|measur\w+|about|approximately|up to|at|now))* |(?:成分|空洞)(?:大小|直径|约|为|径|[:：(（ ])*)$",
    re.IGNORECASE,
)
_SIZE_IN = re.compile(r" (?:in|at|within) (?:the )?(?P<place>[^,.;\n]{2,24}?)(?= and |[,.;)\n]|$)")
_MILLIMETRES = {"mm": 1.0, "cm": 10.0}


@dataclass(frozen=True, slots=True)
class NoduleFact:
    """One observation: concept, value, unit, the entity that shows it, and which nodule it is of.

    subject: empty for the largest, which the scores ask about; "nodule 2" for the next.
    """

    concept: str
    value: float | bool | str
    unit: str
    entity: Entity
    subject: str = ""
    comparator: str = ""


def nodule_facts(note: Note) -> Iterator[NoduleFact]:
    """Facts about every lung nodule with a present size, by size; of the same one once."""
    seen: set[tuple[object, ...]] = set()
    sizes: set[tuple[object, ...]] = set()
    by_size = sorted(_sized(note), key=lambda pair: _size_mm(pair[1]), reverse=True)
    for nodule, size in by_size:
        value = size.value or Value()
        dims = value.dims or ((value.num,) if value.num is not None else ())
        sides = frozenset(_side(note.said(place)) for place in _places(note, nodule)) - {""}
        mark = (dims, value.unit, sides)
        # The impression repeats a nodule of the findings, often without its place.
        if mark in seen or (not sides and mark[:2] in sizes):
            continue
        seen.add(mark)
        sizes.add(mark[:2])
        subject = f"nodule {len(seen)}" if len(seen) > 1 else ""
        for fact in _facts_of(note, nodule, size, dims):
            yield replace(fact, subject=subject)


def _facts_of(
    note: Note, nodule: Entity, size: Entity, dims: Sequence[float]
) -> Iterator[NoduleFact]:
    unit = size.value.unit if size.value else ""
    bound = size.value.comparator if size.value else ""
    bound = "" if bound == "<=" else bound  # "up to 8 mm": the largest has 8
    yield NoduleFact("nodule_diameter_max", float(max(dims)), unit, size, comparator=bound)
    if len(dims) >= 2:
        # Long and short axis in the plane: the first two that are written.
        mean = float((dims[0] + dims[1]) / 2)
        yield NoduleFact("nodule_diameter_mean", mean, unit, size, comparator=bound)
    sentence = next(
        (
            note.plain[s:e]
            for s, e in sentences(note.plain, max(0, nodule.start - 500), nodule.end + 500)
            if s <= nodule.start < e
        ),
        note.said(nodule),
    )
    yield from _character(note, nodule, size, sentence)


def _side(place: str) -> str:
    found = _SIDE.search(place)
    return found[0].casefold() if found else ""


def _sized(note: Note) -> Iterator[tuple[Entity, Entity]]:
    by_id = {e.id: e for e in note.entities}
    for relation in note.relations:
        if relation.type != "finding_size":
            continue
        nodule, size = by_id[relation.head], by_id[relation.tail]
        if _PART.match(note.plain, size.end) or _PART_BEFORE.search(
            note.plain, max(0, size.start - 40), size.start
        ):
            continue
        if size.value is None or size.value.prior or size.value.unit not in _MILLIMETRES:
            continue
        if (size.value.dims or size.value.num is not None) and _is_lung_nodule(note, nodule):
            yield nodule, size


def _is_lung_nodule(note: Note, nodule: Entity) -> bool:
    attrs = nodule.attrs
    if (
        not _NODULE.search(note.said(nodule))
        or attrs.negated
        or attrs.temporality != "current"
        or attrs.experiencer != "patient"
    ):
        return False
    places = " ".join(note.said(p) for p in _places(note, nodule)) + " " + note.said(nodule)
    return _NOT_LUNG.search(places) is None and _LUNG.search(places) is not None


def _places(note: Note, nodule: Entity) -> list[Entity]:
    return [note.entity(r.tail) for r in note.relations_of(nodule.id, "finding_location")]


def _size_mm(size: Entity) -> float:
    value = size.value or Value()
    dims = value.dims or (value.num or 0,)
    return float(max(dims)) * _MILLIMETRES.get(value.unit, 0.0)


def _lobe(note: Note, nodule: Entity, size: Entity) -> NoduleFact | None:
    if (said := _SIZE_IN.match(note.plain, size.end)) is not None:
        # "5 mm in the RML and 7 mm in the RUL": each size has its own place
        is_upper = _UPPER.search(said["place"]) is not None
        if is_upper or _OTHER_LOBE.search(said["place"]):
            return NoduleFact("nodule_upper_lobe", is_upper, "", size)
    # Places in two lobes are of two nodules, and neither says which is this one's.
    upper = [p for p in _places(note, nodule) if _UPPER.search(note.said(p))]
    other = [p for p in _places(note, nodule) if _OTHER_LOBE.search(note.said(p))]
    if bool(upper) != bool(other):
        return NoduleFact("nodule_upper_lobe", bool(upper), "", (upper or other)[0])
    return None


def _character(note: Note, nodule: Entity, size: Entity, sentence: str) -> Iterator[NoduleFact]:
    if (lobe := _lobe(note, nodule, size)) is not None:
        yield lobe
    if spikes := _SPIKES.search(sentence):
        yield NoduleFact("nodule_spiculated", spikes["no"] is None, "", nodule)
    for kind, pattern in _TYPES:
        if pattern.search(sentence):
            yield NoduleFact("nodule_type", kind, "", nodule)
            break

"""How well mentions and their relations in abstracts agree with the annotators'.

Mentions count with exact span and type. Relations count as pairs of ids: one of ours is as many
pairs as its spans have ids among the gold mentions of that type, and one wrong pair where a side
equals no gold mention.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from medview.record import Document, extract
from medview.record.tagging.model import TextModel
from medview.record.tagging.names import Name as Named
from medview.training.text.corpora import Abstract
from medview.training.text.scores import Tally

Name = tuple[int, int, str]  # start, end, type

SETS: Mapping[str, tuple[str, ...]] = {
    "bc5cdr": ("Chemical", "Disease"), "ncbi_disease": ("Disease",),
}  # fmt: skip
# What the annotators of abstracts call a disease is a symptom or a finding in a note.
OURS = {"disease": "Disease", "symptom": "Disease", "finding": "Disease", "drug": "Chemical"}


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found in one abstract: names, and chemical and disease by their mentions."""

    names: Collection[Name]
    pairs: Sequence[tuple[Collection[Name], Collection[Name]]] = ()


def count_abstract(tally: Tally, gold: Abstract, ours: Reading, types: Sequence[str]) -> None:
    """Add one text to a tally, under `disease`, `chemical`, `all` and (with pairs) `relation`."""
    tally.begin(gold.id)
    there = {(m.start, m.end, m.type) for m in gold.mentions if m.type in types}
    found = {name for name in ours.names if name[2] in types}
    for kind in types:
        tally.add(
            kind.lower(), {n for n in there if n[2] == kind}, {n for n in found if n[2] == kind}
        )
    if len(types) > 1:
        tally.add("all", there, found)
        tally.count("relation", _relations(gold, ours))


def _relations(gold: Abstract, ours: Reading) -> tuple[int, int, int]:
    ids = {(m.start, m.end, m.type): m.ids for m in gold.mentions}
    said: set[tuple[str, str]] = set()
    nowhere = 0
    for chemical, disease in ours.pairs:
        heads, tails = _commonest(chemical, ids), _commonest(disease, ids)
        if not heads or not tails:
            nowhere += 1
        said |= {(head, tail) for head in heads for tail in tails}
    hit = len(said & gold.pairs)
    return hit, len(said) - hit + nowhere, len(gold.pairs) - hit


def _commonest(names: Collection[Name], ids: dict[Name, frozenset[str]]) -> frozenset[str]:
    """The ids that most of the mentions have: a group of ours is one thing."""
    known = [ids[name] for name in names if name in ids]
    return max(known, key=lambda own: (known.count(own), sorted(own)), default=frozenset())


def reader_for(model: TextModel | None, which: str, by: str) -> Callable[[str], Reading]:
    """Who reads abstracts. by: model (the tagger as the set's annotators), extract, rules."""

    def with_everything(text: str) -> Reading:
        document = Document(id="d", path="", kind="text", text=text, narrative=((0, len(text)),))
        note = extract(document, "en", tagger=model)
        by_id = {e.id: (e.start, e.end, OURS[e.type]) for e in note.entities if e.type in OURS}
        effects = [(by_id.get(r.head), by_id.get(r.tail)) for r in note.relations
                   if r.type == "adverse_effect"]  # fmt: skip
        return Reading(set(by_id.values()), [({c}, {d}) for c, d in effects if c and d])

    if model is None or by != "model":
        return with_everything

    def with_model(text: str) -> Reading:
        names = model.names(text, which)
        pairs = model.pairs.pairs(text, names) if model.pairs and which == "bc5cdr" else []
        return Reading(keys(names), [(keys(c.names), keys(d.names)) for c, d, _ in pairs])

    return with_model


def keys(names: Iterable[Named]) -> set[Name]:
    """Names as they are counted."""
    return {(n.start, n.end, n.type) for n in names}

"""From a document to its note: mentions, context, relations, observations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from medview.core.progress import CancelToken
from medview.record.document import Document, Section
from medview.record.language import detect_language, has_han
from medview.record.note import Entity, Note, Relation, Span
from medview.record.rules.allergies import with_allergies
from medview.record.rules.anatomy import find_anatomy
from medview.record.rules.context import with_context
from medview.record.rules.demographics import find_demographics
from medview.record.rules.dosing import find_dosing
from medview.record.rules.habits import find_habits
from medview.record.rules.laboratory import find_tests
from medview.record.rules.lexicon import lexicon_for
from medview.record.rules.measuring import find_measurements
from medview.record.rules.relations import Link, find_relations
from medview.record.rules.sections import find_sections, label_at
from medview.record.rules.sentences import sentences
from medview.record.tagging.model import TextModel


@dataclass
class _Found:
    entities: list[Entity] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)


def extract(
    document: Document,
    language: str = "auto",
    cancel: CancelToken | None = None,
    tagger: TextModel | None = None,
) -> Note:
    """Everything that the document says, in the form of `medview-note/1`.

    language: auto, en or zh. tagger: a trained model that reads English beside the rules. Raises
    Cancelled. Safe in a thread; keeps nothing between calls.
    """
    from medview.record.observing import observe

    spoken = detect_language(document.text) if language == "auto" else language
    languages = _languages(spoken, document.text if language == "auto" else "")
    found = _Found(list(document.entities), _structured_links(document))
    sections = list(document.sections)
    for start, end in document.narrative:
        inner = find_sections(document.text, start, end)
        sections += inner
        outer = label_at(document.sections, start)
        _read_passage(document.text, _parts((start, end), inner, outer), languages, found, cancel)
    sections.sort(key=lambda s: (s.start, -s.end))
    note = _numbered(document, spoken, tuple(sections), found)
    return replace(note, observations=observe(document, note))


def _languages(spoken: str, text: str) -> tuple[str, ...]:
    if spoken == "zh":
        return ("zh", "en")
    return ("en", "zh") if has_han(text) else ("en",)


def _structured_links(document: Document) -> list[Link]:
    by_id = {e.id: e for e in document.entities}
    return [(r.type, by_id[r.head], by_id[r.tail]) for r in document.relations]


def _parts(span: Span, sections: Sequence[Section], outer: str) -> list[tuple[Span, str]]:
    """A passage cut at its headers, each part with its section's label."""
    cuts = sorted({*span, *(s.start for s in sections), *(s.end for s in sections)})
    return [((a, b), label_at(list(sections), a) or outer) for a, b in pairwise(cuts)]


def _read_passage(
    text: str,
    parts: Sequence[tuple[Span, str]],
    languages: tuple[str, ...],
    found: _Found,
    cancel: CancelToken | None,
) -> None:
    before: list[Entity] = []
    for (start, end), section in parts:
        if cancel is not None:
            cancel.check()
        for sentence in sentences(text, start, end):
            entities, links = read_sentence(text, sentence, section, languages, before)
            found.entities += entities
            found.links += links
            before = entities


def read_sentence(
    text: str, span: Span, section: str, languages: tuple[str, ...], before: Sequence[Entity] = ()
) -> tuple[list[Entity], list[Link]]:
    """Entities and relations of one sentence; `before` are the entities of the one before."""
    entities = _mentions(text, span, languages)
    drugs = [e for e in entities if e.type == "drug"]
    dosing = find_dosing(text, span, drugs)
    tails = [tail for _, _, tail in dosing]
    entities = [
        e for e in entities if e.type == "drug" or not any(e.overlaps(t) for t in tails)
    ] + tails
    entities.sort(key=lambda e: (e.start, e.end))
    entities = with_allergies(text, span, entities, section, languages)
    contextual = with_context(text, span, entities, section, languages)
    now = dict(zip(entities, contextual, strict=True))
    links: list[Link] = [(kind, now[drug], now[tail]) for kind, drug, tail in dosing if drug in now]
    links += find_relations(text, contextual, before)
    return contextual, links


def _mentions(text: str, span: Span, languages: tuple[str, ...]) -> list[Entity]:
    # The earlier grammar keeps a place; a name of the lexicon keeps it before bare anatomy.
    tests = find_tests(text, span)
    names = [
        Entity(
            type=m.term.type, start=m.start, end=m.end, text=text[m.start : m.end],
            concepts=m.term.concepts,
        )
        for m in lexicon_for(languages).find(text, *span)
    ]  # fmt: skip
    layers = (
        find_habits(text, span),
        [t for t in tests if t.value is not None],
        find_demographics(text, span),
        find_measurements(text, span),
        names,
        [t for t in tests if t.value is None],
        find_anatomy(text, span, languages),
    )
    kept: list[Entity] = []
    for layer in layers:
        fitting = [e for e in layer if not any(e.overlaps(k) for k in kept)]
        kept += fitting
    return sorted(kept, key=lambda e: (e.start, e.end))


def _numbered(
    document: Document, language: str, sections: tuple[Section, ...], found: _Found
) -> Note:
    ordered = sorted(dict.fromkeys(found.entities), key=lambda e: (e.start, e.end))
    numbered = {e: replace(e, id=f"T{i}") for i, e in enumerate(ordered, 1)}
    relations = [
        Relation(kind, numbered[head].id, numbered[tail].id)
        for kind, head, tail in dict.fromkeys(found.links)
        if head in numbered and tail in numbered
    ]
    return Note(
        id=document.id,
        lang=language,
        text=document.text,
        sections=sections,
        entities=tuple(numbered.values()),
        relations=tuple(relations),
    )

"""From a document to its note: mentions, context, relations, observations."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise

from medview.core.progress import CancelToken, Progress, no_progress
from medview.record.document import LONG_TEXT, Document, Section
from medview.record.language import detect_language, has_han, simplified
from medview.record.note import Entity, Note, Relation, Span
from medview.record.repeating import Repeats
from medview.record.rules.allergies import with_allergies
from medview.record.rules.ambiguous import meant
from medview.record.rules.anatomy import find_anatomy
from medview.record.rules.context import with_context
from medview.record.rules.demographics import find_demographics
from medview.record.rules.dosing import find_dosing
from medview.record.rules.drugs import find_stemmed_drugs, with_forms
from medview.record.rules.habits import find_habits
from medview.record.rules.laboratory import find_tests
from medview.record.rules.lexicon import lexicon_for
from medview.record.rules.measuring import find_measurements
from medview.record.rules.relations import Link, find_relations
from medview.record.rules.sections import find_sections, label_at
from medview.record.rules.sentences import sentences
from medview.record.settling import settling
from medview.record.tagging.merging import with_names
from medview.record.tagging.model import TextModel
from medview.record.tagging.names import Name
from medview.record.tagging.tokens import tokens_of

_STEPS = 1000  # of progress in one document
_TAGGING = 0.7  # of the time that a passage takes where the tagger reads too
_LEVEL = re.compile(r"[CTLS]\d{1,2}(?:[-/–][CTLS]?\d{1,2})?")  # a place by itself, without "disc"
_GUIDELINES = "bc5cdr"  # whose names of diseases and drugs are those of notes


@dataclass(frozen=True, slots=True)
class _Reader:
    """How a document is read. tagger: None where none is loaded, or the text is Chinese.

    size: of the whole text, which progress is told of.
    """

    languages: tuple[str, ...]
    tagger: TextModel | None
    cancel: CancelToken | None
    progress: Progress = no_progress
    size: int = 1
    repeats: Repeats = field(default_factory=Repeats)

    def at(self, position: float) -> None:
        """Tell how far the reading is, in characters of the text. Raises Cancelled."""
        if self.cancel is not None:
            self.cancel.check()
        self.progress(int(_STEPS * position / self.size), _STEPS, "documents")

    def reads(self, position: int, end: int) -> None:
        """The same of the rules, where the tagger has been at a passage up to `end` before."""
        self.at(position + (_TAGGING * (end - position) if self.tagger is not None else 0))

    def names(self, text: str, spans: Sequence[Span]) -> list[Name]:
        if self.tagger is None:
            return []
        tokens = [t for t in (tokens_of(text, *span) for span in spans) if t.words]
        start, end = (spans[0][0], spans[-1][1]) if spans else (0, 0)

        def told(done: int, total: int, _what: str) -> None:
            self.at(start + _TAGGING * done / total * (end - start))

        return self.tagger.names_in(text, tokens, _GUIDELINES, self.cancel, told)


@dataclass
class _Found:
    entities: list[Entity] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)


def extract(
    document: Document,
    language: str = "auto",
    cancel: CancelToken | None = None,
    tagger: TextModel | None = None,
    progress: Progress = no_progress,
) -> Note:
    """Everything that the document says, in the form of `medview-note/1`.

    language: auto, en or zh. tagger: a trained model that reads English beside the rules, where the
    text is not as long as a book. progress: of this document alone. Raises Cancelled. Safe in a
    thread; keeps nothing between calls.
    """
    from medview.record.observing import observe

    spoken = detect_language(document.text) if language == "auto" else language
    languages = _languages(spoken, document.text if language == "auto" else "")
    is_tagged = spoken == "en" and len(document.text) <= LONG_TEXT
    reader = _Reader(
        languages, tagger if is_tagged else None, cancel, progress, max(1, len(document.text))
    )
    found = _Found(list(document.entities), _structured_links(document))
    sections = list(document.sections)
    text = simplified(document.text)  # of the same length: every place stays true
    for start, end in document.narrative:
        inner = find_sections(text, start, end)
        sections += inner
        outer = label_at(document.sections, start)
        _read_passage(text, _parts((start, end), inner, outer), reader, found)
    sections.sort(key=lambda s: (s.start, -s.end))
    note = _numbered(document, spoken, tuple(sections), found)
    used = reader.tagger
    return replace(
        note,
        observations=observe(document, note),
        model=f"{used.name} {used.version}" if used else "",
    )


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
    labels = {s.start: s.label for s in sections if s.start < s.end}  # none holds another
    return [((a, b), labels.get(a) or outer) for a, b in pairwise(cuts)]


def _read_passage(
    text: str, parts: Sequence[tuple[Span, str]], reader: _Reader, found: _Found
) -> None:
    spans = [(s, section) for (a, b), section in parts for s in sentences(text, a, b)]
    named = sorted(reader.names(text, [span for span, _ in spans]), key=lambda n: (n.start, n.end))
    begins = [name.start for name in named]
    before: list[Entity] = []
    for span, section in settling(spans):
        reader.reads(span[0], spans[-1][0][1])
        near = named[bisect_left(begins, span[0]) : bisect_left(begins, span[1])]
        own = [name for name in near if name.end <= span[1]]
        reading = partial(_read_sentence, text, span, section, (reader, before, own))
        if reader.tagger is None:
            entities, links = reader.repeats.read(text, span, section, before, reading)
        else:
            entities, links = reading()
        found.entities += entities
        found.links += links
        before = entities


def read_sentence(
    text: str, span: Span, section: str, languages: tuple[str, ...]
) -> tuple[list[Entity], list[Link]]:
    """Entities and relations of one sentence by rules and word lists alone."""
    return _read_sentence(text, span, section, (_Reader(languages, None, None), (), ()))


def _read_sentence(
    text: str,
    span: Span,
    section: str,
    beside: tuple[_Reader, Sequence[Entity], Sequence[Name]],
) -> tuple[list[Entity], list[Link]]:
    """Entities and relations of one sentence; beside it: who reads, the entities of the sentence
    before, and the tagger's names in this one."""
    reader, before, named = beside
    languages = reader.languages
    entities = with_names(text, _mentions(text, span, languages), named)
    entities = meant(text, span, entities)
    drugs = [e for e in entities if e.type == "drug"]
    dosing = find_dosing(text, span, drugs, entities)
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
        with_forms(text, meant(text, span, names)),
        [t for t in tests if t.value is None],
        find_stemmed_drugs(text, span),
        find_anatomy(text, span, languages),
    )
    kept: list[Entity] = []
    for layer in layers:
        fitting = [e for e in layer if not any(e.overlaps(k) for k in kept)]
        kept += [*fitting, *(_cut_short(text, layer, kept) if layer is layers[-1] else ())]
    return sorted(kept, key=lambda e: (e.start, e.end))


def _cut_short(text: str, places: Sequence[Entity], names: Sequence[Entity]) -> list[Entity]:
    """Places before a name that begins inside of them: "L5/S1" of "L5/S1椎间盘变性"."""
    found = []
    for place in places:
        met = [n for n in names if n.overlaps(place)]
        if len(met) == 1 and place.start < met[0].start:
            said = text[place.start : met[0].start].rstrip(" 的")
            if _LEVEL.fullmatch(said):
                found.append(replace(place, end=place.start + len(said), text=said))
    return found


def _numbered(
    document: Document, language: str, sections: tuple[Section, ...], found: _Found
) -> Note:
    ordered = sorted(dict.fromkeys(found.entities), key=lambda e: (e.start, e.end))
    numbered = {
        e: replace(e, id=f"T{i}", text=document.text[e.start : e.end])  # as it was written
        for i, e in enumerate(settling(ordered), 1)
    }
    relations = [
        Relation(kind, numbered[head].id, numbered[tail].id)
        for kind, head, tail in settling(dict.fromkeys(found.links))
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

"""A note as the reader put it right: mentions, values, relations and observations follow."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from medview.core.correction import SpanCorrection
from medview.core.errors import InvalidInput
from medview.core.observation import Observation
from medview.core.words import say
from medview.record.document import Document
from medview.record.language import has_han
from medview.record.note import CONTEXT_TYPES, Attributes, Entity, Note, Relation, Span

TYPES = (
    "disease", "symptom", "finding", "drug", "dose", "route", "frequency", "duration",
    "procedure", "device", "anatomy", "measurement", "lab", "vital", "smoking", "alcohol",
    "allergy", "demographic", "date",
)  # fmt: skip
_AROUND = 600  # characters to either side in which the sentence of a corrected mention is sought
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")
_REACH = 200  # characters in which the next word is sought
_NAMED_LIKE = {"dose": ("measurement",), "lab": ("vital",), "vital": ("lab",)}


def corrected(document: Document, note: Note, corrections: Sequence[SpanCorrection]) -> Note:
    """The note with the reader's corrections in it, and its observations read again.

    Corrections of other documents, and those whose span lies outside of the text, are passed
    over. A mention of MedView's that overlaps a corrected one gives way.
    """
    from medview.record.observing import observe

    own = [c for c in corrections if c.document == document.id and _fits(c, note.text)]
    if not own:
        return note
    gone = {c.was for c in own if c.was is not None}
    fresh = [_entity(note, c) for c in own if c.type]
    kept = [
        e
        for e in note.entities
        if (e.type, e.start, e.end) not in gone and not any(e.overlaps(f) for f in fresh)
    ]
    entities = tuple(sorted([*kept, *fresh], key=lambda e: (e.start, e.end)))
    put_right = replace(note, entities=entities, relations=_relations(note, entities, fresh))
    source = _without(document, [(start, end) for _, start, end in gone])
    return replace(put_right, observations=observe(source, put_right))


def check_span(text: str, start: int, end: int) -> Span:
    """The span without blanks at its ends. Raises InvalidInput where no word is left in it."""
    start, end = max(0, start), min(len(text), end)
    inner = text[start:end]
    start, end = start + len(inner) - len(inner.lstrip()), end - len(inner) + len(inner.rstrip())
    if start >= end:
        raise InvalidInput(say("No word is marked."))
    return start, end


def stepped(text: str, span: Span, which: str, direction: int) -> Span:
    """A span with its `start` or `end` moved by a word (a character of Chinese) to a side.

    The span stays as it is where there is no more text, or no word would be left in it.
    """
    start, end = span
    if which == "start":
        moved = (_word_start(text, start) if direction < 0 else _next_start(text, start), end)
    else:
        moved = (start, _word_end(text, end) if direction > 0 else _last_end(text, end))
    return moved if moved[0] < moved[1] and text[moved[0] : moved[1]].strip() else span


def _word_start(text: str, at: int) -> int:
    found = [m.start() for m in _WORD.finditer(text, max(0, at - _REACH), at)]
    return found[-1] if found else at


def _next_start(text: str, at: int) -> int:
    found = [m.start() for m in _WORD.finditer(text, at, at + _REACH) if m.start() > at]
    return found[0] if found else at


def _word_end(text: str, at: int) -> int:
    found = _WORD.search(text, at, at + _REACH)
    return at if found is None else found.end()


def _last_end(text: str, at: int) -> int:
    found = [m.end() for m in _WORD.finditer(text, max(0, at - _REACH), at) if m.end() < at]
    return found[-1] if found else at


def _fits(correction: SpanCorrection, text: str) -> bool:
    return 0 <= correction.start < correction.end <= len(text)


def _entity(note: Note, correction: SpanCorrection) -> Entity:
    start, end = correction.start, correction.end
    like = _read_like(note.text, correction)
    before = next(
        (e for e in note.entities if (e.type, e.start, e.end) == correction.was),
        None,
    )
    made = Entity(
        type=correction.type,
        start=start,
        end=end,
        text=note.text[start:end],
        attrs=_attributes(correction, before),
        id=before.id if before is not None else f"R{correction.id}",
    )
    if before is not None and (before.type, before.start, before.end) == (made.type, start, end):
        return replace(made, value=before.value, concepts=before.concepts)
    return made if like is None else replace(made, value=like.value, concepts=like.concepts)


def _attributes(correction: SpanCorrection, before: Entity | None) -> Attributes:
    if correction.type not in CONTEXT_TYPES:
        return Attributes()
    made = Attributes(
        negated=correction.negated,
        uncertain=correction.uncertain,
        temporality=correction.temporality,
        experiencer=correction.experiencer,
    )
    if before is not None and replace(before.attrs, trigger=None) == made:
        return before.attrs
    return made


def _read_like(text: str, correction: SpanCorrection) -> Entity | None:
    """What the rules make of the corrected words alone: their value and their concepts."""
    from medview.record.extraction import read_sentence

    span = (correction.start, correction.end)
    languages = ("zh", "en") if has_han(text[span[0] : span[1]]) else ("en",)
    found, _ = read_sentence(text, span, "", languages)
    wanted = (correction.type, *_NAMED_LIKE.get(correction.type, ()))
    if correction.type in CONTEXT_TYPES:
        wanted = (correction.type, *CONTEXT_TYPES)
    fitting = [e for e in found if e.type in wanted]
    return max(fitting, key=lambda e: (-wanted.index(e.type), e.end - e.start), default=None)


def _relations(
    note: Note, entities: Sequence[Entity], fresh: Sequence[Entity]
) -> tuple[Relation, ...]:
    """Those whose ends are still what they were, and those of the sentences that changed."""
    from medview.record.rules.relations import find_relations

    before = {e.id: e for e in note.entities}
    now = {e.id: e for e in entities}

    def is_same(entity_id: str) -> bool:
        return entity_id in now and now[entity_id].type == before[entity_id].type

    relations = [r for r in note.relations if is_same(r.head) and is_same(r.tail)]
    for entity in fresh:
        start, end = _sentence(note.text, entity)
        inside = [e for e in entities if start <= e.start and e.end <= end]
        relations += [
            Relation(kind, head.id, tail.id)
            for kind, head, tail in find_relations(note.text, inside, ())
        ]
    return tuple(dict.fromkeys(relations))


def _sentence(text: str, entity: Entity) -> Span:
    from medview.record.rules.sentences import sentences

    start, end = max(0, entity.start - _AROUND), min(len(text), entity.end + _AROUND)
    for first, last in sentences(text, start, end):
        if first <= entity.start < last:
            return first, max(last, entity.end)
    return entity.start, entity.end


def _without(document: Document, gone: Sequence[Span]) -> Document:
    """The document without the structured values that stood at spans the reader changed."""

    def is_kept(one: Observation) -> bool:
        start, end = span_of(one.source.locator) or (-1, -1)
        return not any(start < b and a < end for a, b in gone)

    return replace(document, observations=tuple(filter(is_kept, document.observations)))


def span_of(locator: str) -> Span | None:
    """The span of `document:<id>:<start>:<end>`, None for any other locator."""
    parts = locator.split(":")
    if len(parts) < 4 or parts[0] != "document" or not (parts[-1] + parts[-2]).isdigit():
        return None
    return int(parts[-2]), int(parts[-1])

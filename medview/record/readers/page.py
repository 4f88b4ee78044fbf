"""Readable text made from a structured document, with the spans of what stands in it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

from medview.core.observation import Bounds, Observation, Source, concepts
from medview.core.results import Code
from medview.core.words import Sentence
from medview.record.document import Document, PatientIdentity, Section
from medview.record.note import PLAIN, Attributes, Entity, Relation, Span, Value
from medview.record.readers.whose import conflict
from medview.record.rules.demographics import iso_date
from medview.record.rules.lexicon import LANGUAGES, lexicon_for


def document_id(data: bytes, part: int = 0) -> str:
    """A short id of the content, from which nothing of the patient can be read."""
    digest = hashlib.blake2s(data + part.to_bytes(4, "big"), digest_size=8).hexdigest()
    return f"d{digest}"


@dataclass
class Page:
    """Grows line by line; `document()` gives the frozen result."""

    id: str
    title: str = ""
    date: str = ""
    patient: PatientIdentity = field(default_factory=PatientIdentity)
    pieces: list[str] = field(default_factory=list)
    length: int = 0
    line_start: int = 0
    place: str = ""  # in the file, of what is written now
    sections: list[tuple[str, int]] = field(default_factory=list)
    section_title: str = ""
    narrative: list[Span] = field(default_factory=list)
    dated: list[tuple[int, int, str]] = field(default_factory=list)
    entities: list[Entity] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    references: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)
    notes: list[Sentence] = field(default_factory=list)
    # place, whom a text inside names, and where it stands
    claims: list[tuple[str, PatientIdentity, Span | None]] = field(default_factory=list)

    def write(self, text: str) -> Span:
        """Add text as it is; gives its span."""
        start = self.length
        self.pieces.append(text)
        self.length += len(text)
        if (end := text.rfind("\n")) >= 0:
            self.line_start = start + end + 1
        return start, self.length

    def heading(self, label: str, title: str) -> None:
        """Begin a section; the one before ends here."""
        self.section_title = title
        if self.length:
            self.write("\n")
        self.sections.append((label, self.length))
        self.write(title + "\n")

    def free_text(self, text: str, date: str = "") -> Span | None:
        """Add text that the rules are to read; `date` where it is not the document's."""
        if not text.strip():
            return None
        span = self.write(text.rstrip())
        self.narrative.append(span)
        if date:
            self.dated.append((*span, date))
        self.write("\n")
        return span

    def mention(
        self,
        kind: str,
        text: str,
        value: Value | None = None,
        attrs: Attributes = PLAIN,
        code: Code | None = None,
    ) -> Entity:
        """Add words that stand for an entity; its concepts come from the lexicon."""
        start, end = self.write(text)
        found = concepts_of(text) if kind not in ("lab", "vital", "date") else ()
        entity = Entity(
            type=kind, start=start, end=end, text=text, attrs=attrs, value=value, concepts=found,
            id=f"S{len(self.entities)}", code=code,
        )  # fmt: skip
        self.entities.append(entity)
        return entity

    def observe(  # noqa: PLR0913 - an observation has that many sides
        self,
        concept: str,
        value: float | bool | str | tuple[float, float],
        span: Span,
        *,
        value_of: Value | None = None,
        time: str = "",
        kind: str = "lab",
        original: str = "",
        code: Code | None = None,
        reference: Bounds = (None, None),
        status: str = "",
        detail: str = "",
    ) -> None:
        """Add an observation that the structure states, seen at `span`.

        code: where it is not the value's or the concept's LOINC code.
        """
        about = concepts()[concept]
        loinc = value_of.concept if value_of and value_of.concept else about.loinc
        self.observations.append(
            Observation(
                patient_id=self.patient.id,
                concept=concept,
                value=value,
                unit=value_of.unit if value_of else "",
                comparator=value_of.comparator if value_of else "",
                time=time or self.date,
                source=Source(
                    kind=kind, where=self.title, locator=f"document:{self.id}:{span[0]}:{span[1]}"
                ),
                code=code or (Code("LN", loinc, about.title) if loinc else None),
                original=original,
                reference=reference,
                status=status,
                detail=detail,
            )
        )

    def document(self, path: str, kind: str, encoding: str) -> Document:
        """The finished document."""
        text = "".join(self.pieces)
        starts = [start for _, start in self.sections] + [len(text)]
        self._part_with_others()
        return Document(
            id=self.id, path=path, kind=kind, title=self.title, date=self.date, encoding=encoding,
            patient=self.patient, text=text,
            sections=tuple(
                Section(label, start, end)
                for (label, start), end in zip(self.sections, starts[1:], strict=True)
            ),
            dated=tuple(self.dated), narrative=tuple(self.narrative), entities=tuple(self.entities),
            relations=tuple(self.relations),
            observations=tuple(self._with_source(o) for o in self.observations),
            references=dict(self.references),
            notes=tuple({n.english(): n for n in self.notes}.values()),
        )  # fmt: skip

    def _part_with_others(self) -> None:
        """Say of which texts inside somebody else is the subject; nothing is read from them."""
        for place, who, span in self.claims:
            said = conflict(who, self.patient, place)
            if said is None:
                continue
            self.notes.append(said)
            if span in self.narrative:
                self.narrative.remove(span)

    def _with_source(self, observation: Observation) -> Observation:
        # Title and identity may have become known after the value was read.
        source = replace(observation.source, where=self.title or observation.source.where)
        return replace(observation, source=source, patient_id=self.patient.id)


def concepts_of(text: str) -> tuple[str, ...]:
    """Concepts of all names that stand in the text (`Essential hypertension (disorder)`)."""
    found: dict[str, None] = {}
    for match in lexicon_for(LANGUAGES).find(text, 0, len(text)):
        found.update(dict.fromkeys(match.term.concepts))
    return tuple(found)


def kind_of(text: str, otherwise: str) -> str:
    """The entity type by which the lexicon knows the whole text, else `otherwise`."""
    matches = lexicon_for(LANGUAGES).find(text, 0, len(text))
    longest = max(matches, key=lambda m: m.end - m.start, default=None)
    return (
        longest.term.type if longest and longest.end - longest.start > len(text) / 2 else otherwise
    )


class _Stripper(HTMLParser):
    _UNREAD = frozenset(("script", "style", "title"))
    _BREAKS = frozenset(("br", "p", "div", "li", "tr", "table", "h1", "h2", "h3", "h4", "ul", "ol"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unread = 0  # depth inside of what is no text

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unread += tag in self._UNREAD
        if tag in self._BREAKS:
            self.parts.append("\n")
        elif tag in ("td", "th"):
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._unread = max(0, self._unread - (tag in self._UNREAD))

    def handle_data(self, data: str) -> None:
        if self._unread:
            return
        self.parts.append(re.sub(r"\s+", " ", data))


def plain_text(html: str) -> str:
    """The words of HTML or XHTML, a line for each block; nothing in it is loaded."""
    stripper = _Stripper()
    stripper.feed(html)
    stripper.close()
    lines = (re.sub(r" {2,}", " ", line).strip() for line in "".join(stripper.parts).split("\n"))
    return "\n".join(line for line in lines if line)


def date_of(written: object) -> str:
    """ISO date or date-time of FHIR (as it is) or HL7 (20260131120000+0100)."""
    text = str(written or "").strip()
    if match := re.match(
        r"(\d{4})(\d{2})?(\d{2})?(?:(\d{2})(\d{2})(\d{2})?)?(?:\.\d+)?([+-]\d{4})?$", text
    ):
        year, month, day, hour, minute, second, _ = match.groups()
        date = "-".join(p for p in (year, month, day) if p)
        clock = f"T{hour}:{minute}" + (f":{second}" if second else "") if hour else ""
        return date + clock
    if re.match(r"\d{4}(-\d{2}(-\d{2})?)?", text):
        return text
    return iso_date(text)

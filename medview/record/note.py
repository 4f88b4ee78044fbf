"""What is found in a text: entities, relations, values, in the form `medview-note/1`.

Offsets are Python string indices (Unicode code points) into the exact text of the document.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from medview.core.results import Code
from medview.record.language import simplified

if TYPE_CHECKING:
    from medview.core.observation import Observation
    from medview.record.document import Section

Span = tuple[int, int]
Number = int | float

CONTEXT_TYPES = frozenset(
    ("disease", "symptom", "finding", "drug", "procedure", "allergy", "device")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A number, several (`dims`), a range or a word, as written; `unit` is UCUM.

    concept: LOINC code of a lab or vital. prior: from an earlier examination.
    """

    num: Number | None = None
    dims: tuple[Number, ...] = ()
    low: Number | None = None
    high: Number | None = None
    text: str = ""
    unit: str = ""
    comparator: str = ""
    concept: str = ""
    prior: bool = False

    def to_json(self) -> dict[str, Any]:
        """Only the keys that say something."""
        pairs = {
            "concept": self.concept, "num": self.num, "dims": list(self.dims), "low": self.low,
            "high": self.high, "text": self.text, "unit": self.unit,
            "comparator": self.comparator, "prior": self.prior,
        }  # fmt: skip
        return {
            k: v for k, v in pairs.items() if v is not None and v not in ("", []) and v is not False
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """Context of a mention; the defaults are what an unmarked mention means."""

    negated: bool = False
    uncertain: bool = False
    temporality: str = "current"  # current, historical, hypothetical
    experiencer: str = "patient"  # patient, family, other
    trigger: Span | None = None

    def to_json(self) -> dict[str, Any]:
        """Only what differs from the default."""
        result: dict[str, Any] = {}
        if self.negated:
            result["negated"] = True
        if self.uncertain:
            result["uncertain"] = True
        if self.temporality != "current":
            result["temporality"] = self.temporality
        if self.experiencer != "patient":
            result["experiencer"] = self.experiencer
        if result and self.trigger is not None:
            result["trigger"] = list(self.trigger)
        return result


PLAIN = Attributes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A mention: `text` is the document's text[start:end].

    concepts: ids of `core.observation.concepts()` that the words stand for (may be empty).
    code: as a structured document gives it.
    """

    type: str
    start: int
    end: int
    text: str
    attrs: Attributes = PLAIN
    value: Value | None = None
    concepts: tuple[str, ...] = ()
    id: str = ""
    code: Code | None = None

    def overlaps(self, other: Entity) -> bool:
        """Whether the two spans share a character."""
        return self.start < other.end and other.start < self.end

    def to_json(self) -> dict[str, Any]:
        """The form of `medview-note/1`."""
        result: dict[str, Any] = {
            "id": self.id, "type": self.type, "start": self.start, "end": self.end,
            "text": self.text,
        }  # fmt: skip
        if attrs := self.attrs.to_json():
            result["attrs"] = attrs
        if self.value is not None and (value := self.value.to_json()):
            result["value"] = value
        return result


@dataclass(frozen=True, slots=True)
class Relation:
    """`head` and `tail` are ids of entities of the same note."""

    type: str
    head: str
    tail: str


@dataclass(frozen=True, kw_only=True)
class Note:
    """What `extract` found in one document. model: name and version of the trained model that
    read beside the rules, empty where none did."""

    id: str
    lang: str
    text: str
    sections: tuple[Section, ...] = ()
    entities: tuple[Entity, ...] = ()
    relations: tuple[Relation, ...] = ()
    observations: tuple[Observation, ...] = field(default=())
    model: str = ""

    def entity(self, entity_id: str) -> Entity:
        """The entity with that id. Raises KeyError."""
        return self._by_id[entity_id]

    def relations_of(self, entity_id: str, kind: str) -> list[Relation]:
        """The relations of a kind whose head is the entity."""
        return [r for r in self._by_head.get(entity_id, ()) if r.type == kind]

    @cached_property
    def plain(self) -> str:
        """The text in simplified characters, as rules are written; every place is the same."""
        return simplified(self.text)

    def said(self, entity: Entity) -> str:
        """The words of an entity in simplified characters."""
        return self.plain[entity.start : entity.end]

    def look_up(self) -> None:
        """Make the tables by id now, in the thread of whoever read the note: it may be long."""
        self._by_head, self._by_id  # noqa: B018 - made by being asked for

    @cached_property
    def _by_head(self) -> dict[str, list[Relation]]:
        heads: dict[str, list[Relation]] = {}
        for relation in self.relations:
            heads.setdefault(relation.head, []).append(relation)
        return heads

    @cached_property
    def _by_id(self) -> dict[str, Entity]:
        return {entity.id: entity for entity in self.entities}

    def to_json(self) -> dict[str, Any]:
        """The form of `medview-note/1`."""
        result: dict[str, Any] = {
            "schema": "medview-note/1", "id": self.id, "lang": self.lang, "text": self.text,
        }  # fmt: skip
        if self.model:
            result["model"] = self.model
        if self.sections:
            result["sections"] = [
                {"label": s.label, "start": s.start, "end": s.end} for s in self.sections
            ]
        result["entities"] = [e.to_json() for e in self.entities]
        result["relations"] = [
            {"type": r.type, "head": r.head, "tail": r.tail} for r in self.relations
        ]
        return result

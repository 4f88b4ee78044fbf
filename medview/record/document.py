"""A document of the record: exact text, whose it is, what its structure says by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from medview.core.observation import Observation
from medview.core.words import Sentence
from medview.record.note import Entity, Relation, Span

KINDS = ("FHIR", "HL7 v2", "CDA", "PDF", "RTF", "DICOM SR", "DICOM", "text")


LONG_TEXT = 300_000  # characters; what is longer the rules and word lists read alone


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a text; `label` is a word of `rules.sections` (findings, family, medications)."""

    label: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientIdentity:
    """Who a document says it is about; empty where it does not say.

    ids: every identifier, the medical record number first. birth_date: ISO, possibly a year or
    a month only. sex: F, M, O or empty.
    """

    ids: tuple[str, ...] = ()
    name: str = ""
    birth_date: str = ""
    sex: str = ""

    @property
    def id(self) -> str:
        """The first identifier, or empty."""
        return self.ids[0] if self.ids else ""


@dataclass(frozen=True, kw_only=True)
class Document:
    """One document.

    id: made of the content, holds nothing of the patient. date: ISO with the precision that was
    written, or empty. narrative: spans of free text, which the rules read; outside of them the
    `entities` and `observations` stand that the structure gave. dated: parts (start, end, ISO
    date) with a date of their own. references: reference ranges of labs by concept id,
    (low, high). notes: what is wrong with the file although it was read.
    """

    id: str
    path: str
    kind: str
    title: str = ""
    date: str = ""
    encoding: str = "utf-8"
    patient: PatientIdentity = PatientIdentity()
    text: str = ""
    sections: tuple[Section, ...] = ()
    narrative: tuple[Span, ...] = ()
    dated: tuple[tuple[int, int, str], ...] = ()
    entities: tuple[Entity, ...] = ()
    relations: tuple[Relation, ...] = ()
    observations: tuple[Observation, ...] = ()
    references: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    notes: tuple[Sentence, ...] = ()

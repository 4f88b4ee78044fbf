"""What is named rather than measured: problems, medicines, procedures, relatives' diseases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from medview.record.note import Entity, Note, Relation
from medview.record.settling import settling

_CONCEPTS = {"disease": "problem", "drug": "medication", "procedure": "procedure"}
_DOSING = ("drug_dose", "drug_route", "drug_frequency", "drug_duration")


@dataclass(frozen=True, slots=True)
class StatementFact:
    """A line of a list: concept, name, the entity that names it, its state and what belongs."""

    concept: str
    name: str
    entity: Entity
    status: str
    detail: str = ""


def statement_facts(note: Note) -> Iterator[StatementFact]:
    """Facts of one note; what is only imagined ("if", "risk of") or another person's is none."""
    by_id = {entity.id: entity for entity in note.entities}
    tails: dict[str, list[Relation]] = {}
    for relation in note.relations:
        tails.setdefault(relation.head, []).append(relation)
    for entity in settling(note.entities):
        concept, attrs = _CONCEPTS.get(entity.type, ""), entity.attrs
        if entity.type in ("symptom", "finding") and entity.code is not None:
            concept = "problem"  # a problem list may hold a complaint
        if not concept or attrs.temporality == "hypothetical" or attrs.experiencer == "other":
            continue
        name = " ".join(entity.text.split())
        if attrs.experiencer == "family":
            if concept == "problem":
                status = _status(entity, usual="family")
                yield StatementFact("family_history", name, entity, status, _relative(note, entity))
        elif concept != "procedure" or not attrs.negated:
            detail = _dosing(tails.get(entity.id, ()), by_id) if concept == "medication" else ""
            yield StatementFact(concept, name, entity, _status(entity), detail)


def _status(entity: Entity, usual: str = "active") -> str:
    attrs = entity.attrs
    if attrs.negated:
        return "denied"
    if attrs.uncertain:
        return "possible"
    return "past" if attrs.temporality == "historical" else usual


def _relative(note: Note, entity: Entity) -> str:
    trigger = entity.attrs.trigger
    return " ".join(note.text[trigger[0] : trigger[1]].split()) if trigger else ""


def _dosing(relations: Sequence[Relation], by_id: Mapping[str, Entity]) -> str:
    parts = [
        " ".join(by_id[relation.tail].text.split())
        for kind in _DOSING
        for relation in relations
        if relation.type == kind
    ]
    return ", ".join(dict.fromkeys(parts))

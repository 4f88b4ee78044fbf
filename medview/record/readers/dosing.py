"""Dose, route and frequency behind a drug of a structured document."""

from __future__ import annotations

from medview.record.note import Entity, Relation
from medview.record.readers.page import Page
from medview.record.rules.dosing import find_dosing


def write_dosing(page: Page, drug: Entity, text: str) -> None:
    """Write ` text` behind the drug that was just written, with what it holds and its relations."""
    page.write(f" {text}")
    # The rules read "drug + text" as one sentence; the offsets are then moved to the page.
    shift = drug.end - len(drug.text)
    line = drug.text + " " + text
    moved = Entity(type="drug", start=0, end=len(drug.text), text=drug.text)
    for relation, _, tail in find_dosing(line, (0, len(line)), [moved]):
        if tail.start < len(drug.text):  # a strength inside the name belongs to the name
            continue
        entity = Entity(
            type=tail.type, start=tail.start + shift, end=tail.end + shift, text=tail.text,
            value=tail.value, id=f"S{len(page.entities)}",
        )  # fmt: skip
        page.entities.append(entity)
        page.relations.append(Relation(relation, drug.id, entity.id))

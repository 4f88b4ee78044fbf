"""How well notes of the form `medview-note/1` agree with gold ones of the same text.

Entities count with exact span and type (`overlap`: any shared character and the type), attributes
on mentions that match exactly, relations with both ends exact, values after conversion of units.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from medview.core.errors import InvalidInput
from medview.core.units import converted
from medview.core.words import say
from medview.record import Document, extract
from medview.record.note import CONTEXT_TYPES
from medview.record.tagging.model import TextModel
from medview.training.text.corpora import json_lines
from medview.training.text.scores import Tally

Row = Mapping[str, Any]
Key = tuple[int, int, str]
_CLOSE = 1e-6  # relative difference of two equal values
_DEFAULTS = {
    "negated": False, "uncertain": False, "temporality": "current", "experiencer": "patient",
}  # fmt: skip


def read_notes(path: Path) -> list[dict[str, Any]]:
    """Gold notes. Raises InvalidInput where an entity is not the text at its place."""
    notes = list(json_lines(path))
    for note in notes:
        if note.get("schema") != "medview-note/1" or not isinstance(note.get("text"), str):
            raise InvalidInput(say("This file is not of the expected form."), str(path))
        for e in note["entities"]:
            if note["text"][e["start"] : e["end"]] != e["text"] or not e["text"]:
                raise InvalidInput(
                    say("A mention is not the text at its place."), f"{note['id']}: {e['id']}"
                )
    return notes


def our_note(text: str, language: str, model: TextModel | None) -> dict[str, Any]:
    """What the program says of a bare text."""
    document = Document(
        id="d", path="", kind="text", text=text, narrative=((0, len(text)),) if text else ()
    )
    return extract(document, language[:2], tagger=model).to_json()


def count_note(tally: Tally, gold: Row, ours: Row) -> None:
    """Add one note to a tally."""
    tally.begin(str(gold["id"]))
    there, found = ({_key(e): e for e in note["entities"]} for note in (gold, ours))
    tally.add("entities", there, found)
    for kind in sorted({k[2] for k in (*there, *found)}):
        tally.add(f"entities.{kind}", _of_type(there, kind), _of_type(found, kind))
    tally.count("overlap", _overlap(list(there), list(found)))
    for key in there.keys() & found.keys():
        if key[2] in CONTEXT_TYPES:
            _count_attributes(tally, key, there[key], found[key])
        if "value" in there[key]:
            same = _same_value(there[key]["value"], found[key].get("value", {}))
            tally.count("value", (int(same), int(not same), 0))
    _count_negation(tally, there, found)
    pairs = [_relations(note) for note in (gold, ours)]
    tally.add("relations", *pairs)
    for kind in sorted({r[0] for r in pairs[0] | pairs[1]}):
        tally.add(f"relations.{kind}", *({r for r in p if r[0] == kind} for p in pairs))


def _of_type(keys: Iterable[Key], kind: str) -> set[Key]:
    return {key for key in keys if key[2] == kind}


def _key(entity: Row) -> Key:
    return (entity["start"], entity["end"], entity["type"])


def _overlap(there: Sequence[Key], found: Sequence[Key]) -> tuple[int, int, int]:
    free = list(found)
    hit = 0
    for start, end, kind in there:
        match = next((f for f in free if f[2] == kind and f[0] < end and start < f[1]), None)
        if match is not None:
            free.remove(match)
            hit += 1
    return hit, len(free), len(there) - hit


def _count_attributes(tally: Tally, key: Key, gold: Row, ours: Row) -> None:
    for name, default in _DEFAULTS.items():
        right = gold.get("attrs", {}).get(name, default)
        said = ours.get("attrs", {}).get(name, default)
        tally.count(f"accuracy.{name}", (int(right == said), int(right != said), 0))
        for value in {right, said} - {default}:
            label = name if value is True else str(value)
            tally.add(f"context.{label}", {key} if right == value else (),
                      {key} if said == value else ())  # fmt: skip


def _count_negation(tally: Tally, there: Mapping[Key, Row], found: Mapping[Key, Row]) -> None:
    """Negated mentions end to end: a negated one that was not found is lost too."""
    negated = [
        {k for k, e in side.items() if e.get("attrs", {}).get("negated")} for side in (there, found)
    ]
    tally.add("negated mentions", *negated)


def _relations(note: Row) -> set[tuple[str, Key, Key]]:
    by_id = {e["id"]: _key(e) for e in note["entities"]}
    return {(r["type"], by_id[r["head"]], by_id[r["tail"]]) for r in note.get("relations", [])}


def _same_value(gold: Row, ours: Row) -> bool:
    words = all(gold.get(k) == ours.get(k) for k in ("text", "comparator"))
    left, right = _numbers(gold), _numbers(ours)
    if not words or len(left) != len(right):
        return False
    return all(_same_number(a, b, gold, ours) for a, b in zip(left, right, strict=True))


def _numbers(value: Row) -> list[float]:
    return [float(n) for n in (*value.get("dims", ()), *(value[k] for k in ("num", "low", "high")
            if value.get(k) is not None))]  # fmt: skip


def _same_number(a: float, b: float, gold: Row, ours: Row) -> bool:
    units = gold.get("unit", ""), ours.get("unit", "")
    if units[0] != units[1]:
        turned = converted(b, units[1], units[0])
        if turned is None:
            return False
        b = turned
    return abs(a - b) <= _CLOSE * max(abs(a), abs(b), 1e-12)

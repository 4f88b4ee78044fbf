"""`medview extract`: documents to mentions, relations, observations."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from medview.cli.output import (
    DONE,
    IN_PART,
    WRONG_INPUT,
    complain,
    print_json,
    print_lines,
    progress_for,
)
from medview.core.archive import is_there
from medview.core.errors import InvalidInput, MedViewError
from medview.core.observation import Observation, Source, concepts
from medview.core.progress import part_of
from medview.core.words import say, tr
from medview.record import (
    Document,
    Note,
    contradictions,
    documents_among,
    extract,
    known_of,
    observations,
    read_documents,
)
from medview.session.record_export import write_fhir_of
from medview.session.text_model import shipped_text_model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Paths, form of the output, language."""
    parser.add_argument("paths", nargs="+", metavar="PATH", type=Path, help="documents or folders")
    parser.add_argument(
        "--fhir", type=Path, metavar="FILE", help="write the record of one patient as FHIR R4 too"
    )
    parser.add_argument("--lines", action="store_true", help="one note a line (JSON Lines)")
    parser.add_argument(
        "--lang", choices=("auto", "en", "zh"), default="auto", help="language of the documents"
    )


def run(args: argparse.Namespace) -> int:
    """Read what can be read; the rest is named, one sentence each."""
    paths = list(_files(args.paths))
    if not paths:
        raise InvalidInput(say("There is no document here."), ", ".join(map(str, args.paths)))
    show = progress_for(args)
    model = shipped_text_model()
    if model is None:
        complain(tr("There is no text model: rules and word lists read alone."), DONE)
    read: list[tuple[Document, Note]] = []
    failed: list[tuple[Path, MedViewError]] = []
    for i, path in enumerate(paths):
        within = part_of(show, i, len(paths))
        within(0, 1, tr("Reading documents"))
        try:
            read += [
                (d, extract(d, args.lang, tagger=model, progress=within))
                for d in read_documents(path)
            ]
        except MedViewError as error:
            complain(error.sentence(), WRONG_INPUT)
            failed.append((path, error))
    show(len(paths), len(paths), tr("Reading documents"))
    for document, _ in read:
        for sentence in document.notes:
            complain(f"{Path(document.path).name}: {sentence}", DONE)
    for sentence in contradictions(document for document, _ in read):
        complain(str(sentence), DONE)
    if not read:
        return WRONG_INPUT
    if args.fhir is not None:
        count = write_fhir_of(read, args.fhir)
        saved = tr(
            "Saved {count} {count:FHIR resource|FHIR resources} as {name}.",
            count=count,
            name=args.fhir.name,
        )
        complain(saved, DONE)
    _print(args, read, failed)
    return IN_PART if failed else DONE


def _files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(documents_among(path.rglob("*")))
        elif is_there(str(path)):
            yield path
        else:
            raise InvalidInput(say("There is no such file."), str(path))


def _print(
    args: argparse.Namespace,
    read: list[tuple[Document, Note]],
    failed: list[tuple[Path, MedViewError]],
) -> None:
    if args.lines:
        for document, note in read:
            sys.stdout.write(json.dumps(_document_json(document, note), ensure_ascii=False) + "\n")
    elif args.json:
        found = observations(n for _, n in read)
        print_json(
            {
                "schema": "medview.extract/1",
                "documents": [_document_json(document, note) for document, note in read],
                "observations": [_observation_json(o) for o in found],
                "known": _known_json(found),
                "contradictions": [
                    s.english() for s in contradictions(document for document, _ in read)
                ],
                "failed": [
                    {"file": str(path), "what": error.what.english(), "where": error.where}
                    for path, error in failed
                ],
            }
        )
    else:
        for document, note in read:
            _print_note(document, note)
        _print_observations(observations(n for _, n in read))


def _document_json(document: Document, note: Note) -> dict[str, Any]:
    who = document.patient
    return {
        **note.to_json(), "file": document.path, "kind": document.kind, "title": document.title,
        "date": document.date, "encoding": document.encoding,
        "patient": {"id": who.id, "name": who.name, "birth_date": who.birth_date, "sex": who.sex},
        "notes": [n.english() for n in document.notes],
    }  # fmt: skip


def _observation_json(o: Observation) -> dict[str, Any]:
    code = (
        {"scheme": o.code.scheme, "value": o.code.value, "meaning": o.code.meaning}
        if o.code
        else None
    )
    return {
        "patient": o.patient_id, "concept": o.concept, "code": code,
        "value": _plain(o),
        "unit": o.unit, "comparator": o.comparator, "time": o.time, "original": o.original,
        "source": _source_json(o.source), "also": [_source_json(s) for s in o.also],
        "reference": list(o.reference), "status": o.status, "subject": o.subject,
        "detail": o.detail,
    }  # fmt: skip


def _known_json(found: Iterable[Observation]) -> list[dict[str, Any]]:
    """For each patient and concept the value that counts today, and what contradicts it."""
    patients: dict[str, list[Observation]] = {}
    for one in found:
        patients.setdefault(one.patient_id, []).append(one)
    return [
        {
            "patient": patient, "concept": known.observation.concept,
            "value": _plain(known.observation), "unit": known.observation.unit,
            "time": known.observation.time, "age_days": known.age_days, "stale": known.is_stale,
            "others": [
                {"value": _plain(o), "unit": o.unit, "time": o.time,
                 "source": _source_json(o.source)}
                for o in known.others
            ],
        }
        for patient, mine in patients.items()
        for known in known_of(mine)
    ]  # fmt: skip


def _plain(o: Observation) -> Any:
    return list(o.value) if isinstance(o.value, tuple) else o.value


def _source_json(source: Source) -> dict[str, str]:
    return {"kind": source.kind, "where": source.where, "locator": source.locator}


def _print_note(document: Document, note: Note) -> None:
    facts = (document.kind, document.encoding, document.date, document.patient.id, note.lang)
    print_lines(f"{document.title} ({', '.join(f for f in facts if f)})")
    for e in note.entities:
        attrs = e.attrs.to_json()
        marks = [k for k in ("negated", "uncertain") if attrs.get(k)]
        marks += [attrs[k] for k in ("temporality", "experiencer") if k in attrs]
        print_lines(
            f"  {e.type:12} {' '.join(e.text.split())}"
            + (f"  [{', '.join(marks)}]" if marks else "")
        )
    for r in note.relations:
        print_lines(f"  {r.type:18} {note.entity(r.head).text} → {note.entity(r.tail).text}")


def _print_observations(found: tuple[Observation, ...]) -> None:
    if found:
        print_lines("")
    for o in found:
        value = "/".join(f"{v:g}" for v in o.value) if isinstance(o.value, tuple) else o.value
        said = (
            {True: "yes", False: "no"}[value]
            if isinstance(value, bool)
            else f"{value:g}"
            if isinstance(value, float)
            else value
        )
        print_lines(
            f"{concepts()[o.concept].title}: {o.comparator}{said} {o.unit}".rstrip()
            + f"  ({o.source.kind}, {o.time or '-'})"
        )

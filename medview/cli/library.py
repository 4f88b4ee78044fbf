"""`medview library`: the study index without a window."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medview.cli.output import (
    DONE,
    IN_PART,
    WRONG_INPUT,
    actions_of,
    complain,
    print_json,
    print_lines,
    progress_for,
)
from medview.core.errors import InvalidInput, MedViewError
from medview.core.study import Patient, shown_name
from medview.core.words import say, tr
from medview.library import (
    Added,
    Library,
    LibraryIsDamaged,
    Query,
    StudyEntry,
    Watcher,
    add,
    add_copies,
    check,
    clean,
    files_of,
    known_tags,
    priors_of_entry,
    recover,
    roots,
    set_tags,
    set_watched,
    studies,
    words_of_check,
)

SCHEMA = "medview.library/1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions of the command's contract."""
    action = actions_of(parser)

    adding = action("add", "index files and folders, by reference or copy")
    adding.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    adding.add_argument("--copy", action="store_true", help="copy the files into the library")
    _add_filters(action("list", "the studies, newest first"))
    searching = action("search", "studies by words: name, ID, date, description, body part, tag")
    searching.add_argument("words", nargs="*", metavar="WORD")
    _add_filters(searching)
    action("priors", "earlier studies of the patient of a study").add_argument("study")
    tagging = action("tag", "give a study these tags and no others")
    tagging.add_argument("study", metavar="STUDY")
    tagging.add_argument("tags", nargs="*", metavar="TAG")
    checking = action("check", "compare the index with the files")
    checking.add_argument("--deep", action="store_true", help="read every byte, compare SHA-256")
    action("clean", "take away entries of files that are gone, unused thumbnails")
    forgetting = action("forget", "take away everything that MedView keeps of a patient")
    forgetting.add_argument("--patient-id", required=True, metavar="ID")
    forgetting.add_argument("--birth-date", default="", metavar="YYYY-MM-DD")
    forgetting.add_argument("--sex", default="", choices=("", "M", "F", "O"))
    forgetting.add_argument("--name", default="", help="with --patient-id '': the DICOM name")
    forgetting.add_argument("--yes", action="store_true", help="do it; without it says what goes")
    watching = action("watch", "watch folders: new studies are indexed until interrupted")
    watching.add_argument("paths", nargs="*", type=Path, metavar="FOLDER")
    action("unwatch", "stop watching folders").add_argument(
        "paths", nargs="+", type=Path, metavar="FOLDER"
    )
    action("roots", "what was added, and what is watched")


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--patient-id", default="", metavar="ID")
    parser.add_argument("--modality", default="")
    parser.add_argument("--tag", default="")
    parser.add_argument("--since", default="", metavar="YYYY-MM-DD")
    parser.add_argument("--until", default="", metavar="YYYY-MM-DD")
    parser.add_argument("--files", action="store_true", help="the files of each study (--json)")


def run(args: argparse.Namespace) -> int:
    """Do the action; 0, 2 for what is wrong, 3 where files could not be read or are not sound."""
    from medview.session.forgetting import finish_forgetting

    library = Library()
    actions = {
        "add": _add, "list": _list, "search": _list, "priors": _priors, "tag": _tag,
        "check": _check, "clean": _clean, "forget": _forget, "watch": _watch,
        "unwatch": _unwatch, "roots": _roots,
    }  # fmt: skip
    try:
        finish_forgetting(library)
    except LibraryIsDamaged as error:
        complain(error.sentence(), IN_PART)
        recover(library, progress_for(args))
    return actions[args.action](library, args)


def _add(library: Library, args: argparse.Namespace) -> int:
    work = add_copies if args.copy else add
    added = work(library, args.paths, progress_for(args))
    for path, reason in added.unreadable:
        complain(f"{path}: {reason}", IN_PART)
    if args.json:
        print_json({"schema": SCHEMA, "added": _added_row(added)})
    else:
        print_lines(
            tr(
                "{new} new, {known} known, {other} not DICOM, {bad} unreadable; {count} "
                "{count:study|studies}.",
                new=added.new,
                known=added.known,
                other=added.other,
                bad=len(added.unreadable),
                count=len(added.studies),
            )
        )
    return IN_PART if added.unreadable else DONE


def _added_row(added: Added) -> dict[str, Any]:
    return {
        "files": added.files,
        "new": added.new,
        "known": added.known,
        "other": added.other,
        "studies": len(added.studies),
        "unreadable": [{"file": path, "reason": reason} for path, reason in added.unreadable],
    }


def _list(library: Library, args: argparse.Namespace) -> int:
    for date in (args.since, args.until):
        if date and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", date):
            raise InvalidInput(say("A date is given as YYYY-MM-DD."), date)
    query = Query(
        text=" ".join(getattr(args, "words", ())),
        patient_id=args.patient_id,
        modality=args.modality,
        tag=args.tag,
        since=args.since,
        until=args.until,
        most=1_000_000,
    )
    _print_studies(library, studies(library, query), args)
    return DONE


def _priors(library: Library, args: argparse.Namespace) -> int:
    entry = _study(library, args.study)
    _print_studies(library, priors_of_entry(library, entry), args)
    return DONE


def _print_studies(library: Library, found: Sequence[StudyEntry], args: argparse.Namespace) -> None:
    if args.json:
        with_files = getattr(args, "files", False)
        rows = [_row(e, files_of(library, e.id) if with_files else None) for e in found]
        print_json({"schema": SCHEMA, "studies": rows})
    else:
        print_lines(*map(_line, found))


def _row(entry: StudyEntry, files: Sequence[str] | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "uid": entry.uid,
        "patient": {
            "id": entry.patient.id,
            "name": entry.patient.name,
            "sex": entry.patient.sex,
            "birth_date": entry.patient.birth_date,
        },
        "date": entry.date,
        "description": entry.description,
        "accession": entry.accession,
        "modalities": list(entry.modalities),
        "body_parts": list(entry.body_parts),
        "series": entry.series,
        "images": entry.images,
        "objects": entry.objects,
        "tags": list(entry.tags),
        "place": entry.place,
        "copy": entry.is_copy,
        "added_at": entry.added_at,
    }
    return row if files is None else row | {"files": list(files)}


def _line(entry: StudyEntry) -> str:
    tags = " ".join(f"#{tag}" for tag in entry.tags)
    parts = (
        entry.date or "----------",
        "/".join(entry.modalities),
        shown_name(entry.patient.name) or "-",
        entry.patient.id or "-",
        entry.description or "-",
        f"{entry.images}",
        tags,
        entry.place,
    )
    return "  ".join(part for part in parts if part)


def _study(library: Library, uid: str) -> StudyEntry:
    found = [entry for entry in studies(library, Query(most=1_000_000)) if entry.uid == uid]
    if not found:
        raise InvalidInput(say("The library holds no such study."), uid)
    return found[0]


def _tag(library: Library, args: argparse.Namespace) -> int:
    set_tags(library, _study(library, args.study).id, args.tags)
    if args.json:
        print_json({"schema": SCHEMA, "tags": list(known_tags(library))})
    return DONE


def _check(library: Library, args: argparse.Namespace) -> int:
    found = check(library, progress_for(args), is_deep=args.deep)
    if args.json:
        lists = {
            name: list(getattr(found, name))
            for name in ("missing", "changed", "unreadable", "away", "orphans")
        }
        print_json({"schema": SCHEMA, "files": found.files, "sound": found.is_sound, **lists})
    else:
        named = (*found.missing, *found.changed, *found.unreadable, *found.away, *found.orphans)
        print_lines(*(str(sentence) for sentence in words_of_check(found)), *named)
    return DONE if found.is_sound else IN_PART


def _clean(library: Library, args: argparse.Namespace) -> int:
    cleaned = clean(library)
    if args.json:
        print_json(
            {
                "schema": SCHEMA,
                "entries": cleaned.entries,
                "pictures": cleaned.pictures,
                "leftovers": cleaned.leftovers,
            }
        )
    else:
        print_lines(
            tr(
                "Taken away: {entries} {entries:entry|entries}, {pictures} "
                "{pictures:thumbnail|thumbnails}, {leftovers} {leftovers:leftover|leftovers}.",
                entries=cleaned.entries,
                pictures=cleaned.pictures,
                leftovers=cleaned.leftovers,
            )
        )
    return DONE


def _forget(library: Library, args: argparse.Namespace) -> int:
    from medview.session.forgetting import forget, forgettable

    wanted = Patient(id=args.patient_id, name=args.name, sex=args.sex, birth_date=args.birth_date)
    found = forgettable(library, wanted)
    if not found:
        raise InvalidInput(say("The library knows no such patient."))
    if not args.yes:
        for item in found:
            print_lines(f"{shown_name(item.patient.name)} {item.patient.birth_date}")
            print_lines(*(f"  {sentence}" for sentence in item.words()))
        return complain(tr("Nothing was taken away yet: say --yes to do it."), WRONG_INPUT)
    for item in found:
        forget(library, item)
    if args.json:
        print_json({"schema": SCHEMA, "forgotten": len(found)})
    else:
        print_lines(tr("The patient is forgotten; no trace is left in MedView."))
    return DONE


def _watch(library: Library, args: argparse.Namespace) -> int:
    for path in args.paths:
        set_watched(library, path, is_watched=True)
    if not any(root.is_watched for root in roots(library)):
        raise InvalidInput(say("No folder is watched yet: name one."))

    def heard(added: Added) -> None:
        if args.json:
            print_json({"schema": SCHEMA, "added": _added_row(added)})
        else:
            print_lines(f"{time.strftime('%H:%M:%S')}  {added.new} / {len(added.studies)}")
        sys.stdout.flush()

    def failed(error: MedViewError) -> None:
        complain(error.sentence(), IN_PART)

    Watcher(library, heard, failed).run()
    return DONE


def _unwatch(library: Library, args: argparse.Namespace) -> int:
    for path in args.paths:
        set_watched(library, path, is_watched=False)
    return DONE


def _roots(library: Library, args: argparse.Namespace) -> int:
    found = roots(library)
    if args.json:
        rows = [
            {"path": str(root.path), "copy": root.is_copy, "watched": root.is_watched}
            for root in found
        ]
        print_json({"schema": SCHEMA, "roots": rows})
    else:
        print_lines(*(f"{'*' if root.is_watched else ' '} {root.path}" for root in found))
    return DONE

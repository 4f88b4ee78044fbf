"""What the library holds: studies as a worklist, their files, and priors.

Words are searched by LIKE in one column a study, not by a full-text index: Chinese needs no word
limits, and a full-text index keeps the words of deleted rows in its segments.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from medview.core.body_parts import named_parts
from medview.core.study import Patient, Series, Study
from medview.library.database import Library
from medview.library.entries import plain

_MOST = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is looked for; empty fields mean anything.

    text: words that must all be found, each anywhere in name, ID, accession, date, descriptions,
    body part, modality or tags, in English or Chinese. since, until: ISO dates, both included.
    """

    text: str = ""
    patient_id: str = ""
    modality: str = ""
    tag: str = ""
    since: str = ""
    until: str = ""
    most: int = _MOST


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyEntry:
    """One line of the worklist. `id` is the row, good for as long as the study is indexed.

    images: pictures, frames counted. objects: reports, segmentations and the like. place: the
    folder that holds it (the first of several). is_copy: it lies in the library itself.
    """

    id: int
    uid: str
    patient: Patient
    date: str
    time: str
    description: str
    accession: str
    modalities: tuple[str, ...]
    body_parts: tuple[str, ...]
    series: int
    images: int
    objects: int
    tags: tuple[str, ...]
    place: str
    is_copy: bool
    added_at: str


_SELECT = """
SELECT study.id, study.uid, patient.patient_id, patient.name, patient.sex, patient.birth_date,
  study.date, study.time, study.description, study.accession, study.added_at
FROM study JOIN patient ON patient.id = study.patient
WHERE study.patient NOT IN (SELECT what FROM chore WHERE kind = 'forget')
"""


def studies(library: Library, query: Query | None = None) -> tuple[StudyEntry, ...]:
    """The studies that a query finds, newest first."""
    if not library.is_there:
        return ()
    query = query or Query()
    conditions, values = _conditions(query)
    text = f"{_SELECT} {''.join(conditions)} ORDER BY study.date DESC, study.time DESC, study.id"
    with library.connection() as connection:
        rows = connection.execute(f"{text} LIMIT ?", (*values, query.most)).fetchall()
        return entries(connection, rows)


def entries(
    connection: sqlite3.Connection, rows: Sequence[Sequence[str]]
) -> tuple[StudyEntry, ...]:
    """Rows of _SELECT with what their series, tags and folders say."""
    numbers = [int(row[0]) for row in rows]
    ids = json.dumps(numbers)
    series, tags, places = (
        _series(connection, ids),
        _tags(connection, ids),
        _places(connection, ids),
    )
    return tuple(
        StudyEntry(
            id=number,
            uid=row[1],
            patient=Patient(id=row[2], name=row[3], sex=row[4], birth_date=row[5]),
            date=row[6],
            time=row[7],
            description=row[8],
            accession=row[9],
            added_at=row[10],
            modalities=tuple(dict.fromkeys(m for m, *_ in series[number] if m)),
            body_parts=tuple(dict.fromkeys(part for _, part, *_ in series[number] if part)),
            series=len(series[number]),
            images=sum(images for *_, images, _ in series[number]),
            objects=sum(objects for *_, objects in series[number]),
            tags=tags.get(number, ()),
            place=places[number][0] if number in places else "",
            is_copy=number in places and places[number][1],
        )
        for number, row in zip(numbers, rows, strict=True)
    )


def _conditions(query: Query) -> tuple[list[str], list[str]]:
    conditions, values = [], []
    for word in plain(query.text).split():
        conditions.append(
            " AND (study.words LIKE ? ESCAPE '!' OR EXISTS (SELECT 1 FROM tag"
            " WHERE tag.study = study.id AND tag.tag LIKE ? ESCAPE '!'))"
        )
        values += 2 * [f"%{_escaped(word)}%"]
    for column, sign, value in (
        ("patient.patient_id", "=", query.patient_id),
        ("study.date", ">=", query.since),
        ("study.date", "<=", query.until),
    ):
        if value:
            conditions.append(f" AND {column} {sign} ?")
            values.append(value)
    if query.until:
        conditions.append(" AND study.date <> ''")
    if query.modality:
        conditions.append(
            " AND EXISTS (SELECT 1 FROM series WHERE series.study = study.id AND modality = ?)"
        )
        values.append(query.modality.upper())
    if query.tag:
        conditions.append(
            " AND EXISTS (SELECT 1 FROM tag WHERE tag.study = study.id AND tag.tag = ?)"
        )
        values.append(query.tag)
    return conditions, values


def _escaped(word: str) -> str:
    return word.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _series(connection: sqlite3.Connection, ids: str) -> dict[int, list[tuple[str, str, int, int]]]:
    """Modality, body part, images and objects of each series, by study."""
    found: dict[int, list[tuple[str, str, int, int]]] = defaultdict(list)
    for study, *rest in connection.execute(
        "SELECT study, modality, body_part, images, objects FROM series"
        " WHERE study IN (SELECT value FROM json_each(?)) ORDER BY study, number, id",
        (ids,),
    ):
        found[study].append((rest[0], rest[1], rest[2], rest[3]))
    return found


def _tags(connection: sqlite3.Connection, ids: str) -> dict[int, tuple[str, ...]]:
    found: dict[int, list[str]] = defaultdict(list)
    for study, tag in connection.execute(
        "SELECT study, tag FROM tag WHERE study IN (SELECT value FROM json_each(?))", (ids,)
    ):
        found[study].append(tag)
    return {study: tuple(tags) for study, tags in found.items()}


def _places(connection: sqlite3.Connection, ids: str) -> dict[int, tuple[str, bool]]:
    """The folder of one file of each study, and whether it is a copy of the library's own."""
    rows = connection.execute(
        "SELECT wanted.value, folder.path, root.is_copy FROM json_each(?) AS wanted"
        " JOIN folder ON folder.id = (SELECT folder FROM file WHERE series ="
        "  (SELECT min(id) FROM series WHERE study = wanted.value) LIMIT 1)"
        " JOIN root ON root.id = folder.root",
        (ids,),
    )
    return {study: (os.fsdecode(path), bool(is_copy)) for study, path, is_copy in rows}


def files_of(library: Library, study: int) -> tuple[str, ...]:
    """Every image and object of a study once, series by series; of doubles one that is there."""
    with library.connection() as connection:
        rows = connection.execute(
            "SELECT series.id, sop_uid, folder.path, file.name FROM series"
            " JOIN file ON file.series = series.id JOIN folder ON folder.id = file.folder"
            " WHERE series.study = ? ORDER BY series.number, series.id, folder.path, file.name",
            (study,),
        ).fetchall()
    found: dict[tuple[int, str], str] = {}
    for series, uid, folder, name in rows:
        path = os.path.join(os.fsdecode(folder), os.fsdecode(name))  # noqa: PTH118 - bytes' names
        key = (series, uid or path)
        if key not in found or not os.path.exists(found[key]):  # noqa: PTH110
            found[key] = path
    return tuple(found.values())


def paths_of(library: Library, study: int) -> tuple[Path, ...]:
    """What to open for a study: its folders where they hold nothing else, else its files.

    A folder brings the documents that lie beside the images.
    """
    with library.connection() as connection:
        folders = [
            bytes(row[0])
            for row in connection.execute(
                "SELECT DISTINCT folder.path FROM series JOIN file ON file.series = series.id"
                " JOIN folder ON folder.id = file.folder WHERE series.study = ?",
                (study,),
            )
        ]
        is_alone = all(_holds_only(connection, folder, study) for folder in folders)
        doubles = connection.execute(
            "SELECT count(*) - count(DISTINCT sop_uid) FROM file WHERE series IN"
            " (SELECT id FROM series WHERE study = ?)",
            (study,),
        ).fetchone()[0]
    if doubles or not is_alone:
        return tuple(Path(path) for path in files_of(library, study))
    paths = sorted(Path(os.fsdecode(folder)) for folder in folders)
    return tuple(p for p in paths if not any(q in p.parents for q in paths))


def _holds_only(connection: sqlite3.Connection, folder: bytes, study: int) -> bool:
    below = folder.rstrip(b"/\\") + os.fsencode(os.sep)
    other = connection.execute(
        "SELECT 1 FROM folder JOIN file ON file.folder = folder.id"
        " JOIN series ON series.id = file.series"
        " WHERE (folder.path = ? OR substr(folder.path, 1, ?) = ?) AND series.study <> ? LIMIT 1",
        (folder, len(below), below, study),
    ).fetchone()
    return other is None


def priors_of(
    library: Library, patient: Patient, study_uids: Collection[str]
) -> tuple[StudyEntry, ...]:
    """Studies of other dates of the same patient, the fittest first.

    Same patient: ID, birth date and sex; without an ID nobody is. study_uids: what is open; the
    newest of these is compared with. Fit: same body part, then same modality, then newest.
    """
    if not library.is_there or not patient.id:
        return ()
    text = (
        f"{_SELECT} AND patient.patient_id = ? AND patient.birth_date = ? AND patient.sex = ?"
        " ORDER BY study.date DESC, study.time DESC"
    )
    with library.connection() as connection:
        rows = connection.execute(text, (patient.id, patient.birth_date, patient.sex)).fetchall()
        found = entries(connection, rows)
    mine = [entry for entry in found if entry.uid in study_uids]
    dates = {entry.date for entry in mine} | {s.date for s in patient.studies}
    others = [e for e in found if e.uid not in study_uids and e.date not in dates]
    parts = {part for s in patient.studies if s.uid in study_uids for part in _parts_of(s)}
    kinds = {series.modality for s in patient.studies if s.uid in study_uids for series in s.series}
    return tuple(
        sorted(
            others,
            key=lambda e: (
                parts.isdisjoint(named_parts(" ".join((*e.body_parts, e.description)))),
                kinds.isdisjoint(e.modalities),
            ),
        )
    )


def priors_of_entry(library: Library, entry: StudyEntry) -> tuple[StudyEntry, ...]:
    """As `priors_of`, for a study of the library itself."""
    parts = " ".join(entry.body_parts)
    own = Study(
        uid=entry.uid,
        date=entry.date,
        description=entry.description,
        series=tuple(Series(uid="", modality=m, body_part=parts) for m in entry.modalities),
    )
    return priors_of(library, replace(entry.patient, studies=(own,)), {own.uid})


def _parts_of(study: Study) -> frozenset[str]:
    words = [study.description, *(series.body_part for series in study.series)]
    return named_parts(" ".join(words))

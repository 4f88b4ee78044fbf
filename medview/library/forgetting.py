"""Forgetting a patient: rows, pictures, copies, and every byte of theirs in the index files.

A patient that is to go is marked first, so a run that is killed is finished by the next one; rows
go last, because they alone know what else belongs to the patient. Deleted bytes stay in SQLite's
pages and in its journal until both are written anew: `VACUUM` and a truncating checkpoint do that.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from medview.core.errors import WriteFailed
from medview.core.study import Patient
from medview.core.words import say
from medview.dicom.headline import Headline
from medview.library.copying import adopt, copies_folder
from medview.library.database import SET_ASIDE, Library, change
from medview.library.drives import drop_unused
from medview.library.entries import SHARED, shared_of
from medview.library.headlines import headlines
from medview.library.keepsake import keep
from medview.library.thumbnails import drop_thumbnails

_PATIENCE_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the library knows of one patient, before it is forgotten.

    row: of the patient. files: entries by reference, which stay where they are. copies: files in
    the library, which go. folders: those that hold the files. watched: those that must not be
    watched any more, because they would bring the patient back.
    """

    row: int
    patient: Patient
    study_uids: tuple[str, ...]
    files: int
    copies: int
    pictures: int
    tags: int
    folders: tuple[str, ...]
    watched: tuple[str, ...]


def known_of(library: Library, patient: Patient) -> tuple[Known, ...]:
    """What there is on a patient; an empty birth date or sex in `patient` means any.

    Without an ID the name must be the same.
    """
    if not library.is_there:
        return ()
    with library.connection() as connection:
        adopt(library, connection)
        rows = connection.execute(
            "SELECT id, patient_id, name, sex, birth_date FROM patient WHERE patient_id = ?"
            " AND (? = '' OR birth_date = ?) AND (? = '' OR sex = ?) AND (? <> '' OR name = ?)",
            (patient.id, *2 * [patient.birth_date], *2 * [patient.sex], patient.id, patient.name),
        ).fetchall()
        return tuple(_known(connection, row) for row in rows)


def to_be_forgotten(library: Library) -> tuple[Known, ...]:
    """Patients whose forgetting was begun and did not end."""
    if not library.is_there:
        return ()
    with library.connection() as connection:
        rows = connection.execute(
            "SELECT id, patient_id, name, sex, birth_date FROM patient"
            " WHERE id IN (SELECT what FROM chore WHERE kind = 'forget')"
        ).fetchall()
        return tuple(_known(connection, row) for row in rows)


def needs_scrubbing(library: Library) -> bool:
    """Whether rows were deleted whose bytes are still in the files."""
    if not library.is_there:
        return False
    with library.connection() as connection:
        return connection.execute("SELECT 1 FROM chore WHERE kind = 'scrub'").fetchone() is not None


def begin(library: Library, known: Known) -> None:
    """From now on the patient is in no list, and the next start ends what was begun."""
    with library.transaction() as connection:
        connection.execute("INSERT OR IGNORE INTO chore VALUES ('forget', ?)", (known.row,))


def finish(library: Library, known: Known) -> None:
    """Pictures, copies, rows; then the index is written anew. Blocks.

    Raises WriteFailed, also when another window keeps the index busy for long.
    """
    with library.connection() as connection:
        try:
            for folder in _copy_folders(library, connection, known.row):
                _remove_folder(folder)
            _remove_unfinished(library, known.patient)
            with change(connection):
                _delete_rows(library, connection, known.row)
                connection.execute("INSERT OR IGNORE INTO chore VALUES ('scrub', 0)")
        except OSError as error:
            raise not_all_taken(error, library.folder) from error
    scrub(library)


def not_all_taken(error: OSError, folder: Path) -> WriteFailed:
    """The error where something of the patient could not be taken off the disk."""
    return WriteFailed(
        say("Not everything of the patient could be taken away."),
        str(error.filename or folder),
        say("Check the rights of that folder; the next start tries again."),
        detail=str(error.errno),
    )


def scrub(library: Library) -> None:
    """Write keepsake and index anew, so that no deleted byte is left in them or in the journal."""
    with library.connection() as connection:
        try:
            (library.folder / SET_ASIDE).unlink(missing_ok=True)
        except OSError as error:
            raise not_all_taken(error, library.folder) from error
        keep(library, connection)
        connection.execute("VACUUM")
        end = time.monotonic() + _PATIENCE_S
        while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            if time.monotonic() > end:
                raise WriteFailed(
                    say("Another window of MedView is busy with the library."),
                    str(library.path),
                    say("The patient is forgotten; the last traces go when MedView starts next."),
                )
            time.sleep(0.1)
        connection.execute("DELETE FROM chore WHERE kind = 'scrub'")


def _known(connection: sqlite3.Connection, row: tuple[int, str, str, str, str]) -> Known:
    number, patient_id, name, sex, birth_date = row
    inside = (
        "FROM file JOIN folder ON folder.id = file.folder JOIN root ON root.id = folder.root"
        " WHERE series IN (SELECT series.id FROM series JOIN study ON study.id = series.study"
        " WHERE study.patient = ?)"
    )
    counts = dict(
        connection.execute(f"SELECT root.is_copy, count(*) {inside} GROUP BY 1", (number,))
    )
    folders = connection.execute(f"SELECT DISTINCT folder.path {inside}", (number,))
    uids = connection.execute("SELECT uid FROM study WHERE patient = ? ORDER BY date", (number,))
    pictures = connection.execute(
        "SELECT count(*) FROM thumbnail JOIN series ON series.id = thumbnail.series"
        " JOIN study ON study.id = series.study WHERE patient = ?",
        (number,),
    ).fetchone()[0]
    tags = connection.execute(
        "SELECT count(*) FROM tag JOIN study ON study.id = tag.study WHERE patient = ?", (number,)
    ).fetchone()[0]
    return Known(
        row=number,
        patient=Patient(id=patient_id, name=name, sex=sex, birth_date=birth_date),
        study_uids=tuple(row[0] for row in uids),
        files=counts.get(0, 0),
        copies=counts.get(1, 0),
        pictures=pictures,
        tags=tags,
        folders=tuple(os.fsdecode(row[0]) for row in folders),
        watched=_watched(
            connection,
            "series IN (SELECT series.id FROM series JOIN study ON study.id = series.study"
            f" WHERE study.patient = {int(number)})",
        ),
    )


def _stop_watching(connection: sqlite3.Connection, series: str) -> None:
    """A watched folder would bring back what lies in it."""
    watched = _watched(connection, f"series IN ({series})")
    connection.executemany(
        "UPDATE root SET is_watched = 0 WHERE path = ?", [(os.fsencode(path),) for path in watched]
    )


def _watched(connection: sqlite3.Connection, where: str) -> tuple[str, ...]:
    """Watched roots that hold files with this condition on `file`."""
    rows = connection.execute(
        "SELECT DISTINCT root.path FROM root, folder WHERE root.is_watched AND"
        " (folder.path = root.path OR substr(folder.path, 1, length(root.path) + 1) ="
        f"  CAST(root.path || ? AS BLOB)) AND folder.id IN (SELECT folder FROM file WHERE {where})",
        (os.sep,),
    )
    return tuple(os.fsdecode(row[0]) for row in rows)


def _copy_folders(library: Library, connection: sqlite3.Connection, patient: int) -> Iterator[Path]:
    """The folders of copies hold one study each."""
    root = copies_folder(library)
    for (path,) in connection.execute(
        "SELECT DISTINCT folder.path FROM study JOIN series ON series.study = study.id"
        " JOIN file ON file.series = series.id JOIN folder ON folder.id = file.folder"
        " WHERE study.patient = ?",
        (patient,),
    ).fetchall():
        folder = Path(os.fsdecode(path))
        if folder.parent == root:
            yield folder


def _remove_folder(folder: Path) -> None:
    for path in folder.glob("*"):
        path.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


def _remove_unfinished(library: Library, patient: Patient) -> None:
    """Copies of the patient's files that a killed run left half-written, in whatever folder."""
    for path in copies_folder(library).glob("*/.new-*"):
        (_, found) = next(headlines([str(path)], 0))
        if _may_be_of(found, patient):
            path.unlink(missing_ok=True)
            with suppress(OSError):
                path.parent.rmdir()


def _may_be_of(found: Headline | str | None, patient: Patient) -> bool:
    if not isinstance(found, Headline):
        return True  # cut off too early to say
    row = shared_of(tuple(found.values[slot] for slot in SHARED)).patient
    if not row.patient_id:
        return row.name == patient.name
    return (row.patient_id, row.birth_date, row.sex) == (
        patient.id,
        patient.birth_date,
        patient.sex,
    )


def _delete_rows(library: Library, connection: sqlite3.Connection, patient: int) -> None:
    studies = f"SELECT id FROM study WHERE patient = {int(patient)}"
    series = f"SELECT id FROM series WHERE study IN ({studies})"
    drop_thumbnails(library, connection, f"series IN ({series})")
    _stop_watching(connection, series)
    for statement in (
        f"DELETE FROM file WHERE series IN ({series})",
        f"DELETE FROM tag WHERE study IN ({studies})",
        f"DELETE FROM series WHERE study IN ({studies})",
        f"DELETE FROM study WHERE patient = {int(patient)}",
        f"DELETE FROM patient WHERE id = {int(patient)}",
        "DELETE FROM file WHERE series IS NULL",  # documents beside the images may bear the name
        "DELETE FROM folder WHERE id NOT IN (SELECT folder FROM file)",
        "DELETE FROM root WHERE NOT is_watched AND id NOT IN (SELECT root FROM folder)",
        "DELETE FROM chore WHERE kind = 'forget' AND what NOT IN (SELECT id FROM patient)",
    ):
        connection.execute(statement)
    drop_unused(connection)

"""Adding to the index: walk, read headers, write rows in lots; what is there already is passed."""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from medview.core.errors import InvalidInput, UnreadableInstance
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.words import say
from medview.dicom.headline import Headline
from medview.library.database import Library, change
from medview.library.drives import note
from medview.library.entries import (
    FRAMES,
    ROWS,
    SHARED,
    SOP_UID,
    count_of,
    shared_of,
    words_of,
)
from medview.library.headlines import Found, headlines
from medview.library.keepsake import keep, restore
from medview.library.thumbnails import UNSHOWN, drop_thumbnails

_LOT, _COPIES = 1000, 50
_SEP, _FILE_NAMES = os.sep, sys.getfilesystemencoding()
_FILE_ERRORS = sys.getfilesystemencodeerrors()
_MOST_SHARED = 4096
_SHARED_OF = itemgetter(*SHARED)
_FileRow = tuple[int, bytes, int | None, str, int, int, int, bytes | None]
_Raw = tuple[bytes, ...]
# A file's folder, what it shares with its series (None: no DICOM file), the other columns.
_Waiting = tuple[str, _Raw | None, tuple[bytes, str, int, int, int, bytes | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What became of the files below some paths.

    files: seen in all. known: as the index had them. new: DICOM read now. other: not DICOM.
    unreadable: (path, reason in English). studies: row ids of those that something was added to.
    """

    files: int = 0
    known: int = 0
    new: int = 0
    other: int = 0
    unreadable: tuple[tuple[str, str], ...] = ()
    studies: tuple[int, ...] = ()


def add(
    library: Library,
    paths: Sequence[Path],
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
    children: int | None = None,
) -> Added:
    """Index what lies below some paths, by reference. Blocks.

    Raises InvalidInput for a path that does not exist, Cancelled (what was read so far stays),
    WriteFailed. The next call goes on where one was stopped, also by a kill.
    """
    from medview.dicom.walk import files_below

    roots = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100 - links stay as given
    for root in roots:
        if root.is_relative_to(library.folder):
            raise InvalidInput(say("This is the folder of the library itself."), str(root))
    files = list(files_below(roots))
    with library.connection() as connection:
        writer = IndexWriter(library, connection)
        for root in roots:
            writer.own(root)
        changed = writer.unknown(files)
        known = len(files) - len(changed)
        found = headlines(changed, children)
        keep(library, connection, retain=True)
        with closing(found):
            writer.take(found, known, len(files), progress, cancel)
        restore(library, connection)
    return writer.added(len(files), known)


class IndexWriter:
    """Writes headlines as rows, a lot in a transaction; one thread uses it.

    The right to write is held while a lot is written, never while files are read: a slow disc must
    not keep other windows waiting.
    """

    def __init__(self, library: Library, connection: sqlite3.Connection) -> None:
        self._library = library
        self._connection = connection
        self._tables = Tables(connection)
        self._waiting: list[_Waiting] = []
        self._raw: _Raw = ()
        self._old: set[int] = set()  # series that lose files which changed
        self._studies: set[int] = set()
        self._new = self._other = 0
        self._unreadable: list[tuple[str, str]] = []

    def own(self, root: Path, *, is_copy: bool = False) -> None:
        """Files below this path belong to this root from now on."""
        with change(self._connection):
            self._tables.own(root, is_copy=is_copy)

    def unknown(self, paths: Sequence[str]) -> list[str]:
        """Of the files those that are new or not as they were."""
        by_folder: dict[str, list[str]] = defaultdict(list)
        for path in paths:
            by_folder[path.rpartition(os.sep)[0]].append(path)
        changed: list[str] = []
        for folder, inside in by_folder.items():
            known = self._known(folder)
            for path in inside:
                before = known.get(os.fsencode(path.rpartition(os.sep)[2])) if known else None
                if before is None:
                    changed.append(path)
                elif not _is_same(path, before):
                    changed.append(path)
                    self._old |= {before[2]} if before[2] is not None else set()
        return changed

    def _known(self, folder: str) -> dict[bytes, tuple[int, int, int | None]]:
        rows = self._connection.execute(
            "SELECT name, size, mtime_ns, series FROM file"
            " JOIN folder ON folder.id = file.folder WHERE folder.path = ?",
            (os.fsencode(folder),),
        )
        return {row[0]: row[1:] for row in rows}

    def take(
        self,
        found: Iterable[Found],
        done: int,
        total: int,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> None:
        """Write headlines as they come. Raises Cancelled; the lots before stay."""
        waiting = self._waiting
        for path, headline in found:
            if isinstance(headline, Headline):
                self._take_one(path, headline)
            else:
                self._take_other(path, headline)
            done += 1
            if not done & 63:
                progress(done, total, "")
                if cancel is not None:
                    cancel.check()
            if len(waiting) >= _LOT:
                self.flush()
        self.flush()
        progress(total, total, "")

    def take_copy(self, path: str, headline: Headline, digest: bytes) -> None:
        """A copy of the library's own, with the SHA-256 of its bytes."""
        self._take_one(path, headline, digest)
        if len(self._waiting) >= _COPIES:
            self.flush()

    def _take_one(self, path: str, headline: Headline, digest: bytes | None = None) -> None:
        values, size, mtime = headline
        raw: _Raw = _SHARED_OF(values)
        if raw == self._raw:  # nearly always: one object then, soon found again
            raw = self._raw
        else:
            self._raw = raw
        folder, _, name = path.rpartition(_SEP)
        uid = values[SOP_UID].rstrip(b"\0 ").decode("ascii", "replace")
        frames = count_of(values[FRAMES], values[ROWS])
        self._waiting.append((folder, raw, (_stored(name), uid, frames, size, mtime, digest)))

    def _take_other(self, path: str, reason: str | None) -> None:
        """A file without a headline: unreadable, or no DICOM file and perhaps an archive."""
        if reason is not None:
            self._unreadable.append((path, reason))
            return
        self._other += 1
        with suppress(OSError):  # a member of an archive has no file of its own
            status = os.stat(path)  # noqa: PTH116
            folder, _, name = path.rpartition(_SEP)
            rest = (_stored(name), "", 0, status.st_size, status.st_mtime_ns, None)
            self._waiting.append((folder, None, rest))
        for member, inner in headlines(members(path, self._unreadable), 0):
            if isinstance(inner, str):
                self._unreadable.append((member, inner))
            elif inner is None:
                self._other += 1
            else:
                self._take_one(member, inner)
                if len(self._waiting) >= _LOT:
                    self.flush()

    def added(self, seen: int, known: int) -> Added:
        """The account of all that was taken."""
        return Added(
            files=seen,
            known=known,
            new=self._new,
            other=self._other,
            unreadable=tuple(self._unreadable),
            studies=tuple(sorted(self._studies)),
        )

    def flush(self) -> None:
        """Write what waits."""
        try:
            with change(self._connection):
                self._tables.look_again()
                rows = self._tables.rows(self._waiting)
                self._connection.executemany(
                    "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
                )
                touched = {row[2] for row in rows if row[2] is not None}
                self._studies |= tidy(self._connection, touched | self._old)
                if self._old:  # else nothing can have gone
                    drop_thumbnails(self._library, self._connection, UNSHOWN)
        except BaseException:
            self._tables.forget_rows()  # they were rolled back
            raise
        self._new += sum(raw is not None for _, raw, _ in self._waiting)
        self._old.clear()
        self._waiting.clear()


class Tables:
    """Row ids of folders, patients, studies and series, made on first use in a transaction.

    An id is never used twice, also not by an index made anew: what another window still shows of a
    row that is gone must not lead to another patient.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._began = now()
        self._version = -1
        self._owners: list[tuple[str, bool]] = []
        self._roots: dict[str, int] = {}
        self._folders: dict[str, int] = {}
        self._series: dict[tuple[bytes, ...], int] = {}

    def own(self, root: Path, *, is_copy: bool) -> None:
        """See `IndexWriter.own`; the deepest root that was named owns a folder."""
        self._owners.append((str(root), is_copy))
        self._owners.sort(key=lambda owner: -len(owner[0]))
        self._root(str(root), is_copy=is_copy)

    def look_again(self) -> None:
        """Trust no id where another connection wrote meanwhile. Inside a transaction."""
        version = int(self._connection.execute("PRAGMA data_version").fetchone()[0])
        if version != self._version:
            self._version = version
            self.forget_rows()

    def forget_rows(self) -> None:
        """After a rollback no id is good."""
        self._roots.clear()
        self._folders.clear()
        self._series.clear()

    def rows(self, waiting: Iterable[_Waiting]) -> list[_FileRow]:
        """Rows for the table `file`."""
        rows: list[_FileRow] = []
        before, number, raw_before, series = "", 0, None, None
        for folder, raw, rest in waiting:
            if folder != before:
                before, number = folder, self._folders.get(folder) or self._folder(folder)
            if raw is not raw_before:  # nearly always the series of the file before
                raw_before = raw
                series = None if raw is None else self._series.get(raw) or self._make_series(raw)
            rows.append((number, rest[0], series, *rest[1:]))
        return rows

    def _folder(self, path: str) -> int:
        inside = path + os.sep
        owners = (o for o in self._owners if inside.startswith(o[0].rstrip(os.sep) + os.sep))
        root, is_copy = next(owners, self._owners[-1])  # a root that is a file lies in this folder
        values = {"root": self._roots.get(root) or self._root(root, is_copy=is_copy)}
        number = self._id("folder", {"path": os.fsencode(path)}, values)
        note(self._connection, path)
        self._folders[path] = number
        return number

    def _root(self, path: str, *, is_copy: bool) -> int:
        values = {"is_copy": is_copy, "added_at": now()}
        number = self._id("root", {"path": os.fsencode(path)}, values)
        self._roots[path] = number
        return number

    def _make_series(self, raw: tuple[bytes, ...]) -> int:
        if len(self._series) >= _MOST_SHARED:
            self._series.clear()
        shared = shared_of(raw)
        patient = self._id("patient", shared.patient.unique, {"name": shared.patient.name})
        study_values = shared.study._asdict() | {"added_at": self._began}
        uid = study_values.pop("uid")
        study = self._id("study", {"uid": uid, "patient": patient}, study_values)
        series_values = shared.series._asdict()
        uid = series_values.pop("uid")
        series = self._id("series", {"uid": uid, "study": study}, series_values)
        self._series[raw] = series
        return series

    def _id(self, table: str, unique: Mapping[str, object], others: Mapping[str, object]) -> int:
        """The row with these unique values, made with the others where it is not there."""
        values = {**unique, **others}
        made = self._connection.execute(
            f"INSERT OR IGNORE INTO {table} (id, {', '.join(values)})"
            f" VALUES (max(?, (SELECT coalesce(max(id), 0) + 1 FROM {table})),"
            f" {', '.join('?' * len(values))})",
            (time.time_ns() // 1000, *values.values()),
        )
        if made.rowcount:
            return int(made.lastrowid or 0)
        where = " AND ".join(f"{name} = ?" for name in unique)
        find = f"SELECT id FROM {table} WHERE {where}"
        return int(self._connection.execute(find, tuple(unique.values())).fetchone()[0])


def tidy(connection: sqlite3.Connection, series: Iterable[int]) -> set[int]:
    """Count anew what these series hold and say anew how their studies are found.

    What holds nothing any more goes. Returns the studies that are left. Inside a transaction.
    """
    ids = [(number,) for number in series]
    connection.executemany(
        "UPDATE series SET (images, objects) ="
        " (SELECT coalesce(sum(frames), 0), coalesce(sum(frames = 0), 0) FROM"
        " (SELECT sop_uid, max(frames) AS frames FROM file WHERE series = series.id"
        "  GROUP BY sop_uid)) WHERE id = ?",
        ids,
    )
    studies = set()
    for number in ids:
        for (study,) in connection.execute("SELECT study FROM series WHERE id = ?", number):
            studies.add(int(study))
    connection.executemany("DELETE FROM series WHERE id = ? AND images + objects = 0", ids)
    return {study for study in studies if _say_words(connection, study)}


def _say_words(connection: sqlite3.Connection, study: int) -> bool:
    """Write the words of a study; False where it held nothing any more and went."""
    series = connection.execute(
        "SELECT modality, description, body_part FROM series WHERE study = ?", (study,)
    ).fetchall()
    patient, *who = connection.execute(
        "SELECT patient.id, name, patient_id, date, description, accession FROM study"
        " JOIN patient ON patient.id = study.patient WHERE study.id = ?",
        (study,),
    ).fetchone()
    if series:
        words = words_of(who[:2], who[2:], series)
        connection.execute(
            "UPDATE study SET words = ? WHERE id = ? AND words <> ?", (words, study, words)
        )
        return True
    connection.execute("DELETE FROM tag WHERE study = ?", (study,))
    connection.execute("DELETE FROM study WHERE id = ?", (study,))
    connection.execute(
        "DELETE FROM patient WHERE id = ?"
        " AND NOT EXISTS (SELECT 1 FROM study WHERE patient = patient.id)",
        (patient,),
    )
    return False


def members(path: str, unreadable: list[tuple[str, str]]) -> list[str]:
    """What an archive holds; a damaged one is noted."""
    from medview.dicom.walk import members_below

    try:
        return members_below(path)
    except UnreadableInstance as error:
        unreadable.append((path, error.what.english()))
        return []


def _stored(name: str) -> bytes:
    """A file's name as the system has it; `os.fsencode` for what is known to be text."""
    return name.encode(_FILE_NAMES, _FILE_ERRORS)


def now() -> str:
    """ISO date and time, local."""
    return dt.datetime.now().astimezone().isoformat(timespec="seconds")


def _is_same(path: str, before: tuple[int, int, int | None]) -> bool:
    try:
        status = os.stat(path)  # noqa: PTH116 - once a file
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) == before[:2]

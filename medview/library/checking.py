"""Whether the index says what the disk holds, and taking away what has lost its object."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from medview.core.archive import open_binary, split
from medview.core.errors import MedViewError
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.words import Sentence, say
from medview.library import drives
from medview.library.copying import adopt, copies_folder
from medview.library.database import Library, change, damaged
from medview.library.indexing import tidy
from medview.library.keepsake import keep
from medview.library.thumbnails import UNSHOWN, drop_thumbnails, pictures_folder

_STALE_S = 600.0
_MOST_PICTURES = 200 << 20  # bytes


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a check found. Paths; `away` are roots that cannot be reached at all (a drive).

    changed: by size, time of change, or (deep) by SHA-256. orphans: pictures and copies that the
    index does not name. unproven: files that have no SHA-256 to compare yet (deep stores it).
    """

    files: int = 0
    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    away: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()
    newly_proven: int = 0

    @property
    def is_sound(self) -> bool:
        """Whether nothing is missing, changed, unreadable, away or left over."""
        return not (self.missing or self.changed or self.unreadable or self.away or self.orphans)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """What was taken away: entries of files that are gone, pictures, unfinished copies."""

    entries: int = 0
    pictures: int = 0
    leftovers: int = 0


@dataclass(slots=True)
class _Found:
    files: int = 0
    missing: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    digests: list[tuple[bytes, int, bytes]] = field(default_factory=list)


_Row = tuple[int, bytes, bytes, int, int, bytes | None]


def check(
    library: Library,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
    *,
    is_deep: bool = False,
) -> Checked:
    """Compare every entry with its file; `is_deep` reads all bytes. Blocks.

    Raises LibraryIsDamaged where SQLite's own check fails, WriteFailed, Cancelled.
    """
    if not library.is_there:
        return Checked()
    with library.connection() as connection:
        if connection.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
            raise damaged(library.path)
        away = drives.away(connection)
        total = connection.execute("SELECT count(*) FROM file").fetchone()[0]
        found = _Found()
        for row in _rows(connection):
            if cancel is not None and not found.files & 63:
                cancel.check()
            found.files += 1
            path = os.path.join(os.fsdecode(row[2]), os.fsdecode(row[1]))  # noqa: PTH118
            if not drives.is_below(path, away):
                _check_one(row, path, found, is_deep=is_deep)
            progress(found.files, total, "")
        if found.digests:
            with change(connection):
                connection.executemany(
                    "UPDATE file SET sha256 = ? WHERE folder = ? AND name = ?", found.digests
                )
        orphans = [str(path) for path in _orphans(library, connection)]
    return Checked(
        files=found.files,
        missing=tuple(found.missing),
        changed=tuple(found.changed),
        unreadable=tuple(found.unreadable),
        away=tuple(away),
        orphans=tuple(orphans),
        newly_proven=len(found.digests),
    )


def clean(library: Library, most_pictures: int = _MOST_PICTURES) -> Cleaned:
    """Take away entries whose files are gone, pictures without a series or over `most_pictures`
    bytes (oldest first), and unfinished copies. Drives that are away keep their entries.

    Raises WriteFailed.
    """
    if not library.is_there:
        return Cleaned()
    with library.connection() as connection:
        missing = [
            (folder, name, place)
            for folder, name, path, *_ in _rows(connection)
            if not _is_there(place := os.path.join(os.fsdecode(path), os.fsdecode(name)))  # noqa: PTH118
        ]
        # A drive may have come or gone meanwhile.
        missing = [row for row in missing if not _is_there(row[2])]
        away = drives.away(connection)
        gone = [(row[0], row[1]) for row in missing if not drives.is_below(row[2], away)]
        with change(connection):
            _drop_files(connection, gone)
            pictures = drop_thumbnails(library, connection, UNSHOWN)
            pictures += _drop_over(library, connection, most_pictures)
        leftovers = 0
        for leftover in _orphans(library, connection):
            leftover.unlink(missing_ok=True)
            leftovers += 1
        adopt(library, connection)
        keep(library, connection)
    return Cleaned(entries=len(gone), pictures=pictures, leftovers=leftovers)


def _drop_files(connection: sqlite3.Connection, gone: list[tuple[int, bytes]]) -> None:
    series = {
        row[0]
        for key in gone
        for row in connection.execute(
            "SELECT series FROM file WHERE folder = ? AND name = ? AND series IS NOT NULL", key
        )
    }
    connection.executemany("DELETE FROM file WHERE folder = ? AND name = ?", gone)
    tidy(connection, series)
    connection.execute("DELETE FROM folder WHERE id NOT IN (SELECT folder FROM file)")
    drives.drop_unused(connection)


def _drop_over(library: Library, connection: sqlite3.Connection, most: int) -> int:
    """The oldest pictures beyond so many bytes."""
    held, dropped = 0, 0
    for series, stack, count in connection.execute(
        "SELECT series, stack, bytes FROM thumbnail ORDER BY made_at DESC"
    ).fetchall():
        held += count
        if held > most:
            where = f"series = {int(series)} AND stack = {int(stack)}"
            dropped += drop_thumbnails(library, connection, where)
    return dropped


def _rows(connection: sqlite3.Connection) -> Iterator[_Row]:
    """Every entry; fetched folder by folder, so that no reader stays open while files are read."""
    for number, path in connection.execute("SELECT id, path FROM folder").fetchall():
        for name, size, mtime, digest in connection.execute(
            "SELECT name, size, mtime_ns, sha256 FROM file WHERE folder = ?", (number,)
        ).fetchall():
            yield number, name, path, size, mtime, digest


def _check_one(row: _Row, path: str, found: _Found, *, is_deep: bool) -> None:
    folder, name, _, size, mtime, digest = row
    if not _is_there(path):
        found.missing.append(path)
        return
    try:
        if split(path) is None:
            status = os.stat(path)  # noqa: PTH116
            if (status.st_size, status.st_mtime_ns) != (size, mtime):
                found.changed.append(path)
                return
        with open_binary(path) as file:
            if not is_deep:
                file.read(1)
                return
            seen = hashlib.sha256()
            while block := file.read(1 << 20):
                seen.update(block)
    except (OSError, MedViewError):
        found.unreadable.append(path)
        return
    if digest is None:
        found.digests.append((seen.digest(), folder, name))
    elif seen.digest() != digest:
        found.changed.append(path)


def _is_there(path: str) -> bool:
    """False only where the system says so; a folder that is closed or fails may hold the file."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        inside = split(path)
        return inside is not None and os.path.lexists(inside[0])
    except OSError:
        pass
    return True


def _orphans(library: Library, connection: sqlite3.Connection) -> Iterator[Path]:
    """Pictures and copies that no row names, and unfinished ones that nobody works on."""
    for path in pictures_folder(library).glob("*"):
        if path.name.startswith(".new-"):
            if _is_stale(path):
                yield path
        elif not connection.execute(
            "SELECT 1 FROM thumbnail WHERE file = ?", (path.name,)
        ).fetchone():
            yield path
    for path in copies_folder(library).glob("*/*"):
        if path.name.startswith(".new-") and _is_stale(path):
            yield path


def _is_stale(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > _STALE_S
    except OSError:
        return False


def words_of_check(found: Checked) -> tuple[Sentence, ...]:
    """The result in sentences."""
    counts = (
        (len(found.missing), say("Missing files: {count}.", count=len(found.missing))),
        (len(found.changed), say("Changed files: {count}.", count=len(found.changed))),
        (
            len(found.unreadable),
            say("Unreadable files: {count}.", count=len(found.unreadable)),
        ),
        (len(found.away), say("Folders that are away: {count}.", count=len(found.away))),
        (
            len(found.orphans),
            say("Files in the library that belong to nothing: {count}.", count=len(found.orphans)),
        ),
    )
    said = tuple(sentence for count, sentence in counts if count)
    return said or (say("Files that are as the library has them: {count}.", count=found.files),)

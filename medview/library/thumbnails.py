"""Thumbnails of indexed series, made once: PNG files named by a keyed hash, listed in the index.

What is not in the index leaves no picture behind.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

from medview.core.archive import split
from medview.core.files import write_private
from medview.core.private_names import private_name
from medview.core.study import Stack
from medview.library.database import Library, change

UNSHOWN = "series NOT IN (SELECT id FROM series)"  # of pictures whose series is gone
_SHOWN = "SELECT series.id FROM series WHERE series.uid = ?"


def pictures_folder(library: Library) -> Path:
    """Where the pictures lie."""
    return library.folder / "thumbnails"


def stored_thumbnail(library: Library, series_uid: str, number: int, stack: Stack) -> bytes | None:
    """The PNG of a stack, None where none was kept or its middle file is another one now."""
    if not library.is_there:
        return None
    stamp = _stamp(stack)
    with library.connection() as connection:
        row = connection.execute(
            "SELECT file FROM thumbnail JOIN series ON series.id = thumbnail.series"
            " WHERE series.uid = ? AND stack = ? AND stamp = ?",
            (series_uid, number, stamp),
        ).fetchone()
    if row is None or not stamp:
        return None
    try:
        return (pictures_folder(library) / str(row[0])).read_bytes()
    except OSError:
        return None


def keep_thumbnail(
    library: Library, series_uid: str, number: int, stack: Stack, png: bytes
) -> bool:
    """Keep the PNG of a stack whose series is indexed; False where it is not. Raises WriteFailed.

    The row is written before the file: a picture that no row names cannot be left behind.
    """
    stamp = _stamp(stack)
    if not library.is_there or not stamp:
        return False
    with library.connection() as connection:
        name = private_name(f"{series_uid} {number}") + ".png"
        with change(connection):
            row = connection.execute(_SHOWN, (series_uid,)).fetchone()
            if row is None:
                return False
            connection.execute(
                "INSERT OR REPLACE INTO thumbnail VALUES (?, ?, ?, ?, ?, ?)",
                (row[0], number, stamp, name, len(png), time.time()),
            )
        with suppress(OSError):  # a picture that cannot be kept is made again next time
            folder = pictures_folder(library)
            folder.mkdir(exist_ok=True, mode=0o700)
            write_private(folder / name, png)
    return True


def drop_thumbnails(library: Library, connection: sqlite3.Connection, where: str) -> int:
    """Take pictures off the disk, then their rows; `where` is a condition on `thumbnail`."""
    names = [row[0] for row in connection.execute(f"SELECT file FROM thumbnail WHERE {where}")]
    for name in names:
        (pictures_folder(library) / name).unlink(missing_ok=True)
    connection.execute(f"DELETE FROM thumbnail WHERE {where}")
    return len(names)


def _stamp(stack: Stack) -> str:
    """Changes with the file of the middle picture; empty where no picture can be kept."""
    if not stack.frames:
        return ""
    frame = stack.frames[len(stack.frames) // 2]
    archive = split(frame.path)
    try:
        status = os.stat(frame.path if archive is None else archive[0])  # noqa: PTH116
        place = os.path.abspath(frame.path)  # noqa: PTH100
        return private_name(f"{place} {frame.frame} {status.st_size} {status.st_mtime_ns}")
    except OSError:  # the file went, or the home is full and has no key for names yet
        return ""

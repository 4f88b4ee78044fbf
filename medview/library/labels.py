"""Tags on studies, and which roots are watched: what the reader says of the library."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from medview.core.errors import InvalidInput
from medview.core.words import say
from medview.library.database import Library, change
from medview.library.indexing import now
from medview.library.keepsake import Root, keep

_LONGEST = 64


def set_tags(library: Library, study: int, tags: Collection[str]) -> None:
    """These tags and no others. Raises InvalidInput for a study that is not there, WriteFailed."""
    wanted = {" ".join(tag.split())[:_LONGEST] for tag in tags} - {""}
    with library.connection() as connection:
        with change(connection):
            if connection.execute("SELECT 1 FROM study WHERE id = ?", (study,)).fetchone() is None:
                raise InvalidInput(say("The library holds no such study."))
            connection.execute("DELETE FROM tag WHERE study = ?", (study,))
            connection.executemany(
                "INSERT INTO tag VALUES (?, ?)", [(study, tag) for tag in sorted(wanted)]
            )
        keep(library, connection)


def known_tags(library: Library) -> tuple[str, ...]:
    """Every tag in use."""
    if not library.is_there:
        return ()
    with library.connection() as connection:
        return tuple(
            row[0] for row in connection.execute("SELECT DISTINCT tag FROM tag ORDER BY 1")
        )


def roots(library: Library) -> tuple[Root, ...]:
    """What was added, in order."""
    if not library.is_there:
        return ()
    with library.connection() as connection:
        rows = connection.execute("SELECT path, is_copy, is_watched FROM root ORDER BY id")
        return tuple(
            Root(path=Path(os.fsdecode(path)), is_copy=bool(copy), is_watched=bool(watched))
            for path, copy, watched in rows
        )


def set_watched(library: Library, folder: Path, *, is_watched: bool) -> None:
    """Watch a folder, or stop. Raises InvalidInput where it is none, WriteFailed."""
    path = Path(os.path.abspath(folder))  # noqa: PTH100 - links stay as given
    if is_watched and (not path.is_dir() or path.is_relative_to(library.folder)):
        raise InvalidInput(say("Only a folder outside the library can be watched."), str(path))
    with library.connection() as connection:
        with change(connection):
            connection.execute(
                "INSERT INTO root (path, is_copy, added_at) VALUES (?, 0, ?)"
                " ON CONFLICT (path) DO NOTHING",
                (os.fsencode(path), now()),
            )
            connection.execute(
                "UPDATE root SET is_watched = ? WHERE path = ?", (is_watched, os.fsencode(path))
            )
        keep(library, connection)

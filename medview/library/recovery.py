"""A broken index is set aside and made anew from its roots; tags come back by study UID."""

from __future__ import annotations

import os
from contextlib import suppress

from medview.core.errors import Cancelled, MedViewError, WriteFailed
from medview.core.files import held
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.words import say
from medview.library.copying import adopt
from medview.library.database import SET_ASIDE, Library, LibraryIsDamaged
from medview.library.indexing import add, now
from medview.library.keepsake import Root, kept, restore


def is_damaged(library: Library) -> bool:
    """Whether the index cannot be read, by SQLite's own quick check. Blocks."""
    return library.is_there and _fails(library, "quick_check")


def recover(
    library: Library, progress: Progress = no_progress, cancel: CancelToken | None = None
) -> int:
    """Set a broken index aside and read its roots again. Blocks; returns how many studies are back.

    One that another window has made anew meanwhile stays, and is read into again. The file set
    aside goes when everything was read again; it stays where a root is away.
    Raises WriteFailed, Cancelled (then the next `add` goes on).
    """
    wanted = kept(library)
    _set_aside(library)
    with library.transaction() as connection:
        connection.executemany(
            "INSERT OR IGNORE INTO root (path, is_copy, is_watched, added_at) VALUES (?, ?, ?, ?)",
            [(os.fsencode(r.path), r.is_copy, r.is_watched, now()) for r in wanted.roots],
        )
    is_whole = all(_read(library, root, progress, cancel) for root in wanted.roots)
    with library.connection() as connection:
        adopt(library, connection)
        restore(library, connection)
        count = int(connection.execute("SELECT count(*) FROM study").fetchone()[0])
    if is_whole:
        with suppress(OSError):
            (library.folder / SET_ASIDE).unlink(missing_ok=True)
    return count


def _read(library: Library, root: Root, progress: Progress, cancel: CancelToken | None) -> bool:
    """Whether a root could be read again; copies are adopted apart."""
    try:
        if not root.is_copy:
            add(library, [root.path], progress, cancel)
    except Cancelled:
        raise
    except MedViewError:
        return False
    return True


def _fails(library: Library, check: str) -> bool:
    try:
        with library.connection() as connection:
            return bool(connection.execute(f"PRAGMA {check}(1)").fetchone()[0] != "ok")
    except LibraryIsDamaged:
        return True


def _set_aside(library: Library) -> None:
    try:
        with held(library.folder / "making.lock", patience_s=20):
            if not _fails(library, "integrity_check"):
                return
            for suffix in ("-wal", "-shm"):
                library.path.with_name(library.path.name + suffix).unlink(missing_ok=True)
            os.replace(library.path, library.folder / SET_ASIDE)  # noqa: PTH105
    except OSError as error:
        raise WriteFailed(
            say("MedView may not write to the folder of the library."),
            str(library.folder),
            say("Opening folders works without it."),
        ) from error

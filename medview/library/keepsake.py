"""What could not be read again from the files if the index broke: roots and tags, in a file apart.

`keepsake.json` is replaced as a whole, for the owner alone.
"""

from __future__ import annotations

import json
import os
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from medview.core.errors import WriteFailed
from medview.core.files import write_private
from medview.core.words import say
from medview.library.database import Library, change


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A folder or file that was added."""

    path: Path
    is_copy: bool = False
    is_watched: bool = False


@dataclass(frozen=True, kw_only=True)
class Keepsake:
    """Roots, and tags by study UID."""

    roots: tuple[Root, ...] = ()
    tags: dict[str, tuple[str, ...]] = field(default_factory=dict)


def keep(library: Library, connection: sqlite3.Connection, *, retain: bool = False) -> None:
    """Write down the roots and tags as the index has them. Raises WriteFailed.

    No other window changes the index meanwhile: what it forgot must not be written down again.
    retain: tags of studies that the index does not know (yet) stay: it may be made anew just now.
    """
    path = _path(library)
    with change(connection):
        text = json.dumps(_as_indexed(library, connection, retain=retain))
        try:
            for unfinished in path.parent.glob(".new-*"):  # of a window that was killed
                unfinished.unlink(missing_ok=True)
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                write_private(path, text)
        except OSError as error:
            raise WriteFailed(
                say("The disk is full: the library could not be changed."),
                str(path),
                say("What was stored before is whole; make room and try again."),
                detail=str(error.errno),
            ) from error


def _as_indexed(
    library: Library, connection: sqlite3.Connection, *, retain: bool
) -> dict[str, object]:
    roots = connection.execute("SELECT path, is_copy, is_watched FROM root ORDER BY id")
    tags: dict[str, list[str]] = {}
    for uid, tag in connection.execute(
        "SELECT uid, tag FROM tag JOIN study ON study.id = tag.study ORDER BY uid, tag"
    ):
        tags.setdefault(uid, []).append(tag)
    if retain:
        known = {row[0] for row in connection.execute("SELECT uid FROM study")}
        for uid, lost in kept(library).tags.items():
            if uid not in known:
                tags[uid] = list(lost)
    return {
        "roots": [[os.fsdecode(path), bool(copy), bool(watch)] for path, copy, watch in roots],
        "tags": tags,
    }


def kept(library: Library) -> Keepsake:
    """What was written down; nothing where the file is missing or broken."""
    try:
        stored = json.loads(_path(library).read_text(encoding="utf-8"))
        roots = tuple(
            Root(path=Path(path), is_copy=bool(is_copy), is_watched=bool(is_watched))
            for path, is_copy, is_watched in stored["roots"]
        )
        tags = {str(uid): tuple(map(str, tags)) for uid, tags in stored["tags"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Keepsake()
    return Keepsake(roots=roots, tags=tags)


def restore(library: Library, connection: sqlite3.Connection) -> None:
    """Give studies that came back the tags that were written down."""
    tags = [(tag, uid) for uid, some in kept(library).tags.items() for tag in some]
    if tags:
        with change(connection):
            connection.executemany(
                "INSERT OR IGNORE INTO tag SELECT id, ? FROM study WHERE uid = ?", tags
            )


def _path(library: Library) -> Path:
    return library.folder / "keepsake.json"

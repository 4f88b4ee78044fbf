"""Adding by copy: files go into the library's own folder, each proven equal before it counts.

A copy is named by the keyed hash of its content, so a stopped run goes on where it was, and a file
that is there already is not copied again.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from medview.core.archive import open_binary
from medview.core.errors import InvalidInput, MedViewError, WriteFailed
from medview.core.files import replacing
from medview.core.private_names import private_name
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.words import say
from medview.dicom.headline import Headline
from medview.library.database import Library
from medview.library.entries import SOP_UID, STUDY_UID
from medview.library.headlines import Found, headlines
from medview.library.indexing import Added, IndexWriter, members
from medview.library.keepsake import keep, restore

_BLOCK = 1 << 20
_RESERVE = 64 << 20  # bytes that a copy leaves free


def copies_folder(library: Library) -> Path:
    """Where copies lie."""
    return library.folder / "files"


def add_copies(
    library: Library,
    paths: Sequence[Path],
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Added:
    """Copy the DICOM files below some paths into the library and index the copies. Blocks.

    Raises InvalidInput for a path that does not exist or lies in the library, WriteFailed (also
    at once where the disk has no room for all), Cancelled; copies that were made stay.
    """
    from medview.dicom.walk import files_below

    roots = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100
    if any(root.is_relative_to(library.folder) for root in roots):
        raise InvalidInput(say("This is the folder of the library itself."), str(library.folder))
    files = list(files_below(roots))
    unreadable: list[tuple[str, str]] = []
    known = other = new = 0
    with library.connection() as connection:
        _make_room(library, files)
        writer = IndexWriter(library, connection)
        writer.own(copies_folder(library), is_copy=True)
        keep(library, connection, retain=True)
        for done, path in enumerate(files):
            if cancel is not None and cancel.is_cancelled:
                writer.flush()
                cancel.check()
            for source, headline in _inside(path, unreadable):
                if isinstance(headline, Headline):
                    is_new = _take(library, writer, source, headline, unreadable)
                    new, known = new + is_new, known + (not is_new)
                elif headline is None:
                    other += 1
                else:
                    unreadable.append((source, headline))
            progress(done + 1, len(files), "")
        writer.flush()
        restore(library, connection)
    counted = writer.added(len(files), known)
    return Added(
        files=len(files),
        known=known,
        new=new,
        other=other,
        unreadable=tuple(unreadable),
        studies=counted.studies,
    )


def adopt(library: Library, connection: sqlite3.Connection) -> None:
    """Index copies that a killed run had made and not yet written down."""
    folder = copies_folder(library)
    known = {
        (bytes(path), bytes(name))
        for path, name in connection.execute(
            "SELECT folder.path, file.name FROM file JOIN folder ON folder.id = file.folder"
            " JOIN root ON root.id = folder.root WHERE root.is_copy"
        )
    }
    lost = [
        str(path)
        for path in folder.glob("*/*.dcm")
        if (os.fsencode(path.parent), os.fsencode(path.name)) not in known
    ]
    if not lost:
        return
    writer = IndexWriter(library, connection)
    writer.own(folder, is_copy=True)
    for path, headline in headlines(lost, 0):
        if isinstance(headline, Headline):
            writer.take_copy(path, headline, bytes.fromhex(_digest(path)))
    writer.flush()


def _inside(path: str, unreadable: list[tuple[str, str]]) -> list[Found]:
    found = list(headlines([path], 0))
    if found[0][1] is None and (inside := members(path, unreadable)):
        return list(headlines(inside, 0))
    return found


def _take(
    library: Library,
    writer: IndexWriter,
    source: str,
    headline: Headline,
    unreadable: list[tuple[str, str]],
) -> bool:
    """Copy one file unless it is there; False where it was."""
    try:
        digest = _digest(source)
    except (OSError, MedViewError):
        unreadable.append((source, "The system does not let MedView read this file."))
        return False
    target = _target(library, headline, digest)
    is_new = not target.exists()
    try:
        if is_new:
            _copy(source, target, digest)
        status = target.stat()
    except (OSError, MedViewError) as error:
        if not _is_as_read(source, digest):
            unreadable.append((source, "The file changed or went away while it was copied."))
            return False
        writer.flush()
        number = getattr(error, "errno", None)
        raise WriteFailed(
            say("The disk is full: the library could not be changed.")
            if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            else say("This file could not be copied into the library."),
            source,
            say("What was stored before is whole; make room and try again."),
            detail=str(number),
        ) from error
    row = Headline(headline.values, status.st_size, status.st_mtime_ns)
    writer.take_copy(str(target), row, bytes.fromhex(digest))
    return is_new


def _is_as_read(source: str, digest: str) -> bool:
    try:
        return _digest(source) == digest
    except (OSError, MedViewError):
        return False


def _target(library: Library, headline: Headline, digest: str) -> Path:
    """Named by content; the folder by study, so that a study can be opened as one."""
    study = headline.values[STUDY_UID].decode("ascii", "replace")
    uid = headline.values[SOP_UID].decode("ascii", "replace")
    return copies_folder(library) / private_name(study) / f"{private_name(uid + digest)}.dcm"


def _digest(path: str) -> str:
    with open_binary(path) as file:
        digest = hashlib.sha256()
        while block := file.read(_BLOCK):
            digest.update(block)
        return digest.hexdigest()


def _copy(source: str, target: Path, digest: str) -> None:
    """One step: the target is whole, proven by its hash, or not there. Raises OSError."""
    for folder in (target.parent.parent, target.parent):
        folder.mkdir(exist_ok=True, mode=0o700)
    with replacing(target, keeps=True) as copy:
        with copy.open("wb") as written, open_binary(source) as file:
            shutil.copyfileobj(file, written, _BLOCK)
        if _digest(str(copy)) != digest:
            raise OSError(errno.EIO, os.strerror(errno.EIO))


def _make_room(library: Library, files: Sequence[str]) -> None:
    needed = 0
    for path in files:
        with suppress(OSError):
            needed += os.stat(path).st_size  # noqa: PTH116
    free = shutil.disk_usage(library.folder).free
    if needed + _RESERVE > free:
        raise WriteFailed(
            say(
                "A copy needs {needed} MB and the disk has {free} MB free.",
                needed=(needed >> 20) + 1,
                free=free >> 20,
            ),
            str(library.folder),
            say("Make room, or add the folder by reference: that takes nearly nothing."),
        )

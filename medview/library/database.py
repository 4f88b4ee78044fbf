"""Where the library lies, and connections to its index: for the owner alone, shared by windows."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from medview.core.errors import MedViewError, WriteFailed
from medview.core.paths import user_data_dir
from medview.core.words import Sentence, say
from medview.library.schema import VERSION, migrate, version_of

_BUSY_S = 20.0
# An index of 20,000 files is written without reading its own pages back, and 16 MB of changes go
# to the main file at once: each time the disk is waited for.
_ROOM, _CHECKPOINT = "PRAGMA cache_size = -16384", "PRAGMA wal_autocheckpoint = 4096"
SET_ASIDE = "set-aside.sqlite"


class LibraryIsNewer(MedViewError):
    """A newer MedView made this index; it is left as it is."""


class LibraryIsDamaged(MedViewError):
    """The index cannot be read; `recovery.recover` sets it aside and makes it anew."""


class Library:
    """A folder with an index, thumbnails and copies. Any thread and any process may use it."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or user_data_dir() / "library"
        self._guard = threading.Lock()
        self._is_ready = False

    @property
    def path(self) -> Path:
        """The index itself."""
        return self.folder / "index.sqlite"

    @property
    def is_there(self) -> bool:
        """Whether anything was ever put in it, or who is to say: a connection tells why not."""
        try:
            self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True
        return True

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """An open index, made or brought to this version on first use.

        Raises LibraryIsNewer, LibraryIsDamaged, WriteFailed: each database error in words.
        """
        try:
            self._prepare()
        except OSError as error:
            raise WriteFailed(_why(error), str(self.folder), _CLOSED[1]) from error
        connection: sqlite3.Connection | None = None
        try:
            connection = self._connect()
            yield connection
        except sqlite3.Error as error:
            raise _explained(error, self.path) from error
        except OSError as error:  # of a picture, a copy, a folder
            raise WriteFailed(_why(error), str(error.filename or self.folder), _OTHER[1]) from error
        finally:
            if connection is not None:
                with suppress(sqlite3.Error):
                    connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """As `connection`, for one change that is made whole or not at all."""
        with self.connection() as connection, change(connection):
            yield connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None)
        try:
            self._check_version(version_of(connection))  # before anything is changed
            _use_wal(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute(_ROOM)
            connection.execute(_CHECKPOINT)
            connection.execute("PRAGMA foreign_keys = ON")
            migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self) -> None:
        """Folder and file with their modes; SQLite gives the main file's mode to its side files."""
        with self._guard:
            if self._is_ready and self.path.exists():
                return
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if self.folder.stat().st_mode & 0o077:
                self.folder.chmod(0o700)
            # Never open the file beside SQLite: closing it would let go of SQLite's own locks.
            with suppress(FileExistsError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            self._is_ready = True

    def _check_version(self, found: int) -> None:
        if found > VERSION:
            raise LibraryIsNewer(
                say("A newer version of MedView made this library; this one leaves it as it is."),
                str(self.path),
                say("Use the newer MedView, or open folders without the library."),
            )


def _use_wal(connection: sqlite3.Connection) -> None:
    """The one switch for which SQLite does not wait when another window makes it too."""
    end = time.monotonic() + _BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


@contextmanager
def change(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction that takes the right to write at its start."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def damaged(path: Path) -> LibraryIsDamaged:
    """The error for an index that is no database any more."""
    return LibraryIsDamaged(
        say("The index of the library is damaged."),
        str(path),
        say("It is set aside and made anew from the folders that it names."),
    )


def _explained(error: sqlite3.Error, path: Path) -> MedViewError:
    whole = getattr(error, "sqlite_errorcode", 0)
    code = whole & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return damaged(path)
    what, todo = _SAID.get(whole, _SAID.get(code, _OTHER))
    return WriteFailed(what, str(path), todo, detail=getattr(error, "sqlite_errorname", ""))


_FULL = (
    say("The disk is full: the library could not be changed."),
    say("What was stored before is whole; make room and try again."),
)
_CLOSED = (
    say("MedView may not write to the folder of the library."),
    say("Opening folders works without it."),
)
_OTHER = (
    say("The library could not be read or changed."),
    say("What was stored before is whole; check the disk and try again."),
)
_SAID: dict[int, tuple[Sentence, Sentence]] = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR_WRITE: _FULL,
    sqlite3.SQLITE_IOERR_SHMSIZE: _FULL,
    sqlite3.SQLITE_READONLY: _CLOSED,
    sqlite3.SQLITE_CANTOPEN: _CLOSED,
    sqlite3.SQLITE_PERM: _CLOSED,
    sqlite3.SQLITE_BUSY: (
        say("Another window of MedView is busy with the library."),
        say("Wait until it is done and try again."),
    ),
}


def _why(error: OSError) -> Sentence:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return _FULL[0]
    return _CLOSED[0] if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) else _OTHER[0]

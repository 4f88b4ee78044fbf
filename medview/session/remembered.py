"""What each window has open, on the disk while it lives, so that a crash can be made good.

One file a session, beside a lock file that the session holds: a lock that nobody holds any more
belongs to a session that ended without a word.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from medview.core.files import hold, write_private
from medview.core.paths import user_data_dir

Key = tuple[str, int]  # series UID, stack number


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOpen:
    """Files and folders that were open, in order, and the stack that was looked at."""

    paths: tuple[str, ...] = ()
    active: Key | None = None


class Remembered:
    """The file of one session, from its first `write` to `forget`. Any thread may call."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._is_over = False
        self._lock: int | None = None
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"

    def write(self, left: LeftOpen) -> None:
        """Note what is open now. Raises OSError."""
        with self._guard:
            if self._is_over:  # what is still being opened while the window closes
                return
            folder = _folder()
            if self._lock is None:
                self._lock = hold(folder / f"{self._name}.lock")
            text = json.dumps({"paths": left.paths, "active": left.active})
            write_private(folder / f"{self._name}.json", text)

    def forget(self) -> None:
        """This session ended well; later writes are passed over. Raises OSError."""
        with self._guard:
            self._is_over = True
            if self._lock is not None:
                _remove(_folder() / f"{self._name}.json")
                os.close(self._lock)
                self._lock = None


@contextmanager
def left_by_the_dead() -> Iterator[LeftOpen]:
    """What sessions that were killed had open; of several the newest one's stack is `active`.

    Their files are held meanwhile, so that two windows do not both restore them, and are gone
    afterwards, unless an exception leaves them for the next start. Nothing where locks are not to
    be had: then the dead cannot be told from the living.
    """
    with ExitStack() as stack:
        dead = []
        for lock in _locks():
            with suppress(OSError):  # held by a window that lives
                stack.callback(os.close, hold(lock))
                dead.append(lock.with_suffix(".json"))
        left = [_read(path) for path in sorted(dead, key=_age)]
        paths = dict.fromkeys(path for one in left for path in one.paths)
        yield LeftOpen(paths=tuple(paths), active=left[-1].active if left else None)
        for path in dead:
            with suppress(OSError):
                _remove(path)


def drop_paths(folders: Iterable[str]) -> None:
    """Take what leads to these folders out of the notes of all sessions. Raises OSError."""
    wanted = [Path(folder) for folder in folders]
    for path in _folder().glob("*.json"):
        left = _read(path)
        kept = tuple(p for p in left.paths if not _leads_to(Path(p), wanted))
        if kept != left.paths:
            write_private(path, json.dumps({"paths": kept, "active": None}))


def _leads_to(path: Path, folders: Iterable[Path]) -> bool:
    return any(path.is_relative_to(folder) or folder.is_relative_to(path) for folder in folders)


def _locks() -> list[Path]:
    try:
        return list(_folder().glob("*.lock"))
    except OSError:  # no home to write to: nothing was noted there
        return []


def _folder() -> Path:
    folder = user_data_dir() / "sessions"
    folder.mkdir(exist_ok=True, mode=0o700)
    return folder


def _age(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def _read(path: Path) -> LeftOpen:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        active = stored["active"]
        return LeftOpen(
            paths=tuple(str(path) for path in stored["paths"]),
            active=None if active is None else (str(active[0]), int(active[1])),
        )
    except (OSError, ValueError, TypeError, KeyError, IndexError):
        return LeftOpen()


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_suffix(".lock").unlink(missing_ok=True)

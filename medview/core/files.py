"""Files that hold patient data: written whole, for the owner alone, or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from medview.core.errors import WriteFailed
from medview.core.words import Sentence, say

_ABANDONED_S = 3600.0  # a living writer touches its file far more often
_UNFINISHED = re.compile(r"\.new-\w{8}(\.|$)")


@contextlib.contextmanager
def replacing(path: Path, ending: str = "", *, keeps: bool = False) -> Iterator[Path]:
    """A new file beside `path`, mode 0600, that takes its place when the block ends well.

    ending: of its name, for libraries that choose a format by it. keeps: whether a file that
    another process put there meanwhile stays. Raises OSError (full disk, no rights) and then
    leaves the old file as it was.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-", suffix=ending)  # mode 0600
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        # Some file systems say only here that there is no room for what was written.
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        if keeps and _is_linked(beside, path):
            beside.unlink()
        else:
            beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


def is_unfinished(path: str) -> bool:
    """Whether a file is named as `replacing` names what it is still writing."""
    return bool(_UNFINISHED.match(Path(path).name))


def clear_abandoned(folder: Path) -> None:
    """Remove what `replacing` left in a folder when its process was killed an hour ago or earlier.

    Only plain files of this user, for the owner alone, with names as `replacing` gives them go;
    what cannot be removed stays.
    """
    for path in folder.glob(".new-????????*"):
        with contextlib.suppress(OSError):
            status = path.lstat()
            is_own = stat.S_ISREG(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o600
            is_own = is_own and status.st_uid == getattr(os, "getuid", lambda: 0)()
            if is_own and time.time() - status.st_mtime > _ABANDONED_S:
                path.unlink()


def _is_linked(beside: Path, path: Path) -> bool:
    """Whether `path` is there now; False on a file system that knows no links."""
    try:
        os.link(beside, path)
    except FileExistsError:
        return True
    except OSError:
        return False
    return True


def write_private(path: Path, text: str | bytes) -> None:
    """Replace a file in one step with content that only the owner may read.

    Raises OSError (full disk, no rights) and then leaves the old file as it was.
    """
    with replacing(path) as beside:
        beside.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)


def hold(path: Path) -> int:
    """Hold a lock file for this process alone until the descriptor is closed or the process dies.

    Raises BlockingIOError while another holds it, OSError where the file cannot be made or (errno
    ENOLCK) where there are no locks.
    """
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        _lock(handle)
    except OSError:
        os.close(handle)
        raise
    return handle


@contextlib.contextmanager
def held(path: Path, patience_s: float = 2.0) -> Iterator[None]:
    """As `hold` for a moment, waiting for others; where there are no locks it goes on without.

    Raises OSError when the others do not let go.
    """
    handle = _wait_for(path, time.monotonic() + patience_s)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _wait_for(path: Path, until: float) -> int | None:
    while True:
        try:
            return hold(path)
        except BlockingIOError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
        except OSError as error:
            if error.errno != errno.ENOLCK:
                raise
            return None


def _lock(handle: int) -> None:
    try:
        import fcntl  # not on Windows
    except ImportError as error:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK)) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:  # a network folder that knows no locks
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK)) from error


def write_whole(path: Path, data: bytes | str) -> Path:
    """Write a result in one step, mode 0600, making its folder; the old file stays on failure.

    Raises WriteFailed with the reason in words; then nothing half-written is left.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, data)
    except OSError as error:
        raise WriteFailed(
            why_not_written(error),
            str(path),
            say("What was written before is whole; choose another folder and write again."),
            detail=f"errno {error.errno}",
        ) from error
    return path


def why_not_written(error: OSError) -> Sentence:
    """What the system said when a result could not be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return say("The disk is full, so this result was not written.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return say("You may not write there, so this result was not written.")
    return say("This result could not be written.")

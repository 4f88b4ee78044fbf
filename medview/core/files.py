"""Files that hold patient data: written whole, for the owner alone, or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from pathlib import Path

from medview.core.errors import WriteFailed
from medview.core.words import Sentence, say


def write_private(path: Path, text: str | bytes) -> None:
    """Replace a file in one step with content that only the owner may read.

    Raises OSError (full disk, no rights) and then leaves the old file as it was.
    """
    data = text.encode("utf-8") if isinstance(text, str) else text
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def write_whole(path: Path, data: bytes | str) -> Path:
    """Write a result in one step, mode 0600, making its folder; the old file stays on failure.

    Raises WriteFailed with the reason in words; then nothing half-written is left.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, data)
    except OSError as error:
        raise WriteFailed(
            _why(error),
            str(path),
            say("What was written before is whole; choose another folder and write again."),
            detail=f"errno {error.errno}",
        ) from error
    return path


def _why(error: OSError) -> Sentence:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return say("The disk is full, so this result was not written.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return say("You may not write there, so this result was not written.")
    return say("This result could not be written.")

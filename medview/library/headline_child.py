"""`python -m medview.library.headline_child`: a child that reads headers for an index.

It speaks `marshal` over its pipes: a list of paths in, a list of headlines out. It imports little:
its start is part of every indexing.
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from medview.dicom.headline import HeadlineReader

Plain = tuple[Sequence[bytes], int, int] | str | None


def why_not(error: Exception) -> str:
    """Why a file cannot be read, in English."""
    from medview.core.errors import MedViewError

    if isinstance(error, MedViewError):
        return error.what.english()
    return "The file is damaged in a way that MedView cannot name."


def write_message(pipe: int, message: list[Any]) -> None:
    """One message with its length before it. Raises OSError."""
    data = marshal.dumps(message)
    data = len(data).to_bytes(8, "little") + data
    view = memoryview(data)
    while view:
        view = view[os.write(pipe, view) :]


def read_message(pipe: int) -> list[Plain]:
    """The next message. Raises EOFError where the other side is gone."""
    length = int.from_bytes(_exactly(pipe, 8), "little")
    return marshal.loads(_exactly(pipe, length))  # type: ignore[no-any-return]  # noqa: S302


def _exactly(pipe: int, count: int) -> bytes:
    parts = []
    while count:
        part = os.read(pipe, min(count, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def serve(source: int, target: int) -> None:
    """A child's life: lots in, headlines out, until the parent closes the pipe."""
    reader = HeadlineReader()
    with suppress(EOFError, OSError):
        while True:
            found: list[Plain] = []
            for path in read_message(source):
                try:
                    one = reader.read(str(path))
                except Exception as error:  # noqa: BLE001 - as for files read in the parent
                    found.append(why_not(error))
                else:
                    found.append(None if one is None else (one.values, one.size, one.mtime_ns))
            write_message(target, found)


if __name__ == "__main__":
    serve(0, 1)

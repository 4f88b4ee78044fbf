"""Results reach the disk whole, for the owner alone, or not at all."""

from __future__ import annotations

import errno
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from uuid import NAMESPACE_OID, uuid4, uuid5

from pydicom.dataset import Dataset
from pydicom.uid import UID

from medview.core.errors import WriteFailed
from medview.core.settings import write_private
from medview.core.words import Sentence, say

_one_at_a_time = threading.RLock()  # the filters of `warnings` belong to the whole process


@contextmanager
def tolerating_sources() -> Iterator[None]:
    """pydicom and highdicom warn of odd values in the images, with the values in their text.

    Such values are normal here (a name of one part, a long number); what matters is judged by us.
    """
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def new_uid() -> UID:
    """A UID that nobody has (PS3.5 B.2, 2.25 and a random UUID)."""
    return UID(f"2.25.{uuid4().int}")


def derived_uid(*names: str) -> UID:
    """The same UID for the same names: one finding keeps its tracking UID in SEG, SR and later."""
    return UID(f"2.25.{uuid5(NAMESPACE_OID, chr(31).join(names)).int}")


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


def save_dataset(dataset: Dataset, path: Path) -> Path:
    """Write a DICOM object as a file (PS3.10) by `write_whole`."""
    buffer = BytesIO()
    with tolerating_sources():
        dataset.save_as(buffer, enforce_file_format=True)
    return write_whole(path, buffer.getvalue())

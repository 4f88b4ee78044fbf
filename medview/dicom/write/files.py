"""What every object that is written shares: UIDs, tolerance for odd sources, saving whole."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from uuid import NAMESPACE_OID, uuid4, uuid5

from pydicom.dataset import Dataset
from pydicom.uid import UID

from medview.core.files import write_whole

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


def save_dataset(dataset: Dataset, path: Path) -> Path:
    """Write a DICOM object as a file (PS3.10) by `write_whole`."""
    buffer = BytesIO()
    with tolerating_sources():
        dataset.save_as(buffer, enforce_file_format=True)
    return write_whole(path, buffer.getvalue())

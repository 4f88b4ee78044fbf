"""What every object that is written shares: tolerance for odd sources, saving whole."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from pydicom.dataset import Dataset

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


def save_dataset(dataset: Dataset, path: Path) -> Path:
    """Write a DICOM object as a file (PS3.10) by `write_whole`."""
    buffer = BytesIO()
    with tolerating_sources():
        dataset.save_as(buffer, enforce_file_format=True)
    return write_whole(path, buffer.getvalue())

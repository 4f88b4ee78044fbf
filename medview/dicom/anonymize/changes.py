"""The log of what was changed, without any value; when asked for, the private list of names."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from medview.core.files import write_whole
from medview.dicom.anonymize.actions import table
from medview.dicom.anonymize.cleaning import Change
from medview.dicom.anonymize.survey import Source

LOG_NAME = "deidentification-log.csv"


class ChangeLog:
    """One line for each changed element of each copy; files by the names of the copies."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOG_NAME
        self._mapping: list[tuple[str, ...]] = []

    def __enter__(self) -> ChangeLog:
        handle = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        self._file = os.fdopen(handle, "w", encoding="utf-8", newline="")
        self._lines = csv.writer(self._file)
        self._lines.writerow(("file", "element", "name", "action"))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(
        self, source: Source, name: str, new_id: str, changes: Sequence[Change], boxes: int
    ) -> None:
        """Note one copy."""
        for change in changes:
            self._lines.writerow((name, change.path, _keyword(change.path), change.action.value))
        if boxes:
            self._lines.writerow((name, "(7FE0,0010)", "PixelData", f"{boxes} areas blacked out"))
        kind, *old = source.patient.split("\x1f")
        self._mapping.append((source.path, kind, " ".join(old).strip(), new_id, name))

    def write_mapping(self, path: Path) -> None:
        """The list that leads back: for the owner alone. Raises WriteFailed."""
        text = io.StringIO()
        lines = csv.writer(text)
        lines.writerow(("source", "known by", "original", "new identifier", "copy"))
        lines.writerows(self._mapping)
        write_whole(path, text.getvalue())


def _keyword(path: str) -> str:
    """The name of the last element of a path; private ones have none that may be shown."""
    tag = int(path[-10:-6] + path[-5:-1], 16)
    row = table().get(tag)
    if row is not None:
        return row.keyword
    if tag >> 16 & 1:
        return "private"
    from pydicom.datadict import keyword_for_tag

    return str(keyword_for_tag(tag)) or "unknown"

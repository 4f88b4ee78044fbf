"""The journal of one patient's work: one JSON line a command, on the disk before it shows as saved.

Each line sets whole fields, so the last line that is whole wins and a line that was cut off by a
power failure is passed over. Folders are named by a keyed hash: no patient in a file name.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

from medview.core.codec import from_plain, to_plain
from medview.core.files import held, write_private
from medview.core.paths import user_data_dir
from medview.core.private_names import private_name
from medview.core.study import Patient
from medview.core.words import Sentence

T = TypeVar("T")
_COMPACT_ABOVE = 256 * 1024


def work_key(patient: Patient, study_uid: str) -> str:
    """What the work is filed under: the patient, or the study where the patient has no id."""
    if not patient.id:
        return f"study {study_uid}"
    return f"patient {patient.id} {patient.birth_date} {patient.sex}"


def patient_folder(patient_key: str) -> Path:
    """Where the work of a patient lies; made on first use, readable by the owner alone.

    Raises OSError where the user's folder cannot be written to.
    """
    folder = user_data_dir() / "work" / private_name(patient_key)
    for made in (folder.parent, folder):  # with parents=True the mode would hold for the last alone
        made.mkdir(exist_ok=True, mode=0o700)
    return folder


def is_kept(patient_key: str) -> bool:
    """Whether work was ever kept for a patient; makes no folder."""
    try:
        return (user_data_dir() / "work" / private_name(patient_key)).is_dir()
    except OSError:
        return False


class Journal:
    """Appends commands to `journal.jsonl` of a folder and reads the last state back.

    Two windows may share it: `alone` keeps the other out while one reads and writes.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "journal.jsonl"
        self._seen: tuple[int, int] | None = None

    def alone(self) -> AbstractContextManager[None]:
        """While this lasts no other window writes. Raises OSError when it does not let go."""
        return held(self._path.with_name("journal.lock"))

    @property
    def is_as_seen(self) -> bool:
        """Whether nobody else wrote since this one last read or wrote."""
        return self._seen == self._identity()

    @property
    def is_there(self) -> bool:
        """Whether anything was ever written."""
        return self._identity() is not None

    def write(self, name: Sentence, values: Mapping[str, object]) -> None:
        """Append one command and wait until the disk has it. Raises OSError when it cannot."""
        line = json.dumps(
            {"v": 1, "do": name.english(), "set": to_plain(values)}, ensure_ascii=False
        )
        handle = os.open(self._path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        try:
            size = os.fstat(handle).st_size
            data = f"{line}\n".encode()
            try:
                # A line cut off earlier must not swallow this one.
                _write_all(handle, data if _ends_whole(self._path, size) else b"\n" + data)
                os.fsync(handle)
            except OSError:
                os.ftruncate(handle, size)
                raise
        finally:
            os.close(handle)
        self._seen = self._identity()

    def read(self, kind: type[T]) -> T:
        """The last state, as a value of a dataclass whose fields all have defaults.

        What makes no sense in it is left out, item by item.

        Raises OSError for a journal that is there and cannot be read.
        """
        try:
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return kind()
        self._seen = self._identity()
        state = _last_state(text)
        good: dict[str, Any] = {}
        for name, value in state.items():
            if _fits(kind, name, value):
                good[name] = value
            elif isinstance(value, list):
                good[name] = [item for item in value if _fits(kind, name, [item])]
        return from_plain(kind, good)

    def make_short(self) -> None:
        """Replace a long journal by one line that says the same; one that cannot be stays."""
        with contextlib.suppress(OSError):
            if self._path.stat().st_size <= _COMPACT_ABOVE:
                return
            with self.alone():
                state = _last_state(self._path.read_text(encoding="utf-8", errors="replace"))
                whole = json.dumps({"v": 1, "do": "compact", "set": state}, ensure_ascii=False)
                write_private(self._path, whole + "\n")

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_size


def _fits(kind: type, name: str, value: object) -> bool:
    try:
        from_plain(kind, {name: value})
    except ValueError:
        return False
    return True


def _last_state(text: str) -> dict[str, Any]:
    state: dict[str, Any] = {}
    for line in text.splitlines():
        with contextlib.suppress(ValueError, AttributeError, TypeError, RecursionError):
            state.update(json.loads(line)["set"])
    return state


class Unkept(Journal):
    """Stands in where the user's folder cannot be written to: the work lasts as MedView does."""

    def __init__(self) -> None:
        super().__init__(Path(os.devnull))

    def alone(self) -> AbstractContextManager[None]:
        """Nobody shares what is not kept."""
        return contextlib.nullcontext()

    @property
    def is_as_seen(self) -> bool:
        """Always: nobody else can write it."""
        return True

    def write(self, name: Sentence, values: Mapping[str, object]) -> None:
        """Keep nothing."""

    def read(self, kind: type[T]) -> T:
        """The state of somebody who made nothing yet."""
        return kind()


def _ends_whole(path: Path, size: int) -> bool:
    if size == 0:
        return True
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _write_all(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]

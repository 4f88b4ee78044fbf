"""A table of patients (CSV, packed or not) as inputs, outcome and whose row it is."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import InvalidInput
from medview.core.words import say
from medview.risk.tabular import Array, Column, encode

_LARGEST = 256 << 20
_NOT_KNOWN = ("", "NA", "NaN", "nan", "?")
_YES = {"1": 1.0, "yes": 1.0, "true": 1.0, "0": 0.0, "no": 0.0, "false": 0.0}


def hash_of(path: Path) -> str:
    """A file's SHA-256 as `sha256:...`, by which a model knows the table it learnt from."""
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


@dataclass(frozen=True, eq=False)
class Table:
    """n rows: design [n, p] with NaN for gaps, time [n] (0 for binary outcomes), event [n] bool.

    patients: whose row. passed: rows left out because they have no outcome or nothing readable.
    unread: by column, how many values could not be read and count as not known.
    """

    design: Array
    time: Array
    event: NDArray[np.bool_]
    patients: tuple[str, ...]
    passed: int = 0
    unread: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.event)

    def part(self, rows: NDArray[np.intp]) -> Table:
        """Some of the rows."""
        who = tuple(self.patients[int(n)] for n in rows)
        return Table(self.design[rows], self.time[rows], self.event[rows], who)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What to read from a table: see `plan.Outcome`; patient names a column or is ""."""

    columns: Sequence[Column]
    event: str
    positive: Sequence[str]
    time: str = ""
    patient: str = ""
    keep: Mapping[str, Sequence[str]]


def read_table(path: Path, reading: Reading) -> Table:
    """Read a table. Raises InvalidInput for one without the columns, or with one outcome only."""
    rows = _rows(path)
    if not rows:
        raise InvalidInput(say("The table has no rows."), path.name)
    wanted = {c.column for c in reading.columns} | {reading.event, *reading.keep}
    wanted |= {name for name in (reading.time, reading.patient) if name}
    absent = sorted(wanted - set(rows[0]))
    if absent:
        raise InvalidInput(
            say("The table lacks the column {name}.", name=", ".join(absent[:8])), path.name
        )
    kept = [r for r in rows if all(r[k].strip() in reading.keep[k] for k in reading.keep)]
    found, passed, unread = [], 0, Counter[str]()
    for number, row in enumerate(kept):
        gaps = Counter[str]()
        one = _patient(row, reading, number, gaps)
        if one is None:
            passed += 1
        else:
            found.append(one)
            unread += gaps
    events = np.array([event for _, _, event, _ in found], bool)
    if not found:
        raise InvalidInput(
            say("No row of the table has an outcome and an input to read."), path.name
        )
    if events.all() or not events.any():
        raise InvalidInput(say("A class of the training data has no case."), path.name)
    return Table(
        encode(reading.columns, [values for values, _, _, _ in found]),
        np.array([time for _, time, _, _ in found], float),
        events,
        tuple(who for _, _, _, who in found),
        passed,
        dict(unread),
    )


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(_LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInput(say("The table is damaged or no readable file."), path.name) from error
    if len(data) > _LARGEST:
        raise InvalidInput(say("The table is larger than MedView reads."), path.name)
    text = io.StringIO(data.decode("utf-8-sig", errors="replace"), newline="")
    try:
        return [{k: v or "" for k, v in row.items() if k} for row in csv.DictReader(text)]
    except csv.Error as error:
        raise InvalidInput(say("The table is damaged or no readable file."), path.name) from error


def _patient(
    row: Mapping[str, str], reading: Reading, number: int, unread: Counter[str]
) -> tuple[dict[str, float | str | None], float, bool, str] | None:
    """Inputs, time, event and patient of a row; None where its outcome cannot be read."""
    said = row[reading.event].strip()
    if said in _NOT_KNOWN:
        return None
    try:
        time = float(row[reading.time]) if reading.time else 0.0
    except ValueError:
        return None
    values = {c.name: _readable(c, row[c.column], unread) for c in reading.columns}
    is_empty = all(value is None for value in values.values())
    if not np.isfinite(time) or time < 0 or is_empty:
        return None
    who = row[reading.patient] if reading.patient else str(number)
    return values, time, _is_one_of(said, reading.positive), who


def _is_one_of(said: str, positive: Sequence[str]) -> bool:
    try:
        return any(float(said) == float(other) for other in positive)
    except ValueError:
        return said in positive


def _readable(column: Column, text: str, unread: Counter[str]) -> float | str | None:
    """A value; what is no number, or a class that the training had not, is not known."""
    try:
        return _value(column, text)
    except ValueError:
        unread[column.column] += 1
        return None


def _value(column: Column, text: str) -> float | str | None:
    text = text.strip()
    if text in _NOT_KNOWN:
        return None
    if column.kind == "choice":
        codes = column.codes or {}
        key = text.removesuffix(".0")
        if key not in codes:
            raise ValueError(text)
        return codes[key]
    if column.kind == "yes-no":
        key = text.removesuffix(".0").lower()
        if key not in _YES:
            raise ValueError(text)
        return _YES[key]
    number = float(text)
    return number if np.isfinite(number) else None

"""A recorded session as a file: named actions with plain parameters, `medview.replay/1`.

It names series by UID and holds what the reader measured and wrote, so it is written for the owner
alone and belongs beside the patient's data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medview.core.errors import InvalidInput, WriteFailed
from medview.core.files import write_private
from medview.core.words import say

SCHEMA = "medview.replay/1"
_FAMILY, _VERSION = "medview.replay", 1
_MOST_BYTES, _MOST_STEPS = 64 << 20, 100_000
_LONGEST_S = 1e7
_SIZE = (1600, 980)
_SIDES = range(320, 16_385)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One action: its name, its parameters, and when it was done (seconds since the beginning)."""

    do: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What was open at the beginning, the window's size in pixels, and the steps in order."""

    paths: tuple[str, ...] = ()
    size: tuple[int, int] = _SIZE
    steps: tuple[Step, ...] = ()
    program: str = ""


def write_script(script: Script, path: Path) -> None:
    """Write a script whole, readable by the owner alone. Raises WriteFailed."""
    document = {
        "schema": SCHEMA,
        "program": script.program,
        "size": list(script.size),
        "paths": list(script.paths),
        "steps": [
            {"do": step.do, "with": dict(step.parameters), "at": round(step.at, 1)}
            for step in script.steps
        ],
    }
    try:
        write_private(path, json.dumps(document, ensure_ascii=False, indent=1) + "\n")
    except OSError as error:
        raise WriteFailed(
            say("The recording could not be written."), str(path), detail=str(error.errno)
        ) from error


def read_script(path: Path) -> Script:
    """Read a script. Raises InvalidInput, in a sentence, for what is none or of a later MedView.

    Steps are taken as they stand: whether they fit is known when they are done.
    """
    document = _document(path)
    schema = str(document.get("schema", ""))
    family, _, version = schema.rpartition("/")
    if family != _FAMILY or not version.isdecimal():
        raise InvalidInput(say("This is no recording of MedView."), str(path))
    if int(version) > _VERSION:
        raise InvalidInput(
            say("This recording is of a later MedView ({schema}).", schema=schema),
            str(path),
            say("Use the MedView that made it, or a newer one."),
        )
    steps, paths = document.get("steps"), document.get("paths", [])
    if not isinstance(steps, list) or not isinstance(paths, list) or len(steps) > _MOST_STEPS:
        raise InvalidInput(say("The recording has no list of steps."), str(path))
    return Script(
        paths=tuple(each for each in paths if isinstance(each, str)),
        size=_size(document.get("size")),
        steps=tuple(_step(number, row, path) for number, row in enumerate(steps, start=1)),
        program=str(document.get("program", "")),
    )


def _document(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InvalidInput(say("The file is too large for a recording."), str(path))
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(say("The recording cannot be read."), str(path)) from error
    except (ValueError, RecursionError) as error:
        raise InvalidInput(say("This is no recording of MedView."), str(path)) from error
    if not isinstance(found, dict):
        raise InvalidInput(say("This is no recording of MedView."), str(path))
    return found


def _size(value: object) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2:
        return _SIZE
    width, height = value
    is_fit = all(isinstance(side, int) and side in _SIDES for side in (width, height))
    return (width, height) if is_fit else _SIZE


def _step(number: int, row: object, path: Path) -> Step:
    if isinstance(row, dict) and isinstance(row.get("do"), str):
        parameters, at = row.get("with", {}), row.get("at", 0.0)
        if isinstance(parameters, dict):
            is_time = isinstance(at, int | float) and 0 <= at <= _LONGEST_S
            return Step(do=row["do"], parameters=parameters, at=float(at) if is_time else 0.0)
    raise InvalidInput(say("Step {number} of the recording names no action.", number=number),
                       str(path))  # fmt: skip

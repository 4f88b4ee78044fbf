"""Window presets as files: MedView's own and the reader's, of one form."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from medview.core.errors import InvalidInput
from medview.core.files import write_private
from medview.core.paths import resources_dir, user_config_dir
from medview.core.words import say
from medview.imaging.window import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A named window; its place among the presets of a modality is its key, from 2 on."""

    id: str
    name: str
    window: Window


Groups = Mapping[tuple[str, str], tuple[Preset, ...]]  # presets by modality and unit
_FURTHER = (("MR", ""), ("DX", ""), ("CR", ""), ("MG", ""), ("XA", ""), ("NM", ""))
_MOST_BYTES, _MOST_ROWS = 1 << 20, 60


def checked_preset(
    name: str, width: float, level: float, *, function: str = "LINEAR", identity: str = ""
) -> Preset:
    """A preset of values that a reader gave. Raises InvalidInput where they make no window."""
    least = 1.0 if function == "LINEAR" else 1e-6  # C.11.2.1.2.1 forbids less
    if not name.strip():
        raise InvalidInput(say("A preset needs a name."))
    if not (math.isfinite(width) and math.isfinite(level)) or width < least:
        raise InvalidInput(
            say("The width of {name} must be {least} or more, its level a number.", name=name,
                least=f"{least:g}")
        )  # fmt: skip
    if function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        raise InvalidInput(say("There is no window function {name}.", name=function))
    window = Window(center=level, width=width, name=name, function=function)
    return Preset(id=identity, name=name, window=window)


@cache
def shipped_groups() -> Groups:
    """MedView's own presets."""
    return _read(resources_dir() / "presets.json")


def own_presets_path() -> Path:
    """Where the reader's presets lie."""
    return user_config_dir() / "presets.json"


def read_groups(path: Path) -> Groups:
    """Every group: the file's, MedView's where the file has none, and empty ones to be filled.

    Raises InvalidInput, in a sentence, for a file that cannot be used.
    """
    return with_further_groups({**shipped_groups(), **_read(path)})


def with_further_groups(groups: Groups) -> Groups:
    """With empty groups for modalities that have no presets yet."""
    return {**groups, **{key: () for key in _FURTHER if key not in groups}}


def write_groups(groups: Groups, path: Path) -> None:
    """Write those that differ from MedView's own, whole. Raises OSError."""
    changed = {key: rows for key, rows in groups.items() if rows != shipped_groups().get(key, ())}
    document = {
        "groups": [
            {
                "modality": modality,
                "unit": unit,
                "presets": [
                    {"id": each.id, "name": each.name, "width": each.window.width,
                     "center": each.window.center, "function": each.window.function}
                    for each in rows
                ],
            }
            for (modality, unit), rows in changed.items()
        ]
    }  # fmt: skip
    write_private(path, json.dumps(document, ensure_ascii=False, indent=1) + "\n")


def _read(path: Path) -> Groups:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InvalidInput(say("The file of window presets is too large."), str(path))
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(say("The file of window presets cannot be read."), str(path)) from error
    except (ValueError, RecursionError) as error:
        raise InvalidInput(say("The file of window presets is no JSON."), str(path)) from error
    try:
        return {
            (str(group["modality"]), str(group["unit"])): _rows(group["presets"])
            for group in found["groups"]
        }
    except (TypeError, KeyError, ValueError, OverflowError) as error:
        said = say("The file of window presets has no list of presets.")
        raise InvalidInput(said, str(path)) from error


def _rows(rows: list[dict[str, Any]]) -> tuple[Preset, ...]:
    return tuple(
        checked_preset(
            str(row["name"]), float(row["width"]), float(row["center"]),
            function=str(row.get("function", "LINEAR")), identity=str(row.get("id", "")),
        )
        for row in rows[:_MOST_ROWS]
    )  # fmt: skip

"""The looks of the volume view: those of the program, those of the reader, and which fits.

Both lie in files of one form, `resources/volume_looks.json` and `volume-looks.json` in the
reader's folder of settings. What makes no sense in a file is a sentence; the rest stays.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medview.core.files import write_whole
from medview.core.paths import resources_dir, user_config_dir
from medview.core.volume import Volume
from medview.core.words import Sentence, say
from medview.imaging.transfer import BLENDS, MOST_POINTS, Blend, Look, TransferPoint, projected

_log = logging.getLogger("medview.imaging")
_SUV = "SUV"
SHARE = "share"  # values of a look that are shares of the series' own range
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_MOST_BYTES = 1_000_000
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRow:
    """A look as a file gives it: the unit of its values, and which series it is made for."""

    look: Look
    unit: str
    modalities: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LookFile:
    """What a file holds, and what in it makes no sense, in words."""

    rows: tuple[LookRow, ...] = ()
    projections: Mapping[str, Mapping[Blend, tuple[float, float]]]
    faults: tuple[Sentence, ...] = ()


def read_looks(path: Path, *, is_own: bool = False) -> LookFile:
    """Every row of a file that makes sense. A file that is not there holds nothing."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            return _unreadable(path)
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return LookFile(projections={})
    except (OSError, ValueError, RecursionError):
        return _unreadable(path)
    if not isinstance(told, dict) or not isinstance(told.get("looks"), list):
        return _unreadable(path)
    rows: list[LookRow] = []
    faults: list[Sentence] = []
    for number, raw in enumerate(told["looks"], 1):
        try:
            row = _row(raw, is_own=is_own)
            if any(row.look.id == known.look.id for known in rows):
                raise ValueError("id")  # noqa: TRY301 - said below with the others
            rows.append(row)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            faults.append(
                say(
                    "Look {number} in {file} makes no sense ({what}) and is left out.",
                    number=number, file=path.name, what=str(error).strip("'\""),
                )
            )  # fmt: skip
    projections, more = _projections(told.get("projections", []), path.name)
    return LookFile(rows=tuple(rows), projections=projections, faults=(*faults, *more))


def _unreadable(path: Path) -> LookFile:
    said = say("The looks in {file} cannot be read and are left out.", file=path.name)
    return LookFile(projections={}, faults=(said,))


def is_sound(look: Look) -> bool:
    """Whether a look that somebody wrote can be drawn."""
    told = [[p.value, p.opacity, p.colour] for p in look.points]
    try:
        return _points(told) == look.points and look.blend in BLENDS
    except (ValueError, TypeError):
        return False


def _row(raw: object, *, is_own: bool) -> LookRow:
    """Raises ValueError, TypeError or KeyError that names the entry at fault."""
    if not isinstance(raw, dict):
        raise TypeError("looks")
    for name in ("id", "name", "unit"):
        if not isinstance(raw.get(name), str) or not 0 < len(raw[name]) <= _LONGEST_NAME:
            raise ValueError(name)
    blend = raw.get("blend", "composite")
    if blend not in BLENDS:
        raise ValueError("blend")
    is_lit, is_inside = raw.get("is_lit", True), raw.get("is_inside", blend == "minip")
    if not isinstance(is_lit, bool) or not isinstance(is_inside, bool):
        raise TypeError("is_lit")
    look = Look(
        id=raw["id"], name=raw["name"], points=_points(raw.get("points")), blend=blend,
        is_lit=is_lit, is_inside=is_inside, is_own=is_own,
    )  # fmt: skip
    return LookRow(
        look=look, unit=raw["unit"], modalities=_words(raw, "modalities"),
        parts=_words(raw, "parts"),
    )  # fmt: skip


def _points(raw: object) -> tuple[TransferPoint, ...]:
    if not isinstance(raw, list) or not 2 <= len(raw) <= MOST_POINTS:
        raise ValueError("points")
    points: list[TransferPoint] = []
    for each in raw:
        first, second, colour = _triple(each)
        value, opacity = _number(first), _number(second)
        is_further = not points or value > points[-1].value
        if not isinstance(colour, str) or not _COLOUR.fullmatch(colour):
            raise ValueError("points")
        if not (is_further and 0 <= opacity <= 1):
            raise ValueError("points")
        points.append(TransferPoint(value, opacity, colour))
    return tuple(points)


def _triple(raw: object) -> tuple[object, object, object]:
    if not isinstance(raw, list) or len(raw) != 3:
        raise ValueError("points")
    return raw[0], raw[1], raw[2]


def _number(raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not abs(raw) < 1e9:
        raise ValueError("points")
    return float(raw)


def _words(raw: dict[str, object], name: str) -> tuple[str, ...]:
    found = raw.get(name, [])
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        raise ValueError(name)
    return tuple(found)


def _projections(
    raw: object, file: str
) -> tuple[dict[str, Mapping[Blend, tuple[float, float]]], list[Sentence]]:
    found: dict[str, Mapping[Blend, tuple[float, float]]] = {}
    for row in raw if isinstance(raw, list) else [raw]:
        try:
            if not isinstance(row, dict):
                raise TypeError("projections")  # noqa: TRY301 - said below with the others
            found[str(row["unit"])] = {blend: _span(row[blend]) for blend in BLENDS[1:]}
        except (ValueError, TypeError, KeyError, OverflowError):
            said = say("The projections in {file} make no sense and are left out.", file=file)
            return found, [said]
    return found, []


def _span(raw: object) -> tuple[float, float]:
    if not isinstance(raw, list) or len(raw) != 2:
        raise ValueError("projections")
    low, high = _number(raw[0]), _number(raw[1])
    if not low < high:
        raise ValueError("projections")
    return low, high


@cache
def _shipped() -> LookFile:
    found = read_looks(resources_dir() / "volume_looks.json")
    for fault in found.faults:
        _log.error("look left out", extra={"detail": str(fault)})
    return found


def own_looks_path() -> Path:
    """Where the reader's own looks lie."""
    return user_config_dir() / "volume-looks.json"


def keep_look(look: Look, scale: Scale) -> Look:
    """Store a look as the reader's own, in place of one of the same name. Raises WriteFailed.

    Values of a series without a unit are stored as shares of its range, so that the look fits
    the next one too.
    """
    path = own_looks_path()
    before = read_looks(path, is_own=True)
    if before.faults:  # what the reader wrote there by hand is not lost
        write_whole(path.with_suffix(".broken.json"), path.read_bytes())
    kept = replace(look, id=f"own-{look.name.casefold()}", is_own=True)
    row = LookRow(look=_rescaled(kept, scale, back=True), unit=scale.unit)
    others = [r for r in before.rows if r.look.id != kept.id]
    write_whole(path, json.dumps({"looks": [_told(r) for r in (*others, row)]}, indent=1))
    return kept


def forget_look(look_id: str) -> None:
    """Take one of the reader's own looks away. Raises WriteFailed."""
    path = own_looks_path()
    rows = [row for row in read_looks(path, is_own=True).rows if row.look.id != look_id]
    write_whole(path, json.dumps({"looks": [_told(row) for row in rows]}, indent=1))


def _told(row: LookRow) -> dict[str, object]:
    look = row.look
    return {
        "id": look.id, "name": look.name, "unit": row.unit, "blend": look.blend,
        "is_lit": look.is_lit, "is_inside": look.is_inside,
        "points": [[p.value, p.opacity, p.colour] for p in look.points],
    }  # fmt: skip


# -- which looks a series has -----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How the values of a file's looks become those of a series: value * step + start."""

    unit: str  # of looks that fit without a change
    start: float = 0.0
    step: float = 1.0


def scale_of(volume: Volume, values: NDArray[np.int16 | np.float32]) -> Scale:
    """The scale of a series: its own unit for HU and SUV, else its range.

    Of MR and the like 0 is what most of the picture's darker voxels hold, 1 the bright end.
    """
    if volume.unit == "HU" or volume.unit.startswith(_SUV):
        return Scale(unit="HU" if volume.unit == "HU" else _SUV)
    sample = values[:: max(1, len(values) // 24), ::4, ::4]
    low, high = (float(v) for v in np.percentile(sample, (40.0, 99.5)))
    return Scale(unit=SHARE, start=low, step=max(high - low, 1e-3))


def _rescaled(look: Look, scale: Scale, *, back: bool = False) -> Look:
    if scale.unit != SHARE:
        return look

    def moved(value: float) -> float:
        if back:
            return (value - scale.start) / scale.step
        return value * scale.step + scale.start

    return replace(look, points=tuple(replace(p, value=moved(p.value)) for p in look.points))


def looks_for(volume: Volume, scale: Scale) -> tuple[tuple[Look, ...], tuple[Sentence, ...]]:
    """Every look that fits a series, the program's first, in the series' own values.

    The second part says what in the reader's file makes no sense.
    """
    own = read_looks(own_looks_path(), is_own=True)
    rows = [
        row
        for row in (*_shipped().rows, *own.rows)
        if row.unit == scale.unit and (not row.modalities or volume.modality in row.modalities)
    ]
    if scale.unit == SHARE and volume.modality == "MR":  # "surface" is "mr" for what is no MR
        rows = [row for row in rows if row.look.is_own or row.modalities]
    return tuple(_rescaled(row.look, scale) for row in rows), own.faults


def first_look(looks: Sequence[Look], words: str) -> int:
    """The number of the look for a series whose body part and description hold these words."""
    spoken = words.upper()
    parts = {row.look.id: row.parts for row in _shipped().rows}
    for number, look in enumerate(looks):
        if any(re.search(rf"\b{re.escape(part)}", spoken) for part in parts.get(look.id, ())):
            return number
    return 0


def in_blend(look: Look, blend: Blend, scale: Scale) -> Look:
    """A look as a projection; as it is where it joins samples so already, or for composite."""
    if blend in ("composite", look.blend):
        return look
    low, high = _shipped().projections.get(scale.unit, {}).get(blend, (0.0, 1.0))
    if scale.unit == SHARE:
        low, high = (v * scale.step + scale.start for v in (low, high))
    return projected(look, blend, (low, high))

"""Window presets by modality, from `resources/presets.json`; CT numbers hold only in HU."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from medview.core.paths import resources_dir
from medview.core.volume import Volume
from medview.imaging.window import Window, file_windows, first_window


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A named window; `key` is the digit that calls it, empty for none."""

    id: str
    name: str
    window: Window
    key: str = ""


@cache
def _all() -> tuple[tuple[str, str, Preset], ...]:
    text = (resources_dir() / "presets.json").read_text(encoding="utf-8")
    return tuple(
        (group["modality"], group["unit"], _preset(row))
        for group in json.loads(text)["groups"]
        for row in group["presets"]
    )


def _preset(row: dict[str, str | float]) -> Preset:
    name = str(row["name"])
    window = Window(
        center=float(row["center"]),
        width=float(row["width"]),
        name=name,
        function=str(row.get("function", "LINEAR")),
    )
    return Preset(id=str(row["id"]), name=name, window=window, key=str(row.get("key", "")))


def presets_for(modality: str, unit: str) -> tuple[Preset, ...]:
    """The presets of a series; none where its numbers are not in the unit they are made for."""
    return tuple(preset for kind, want, preset in _all() if (kind, want) == (modality, unit))


def preset_named(name: str) -> Preset | None:
    """A preset by id or English name, whatever the case."""
    wanted = name.strip().lower()
    found = (preset for _, _, preset in _all() if wanted in (preset.id, preset.name.lower()))
    return next(found, None)


def has_opening_window(volume: Volume, k: int = 0) -> bool:
    """Whether slice `k` opens with a window of its modality or its file, not an automatic one."""
    return _is_read_in_suv(volume) or bool(file_windows(volume, k))


def opening_window(volume: Volume, ready: NDArray[np.bool_] | None = None, k: int = 0) -> Window:
    """What slice `k` opens with to be read: PET in SUV its first preset, all else as in the file.

    Scanners write PET windows by the hottest voxel (bladder, brain); a fixed span of SUV is what
    makes two PETs comparable.
    """
    if _is_read_in_suv(volume):
        return presets_for(volume.modality, volume.unit)[0].window
    return first_window(volume, ready, k)


def opens_inverted(volume: Volume) -> bool:
    """Whether it is read dark on white: PET, unless the file itself is stored so (MONOCHROME1)."""
    return volume.modality == "PT" and not volume.is_colour and not volume.is_inverted


def _is_read_in_suv(volume: Volume) -> bool:
    is_pet = volume.modality == "PT" and not volume.is_colour
    return is_pet and bool(presets_for(volume.modality, volume.unit))

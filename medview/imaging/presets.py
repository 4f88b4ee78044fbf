"""Window presets by modality, from `resources/presets.json`; CT numbers hold only in HU."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

from medview.core.paths import resources_dir
from medview.imaging.window import Window


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

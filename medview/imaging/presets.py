"""Window presets by modality, MedView's own or the reader's; CT numbers hold only in HU."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import InvalidInput
from medview.core.volume import Volume
from medview.imaging.preset_files import (
    Groups,
    Preset,
    own_presets_path,
    read_groups,
    shipped_groups,
    with_further_groups,
)
from medview.imaging.window import Window, file_windows, first_window

_in_use: dict[str, Groups | None] = {"groups": None}


def use_presets(groups: Groups | None) -> None:
    """Take presets up at once; None: those of the reader's file, or MedView's own."""
    _in_use["groups"] = groups


def preset_groups() -> Groups:
    """The presets in use; a reader's file that cannot be used leaves MedView's own."""
    groups = _in_use["groups"]
    if groups is None:
        try:
            groups = read_groups(own_presets_path())
        except InvalidInput:
            groups = with_further_groups(shipped_groups())
        _in_use["groups"] = groups
    return groups


def presets_for(modality: str, unit: str) -> tuple[Preset, ...]:
    """The presets of a series; none where its numbers are not in the unit they are made for."""
    return preset_groups().get((modality, unit), ())


def preset_named(name: str) -> Preset | None:
    """A preset by id or English name, whatever the case."""
    wanted = name.strip().lower()
    known = (preset for rows in preset_groups().values() for preset in rows)
    return next((each for each in known if wanted in (each.id, each.name.lower())), None)


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

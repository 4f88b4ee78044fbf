"""Planning CT of the head and neck with outlined organs, in the form of the OpenKBP arrays.

`ct_NNN` uint8 is (HU + 400) / 4, cut to -400..620; `mask_NNN` uint16 is a bit field. Arrays are
[k, j, i] and grow towards head, back and left.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import InvalidInput
from medview.core.geometry import Geometry
from medview.core.volume import Volume
from medview.core.words import say
from medview.training.cases import Case

# Bit n of the field is label n + 1.
ORGANS = (
    "Brainstem", "SpinalCord", "RightParotid", "LeftParotid", "Esophagus", "Larynx", "Mandible",
)  # fmt: skip
# Long organs, drawn as far as the plan needed them: beyond their first and last slice the truth
# is unknown.
OPEN_ENDED = frozenset((2, 5))
# mL, by label: several times the organ of an adult, so what is larger was drawn as something else
# (a region to be spared behind the neck stands under the cord's name in two patients of `dev`).
LARGEST_ML = {1: 100.0, 2: 150.0, 3: 150.0, 4: 150.0, 5: 150.0, 6: 200.0, 7: 250.0}


def read_planning_ct(path: Path, rows: list[dict[str, str]]) -> Iterator[Case]:
    """The cases of one part; an organ that is not in `structures` was not looked for.

    Nor was one of an impossible size (`LARGEST_ML`): such a case names it in `left_out`.

    Raises InvalidInput for a mask on another grid, KeyError and ValueError for damaged arrays.
    """
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        for row in rows:
            number = f"{int(row['id']):03d}"
            stored, mask = arrays[f"ct_{number}"], arrays[f"mask_{number}"]
            if stored.shape != mask.shape or stored.ndim != 3:
                raise InvalidInput(say("A label lies on another grid than its image."), number)
            if not np.all(np.isfinite(stored)):
                raise InvalidInput(say("An image holds values that are no numbers."), number)
            drawn = set(row["structures"].split())
            named = {n for n, organ in enumerate(ORGANS, start=1) if organ in drawn}
            too_large = _too_large(mask, row)
            yield Case(
                id=number,
                patient=number,
                volume=_volume(stored, row),
                truth=_truth(mask, without=too_large),
                labels=frozenset(named - set(too_large)),
                left_out={ORGANS[n - 1]: size for n, size in too_large.items() if n in named},
                open_ended=OPEN_ENDED,
                group="slices to 2.5 mm" if float(row["dz_mm"]) <= 2.5 else "slices over 2.5 mm",
            )


def _volume(stored: NDArray[np.generic], row: dict[str, str]) -> Volume:
    spacing = (float(row["dx_mm"]), float(row["dy_mm"]), float(row["dz_mm"]))
    shape = (stored.shape[0], stored.shape[1], stored.shape[2])
    return Volume(
        geometry=Geometry(shape=shape, spacing=spacing),
        stored=np.ascontiguousarray(stored),
        slope=4.0,
        intercept=-400.0,
        unit="HU",
        modality="CT",
    )


def _too_large(mask: NDArray[np.uint16], row: dict[str, str]) -> dict[int, float]:
    """Labels that were drawn larger than any organ of their name, with their mL."""
    voxel = float(row["dx_mm"]) * float(row["dy_mm"]) * float(row["dz_mm"]) / 1000
    sizes = {n: int(((mask >> (n - 1)) & 1).sum()) * voxel for n in LARGEST_ML}
    return {n: round(size, 1) for n, size in sizes.items() if size > LARGEST_ML[n]}


def _truth(mask: NDArray[np.uint16], without: Collection[int] = ()) -> NDArray[np.uint8]:
    """One label a voxel; where outlines overlap the smaller organ is kept."""
    labels = np.zeros(mask.shape, np.uint8)
    layers = {n: (mask >> (n - 1)) & 1 == 1 for n in range(1, len(ORGANS) + 1) if n not in without}
    for label in sorted(layers, key=lambda n: -int(layers[n].sum())):
        labels[layers[label]] = label
    return labels

"""Patches of lung nodules with the radiologists' outlines and ratings, as the set has them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import InvalidInput
from medview.core.words import say
from medview.imaging.nodule_patch import pack, patch_volume
from medview.training.cases import Case

SUSPICIOUS, HARMLESS = "malignant", "benign"  # the set's own words for ratings, not for pathology


def read_patches(path: Path, rows: list[dict[str, str]]) -> Iterator[Case]:
    """The cases of one part: `image`, `readers`, `label` and `malignancy`, row by row.

    The volume is the packed patch with the outline of at least half of the most readers that agree
    on a pixel. Raises InvalidInput for arrays that do not fit each other, KeyError and ValueError
    for damaged ones.
    """
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        image, readers = arrays["image"], arrays["readers"]
        labels, ratings = arrays["label"], arrays["malignancy"]
    counts = {len(part) for part in (image, readers, labels, ratings)}
    if image.shape != readers.shape or len(counts) != 1:
        raise InvalidInput(
            say("A label lies on another grid than its image, or the image is no image."), path.name
        )
    for row in rows:
        n = int(row["row"])
        rating = float(ratings[n])
        if not np.isfinite(rating):
            raise InvalidInput(say("A case of the labelled data is missing or damaged."), str(n))
        yield Case(
            id=f"{row['patient']}-{row['nodule']}",
            patient=row["patient"],
            volume=patch_volume(pack(image[n].astype(np.uint8), common_outline(readers[n]))),
            label=SUSPICIOUS if int(labels[n]) else HARMLESS,
            numbers={
                "diameter_mm": float(row["diameter_mm"]),
                "rating": rating,
                "readers": float(row["readers"]),
            },
        )


def common_outline(readers: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where at least half of those radiologists agree who agree anywhere on this nodule."""
    most = int(readers.max())
    return np.asarray(readers >= max(1, (most + 1) // 2))

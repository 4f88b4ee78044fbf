"""What is asked of labelled data before anything is learnt from them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medview.core.errors import InvalidInput
from medview.core.volume import Volume
from medview.core.words import say

NEAR = 0.995  # correlation of thumbnails from which two cases look the same


def require_unchanged(folder: Path) -> None:
    """Compare the folder's files with its checksums.txt (SHA-256), where there is one.

    Raises InvalidInput for a file that is missing or another one than listed.
    """
    listed = folder / "checksums.txt"
    if not listed.is_file():
        return
    # A name in another encoding is no file's name here, and so one that is missing.
    for line in listed.read_text(encoding="utf-8", errors="replace").splitlines():
        wanted, _, name = line.strip().partition(" ")
        path = folder / name.strip().lstrip("*")
        if not name or path.parent.resolve() != folder.resolve():
            continue
        if not path.is_file() or _sha256(path) != wanted.lower():
            raise InvalidInput(
                say("The data have changed: a file is not the one that checksums.txt lists."),
                path.name,
                say("Fetch the data again, or list the new files if the change was meant."),
            )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def thumbnail(volume: Volume) -> NDArray[np.float32]:
    """A case at a glance, [n] of length 1 and mean 0; zeros for one grey.

    Single pictures become 32 x 32, volumes 16 x 16 x 16: each sample is the mean around it.
    """
    values = np.asarray(volume.stored, np.float32)
    values = values.mean(-1) if values.ndim == 4 else values
    sides = (1, 32, 32) if values.shape[0] == 1 else (16, 16, 16)
    reach = [max(1, round(n / side)) for n, side in zip(values.shape, sides, strict=True)]
    places = [
        np.linspace(0, n - 1, side).round().astype(int)
        for n, side in zip(values.shape, sides, strict=True)
    ]
    small: NDArray[np.float32] = ndimage.uniform_filter(values, reach)[np.ix_(*places)].ravel()
    small = small - small.mean()
    length = float(np.linalg.norm(small))
    return small / length if length > 0 else small


def near_duplicates(parts: Mapping[str, Sequence[NDArray[np.float32]]]) -> dict[str, int]:
    """How many cases of a part look like one of an earlier part, "dev like fit" to count.

    parts: thumbnails by name of the part. Films and volumes are not compared with each other.
    """
    names, found = list(parts), {}
    for later_at, later in enumerate(names):
        for earlier in names[:later_at]:
            count = sum(_count(parts[later], parts[earlier], size) for size in (1024, 4096))
            if count:
                found[f"{later} like {earlier}"] = count
    return found


def _count(
    later: Sequence[NDArray[np.float32]], earlier: Sequence[NDArray[np.float32]], size: int
) -> int:
    own, others = ([t for t in part if len(t) == size] for part in (later, earlier))
    if not own or not others:
        return 0
    known = np.stack(others)
    return sum(bool((known @ picture).max() >= NEAR) for picture in own)

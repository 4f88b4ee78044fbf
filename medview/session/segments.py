"""Segments that a reader made or corrected: what is journaled of them, and where voxels lie.

A segment is a list of patches: boxes of voxels as they stood after a stroke, each in a small
compressed file named by its content. The last patch over a voxel says whether it belongs to the
segment. So a stroke stores what it changed and nothing else, and undo is the shorter list.
"""

from __future__ import annotations

import hashlib
import logging
import time
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medview.core.errors import UnreadableInstance
from medview.core.files import write_private
from medview.core.results import Code
from medview.core.words import say
from medview.imaging.segment.box import Bits, Box, LiveMask, Triple

_log = logging.getLogger("medview.session")
_OLD_S = 2 * 24 * 3600  # unused files younger than this may belong to another window's undo
_SLAB = 4_000_000  # voxels of one patch
_QUICK = 1  # zlib's level: masks are mostly runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A box of the stack's grid (first voxel k, j, i and shape) and the key of its voxels."""

    first: Triple
    shape: Triple
    key: str

    @property
    def box(self) -> Box:
        """Where it lies."""
        return Box(self.first, self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A named mask on a stack.

    origin: what it was made from, in words for people and for the SEG ("lungs 1.2.0: Left lung"),
    empty for one that was begun anew; origin_key: `run:<id>:<label>` or `seg:<uid>:<label>`.
    made_by and made_at: who began it and when (ISO, local); changed_at: the last stroke.
    """

    id: str
    name: str
    colour: str
    series_uid: str
    stack: int
    made_by: str = ""
    made_at: str = ""
    changed_at: str = ""
    origin: str = ""
    origin_key: str = ""
    code: Code | None = None
    patches: tuple[Patch, ...] = ()


def corrected_key(run_id: str, label_value: int) -> str:
    """What the origin of a model's corrected mask is called."""
    return f"run:{run_id}:{label_value}"


HAEMORRHAGE = Code("SCT", "50960005", "Hemorrhage")
CORONARY_CALCIUM = Code("SCT", "29483008", "calcified atheromatous plaque")

# What a segment may be labelled as (SNOMED CT, PS3.16 CID 7166 and 7159).
LABELS = (
    Code("SCT", "4147007", "Mass"),
    Code("SCT", "27925004", "Nodule"),
    Code("SCT", "59441001", "Lymph node"),
    Code("SCT", "39607008", "Lung"),
    Code("SCT", "10200004", "Liver"),
    Code("SCT", "78961009", "Spleen"),
    Code("SCT", "64033007", "Kidney"),
    Code("SCT", "80891009", "Heart"),
    Code("SCT", "12738006", "Brain"),
    Code("SCT", "59820001", "Blood vessel"),
    Code("SCT", "272673000", "Bone"),
    Code("SCT", "41216001", "Prostate"),
    HAEMORRHAGE,
    CORONARY_CALCIUM,
)


class PatchStore:
    """Voxels of patches in a folder, or in memory alone where nothing can be kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = None if folder is None else folder / "masks"
        self._memory: dict[str, bytes] = {}

    def put(self, box: Box, bits: Bits) -> Patch:
        """Keep a box of voxels. Where the disk is full they last as long as MedView does."""
        packed = zlib.compress(np.packbits(bits, axis=None).tobytes(), _QUICK)
        shape = ",".join(map(str, box.shape))
        key = hashlib.blake2b(f"{shape}:".encode() + packed, digest_size=16).hexdigest()
        patch = Patch(first=box.first, shape=box.shape, key=key)
        if self._folder is None:
            self._memory[key] = packed
            return patch
        try:
            self._folder.mkdir(exist_ok=True, mode=0o700)
            if not self._path(key).exists():
                write_private(self._path(key), packed)
        except OSError as error:
            _log.error("a mask was not stored", extra={"detail": str(error.errno)})
            self._memory[key] = packed
        return patch

    def put_all(self, box: Box, bits: Bits) -> tuple[Patch, ...]:
        """As `put`, in slabs of slices: undoing a stroke then reads only the slabs it touched."""
        step = max(1, _SLAB // max(1, box.shape[1] * box.shape[2]))
        (k, j, i), (count, *rest) = box.first, box.shape
        return tuple(
            self.put(
                Box((k + start, j, i), (min(step, count - start), rest[0], rest[1])),
                bits[start : start + step],
            )
            for start in range(0, count, step)
        )

    def get(self, patch: Patch) -> Bits:
        """The voxels of a patch (patch.shape).

        Raises UnreadableInstance where its file is gone or damaged.
        """
        count = int(np.prod(patch.shape))
        try:
            packed = self._memory.get(patch.key) or self._path(patch.key).read_bytes()
            raw = _unpacked(packed, (count + 7) // 8)
        except (OSError, ValueError, zlib.error) as error:
            raise UnreadableInstance(
                say("A part of this segment is missing on the disk; undo it or delete it.")
            ) from error
        bits = np.unpackbits(np.frombuffer(raw, np.uint8), count=count)
        return bits.reshape(patch.shape).astype(bool)

    def forget_unused(self, used: set[str]) -> None:
        """Delete files that no segment needs and that no undo of another window can need."""
        if self._folder is None or not self._folder.is_dir():
            return
        for path in self._folder.glob("*.bits"):
            with suppress(OSError):
                if path.stem not in used and time.time() - path.stat().st_mtime > _OLD_S:
                    path.unlink()

    def _path(self, key: str) -> Path:
        if self._folder is None:
            raise FileNotFoundError(key)
        return self._folder / f"{key}.bits"


def _unpacked(packed: bytes, size: int) -> bytes:
    """Raises ValueError for another size, before memory is taken for it."""
    raw = zlib.decompressobj().decompress(packed, size + 1)
    if len(raw) != size:
        raise ValueError(len(raw))
    return raw


def replayed(patches: tuple[Patch, ...], box: Box, store: PatchStore) -> Bits:
    """The voxels of a box as some patches leave them, oldest first."""
    found = np.zeros(box.shape, bool)
    for patch in patches:
        both = patch.box.cut(box)
        if not both.is_empty:
            found[both.inside(box)] = store.get(patch)[both.inside(patch.box)]
    return found


def changed_box(before: tuple[Patch, ...], after: tuple[Patch, ...]) -> Box:
    """Where two lists of patches may say different things."""
    same = 0
    while same < min(len(before), len(after)) and before[same] == after[same]:
        same += 1
    box = Box((0, 0, 0), (0, 0, 0))
    for patch in (*before[same:], *after[same:]):
        box = box.joined(patch.box)
    return box


def follow(live: LiveMask, box: Box, patches: tuple[Patch, ...], store: PatchStore) -> None:
    """Bring the voxels of a box to what the patches say."""
    if not box.is_empty:
        live.write(box, replayed(patches, box, store))

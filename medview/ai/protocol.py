"""What the window's process and the worker say to each other: one JSON object a line, version 1.

Voxels and results go by shared memory that the client owns; a line only names the block. Thus
whichever side is killed, one process is left that gives the memory back.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medview.ai.look import Look
from medview.core.codec import from_plain, to_plain
from medview.core.geometry import Geometry
from medview.core.results import Check, Fidelity, Finding
from medview.core.shared import SharedBlock
from medview.core.volume import Volume
from medview.core.words import Sentence

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeRef:
    """A volume by the name of its block; `offset` in bytes, the rest as in core's Volume."""

    block: str
    offset: int
    shape: tuple[int, ...]
    dtype: str
    geometry: Geometry
    slope: float
    intercept: float
    per_slice: tuple[tuple[float, float], ...] | None
    unit: str
    padding: tuple[float, float] | None
    is_inverted: bool
    modality: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLine:
    """Run a model. The result block holds a label map and then `heatmaps` maps of float32.

    routers: path and manifest hash of each that is asked first whether the picture fits.
    look: no result, but where an earlier one came from; its heatmap is the only one.
    """

    id: str
    model_path: str
    manifest_sha256: str
    volume: VolumeRef
    result_block: str
    heatmaps: int
    device: str
    language: str = "en"
    routers: tuple[tuple[str, str], ...] = ()
    look: Look | None = None


@dataclass(frozen=True, slots=True)
class HeatmapLine:
    """A heatmap in the result block, in this order."""

    id: str
    class_name: str
    maximum: float
    method: str = "linear_cam"
    cells: tuple[int, int, int] = (0, 0, 0)
    fidelity: Fidelity | None = None
    random_likeness: float | None = None
    unsure_mm: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneLine:
    """What a run gave; the voxels are in the result block. checks: what routers said."""

    id: str
    findings: tuple[Finding, ...]
    label_map_id: str | None
    heatmaps: tuple[HeatmapLine, ...]
    device: str
    backend: str
    precision: str
    seed: int
    seconds: float
    notes: tuple[Sentence, ...] = ()
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class ProgressLine:
    """How far a run is."""

    id: str
    done: int
    total: int
    stage: str


@dataclass(frozen=True, slots=True)
class PartLine:
    """The result block holds a label map that is not whole yet."""

    id: str


@dataclass(frozen=True, slots=True)
class EndLine:
    """A run that gave no result. how: refused, failed or cancelled; detail is for the log.

    checks: what routers said, that of the refusal first.
    """

    id: str
    how: str
    said: Sentence
    detail: str = ""
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class StateLine:
    """state: hello (the process lives) or ready (it takes jobs, on this device)."""

    state: str
    device: str = ""


@dataclass(frozen=True, slots=True)
class CancelLine:
    """Stop a run."""

    id: str


Line = JobLine | DoneLine | PartLine | ProgressLine | EndLine | StateLine | CancelLine
_KINDS: dict[str, type[Any]] = {
    "job": JobLine, "done": DoneLine, "progress": ProgressLine, "part": PartLine, "end": EndLine,
    "state": StateLine, "cancel": CancelLine,
}  # fmt: skip
_NAMES = {kind: name for name, kind in _KINDS.items()}


def encode(line: Line) -> bytes:
    """One line with its version, ending in a newline."""
    document = {"v": VERSION, "type": _NAMES[type(line)], "data": to_plain(line)}
    return json.dumps(document, ensure_ascii=True).encode() + b"\n"


def decode(raw: bytes) -> Line:
    """The inverse of encode. Raises ValueError for anything else, another version included."""
    document = json.loads(raw)
    if not isinstance(document, dict) or document.get("v") != VERSION:
        raise ValueError("version")
    line: Line = from_plain(_KINDS[str(document.get("type"))], document.get("data"))
    return line


def refer(volume: Volume, block: SharedBlock, offset: int) -> VolumeRef:
    """Name a volume whose voxels lie in a block from `offset` on."""
    geometry = volume.geometry
    k, j, i = (int(n) for n in geometry.shape)
    per_slice = None
    if volume.per_slice is not None:
        per_slice = tuple((float(slope), float(add)) for slope, add in volume.per_slice)
    padding = None
    if volume.padding is not None:
        padding = (float(volume.padding[0]), float(volume.padding[1]))
    return VolumeRef(
        block=block.name,
        offset=offset,
        shape=tuple(int(n) for n in volume.stored.shape),
        dtype=volume.stored.dtype.str,
        geometry=replace(geometry, shape=(k, j, i)),
        slope=float(volume.slope),
        intercept=float(volume.intercept),
        per_slice=per_slice,
        unit=volume.unit,
        padding=padding,
        is_inverted=bool(volume.is_inverted),
        modality=volume.modality,
    )


def look_at(ref: VolumeRef, block: SharedBlock) -> Volume:
    """The volume that a reference names, over the block's own memory, read-only."""
    count = int(np.prod(ref.shape))
    raw = block.array((ref.offset + count * np.dtype(ref.dtype).itemsize,), np.uint8)
    stored = raw[ref.offset :].view(ref.dtype).reshape(ref.shape)
    stored.flags.writeable = False
    return Volume(
        geometry=ref.geometry,
        stored=stored,
        slope=ref.slope,
        intercept=ref.intercept,
        per_slice=None if ref.per_slice is None else np.array(ref.per_slice, float),
        unit=ref.unit,
        padding=ref.padding,
        is_inverted=ref.is_inverted,
        modality=ref.modality,
        block=block,
    )


def result_bytes(shape: tuple[int, int, int], heatmaps: int) -> int:
    """Size of a result block for a grid: label map, then heatmaps."""
    return _heatmap_start(shape) + heatmaps * 4 * shape[0] * shape[1] * shape[2]


def _heatmap_start(shape: tuple[int, int, int]) -> int:
    return -(-(shape[0] * shape[1] * shape[2]) // 64) * 64


def result_label_map(block: SharedBlock, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """The label map inside a result block, uint8 [k, j, i]."""
    return np.asarray(block.array(shape, np.uint8), np.uint8)


def result_heatmap(
    block: SharedBlock, shape: tuple[int, int, int], number: int
) -> NDArray[np.float32]:
    """One heatmap inside a result block, float32 [k, j, i]."""
    start = _heatmap_start(shape)
    raw = block.array((result_bytes(shape, number + 1),), np.uint8)
    size = 4 * shape[0] * shape[1] * shape[2]
    part = raw[start + number * size : start + (number + 1) * size]
    return part.view(np.float32).reshape(shape)

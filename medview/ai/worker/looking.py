"""A second look at a picture that a model has answered: where the answer comes from."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import Any, Protocol

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor, nn

from medview.ai.folder import ModelFolder
from medview.ai.look import DOUBT, Look, methods_of
from medview.ai.protocol import DoneLine, HeatmapLine, JobLine, result_heatmap
from medview.ai.worker import doubt, saliency
from medview.ai.worker.budget import cost_of
from medview.ai.worker.explain import coarser
from medview.ai.worker.input_steps import sample_at
from medview.ai.worker.net_steps import load_weights
from medview.ai.worker.nets import ResNet2d, UNet3d, build_net
from medview.ai.worker.pipeline import load_steps, run_steps
from medview.ai.worker.steps import Context, FloatArray, State
from medview.core.errors import InputRefused, ModelUnavailable
from medview.core.geometry import Geometry, PatientPoint, VoxelIndex
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.results import Fidelity, Heatmap
from medview.core.shared import SharedBlock
from medview.core.volume import Volume
from medview.core.words import Sentence, say

_BLUR = 0.2  # of a picture's side: sigma of the blur that stands for "nothing there"
_CELLS = (12, 12)  # of a film that occlusion blots out
_CUBES = (5, 4, 3)  # along each axis of a volume, as many as `_MOST` allows
_MOST = 2e12  # floating point operations for all cubes: a minute on one core
_STEPS = {2: 10, 3: 6}  # of the curves of insertion and deletion
_SHUFFLES = {2: 2, 3: 1}  # orders by chance that the map is held against
_LARGEST = (96, 96, 96)  # voxels k, j, i of what is looked at in a volume without tiles
_EVEN = 25.0  # full colour of a map without a calibrated scale: so many times an even share
_ASKING = say("Asking the network where it looked")
_TAKING = say("Taking places away and putting them back")
_SHUFFLED = say("Asking a net with shuffled weights")
_JUDGING = ("ood", "distance", "tile")


@dataclass(frozen=True, eq=False)
class Subject:
    """One picture [1, 1, ...] before a net, with its blurred twin and the score that is asked.

    geometry: the picture's own grid.
    """

    net: nn.Module
    x: Tensor
    blurred: Tensor
    question: Question
    geometry: Geometry

    @property
    def score(self) -> saliency.Score:
        """The question asked of the subject's own net."""
        return partial(self.question.score, self.net)


class Question(Protocol):
    """A number that a net gives to pictures."""

    def score(self, net: nn.Module, pictures: Tensor) -> Tensor:
        """[n, 1, ...] to [n]."""


@dataclass(frozen=True)
class OfClass:
    """The logit of a classifier's output."""

    number: int

    def score(self, net: nn.Module, pictures: Tensor) -> Tensor:
        """[n, 1, j, i] to [n]."""
        logits: Tensor = net(pictures)
        return logits[:, self.number]


@dataclass(frozen=True, eq=False)
class OfStructure:
    """The mean logit of a structure over the voxels that the net gave it (Vinogradova et al. 2020,
    arXiv 2002.11434)."""

    label: int
    inside: Tensor

    def score(self, net: nn.Module, pictures: Tensor) -> Tensor:
        """[n, 1, k, j, i] to [n], one at a time: volumes are large."""
        values = [net(one[None])[0, self.label][self.inside].mean() for one in pictures]
        return torch.stack(values)


def look(
    folder: ModelFolder, volume: Volume, asked: Look, progress: Progress, cancel: CancelToken,
    device: str = "cpu",
) -> Heatmap:  # fmt: skip
    """The heatmap of one question, on the volume's grid, with its figures for this very picture.

    Raises ModelUnavailable where the model cannot be asked so, InputRefused where the structure is
    not where it should be, Cancelled.
    """
    if asked.method not in methods_of(folder):
        raise ModelUnavailable(say("The model asks for a heatmap that it cannot give."))
    subject = _subject(folder, volume, asked, cancel, device)
    if asked.method == DOUBT and isinstance(subject.question, OfStructure):
        progress(0, 1, str(_ASKING))
        return _doubt(folder, volume, asked, subject, subject.question.label)
    dims = subject.x.ndim - 2
    passes = (
        int(np.prod(occlusion_cells(subject.net, subject.x))) if asked.method == "occlusion" else 2
    )
    whole = passes * (1 + asked.randomised) + (_STEPS[dims] - 1) * (1 + _SHUFFLES[dims])
    bar = _Bar(progress, cancel, whole)
    cells = _map(subject.net, subject, asked.method, bar.step(_ASKING))
    figures = _fidelity(subject, cells, bar)
    random_likeness = None
    if asked.randomised:
        other = saliency.shuffled(subject.net, lambda: _build(folder)).to(device)
        again = _map(other, subject, asked.method, bar.step(_SHUFFLED))
        random_likeness = round(saliency.likeness(cells, again), 3)
    with torch.inference_mode():
        shares = _shares(folder, asked, cells, float(subject.score(subject.x)[0]))
    return Heatmap(
        id="",
        geometry=volume.geometry,
        values=_placed(shares, subject.geometry, volume.geometry),
        class_name=asked.label,
        method=asked.method,
        cells=_three(cells).shape,
        fidelity=figures,
        random_likeness=random_likeness,
    )


def _doubt(
    folder: ModelFolder, volume: Volume, asked: Look, subject: Subject, label: int
) -> Heatmap:
    found = doubt.probability(folder, subject.net, subject.x, label)
    spacing = subject.geometry.spacing
    return Heatmap(
        id="",
        geometry=volume.geometry,
        values=_placed(doubt.openness(found), subject.geometry, volume.geometry),
        class_name=asked.label,
        method=asked.method,
        cells=_three(found).shape,
        unsure_mm=round(doubt.unsure_mm(found, spacing), 2),
    )


def look_for(
    job: JobLine, folder: ModelFolder, volume: Volume, how: tuple[str, Progress, CancelToken]
) -> DoneLine:
    """Answer a job that asks for a look: its heatmap goes into the result block."""
    started = time.perf_counter()
    asked, (device, progress, cancel) = job.look, how
    if asked is None:
        raise ModelUnavailable(say("The model asks for a heatmap that it cannot give."))
    found = look(folder, volume, asked, progress, cancel, device)
    block = SharedBlock.attach(job.result_block)
    try:
        result_heatmap(block, job.volume.geometry.shape, 0)[...] = found.values
    finally:
        block.release()
    line = HeatmapLine(
        id=f"{job.id}-{asked.method}-{asked.label}", class_name=asked.label, maximum=found.maximum,
        method=found.method, cells=found.cells, fidelity=found.fidelity,
        random_likeness=found.random_likeness,
        unsure_mm=found.unsure_mm,
    )  # fmt: skip
    return DoneLine(
        id=job.id, findings=(), label_map_id=None, heatmaps=(line,),
        backend=f"torch {torch.__version__}",
        device="cuda" if device.startswith("cuda") else "cpu",
        precision="float32", seed=0, seconds=round(time.perf_counter() - started, 3),
    )  # fmt: skip


class _Bar:
    """Progress over the parts of a look; cancel is noticed between two passes of the net."""

    def __init__(self, progress: Progress, cancel: CancelToken, whole: int) -> None:
        self._progress, self._cancel, self._whole, self._done = progress, cancel, whole, 0

    def step(self, what: Sentence) -> Callable[[int], None]:
        start = self._done

        def told(done: int) -> None:
            self._cancel.check()
            self._done = max(self._done, start + done)
            self._progress(min(self._done, self._whole), self._whole, str(what))

        return told


def _subject(
    folder: ModelFolder, volume: Volume, asked: Look, cancel: CancelToken, device: str
) -> Subject:
    net, x, geometry = prepared(folder, volume, asked.at, cancel, device)
    number = [label.name for label in folder.outputs].index(asked.label)
    if isinstance(net, ResNet2d):
        return Subject(net, x, _blurred(x), OfClass(number), geometry)
    label = folder.outputs[number].value
    with torch.inference_mode():
        inside = net(x)[0].argmax(0) == label
    if not bool(inside.any()):
        raise InputRefused(say("The model does not see this structure at its place any more."))
    return Subject(net, x, _blurred(x), OfStructure(label, inside.clone()), geometry)


def prepared(
    folder: ModelFolder, volume: Volume, at: PatientPoint | None, cancel: CancelToken, device: str
) -> tuple[nn.Module, Tensor, Geometry]:
    """A model's net, the picture that it takes at a time ([1, 1, j, i], or [1, 1, k, j, i] around
    a place), and where that lies."""
    load_steps({fields["op"] for fields in folder.pipeline})
    state = State(volume, Context(folder, device, no_progress, cancel, {}))
    before = takewhile(lambda fields: fields["op"] != "network", folder.pipeline)
    run_steps(state, tuple(fields for fields in before if fields["op"] not in _JUDGING))
    net = _build(folder).to(device)
    image, geometry = np.ascontiguousarray(state.image, np.float32), state.geometry
    if isinstance(net, ResNet2d):
        return net, torch.from_numpy(image[:1]).to(device)[None], geometry
    image, geometry = _around(folder, image, geometry, at)
    return net, torch.from_numpy(image).to(device)[None, None], geometry


def _build(folder: ModelFolder) -> nn.Module:
    fields = next(fields for fields in folder.pipeline if fields["op"] == "network")
    net = build_net(fields["arch"], fields.get("args", {}))
    name = fields["weights"]
    load_weights(net, folder.content(name), name, fields.get("prefix", ""))
    return net.eval().requires_grad_(False)


def _blurred(x: Tensor) -> Tensor:
    sigma = [0.0, 0.0, *(size * _BLUR for size in x.shape[2:])]
    found = ndimage.gaussian_filter(x.cpu().numpy(), sigma)
    return torch.from_numpy(np.asarray(found, np.float32)).to(x.device)


def _around(
    folder: ModelFolder, image: FloatArray, geometry: Geometry, at: PatientPoint | None
) -> tuple[FloatArray, Geometry]:
    """The part of a prepared volume around a place that the network takes at a time."""
    tile: Any = next((f for f in folder.pipeline if f["op"] == "tile"), None)
    most = _LARGEST if tile is None else tuple(int(n) for n in tile["patch"][::-1])
    if all(size <= limit for size, limit in zip(image.shape, most, strict=True)):
        return image, geometry
    middle = [size / 2 for size in image.shape]
    if at is not None:
        middle = [float(value) for value in geometry.to_index(at)]
    box = []
    for size, limit, here in zip(image.shape, most, middle, strict=True):
        first = int(np.clip(round(here - limit / 2), 0, max(0, size - limit)))
        box.append(slice(first, first + min(size, limit)))
    first_voxel = VoxelIndex(box[0].start, box[1].start, box[2].start)
    part = np.ascontiguousarray(image[tuple(box)])
    grid = Geometry(
        shape=(part.shape[0], part.shape[1], part.shape[2]), spacing=geometry.spacing,
        origin=geometry.to_patient(first_voxel), axes=geometry.axes,
        is_spatial=geometry.is_spatial,
    )  # fmt: skip
    return part, grid


def _map(net: nn.Module, subject: Subject, method: str, told: Callable[[int], None]) -> FloatArray:
    """The map of a method, one value a cell. `net` may be another one than the subject's."""
    told(0)
    asked, score = subject.question, partial(subject.question.score, net)
    if method == "occlusion":
        cells = occlusion_cells(net, subject.x)
        with torch.inference_mode():
            found = saliency.occlusion_map(subject.x, subject.blurred, score, cells, told)
    elif method == "grad_cam" and isinstance(net, ResNet2d) and isinstance(asked, OfClass):
        with torch.inference_mode():  # no gradient is needed where the head is one product
            maps = net.maps(subject.x)[-1][0]
            found = saliency.pooled_cams(maps, net.head.weight[[asked.number]])[0]
    else:
        layer = _layer(net, finer=method == "layer_cam")
        found = saliency.gradient_map(method, net, layer, subject.x, score)
    values: FloatArray = found.float().cpu().numpy()
    return values


def occlusion_cells(net: nn.Module, x: Tensor) -> tuple[int, ...]:
    """Into how many cells occlusion cuts a picture [1, 1, ...]: fewer where a net is costly.

    By the net's operations, not by the clock: the same model gives the same map everywhere.
    """
    if x.ndim == 4:
        return _CELLS
    flops = cost_of(net, x.shape[2:]).flops
    along = next((n for n in _CUBES if n**3 * flops <= _MOST), _CUBES[-1])
    return (along,) * 3


def _layer(net: nn.Module, *, finer: bool) -> nn.Module:
    """The last layer before the head's pooling, or the bottleneck; one level finer on wish."""
    if isinstance(net, ResNet2d):
        return net.stages[-2 if finer and len(net.stages) > 1 else -1]
    if isinstance(net, UNet3d):
        return net.encoders[-2 if finer and len(net.encoders) > 1 else -1]
    raise ModelUnavailable(say("The model asks for a heatmap that it cannot give."))


def _fidelity(subject: Subject, cells: FloatArray, bar: _Bar) -> Fidelity:
    """How this map fares on this very picture against orders by chance."""
    dims = subject.x.ndim - 2
    zoom = [size / count for size, count in zip(subject.x.shape[2:], cells.shape, strict=True)]
    rng = np.random.default_rng(0)
    chance = (rng.random(cells.shape).astype(np.float32) for _ in range(_SHUFFLES[dims]))
    found = []
    for order in (cells, *chance):
        fine = ndimage.zoom(order, zoom, order=1, mode="nearest", grid_mode=True)
        told = bar.step(_TAKING)
        pair = (subject.x, subject.blurred)
        with torch.inference_mode():
            found.append(
                saliency.curves(fine.astype(np.float32), pair, subject.score, _STEPS[dims], told)
            )
    by_chance = np.mean(found[1:], axis=0)
    insertion, deletion = found[0]
    return Fidelity(
        insertion=round(insertion, 3),
        deletion=round(deletion, 3),
        insertion_by_chance=round(float(by_chance[0]), 3),
        deletion_by_chance=round(float(by_chance[1]), 3),
    )


def _shares(folder: ModelFolder, asked: Look, cells: FloatArray, score: float) -> FloatArray:
    """The map as shares of full colour, 0 to 1, on a scale that is no single picture's.

    A cell's value times their number is the score that the picture had if all were like this one.
    Full colour is the strongest support of calibration (`heatmap_full`, logits) where the model
    knows it, else `_EVEN` times the share that a cell would have if all had the same.
    """
    density = cells * np.float32(cells.size)
    full = folder.calibration().get("heatmap_full", {}).get(asked.label)
    scale = _EVEN * max(abs(score), 1e-6) if full is None else float(full)
    return np.asarray(np.clip(density / np.float32(scale), 0, 1), np.float32)


def _three(cells: FloatArray) -> FloatArray:
    return cells if cells.ndim == 3 else cells[None]


def _placed(shares: FloatArray, own: Geometry, wanted: Geometry) -> FloatArray:
    """A map of cells on another grid, each cell as one block: no finer than it is; 0 beyond."""
    if shares.ndim == 2:
        return sample_at(shares[None], coarser(own, shares.shape), wanted, 0)
    ratio = [size / count for size, count in zip(own.shape, shares.shape, strict=True)]
    # One more cell of nothing on each side, whose edge is what repeats further out.
    first = VoxelIndex(*((r - 1) / 2 - r for r in ratio))
    grid = Geometry(
        shape=(shares.shape[0] + 2, shares.shape[1] + 2, shares.shape[2] + 2),
        spacing=(own.spacing[0] * ratio[2], own.spacing[1] * ratio[1], own.spacing[2] * ratio[0]),
        origin=own.to_patient(first),
        axes=own.axes,
        is_spatial=own.is_spatial,
    )
    return sample_at(np.pad(shares, 1), grid, wanted, 0)

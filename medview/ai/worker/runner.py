"""Runs one job: opens the model, looks at the voxels, writes results, says how it ended."""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from medview.ai.folder import ModelFolder, open_folder
from medview.ai.look import drawn_by
from medview.ai.protocol import (
    DoneLine,
    EndLine,
    HeatmapLine,
    JobLine,
    Line,
    PartLine,
    ProgressLine,
    look_at,
    result_heatmap,
    result_label_map,
)
from medview.ai.worker.devices import CPU, Device, devices, pick
from medview.core.errors import Cancelled, InputRefused, MedViewError, ModelUnavailable
from medview.core.progress import CancelToken, Progress
from medview.core.results import Check
from medview.core.shared import SharedBlock
from medview.core.volume import Volume
from medview.core.words import Sentence, say, set_language

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from medview.ai.worker.pipeline import Pipeline, PipelineResult

_PROGRESS_EVERY_S = 0.05
_NUMBERS = re.compile(r"\d+")
_SHOW_EVERY_S = 0.5


def load_torch(threads: int) -> str:
    """Import torch, bound its threads, fix its seed; returns the name of the device to use."""
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu"


class Runner:
    """Runs jobs one after the other; the model that ran last stays loaded."""

    def __init__(self, send: Callable[[Line], None], threads: int) -> None:
        self._send = send
        self._threads = threads
        self._key: tuple[str, Device] | None = None
        self._loaded: tuple[ModelFolder, Pipeline] | None = None
        self._routers: dict[str, Pipeline] = {}  # by manifest: small, so they stay
        self._checks: tuple[Check, ...] = ()

    def run(self, job: JobLine, cancel: CancelToken) -> None:
        """Run one job to whichever end, and say so."""
        set_language(job.language)
        self._checks = ()
        try:
            self._send(self._run(job, cancel))
        except Cancelled as error:
            self._end(job, "cancelled", error.what)
        except InputRefused as error:
            self._note(error.what)
            self._end(job, "refused", error.what, error.detail)
        except MedViewError as error:
            self._end(job, "failed", error.what, error.detail)
        except MemoryError:
            self._end(job, "failed", say("Memory did not suffice for this model."))
        except Exception as error:  # noqa: BLE001 - the top of an operation: said, the loop goes on
            said = say("The model failed inside ({kind}).", kind=type(error).__name__)
            self._end(job, "failed", said, _places(error))

    def _note(self, said: Sentence) -> None:
        # What a step saw in the pixels is an answer to the gate like a router's.
        if not any(check.said == said for check in self._checks):
            self._checks = (Check("pixels", ok=False, said=said, grade="refuse"), *self._checks)

    def _end(self, job: JobLine, how: str, said: Sentence, detail: str = "") -> None:
        self._send(EndLine(job.id, how, said, detail, self._checks if how == "refused" else ()))

    def _run(self, job: JobLine, cancel: CancelToken) -> DoneLine:
        started = time.perf_counter()
        source = SharedBlock.attach(job.volume.block)
        try:
            folder, pipeline = self._load(job)
            progress = _seldom(lambda *how_far: self._send(ProgressLine(job.id, *how_far)))
            volume = look_at(job.volume, source)
            if job.look is not None:
                from medview.ai.worker.looking import look_for

                place = self._device(folder, job.device).place
                return look_for(job, folder, volume, (place, progress, cancel))
            self._consult(job, folder, volume, cancel)
            given = pipeline.run(volume, progress, cancel, _Shown(job, self._send))
            cancel.check()
            if given.route is not None and given.route.answer is None:
                raise InputRefused(say("The router does not know this kind of picture."))
            _write(job, given)
            done = _report(job, folder, given, time.perf_counter() - started)
            return replace(done, checks=(*given.checks, *self._checks))
        finally:
            source.release()

    def _consult(
        self, job: JobLine, model: ModelFolder, volume: Volume, cancel: CancelToken
    ) -> None:
        # Rules look for anatomy themselves, and must not wait for torch.
        if model.kind == "router" or not _has_network(model):
            return
        from medview.ai.worker.consult import ask_router

        checks = []
        for path, manifest_sha256 in job.routers:
            if manifest_sha256 not in self._routers:
                self._routers[manifest_sha256] = self._open(path, manifest_sha256)
            checks.append(ask_router(self._routers[manifest_sha256], model, volume, cancel))
        self._checks = tuple(sorted(checks, key=lambda check: check.ok))
        if not all(check.ok for check in checks):
            raise InputRefused(self._checks[0].said)

    def _open(self, path: str, manifest_sha256: str) -> Pipeline:
        from medview.ai.worker.check import check_networks
        from medview.ai.worker.pipeline import Pipeline

        folder = open_folder(Path(path))
        if folder.manifest_sha256 != manifest_sha256:
            raise ModelUnavailable(say("The model was changed while it was in use."))
        check_networks(folder)
        return Pipeline(folder)

    def _load(self, job: JobLine) -> tuple[ModelFolder, Pipeline]:
        folder = open_folder(Path(job.model_path))
        if folder.manifest_sha256 != job.manifest_sha256:
            raise ModelUnavailable(say("The model was changed while it was in use."))
        device = self._device(folder, job.device)
        if self._key != (folder.manifest_sha256, device) or self._loaded is None:
            from medview.ai.worker.check import check_networks
            from medview.ai.worker.pipeline import Pipeline

            check_networks(folder)
            self._loaded = None  # free the old one before the new one is built
            self._loaded = (folder, Pipeline(folder, device))
            self._key = (folder.manifest_sha256, device)
        return self._loaded

    def _device(self, folder: ModelFolder, wanted: str) -> Device:
        if not _has_network(folder):
            return CPU
        load_torch(self._threads)
        found = pick(wanted, devices())
        if found is None:
            raise MedViewError(say("There is no CUDA device on this machine."))
        return found


def _has_network(folder: ModelFolder) -> bool:
    return any(step["op"] == "network" for step in folder.pipeline)


def _seldom(progress: Progress) -> Progress:
    """Progress told now and then; other words, numbers aside, are told at once.

    A stage may be long and say nothing more: the one before must not stand there meanwhile.
    """
    last, words = 0.0, ""

    def report(done: int, total: int, what: str) -> None:
        nonlocal last, words
        now, wordless = time.monotonic(), _NUMBERS.sub("", what)
        if now - last >= _PROGRESS_EVERY_S or wordless != words or done == total:
            last, words = now, wordless
            progress(done, total, what)

    return report


class _Shown:
    """Lets the window see a label map while it is being filled, now and then."""

    def __init__(self, job: JobLine, send: Callable[[Line], None]) -> None:
        self._job, self._send = job, send
        self._last = time.monotonic()

    def __call__(self, labels: NDArray[np.uint8]) -> None:
        now = time.monotonic()
        if now - self._last < _SHOW_EVERY_S or not labels.any():
            return
        self._last = now
        block = SharedBlock.attach(self._job.result_block)
        try:
            result_label_map(block, self._job.volume.geometry.shape)[...] = labels
        finally:
            block.release()
        self._send(PartLine(self._job.id))


def _write(job: JobLine, given: PipelineResult) -> None:
    block = SharedBlock.attach(job.result_block)
    shape = job.volume.geometry.shape
    try:
        if given.label_map is not None:
            result_label_map(block, shape)[...] = given.label_map
        for number, (_, values) in enumerate(given.heatmaps[: job.heatmaps]):
            result_heatmap(block, shape, number)[...] = values
    finally:
        block.release()


def _report(job: JobLine, folder: ModelFolder, given: PipelineResult, seconds: float) -> DoneLine:
    from medview.ai.worker.assemble import find, heatmap_id

    return DoneLine(
        id=job.id,
        findings=find(folder, given, job.volume.geometry, job.id),
        label_map_id=None if given.label_map is None else f"{job.id}-labels",
        heatmaps=tuple(
            HeatmapLine(
                heatmap_id(job.id, name),
                name,
                1.0,
                drawn_by(folder),
                given.cells.get(name, (0, 0, 0)),
            )
            for name, _ in given.heatmaps[: job.heatmaps]
        ),
        device=given.device,
        backend=given.backend,
        precision=given.precision,
        notes=given.notes,
        seed=0,
        seconds=round(seconds, 3),
    )


def _places(error: BaseException) -> str:
    # File names and lines of our own and the libraries' code; messages may quote what they read.
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return " ".join(f"{PurePath(frame.filename).name}:{frame.lineno}" for frame in frames)

"""A model folder's pipeline on one volume: the same way for `analyze`, `evaluate` and training."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medview.ai.worker.devices import CPU, Device
from medview.ai.worker.ladder import Ladder, TooFine
from medview.ai.worker.steps import (
    ASKED,
    STEPS,
    Context,
    Fields,
    State,
    check_fields,
    nothing_to_show,
    run_step,
)
from medview.core.progress import CancelToken, Progress
from medview.core.results import Check, Quantity
from medview.core.volume import Volume
from medview.core.words import Sentence

if TYPE_CHECKING:
    from medview.ai.folder import ModelFolder
    from medview.ai.worker.detect_steps import Detection
    from medview.ai.worker.route import Route

# Each registers its steps when it is imported; those that import torch stand last.
PROGRESS = 1000  # a run's progress is told in thousandths
# A step's share of the first run, before anything was measured; a network answers in `restore`.
_GUESSED = {"restore": 30.0, "lungs": 20.0, "network": 5.0, "resample": 3.0, "explain": 3.0}
STEP_MODULES = (
    "rules", "input_steps", "crop", "resize_steps", "views", "output_steps", "detect_steps",
    "net_steps", "nodule_steps", "weaker", "explain", "route", "distance",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class PipelineResult:
    """What a model says of one volume, all on the volume's own grid.

    label_map: uint8 [k, j, i], 0 background, or None. scores: class name to probability.
    heatmaps: (class name, float32 [k, j, i], 0 to 1 on a scale fixed for the model).
    measures: (label value, or None for the whole image; quantity). thresholds: class name to
    the operating point that the model's validation fixed: from there on a score counts.
    intervals: class name to a 95 % interval of the score. route: what a router says. checks: what
    the pixels say to the gate. device, backend (with its version, "" without a network),
    precision: what computed. notes: what was given up. cells: of each heatmap's own grid, by class
    name.
    """

    label_map: NDArray[np.uint8] | None
    scores: Mapping[str, float]
    heatmaps: tuple[tuple[str, NDArray[np.float32]], ...]
    measures: tuple[tuple[int | None, Quantity], ...]
    thresholds: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    route: Route | None = None
    checks: tuple[Check, ...] = ()
    device: str = "cpu"
    backend: str = ""
    precision: str = "float32"
    notes: tuple[Sentence, ...] = ()
    cells: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    detections: tuple[Detection, ...] = ()


class Pipeline:
    """A model ready to run; nets are loaded at the first run and kept."""

    def __init__(
        self, folder: ModelFolder, device: Device = CPU, *, without: Set[str] = frozenset()
    ) -> None:
        """without: steps that are left out, for those who ask for figures and not for pictures.

        Raises ModelUnavailable for a step that this version does not know.
        """
        load_steps({fields["op"] for fields in folder.pipeline})
        self.folder = folder
        self._device = device
        self._steps = tuple(f for f in folder.pipeline if f["op"] not in without)
        self._networks: dict[str, object] = {}
        self._seconds: dict[str, float] = {}  # that steps took in the last run
        for fields in folder.pipeline:
            check_fields(fields)

    def run(
        self,
        volume: Volume,
        progress: Progress,
        cancel: CancelToken,
        show: Callable[[NDArray[np.uint8]], None] = nothing_to_show,
    ) -> PipelineResult:
        """show: told of the label map while it is being filled.

        Raises InputRefused (said in words), Cancelled, ModelUnavailable, or MedViewError where
        memory is too short for it.
        """
        ladder = Ladder(
            self._device,
            coarser=any("coarser_mm" in fields for fields in self._steps),
            most_bytes=1e9 * self.folder.description.get("limits", {}).get("ram_gb_max", math.inf),
            tell=lambda said: progress(0, 0, str(said)),
        )
        self._networks.pop(ASKED, None)
        context = Context(
            self.folder, self._device.place, progress, cancel, self._networks, ladder, show
        )
        try:
            state = self._run(volume, context, self._steps)
        except TooFine:
            state = self._run(volume, context, tuple(map(_coarser, self._steps)))
        backend, precision = _computed_by(self._networks, self._steps)
        return PipelineResult(
            state.label_map,
            state.scores,
            tuple(state.heatmaps),
            tuple(state.measures),
            state.thresholds,
            state.intervals,
            state.route,
            tuple(state.checks),
            ladder.device.kind,
            backend,
            precision,
            tuple(ladder.notes),
            state.cells,
            detections=tuple(state.detections),
        )

    def _run(self, volume: Volume, context: Context, steps: tuple[Fields, ...]) -> State:
        state = State(volume, context)
        run_steps(state, steps, self._seconds)
        return state


def _coarser(fields: Fields) -> Fields:
    spacing = fields.get("coarser_mm")
    return fields if spacing is None else {**fields, "spacing_mm": spacing}


def _computed_by(networks: Mapping[str, object], steps: tuple[Fields, ...]) -> tuple[str, str]:
    """The library that computed, with its version, and its precision."""
    if not any(fields["op"] == "network" for fields in steps):
        return "", "float32"
    asked = networks.get(ASKED)
    name, precision = ("torch", "float32") if asked is None else asked.computed_by  # type: ignore[attr-defined]
    return f"{name} {version(name)}", precision


def load_steps(ops: Set[str] | None = None) -> None:
    """Import modules of steps until these ops are known; all of them without an argument.

    A model without a net thus runs without waiting for torch.
    """
    for name in STEP_MODULES:
        if ops is not None and ops <= STEPS.keys():
            return
        import_module(f"medview.ai.worker.{name}")


def run_steps(
    state: State, pipeline: tuple[Fields, ...], seconds: dict[str, float] | None = None
) -> None:
    """Run steps in order, with progress and a look at the cancel token before each.

    seconds: by step, what the last run took; each step's share of the progress goes by it, and is
    brought up to date.
    """
    context = state.context
    known = {} if seconds is None else seconds
    shares = [known.get(_name(n, f), _GUESSED.get(f["op"], 1.0)) for n, f in enumerate(pipeline)]
    whole, before = max(1e-9, sum(shares)), 0.0
    for number, fields in enumerate(pipeline):
        context.cancel.check()
        what = str(STEPS[fields["op"]].what)
        overall = _overall(context.progress, before / whole, shares[number] / whole)
        overall(0, 1, what)
        state.context = replace(context, progress=overall)
        start = time.perf_counter()
        run_step(state, fields)
        known[_name(number, fields)] = time.perf_counter() - start
        before += shares[number]
    state.context = context
    context.progress(PROGRESS, PROGRESS, "")


def _name(number: int, fields: Fields) -> str:
    return f"{number} {fields['op']}"


def _overall(progress: Progress, before: float, share: float) -> Progress:
    """The progress of one step as a part of the whole run's; a step that knows no end stays."""

    def report(done: int, total: int, what: str) -> None:
        within = min(1.0, done / total) if total else 0.0
        progress(int(PROGRESS * (before + share * within)), PROGRESS, what)

    return report

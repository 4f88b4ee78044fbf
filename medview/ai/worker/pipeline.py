"""A model folder's pipeline on one volume: the same way for `analyze`, `evaluate` and training."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medview.ai.worker.steps import STEPS, Context, Fields, State, check_fields, run_step
from medview.core.progress import CancelToken, Progress
from medview.core.results import Check, Quantity
from medview.core.volume import Volume

if TYPE_CHECKING:
    from medview.ai.folder import ModelFolder
    from medview.ai.worker.route import Route

# Each registers its steps when it is imported; those that import torch stand last.
STEP_MODULES = (
    "rules", "input_steps", "views", "output_steps", "net_steps", "nodule_steps", "explain",
    "route",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class PipelineResult:
    """What a model says of one volume, all on the volume's own grid.

    label_map: uint8 [k, j, i], 0 background, or None. scores: class name to probability.
    heatmaps: (class name, float32 [k, j, i], 0 to 1 on a scale fixed for the model).
    measures: (label value, or None for the whole image; quantity). thresholds: class name to
    the operating point that the model's validation fixed: from there on a score counts.
    intervals: class name to a 95 % interval of the score. route: what a router says. checks: what
    the pixels say to the gate.
    """

    label_map: NDArray[np.uint8] | None
    scores: Mapping[str, float]
    heatmaps: tuple[tuple[str, NDArray[np.float32]], ...]
    measures: tuple[tuple[int | None, Quantity], ...]
    thresholds: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    route: Route | None = None
    checks: tuple[Check, ...] = ()


class Pipeline:
    """A model ready to run; nets are loaded at the first run and kept."""

    def __init__(
        self, folder: ModelFolder, device: str = "cpu", *, without: Set[str] = frozenset()
    ) -> None:
        """without: steps that are left out, for those who ask for figures and not for pictures.

        Raises ModelUnavailable for a step that this version does not know.
        """
        load_steps({fields["op"] for fields in folder.pipeline})
        self.folder = folder
        self._device = device
        self._steps = tuple(f for f in folder.pipeline if f["op"] not in without)
        self._networks: dict[str, object] = {}
        for fields in folder.pipeline:
            check_fields(fields)

    def run(self, volume: Volume, progress: Progress, cancel: CancelToken) -> PipelineResult:
        """Raises InputRefused (said in words), Cancelled, or ModelUnavailable."""
        state = State(volume, Context(self.folder, self._device, progress, cancel, self._networks))
        run_steps(state, self._steps)
        return PipelineResult(
            state.label_map,
            state.scores,
            tuple(state.heatmaps),
            tuple(state.measures),
            state.thresholds,
            state.intervals,
            state.route,
            tuple(state.checks),
        )


def load_steps(ops: Set[str] | None = None) -> None:
    """Import modules of steps until these ops are known; all of them without an argument.

    A model without a net thus runs without waiting for torch.
    """
    for name in STEP_MODULES:
        if ops is not None and ops <= STEPS.keys():
            return
        import_module(f"medview.ai.worker.{name}")


def run_steps(state: State, pipeline: tuple[Fields, ...]) -> None:
    """Run steps in order, with progress and a look at the cancel token before each."""
    context = state.context
    for number, fields in enumerate(pipeline):
        context.cancel.check()
        context.progress(number, len(pipeline), str(STEPS[fields["op"]].what))
        run_step(state, fields)
    context.progress(len(pipeline), len(pipeline), "")

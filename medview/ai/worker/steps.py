"""The steps that a model folder may name in its pipeline, for training and inference alike.

A step is a function `run(state: State, field: type, other: type = default) -> None`, registered
with `@step("op", what=say("Preparing the image"))`. Its keyword arguments are the fields of the
JSON object besides `op` (a field `from` is the argument `from_`); `check_fields` refuses unknown
and missing ones before anything runs. A step reads `state.image` (float32 [k, j, i] on
`state.geometry`, at first the modality values of `state.volume` on its own grid) or `state.volume`
itself, and writes back what it makes: another image with its geometry (`state.set_image`), or
results on the INPUT grid: `label_map`, `scores`, `thresholds`, `heatmaps`, `measures`. It calls
`state.context.cancel.check()` and `.progress` in long loops, and raises InputRefused in words when
the image is not for this model. A module of steps is listed in `pipeline.STEP_MODULES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import ModelUnavailable
from medview.core.geometry import Geometry
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.results import Check, Quantity
from medview.core.volume import Volume
from medview.core.words import Sentence, say

if TYPE_CHECKING:
    from medview.ai.folder import ModelFolder
    from medview.ai.worker.detect_steps import Detection
    from medview.ai.worker.forward import Answer
    from medview.ai.worker.ladder import Ladder
    from medview.ai.worker.route import Route
    from medview.ai.worker.tiles import Tiling

FloatArray = NDArray[np.float32]
Fields = Mapping[str, Any]  # one step of model.json: "op" and its fields
ASKED = "asked"  # the key in `Context.networks` of the network that was asked last


def nothing_to_show(_labels: NDArray[np.uint8]) -> None:
    """For runs that nobody watches."""


@dataclass(frozen=True, eq=False)
class Context:
    """What steps may use besides the image. `networks` keeps loaded nets between runs.

    device: what torch calls it. progress: how far the present step is. ladder: how the run copes
    with little memory. show: told of a label map, on the input's grid, that is still being filled.
    """

    folder: ModelFolder | None = None
    device: str = "cpu"
    progress: Progress = no_progress
    cancel: CancelToken = field(default_factory=CancelToken)
    networks: dict[str, Any] = field(default_factory=dict)
    ladder: Ladder | None = None
    show: Callable[[NDArray[np.uint8]], None] = nothing_to_show


@dataclass(eq=False)
class State:
    """What passes from step to step; see the module's text.

    logits: float32 [class, k, j, i] on `geometry`, or [class] of a classifier; after `activate`
    they are probabilities. answer: the same not yet computed; asking for `logits` computes all,
    `restore` only a few slices at a time. member_logits: [member] of a net of several. intervals:
    95 % intervals of scores.
    feature_maps: by layer name, [channel, k, j, i] or [channel, j, i]. features: [n], pooled.
    Of several pictures at once (`views`) logits and feature_maps have a first axis more.
    """

    volume: Volume
    context: Context = field(default_factory=Context)
    geometry: Geometry = field(init=False)
    answer: Answer | None = None
    member_logits: FloatArray | None = None
    feature_maps: dict[str, FloatArray] = field(default_factory=dict)
    features: FloatArray | None = None
    label_map: NDArray[np.uint8] | None = None
    scores: dict[str, float] = field(default_factory=dict)
    thresholds: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    heatmaps: list[tuple[str, FloatArray]] = field(default_factory=list)
    cells: dict[str, tuple[int, int, int]] = field(default_factory=dict)  # of heatmaps' own grids
    measures: list[tuple[int | None, Quantity]] = field(default_factory=list)
    detections: list[Detection] = field(default_factory=list)
    route: Route | None = None
    checks: list[Check] = field(default_factory=list)  # what the pixels say to the gate
    grids: dict[str, Geometry] = field(default_factory=dict)  # of steps that are taken back
    coarse_axis: int | None = None  # [k, j, i] across which slices were resampled by themselves
    order_z: int = 0
    tiling: Tiling | None = None  # how the next network looks at the image; None: at once
    _image: FloatArray | None = None
    _logits: FloatArray | None = None

    def __post_init__(self) -> None:
        self.geometry = self.volume.geometry

    @property
    def image(self) -> FloatArray:
        """float32 [k, j, i] on `geometry`; a copy of the volume's values at first use."""
        if self._image is None:
            self._image = self.volume.values()
        return self._image

    @property
    def logits(self) -> FloatArray | None:
        """What the network says, of the whole image."""
        if self._logits is None and self.answer is not None:
            self._logits = self.answer.whole()
        return self._logits

    @logits.setter
    def logits(self, values: FloatArray | None) -> None:
        self._logits = values
        self.answer = None

    @property
    def has_logits(self) -> bool:
        """Whether they are computed already."""
        return self._logits is not None

    def forget_logits(self) -> None:
        """Compute them anew when they are asked for."""
        self._logits = None

    def peek(self, steps: Sequence[int]) -> FloatArray:
        """The image at every so many voxels along k, j, i, without making the whole of it."""
        k, j, i = (slice(None, None, step) for step in steps)
        return self._image[k, j, i] if self._image is not None else self.volume.part((k, j, i))

    def crop(self, box: tuple[slice, slice, slice], geometry: Geometry) -> None:
        """Go on with a box [k, j, i] of the image, which lies at `geometry`."""
        found = self._image[box] if self._image is not None else self.volume.part(box)
        self.set_image(found, geometry)

    def set_image(self, image: FloatArray, geometry: Geometry) -> None:
        """Go on with another image on another grid; it may be a view, in any order of axes."""
        self._image = np.asarray(image, np.float32)
        self.geometry = geometry


@dataclass(frozen=True)
class Step:
    """A registered step: its function and what the progress line says meanwhile."""

    run: Callable[..., None]
    what: Sentence


STEPS: dict[str, Step] = {}


def step(op: str, what: Sentence) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as the step `op`."""

    def register(run: Callable[..., None]) -> Callable[..., None]:
        STEPS[op] = Step(run, what)
        return run

    return register


def check_fields(fields: Fields) -> None:
    """Raise ModelUnavailable for an unknown op, or fields that its step does not take.

    `ai.schema` has checked the types of the values when the folder was opened.
    """
    op = fields.get("op")
    if not isinstance(op, str) or op not in STEPS:
        raise ModelUnavailable(say("The model asks for the unknown step {name}.", name=str(op)))
    try:
        signature(STEPS[op].run).bind(None, **_arguments(fields))
    except TypeError as error:
        raise ModelUnavailable(
            say("The fields of the model's step {op} do not fit.", op=op), detail=str(error)
        ) from error


def run_step(state: State, fields: Fields) -> None:
    """Run one step of a pipeline; `check_fields` has been called."""
    STEPS[fields["op"]].run(state, **_arguments(fields))


def _arguments(fields: Fields) -> dict[str, Any]:
    return {"from_" if k == "from" else k: v for k, v in fields.items() if k != "op"}


def calibrated_number(context: Context, value: float | str) -> float:
    """A number, or the one that `calib.json#/a/b` points to. Raises ModelUnavailable."""
    if not isinstance(value, str):
        return float(value)
    found: Any = {} if context.folder is None else context.folder.calibration()
    try:
        for part in value.split("#", 1)[1].strip("/").split("/"):
            found = found[part]
        return float(found)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ModelUnavailable(say("calib.json lacks a value."), value) from error

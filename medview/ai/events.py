"""What the client tells about the worker and its jobs; every job ends with exactly one event.

Events come from threads of the client; whoever has a window passes them on to its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from medview.ai.folder import ModelFolder
from medview.ai.look import Look
from medview.core.results import GateVerdict, ModelRun
from medview.core.volume import Volume
from medview.core.words import Sentence


@dataclass(frozen=True, eq=False, kw_only=True)
class Job:
    """One model on one stack. device: auto, cpu or cuda. A gate that refused is not run.

    routers: asked before the model, see `worker.consult`.
    subject: the measurement that it is about; the volume is then a part of the stack.
    priority: of the waiting jobs the highest is next, of equals the one that came first.
    look: ask where an earlier result came from instead.
    """

    model: ModelFolder
    volume: Volume
    series_uid: str
    stack: int = 0
    gate: GateVerdict | None = None
    device: str = "auto"
    routers: tuple[ModelFolder, ...] = ()
    subject: str = ""
    priority: int = 0
    look: Look | None = None


@dataclass(frozen=True, slots=True)
class WorkerReady:
    """The process takes jobs; `device` is the name of the accelerator or cpu."""

    device: str


@dataclass(frozen=True, slots=True)
class JobProgress:
    """`done` of `total` (0 when unknown); `stage` in words."""

    job_id: str
    done: int
    total: int
    stage: str


@dataclass(frozen=True, eq=False, slots=True)
class JobPart:
    """What of the label map is there already, as a run without findings, `status` running."""

    job_id: str
    run: ModelRun


@dataclass(frozen=True, eq=False, slots=True)
class JobDone:
    """The run with its findings, label map and heatmaps."""

    job_id: str
    run: ModelRun


@dataclass(frozen=True, eq=False, slots=True)
class JobRefused:
    """The image is not for this model; `run.reason` says why."""

    job_id: str
    run: ModelRun


@dataclass(frozen=True, eq=False, slots=True)
class JobFailed:
    """The model could not be run; the worker lives on."""

    job_id: str
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class JobCancelled:
    """Said at once when asked; nothing of the job will follow."""

    job_id: str


@dataclass(frozen=True, slots=True)
class WorkerDied:
    """The process ended by itself or was killed; the next job starts a fresh one.

    job_id: the job that ended with it, None when it was idle.
    """

    sentence: Sentence
    job_id: str | None


Event = (
    WorkerReady
    | JobProgress
    | JobPart
    | JobDone
    | JobRefused
    | JobFailed
    | JobCancelled
    | WorkerDied
)

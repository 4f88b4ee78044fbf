"""Models on the open studies: what fits, the queue in the worker process, results to the work."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medview.core.geometry import PatientPoint
from medview.core.progress import CancelToken
from medview.core.results import GateVerdict, ModelRun, OperatingPoint, Provenance
from medview.core.words import Sentence, say, tr
from medview.session.events import Events, JobsChanged, Message, PartShown, WorkerChanged
from medview.session.operating import points_of
from medview.session.provenance import ended, provenance_of
from medview.session.studies import Key, Place, Studies

if TYPE_CHECKING:
    from medview.ai.client import Worker
    from medview.ai.events import Event as WorkerEvent
    from medview.ai.folder import ModelFolder
    from medview.ai.look import Look
    from medview.core.volume import Volume


@dataclass(frozen=True, eq=False, kw_only=True)
class Task:
    """A model for a stack, with what the gate says of it.

    patch: what it looks at instead of the stack; subject: the measurement that it is about; at:
    where it was clicked.
    priority: of waiting jobs the highest runs next.
    provenance and operating_points: once it is queued.
    look, of: not a result but where that of an earlier run came from.
    """

    model: ModelFolder
    place: Place
    verdict: GateVerdict
    patch: Volume | None = None
    subject: str = ""
    at: PatientPoint | None = None
    priority: int = 0
    provenance: Provenance | None = None
    look: Look | None = None
    of: ModelRun | None = None
    operating_points: tuple[OperatingPoint, ...] = ()

    @property
    def identity(self) -> str:
        """The model to the byte: a calibrated copy has the title of the one it was made from."""
        return f"{self.model.name} {self.model.manifest_sha256}"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """One job as the window shows it. status: waiting, running, done, failed, cancelled.

    model: which one to the byte, as `Task.identity` says; is_stopping: it was asked to stop.
    """

    id: str
    title: str
    key: Key
    model: str = ""
    is_stopping: bool = False
    status: str = "waiting"
    done: int = 0
    total: int = 0
    stage: str = ""


def plan(places: Iterable[Place], models: Sequence[ModelFolder], named: bool) -> list[Task]:
    """Which model on which stack. Of a series each model gets the one stack that fits best.

    named: the user asked for these models, so that one which does not fit is a refusal with its
    reason; otherwise only models whose modality and body part fit are tried.
    """
    from medview.ai.gate import applies, judge

    best: dict[tuple[str, str], Task] = {}
    for place in places:
        for model in models:
            if not named and not applies(model, place.series):
                continue
            verdict = judge(model, place.patient, place.study, place.series, place.stack)
            task = Task(model=model, place=place, verdict=verdict)
            slot = (model.name, place.series.uid)
            if slot not in best or _rank(task) > _rank(best[slot]):
                best[slot] = task
    return list(best.values())


def _rank(task: Task) -> tuple[bool, int]:
    return task.verdict.verdict != "refused", task.place.stack.geometry.shape[0]


def refused_run(task: Task, run_id: str) -> ModelRun:
    """The refusal of a gate as a run that can be shown and stored."""
    return ModelRun(
        id=run_id,
        model=task.model.ref,
        series_uid=task.place.series.uid,
        stack=task.place.stack_number,
        status="refused",
        reason=task.verdict.reason,
        gate=task.verdict,
        subject=task.subject,
    )


class Analyses:
    """The queue of jobs and the worker process that the window's process owns.

    `start_worker` returns at once; jobs may be submitted before it is ready. Every run that ends
    goes to `keep`, whatever study is on the screen by then.
    """

    def __init__(
        self,
        events: Events,
        studies: Studies,
        keep: Callable[[Place, ModelRun], None],
        device: str = "auto",
        runs_of: Callable[[Place], Sequence[ModelRun]] = lambda _place: (),
    ) -> None:
        self._events = events
        self._studies = studies
        self._keep = keep
        self._device = device
        self._runs_of = runs_of
        self._worker: Worker | None = None
        self._lock = threading.RLock()
        self._tasks: dict[str, Task] = {}
        self._jobs: dict[str, JobState] = {}
        self._parts: dict[str, ModelRun] = {}  # what running jobs have drawn so far
        self._waiting: dict[str, CancelToken] = {}  # jobs whose series is still being read

    @property
    def jobs(self) -> tuple[JobState, ...]:
        """Jobs of this session, oldest first."""
        with self._lock:
            return tuple(self._jobs.values())

    @property
    def running(self) -> tuple[JobState, ...]:
        """Jobs that have not ended."""
        return tuple(job for job in self.jobs if job.status in ("waiting", "running"))

    def parts_of(self, key: Key) -> tuple[ModelRun, ...]:
        """What running models have drawn of a stack so far; nothing of it is kept."""
        with self._lock:
            return tuple(r for r in self._parts.values() if (r.series_uid, r.stack) == key)

    def start_worker(self) -> Worker:
        """Start the analysis process in the background, if there is none; returns at once."""
        from medview.ai.client import Worker

        with self._lock:
            if self._worker is None:
                self._worker = Worker(self._hear)
            worker = self._worker
        worker.start()
        return worker

    def offers(self, place: Place) -> list[Task]:
        """What the catalogue has for a series: fitting models, each with the gate's word."""
        from medview.ai.catalogue import read_catalogue

        return plan([place], read_catalogue().for_images, named=False)

    def run(self, task: Task) -> str:
        """Queue a task; blocks while the series is still being read. Gives the job's id.

        A task that the gate refuses becomes a refusal at once, without a job (""); of one that is
        under way already the job's id is given. Raises MedViewError.
        """
        from medview.ai.catalogue import read_catalogue
        from medview.ai.events import Job

        if task.verdict.verdict == "refused":
            self._keep(task.place, refused_run(task, secrets.token_hex(8)))
            return ""
        title = task.model.title if task.look is None else tr("Heatmap")
        waiting = JobState(
            id=secrets.token_hex(8), title=title, key=task.place.key, model=task.identity
        )
        with self._lock:
            under_way = self._under_way(task)
            if under_way:
                return under_way
            token = self._waiting[waiting.id] = CancelToken()
            self._jobs[waiting.id] = waiting
        self._events.send(JobsChanged())
        try:
            volume = task.patch or self._studies.load(task.place, cancel=token).volume
            token.check()
            # Routers know whole pictures, not patches.
            routers = () if task.patch or task.look else read_catalogue().routers
            job = Job(
                model=task.model,
                volume=volume,
                series_uid=task.place.series.uid,
                stack=task.place.stack_number,
                gate=task.verdict,
                device=self._device,
                routers=routers,
                subject=task.subject,
                priority=task.priority,
                look=task.look,
            )
            worker = self.start_worker()
            # While the process starts: what it is about to read, to the byte.
            if task.look is None:
                told = replace(provenance_of(task.model, task.place, volume), at=task.at)
                points = points_of(task.model)
                task = replace(task, provenance=told, operating_points=points)
            token.check()
            # The first event of a job may come before `submit` is back with its id.
            with self._lock:
                job_id = worker.submit(job)
                self._tasks[job_id] = task
                self._jobs[job_id] = replace(waiting, id=job_id)
            return job_id
        finally:
            with self._lock:
                self._jobs.pop(waiting.id, None)
                self._waiting.pop(waiting.id, None)
            self._events.send(JobsChanged())

    def _under_way(self, task: Task) -> str:
        """The job of the same model on the same stack that has not ended, "" for none.

        Lesions and heatmaps of one stack are jobs of their own each.
        """
        if task.look is not None or task.patch is not None:
            return ""
        same = (task.identity, task.place.key, False)
        under_way = (j.id for j in self.running if (j.model, j.key, j.is_stopping) == same)
        return next(under_way, "")

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop; its end comes as an event."""
        self._update(job_id, is_stopping=True)
        token = self._waiting.get(job_id)
        if token is not None:
            token.cancel()
            return
        if self._worker is not None:
            self._worker.cancel(job_id)

    def close(self) -> None:
        """End the analysis process."""
        if self._worker is not None:
            self._worker.close()

    def _hear(self, event: WorkerEvent) -> None:
        from medview.ai import events as told

        match event:
            case told.WorkerReady(device=device):
                self._events.send(WorkerChanged("ready", device))
            case told.JobProgress(job_id=job_id, done=done, total=total, stage=stage):
                self._update(job_id, status="running", done=done, total=total, stage=stage)
            case told.JobPart(job_id=job_id, run=run):
                self._show_part(job_id, run)
            case told.JobDone(job_id=job_id, run=run) | told.JobRefused(job_id=job_id, run=run):
                self._finish(job_id, run)
            case told.JobFailed(job_id=job_id, sentence=sentence):
                self._end(job_id, "failed", sentence)
            case told.JobCancelled(job_id=job_id):
                self._end(job_id, "cancelled", None)
            case told.WorkerDied(sentence=sentence, job_id=job_id):
                self._events.send(WorkerChanged("dead"))
                self._end(job_id or "", "failed", sentence)

    def _show_part(self, job_id: str, run: ModelRun) -> None:
        with self._lock:
            if job_id not in self._tasks:
                return  # it was cancelled meanwhile
            self._parts[job_id] = run
        self._events.send(PartShown())

    def _drop_part(self, job_id: str) -> None:
        with self._lock:
            had_part = self._parts.pop(job_id, None) is not None
        if had_part:
            self._events.send(PartShown())

    def _finish(self, job_id: str, run: ModelRun) -> None:
        with self._lock:
            task = self._tasks.pop(job_id, None)
        if task is not None and task.of is not None:
            self._keep_look(task, task.of, run)
        elif task is not None:
            if task.provenance is not None:
                run = ended(run, task.provenance)
            self._keep(task.place, replace(run, operating_points=task.operating_points))
        self._drop_part(job_id)
        self._update(job_id, status="done")

    def _keep_look(self, task: Task, of: ModelRun, seen: ModelRun) -> None:
        from medview.session.looks import with_heatmaps

        if seen.status != "run":
            reason = seen.reason or say("The heatmap could not be drawn.")
            self._events.send(Message(reason, "warn", task.model.title))
            return
        # Another look may have been kept while this one ran.
        now = next((r for r in self._runs_of(task.place) if r.id == of.id), of)
        self._keep(task.place, with_heatmaps(now, seen.heatmaps))

    def _end(self, job_id: str, status: str, reason: Sentence | None) -> None:
        with self._lock:
            self._tasks.pop(job_id, None)
            job = self._jobs.get(job_id)
        self._drop_part(job_id)
        self._update(job_id, status=status)
        if reason is not None:
            self._events.send(Message(reason, "bad", job.title if job else ""))

    def _update(self, job_id: str, **changes: object) -> None:
        with self._lock:
            job = self._jobs.get(job_id)
            if job is not None:
                self._jobs[job_id] = replace(job, **changes)  # type: ignore[arg-type]
        self._events.send(JobsChanged())

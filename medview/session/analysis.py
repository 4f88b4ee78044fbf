"""Models on the open studies: what fits, the queue in the worker process, results to the work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medview.core.errors import MedViewError
from medview.core.results import GateVerdict, ModelRun
from medview.core.words import Sentence
from medview.session.events import Events, JobsChanged, Message, WorkerChanged
from medview.session.studies import Key, Place, Studies

if TYPE_CHECKING:
    from medview.ai.client import Worker, WorkerEvent
    from medview.ai.folder import ModelFolder


@dataclass(frozen=True, eq=False, kw_only=True)
class Task:
    """A model for a stack, with what the gate says of it."""

    model: ModelFolder
    place: Place
    verdict: GateVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """One job as the window shows it. status: waiting, running, done, failed, cancelled."""

    id: str
    title: str
    key: Key
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
    ) -> None:
        self._events = events
        self._studies = studies
        self._keep = keep
        self._device = device
        self._worker: Worker | None = None
        self._lock = threading.RLock()
        self._tasks: dict[str, Task] = {}
        self._jobs: dict[str, JobState] = {}

    @property
    def jobs(self) -> tuple[JobState, ...]:
        """Jobs of this session, oldest first."""
        with self._lock:
            return tuple(self._jobs.values())

    @property
    def running(self) -> tuple[JobState, ...]:
        """Jobs that have not ended."""
        return tuple(job for job in self.jobs if job.status in ("waiting", "running"))

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
        from medview.ai.catalogue import models

        return plan([place], models(), named=False)

    def run(self, task: Task) -> str:
        """Queue a task; blocks while the series is still being read. Returns the job's id.

        A task that the gate refuses becomes a refusal at once. Raises MedViewError.
        """
        from medview.ai.client import Job, new_job_id

        job_id = new_job_id()
        if task.verdict.verdict == "refused":
            self._keep(task.place, refused_run(task, job_id))
            return job_id
        state = JobState(id=job_id, title=task.model.title, key=task.place.key)
        with self._lock:
            self._tasks[job_id] = task
            self._jobs[job_id] = state
        self._events.send(JobsChanged())
        try:
            opened = self._studies.load(task.place)
            self.start_worker().submit(
                Job(
                    id=job_id,
                    model=task.model,
                    volume=opened.volume,
                    series_uid=task.place.series.uid,
                    stack=task.place.stack_number,
                    gate=task.verdict,
                    device=self._device,
                )
            )
        except MedViewError as error:
            self._end(job_id, "failed", error.what)
            raise
        return job_id

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop; its end comes as an event."""
        if self._worker is not None:
            self._worker.cancel(job_id)

    def close(self) -> None:
        """End the analysis process."""
        if self._worker is not None:
            self._worker.close()

    def _hear(self, event: WorkerEvent) -> None:
        from medview.ai import client

        match event:
            case client.WorkerReady(device=device):
                self._events.send(WorkerChanged("ready", device))
            case client.JobProgress(job_id=job_id, done=done, total=total, stage=stage):
                self._update(job_id, status="running", done=done, total=total, stage=stage)
            case client.JobDone(job_id=job_id, run=run):
                self._finish(job_id, run)
            case client.JobFailed(job_id=job_id, reason=reason):
                self._end(job_id, "failed", reason)
            case client.JobCancelled(job_id=job_id):
                self._end(job_id, "cancelled", None)
            case client.WorkerDied(reason=reason, job_id=job_id):
                self._events.send(WorkerChanged("dead"))
                if job_id is not None:
                    self._end(job_id, "failed", reason)
                else:
                    self._events.send(Message(reason, "warn"))

    def _finish(self, job_id: str, run: ModelRun) -> None:
        task = self._tasks.get(job_id)
        if task is not None:
            self._keep(task.place, run)
        self._update(job_id, status="done")

    def _end(self, job_id: str, status: str, reason: Sentence | None) -> None:
        self._update(job_id, status=status)
        if reason is not None:
            job = self._jobs.get(job_id)
            self._events.send(Message(reason, "bad", job.title if job else ""))

    def _update(self, job_id: str, **changes: object) -> None:
        with self._lock:
            job = self._jobs.get(job_id)
            if job is not None:
                self._jobs[job_id] = replace(job, **changes)  # type: ignore[arg-type]
        self._events.send(JobsChanged())

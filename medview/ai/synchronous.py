"""One job from beginning to end, for commands: waits, passes progress on, cancels."""

from __future__ import annotations

import queue

from medview.ai.client import Worker
from medview.ai.events import (
    Event,
    Job,
    JobCancelled,
    JobDone,
    JobFailed,
    JobProgress,
    JobRefused,
    WorkerDied,
)
from medview.ai.pending import ended_run
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.results import ModelRun

_LOOK_EVERY_S = 0.05


def run_job(
    worker: Worker,
    job: Job,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> ModelRun:
    """Run a job and wait; the run's status is run, refused, failed or cancelled.

    Raises MedViewError when memory does not suffice for its result.
    """
    cancel = cancel or CancelToken()
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    stop = worker.subscribe(events.put)
    try:
        job_id = worker.submit(job)
        while True:
            if cancel.is_cancelled:
                worker.cancel(job_id)
            try:
                event = events.get(timeout=_LOOK_EVERY_S)
            except queue.Empty:
                continue
            if isinstance(event, JobProgress) and event.job_id == job_id:
                progress(event.done, event.total, event.stage)
            run = _ended(event, job_id, job)
            if run is not None:
                return run
    finally:
        stop()


def _ended(event: Event, job_id: str, job: Job) -> ModelRun | None:
    if getattr(event, "job_id", None) != job_id:
        return None
    if isinstance(event, JobDone | JobRefused):
        return event.run
    if isinstance(event, JobFailed | WorkerDied):
        return ended_run(job_id, job, "failed", event.sentence)
    if isinstance(event, JobCancelled):
        return ended_run(job_id, job, "cancelled", None)
    return None

"""The window's side of the worker: starts it, queues jobs, cancels, survives its death.

No Qt, no torch. One thread keeps the process: it starts it, reads what it says and notices its
end. Blocks of shared memory belong to this side, so a killed worker leaks nothing.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable

from medview.ai.events import (
    Event,
    Job,
    JobCancelled,
    JobDone,
    JobFailed,
    JobPart,
    JobProgress,
    JobRefused,
    WorkerDied,
    WorkerReady,
)
from medview.ai.pending import Pending, ended_run
from medview.ai.protocol import (
    CancelLine,
    DoneLine,
    EndLine,
    Line,
    PartLine,
    ProgressLine,
    StateLine,
    decode,
    encode,
)
from medview.core.errors import MedViewError
from medview.core.words import Sentence, say

__all__ = [
    "Event", "Job", "JobCancelled", "JobDone", "JobFailed", "JobPart", "JobProgress",
    "JobRefused", "Worker", "WorkerDied", "WorkerReady",
]  # fmt: skip

KILL_AFTER_S = 3.0
_CLOSE_WITHIN_S = 2.0
_log = logging.getLogger("medview.ai")
Listener = Callable[[Event], None]


def _nobody(_event: Event) -> None:
    """For callers who only use `subscribe`."""


class Worker:
    """The analysis process as the rest of the program sees it.

    on_event is called from the client's threads (or the caller's, for a cancel or a refusal).
    preload: import torch as soon as the process lives, not with the first net. threads: of torch.
    """

    def __init__(
        self, on_event: Listener = _nobody, *, preload: bool = True, threads: int | None = None
    ) -> None:
        self._listeners: list[Listener] = [on_event]
        self._preload = preload
        self._threads = threads or min(8, os.cpu_count() or 1)
        self._change = threading.Condition()
        self._queue: deque[Pending] = deque()
        self._current: Pending | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._state = "dead"
        self._is_wanted = False
        self._is_closing = False
        self._keeper: threading.Thread | None = None
        self.device = ""

    @property
    def state(self) -> str:
        """starting, ready, busy, or dead (not started, or ended)."""
        return self._state

    @property
    def pid(self) -> int | None:
        """The process number while it lives."""
        process = self._process
        return None if process is None else process.pid

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell someone else too; returns how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def start(self) -> None:
        """Start the process in the background; at most one lives at a time."""
        with self._change:
            self._want()

    def submit(self, job: Job) -> str:
        """Queue a job; returns its id. A refused gate ends it at once with JobRefused.

        Raises MedViewError when memory does not suffice for its result.
        """
        job_id = secrets.token_hex(8)
        if job.gate is not None and job.gate.verdict == "refused":
            self._tell(JobRefused(job_id, ended_run(job_id, job, "refused", job.gate.reason)))
            return job_id
        pending = Pending(job_id, job)
        with self._change:
            if self._is_closing:
                pending.release()
                raise MedViewError(say("MedView is being closed."))
            self._queue.append(pending)
            self._want()
            self._send_next()
        return job_id

    def cancel(self, job_id: str) -> None:
        """Stop a job. It is over for everybody at once; the worker has three seconds to notice."""
        with self._change:
            found = self._take_off(job_id)
        if found:
            self._tell(JobCancelled(job_id))

    def _take_off(self, job_id: str) -> bool:
        for pending in self._queue:
            if pending.id == job_id:
                self._queue.remove(pending)
                pending.release()
                return True
        current = self._current
        if current is None or current.id != job_id or current.is_cancelled:
            return False
        current.is_cancelled = True
        self._write(CancelLine(job_id))
        timer = threading.Timer(KILL_AFTER_S, self._kill_if_busy_with, (current,))
        timer.daemon = True
        timer.start()
        return True

    def close(self) -> None:
        """End the process and give all memory back; no events follow."""
        with self._change:
            self._is_closing = True
            self._change.notify_all()
            process = self._process
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()  # the worker ends itself when nobody speaks any more
        if self._keeper is not None and self._keeper is not threading.current_thread():
            self._keeper.join(_CLOSE_WITHIN_S)
            if self._keeper.is_alive() and process is not None:
                process.kill()
                self._keeper.join(_CLOSE_WITHIN_S)
        with self._change:
            for pending in self._queue:
                pending.release()
            self._queue.clear()

    def _kill_if_busy_with(self, pending: Pending) -> None:
        with self._change:
            if self._current is pending and self._process is not None:
                self._process.kill()

    # The keeper. It also starts the process: on Linux a child that asks to end with its parent
    # ends with the thread that made it.

    def _want(self) -> None:
        if self._state == "dead" and not self._is_closing:
            self._is_wanted = True
            self._state = "starting"
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._keep, name="worker", daemon=True)
                self._keeper.start()
            self._change.notify_all()

    def _keep(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._is_wanted or self._is_closing)
                if self._is_closing:
                    return
                self._is_wanted = False
            process = self._spawn()
            with self._change:
                self._process = process
                if process is not None and self._is_closing:
                    process.kill()
            if process is not None:
                self._listen(process)
            self._after_death(process)

    def _spawn(self) -> subprocess.Popen[bytes] | None:
        # -P: the folder the user stands in, perhaps a CD, must not lend its modules.
        command = [sys.executable, "-P", "-m", "medview.ai.worker"]
        command += ["--parent", str(os.getpid()), "--threads", str(self._threads)]
        command += ["--preload"] if self._preload else []
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(self._threads))
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **threads},
            )
        except OSError:
            _log.exception("worker not started")
            return None

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        stdout = process.stdout
        if stdout is None:
            return
        for raw in iter(stdout.readline, b""):
            try:
                line = decode(raw)
            except (ValueError, KeyError):
                if raw.endswith(b"\n"):  # else it was killed while it spoke
                    _log.warning("worker said something unknown")
                process.kill()
                break
            event = self._hear(line)
            if event is not None:
                self._tell(event)
        process.wait()
        stdout.close()
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()

    def _hear(self, line: Line) -> Event | None:
        if isinstance(line, StateLine):
            return self._hear_state(line)
        with self._change:
            current = self._current
            if current is None or line.id != current.id:
                return None
            if isinstance(line, ProgressLine):
                if current.is_cancelled:
                    return None
                return JobProgress(line.id, line.done, line.total, line.stage)
            if isinstance(line, PartLine):
                return None if current.is_cancelled else JobPart(line.id, current.read_part())
            self._current = None
            self._state = "ready"
            self._send_next()
        return _finish(current, line) if isinstance(line, DoneLine | EndLine) else None

    def _hear_state(self, line: StateLine) -> Event | None:
        if line.state != "ready":
            return None
        with self._change:
            self.device = line.device or self.device or "cpu"
            self._state = "ready"
            self._send_next()
        return WorkerReady(self.device)

    def _send_next(self) -> None:
        if self._state == "ready" and self._current is None and self._queue:
            self._current = max(self._queue, key=lambda pending: pending.job.priority)
            self._queue.remove(self._current)
            self._state = "busy"
            self._write(self._current.line())

    def _write(self, line: Line) -> None:
        process = self._process
        if process is not None and process.stdin is not None:
            # A dead worker is noticed by the keeper, which ends the job.
            with contextlib.suppress(OSError, ValueError):
                process.stdin.write(encode(line))
                process.stdin.flush()

    def _after_death(self, process: subprocess.Popen[bytes] | None) -> None:
        with self._change:
            ended = self._current
            # A job that waited for a process that never got ready ends with it: no endless restart.
            if ended is None and self._state == "starting" and self._queue:
                ended = self._queue.popleft()
            self._current, self._process, self._state = None, None, "dead"
            is_closing = self._is_closing
            if self._queue:
                self._want()
        was_cancelled = ended is not None and ended.is_cancelled
        if ended is not None:
            ended.release()
        if not (is_closing or was_cancelled):
            _log.warning(
                "worker died", extra={"status": None if process is None else process.returncode}
            )
            self._tell(WorkerDied(_how_it_died(process), None if ended is None else ended.id))

    def _tell(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:  # noqa: BLE001 - a listener's fault must not take the keeper along
                _log.exception("listener failed")


def _finish(pending: Pending, line: DoneLine | EndLine) -> Event | None:
    """The event for a job's end; its memory is given back in every case."""
    try:
        if pending.is_cancelled:
            return None
        if isinstance(line, DoneLine):
            return JobDone(pending.id, pending.read_run(line))
        if line.how == "refused":
            run = ended_run(pending.id, pending.job, "refused", line.said, line.checks)
            return JobRefused(pending.id, run)
        _log.warning("job failed", extra={"detail": line.detail})
        return JobFailed(pending.id, line.said)
    finally:
        pending.release()


def _how_it_died(process: subprocess.Popen[bytes] | None) -> Sentence:
    if process is None:
        return say("The analysis process could not be started.")
    if process.returncode == -9:
        return say(
            "The analysis process was killed, perhaps for lack of memory. The next run starts a "
            "new one."
        )
    return say("The analysis process ended unexpectedly. The next run starts a new one.")

"""The analysis process: results, cancel, and its death at every stage, with real processes."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medview.ai.client import (
    Event,
    Job,
    JobCancelled,
    JobDone,
    JobProgress,
    JobRefused,
    Worker,
    WorkerDied,
    WorkerReady,
)
from medview.ai.folder import ModelFolder, open_folder, write_manifest
from medview.ai.pending import Pending
from medview.ai.protocol import result_label_map
from medview.ai.synchronous import run_job
from medview.core.geometry import Geometry
from medview.core.paths import shipped_models_dir
from medview.core.progress import CancelToken
from medview.core.results import Check, GateVerdict
from medview.core.shared import SharedBlock
from medview.core.volume import Volume
from medview.core.words import say

WAIT_S = 120  # a crowded machine takes half a minute to load torch alone


class Heard:
    """Events in the order they came."""

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def wait_for(self, *kinds: type) -> Event:
        end = time.monotonic() + WAIT_S
        while True:
            event = self.queue.get(timeout=max(0.01, end - time.monotonic()))
            if isinstance(event, kinds):
                return event


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def worker(heard: Heard) -> Iterator[Worker]:
    worker = Worker(heard.queue.put, preload=False, threads=1)
    yield worker
    worker.close()


@pytest.fixture(scope="module")
def steady() -> Iterator[Worker]:
    """One process for the tests that do it no harm."""
    worker = Worker(preload=False, threads=1)
    yield worker
    worker.close()


@pytest.fixture
def lungs() -> ModelFolder:
    return open_folder(shipped_models_dir() / "lungs")


@pytest.fixture
def job(lungs: ModelFolder, chest: Volume) -> Job:
    return Job(model=lungs, volume=chest, series_uid="1.2.3")


@pytest.fixture
def brain(tmp_path: Path) -> Job:
    """A network's work: noise, for a model that does not look whether it knows it."""
    folder = tmp_path / "hippocampus"
    shutil.copytree(shipped_models_dir() / "hippocampus", folder)
    described = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    described["pipeline"] = [step for step in described["pipeline"] if step["op"] != "distance"]
    (folder / "model.json").write_text(json.dumps(described), encoding="utf-8")
    write_manifest(folder)
    voxels = np.random.default_rng(1).integers(0, 900, (64, 64, 64)).astype(np.int16)
    volume = Volume(geometry=Geometry(shape=voxels.shape), stored=voxels, modality="MR")
    return Job(model=open_folder(folder), volume=volume, series_uid="1.2.4")


@pytest.fixture
def long_job(job: Job, chest: Volume) -> Job:
    """The same chest with voxels of an eighth the volume: enough work to be interrupted."""
    stored = chest.stored.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    geometry = replace(chest.geometry, shape=stored.shape, spacing=(2.0, 2.0, 2.0))
    return replace(job, volume=replace(chest, stored=stored, geometry=geometry))


def own_blocks() -> set[str]:
    return {path.name for path in Path("/dev", "shm").glob(f"medview-{os.getpid()}-*")}


def test_run_gives_labels_findings_and_measurements(steady: Worker, job: Job) -> None:
    run = run_job(steady, job)

    assert run.status == "run"
    assert run.label_map is not None
    assert set(np.unique(run.label_map.voxels)) == {0, 1, 2, 3, 4}
    assert [finding.label for finding in run.findings][:2] == ["right lung", "left lung"]
    assert run.model.manifest_sha256 == job.model.manifest_sha256
    assert run.findings[0].explanation is not None


def test_volume_and_centre_are_those_of_the_ellipsoid(steady: Worker, job: Job) -> None:
    run = run_job(steady, job)
    right, left = run.findings[:2]

    # 4/3 pi a b c; the ellipsoids lie within the volume
    assert right.volume_mm3 == pytest.approx(4 / 3 * np.pi * 55 * 75 * 80, rel=0.03)
    assert left.volume_mm3 == pytest.approx(4 / 3 * np.pi * 45 * 75 * 75, rel=0.03)
    assert right.centroid == pytest.approx((-75, 0, 0), abs=2)
    assert left.centroid == pytest.approx((75, 0, 0), abs=2)


def test_volume_in_its_own_block_is_not_copied_and_outlives_the_job(
    steady: Worker, job: Job, chest: Volume
) -> None:
    block = SharedBlock.create(chest.stored.nbytes)
    stored = block.array(chest.stored.shape, chest.stored.dtype)
    stored[...] = chest.stored

    run = run_job(steady, replace(job, volume=replace(chest, stored=stored, block=block)))

    assert run.status == "run"
    assert own_blocks() == {block.name}
    assert np.array_equal(stored, chest.stored)
    del stored
    block.release()


def test_jobs_end_in_order_and_land_on_their_own_series(
    worker: Worker, heard: Heard, job: Job
) -> None:
    first = worker.submit(job)
    second = worker.submit(replace(job, series_uid="4.5.6"))

    done = [heard.wait_for(JobDone), heard.wait_for(JobDone)]

    assert [event.job_id for event in done] == [first, second]
    assert [event.run.series_uid for event in done] == ["1.2.3", "4.5.6"]


def test_of_waiting_jobs_the_most_urgent_is_next(worker: Worker, heard: Heard, job: Job) -> None:
    jobs = [job, *(replace(job, series_uid=f"2.{n}", priority=n) for n in (-1, 0, 7))]
    ids = [worker.submit(each) for each in jobs]  # the process is still starting
    ended = [heard.wait_for(JobDone) for _ in jobs]
    assert [event.job_id for event in ended] == [ids[3], ids[0], ids[2], ids[1]]
    assert [event.run.series_uid for event in ended] == ["2.7", job.series_uid, "2.0", "2.-1"]


def test_what_is_drawn_so_far_is_a_run_of_its_own_that_ends_with_the_job(
    worker: Worker, heard: Heard, job: Job
) -> None:
    pending = Pending("1", job)
    try:
        result_label_map(pending._result, job.volume.geometry.shape)[3] = 1
        part = pending.read_part()
        result_label_map(pending._result, job.volume.geometry.shape)[4] = 1
    finally:
        pending.release()
    assert (part.status, part.findings) == ("running", ())
    assert part.label_map is not None
    assert np.flatnonzero(part.label_map.voxels.any(axis=(1, 2))).tolist() == [3]


def test_gate_that_refused_ends_the_job_without_a_process(
    worker: Worker, heard: Heard, job: Job
) -> None:
    why = say("This is a localizer (scout) view, not a diagnostic series.")
    worker.submit(replace(job, gate=GateVerdict("refused", (Check("localizer", False, why),))))

    event = heard.wait_for(JobRefused)

    assert event.run.reason == why
    assert worker.state == "dead"


def test_volume_without_lungs_is_refused_in_words(steady: Worker, job: Job, chest: Volume) -> None:
    water = np.where(chest.stored > -500, chest.stored, 0).astype(np.int16)

    run = run_job(steady, replace(job, volume=replace(chest, stored=water)))

    assert run.status == "refused"
    assert str(run.reason) == "No lungs were found in this series."


def test_model_changed_after_it_was_listed_fails_in_words(
    steady: Worker, job: Job, lungs_folder: Path
) -> None:
    model = open_folder(lungs_folder)
    (lungs_folder / "card.md").write_text("another card", encoding="utf-8")

    run = run_job(steady, replace(job, model=model))

    assert run.status == "failed"
    assert "not the one that its maker listed" in str(run.reason)


def test_cancel_is_said_at_once_and_the_next_job_runs(
    worker: Worker, heard: Heard, job: Job, long_job: Job
) -> None:
    job_id = worker.submit(long_job)
    heard.wait_for(JobProgress)

    started = time.monotonic()
    worker.cancel(job_id)

    assert heard.wait_for(JobCancelled).job_id == job_id
    assert time.monotonic() - started < 0.1
    assert run_job(worker, job).status == "run"


def test_queued_job_can_be_cancelled_before_it_starts(
    worker: Worker, heard: Heard, job: Job
) -> None:
    worker.submit(job)
    waiting = worker.submit(job)

    worker.cancel(waiting)

    assert heard.wait_for(JobCancelled).job_id == waiting
    heard.wait_for(JobDone)
    assert heard.queue.empty()


def test_worker_that_does_not_obey_is_killed_and_replaced(
    worker: Worker, heard: Heard, job: Job, long_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medview.ai.client.KILL_AFTER_S", 0.1)
    job_id = worker.submit(long_job)
    heard.wait_for(JobProgress)
    before = worker.pid
    assert before is not None
    os.kill(before, signal.SIGSTOP)  # alive, and deaf

    worker.cancel(job_id)
    run = run_job(worker, job)

    assert run.status == "run"
    assert worker.pid != before


def test_run_job_gives_back_a_cancelled_run(steady: Worker, long_job: Job) -> None:
    cancel = CancelToken()

    run = run_job(steady, long_job, lambda *_: cancel.cancel(), cancel)

    assert run.status == "cancelled"


def kill(worker: Worker) -> None:
    pid = worker.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def test_worker_killed_while_idle_says_so_and_the_next_job_runs(
    worker: Worker, heard: Heard, job: Job
) -> None:
    worker.start()
    heard.wait_for(WorkerReady)

    kill(worker)
    died = heard.wait_for(WorkerDied)

    assert died.job_id is None
    assert "killed" in str(died.sentence)
    assert run_job(worker, job).status == "run"


def test_worker_killed_while_it_loads_torch_says_so_and_the_next_job_runs(
    heard: Heard, job: Job
) -> None:
    worker = Worker(heard.queue.put, preload=True, threads=1)
    job_id = worker.submit(job)
    maps = Path(f"/proc/{_pid(worker)}/maps")
    _until(lambda: "libtorch" in maps.read_text())

    kill(worker)
    died = heard.wait_for(WorkerDied)
    assert died.job_id == job_id

    assert run_job(worker, job).status == "run"
    worker.close()


def test_worker_killed_while_it_runs_says_so_and_the_next_job_runs(
    worker: Worker, heard: Heard, job: Job, long_job: Job
) -> None:
    job_id = worker.submit(long_job)
    heard.wait_for(JobProgress)

    kill(worker)

    assert heard.wait_for(WorkerDied).job_id == job_id
    assert run_job(worker, job).status == "run"
    assert own_blocks() == set()


def test_worker_killed_while_it_writes_results_says_so_and_the_next_job_runs(
    worker: Worker, heard: Heard, job: Job, long_job: Job
) -> None:
    def kill_at_the_end(event: Event) -> None:
        # The last report of the pipeline comes right before results are written.
        if isinstance(event, JobProgress) and event.total and event.done == event.total:
            kill(worker)

    stop = worker.subscribe(kill_at_the_end)
    for _ in range(4):  # on a crowded machine the worker may be faster than the signal
        job_id = worker.submit(long_job)
        ended = heard.wait_for(WorkerDied, JobDone, JobRefused)
        if isinstance(ended, WorkerDied):
            break
    stop()

    assert isinstance(ended, WorkerDied)
    assert ended.job_id == job_id
    assert run_job(worker, job).status == "run"
    assert own_blocks() == set()


def test_every_stage_of_a_network_is_told(worker: Worker, heard: Heard, brain: Job) -> None:
    worker.submit(brain)
    stages = []
    while not isinstance(event := heard.wait_for(JobProgress, JobDone, JobRefused), JobDone):
        assert isinstance(event, JobProgress)
        stages.append(event.stage)

    for stage in ("Preparing", "Running the network", "Drawing"):
        assert any(told.startswith(stage) for told in stages), stages


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["Preparing", "Running the network", "Drawing"])
def test_worker_killed_at_any_stage_of_a_network_says_so_and_the_next_job_runs(
    worker: Worker, heard: Heard, job: Job, brain: Job, stage: str
) -> None:
    def kill_there(event: Event) -> None:
        if isinstance(event, JobProgress) and event.stage.startswith(stage):
            kill(worker)

    stop = worker.subscribe(kill_there)
    for _ in range(4):  # on a crowded machine the worker may be faster than the signal
        job_id = worker.submit(brain)
        ended = heard.wait_for(WorkerDied, JobDone, JobRefused)
        if isinstance(ended, WorkerDied):
            break
    stop()

    assert isinstance(ended, WorkerDied)
    assert ended.job_id == job_id
    assert "killed" in str(ended.sentence)
    assert run_job(worker, job).status == "run"
    assert own_blocks() == set()


@pytest.mark.skipif(sys.platform != "linux", reason="seccomp is Linux's")
def test_the_process_that_runs_jobs_is_shut_by_the_system_too(steady: Worker, job: Job) -> None:
    run_job(steady, job)
    status = Path(f"/proc/{steady.pid}/status").read_text(encoding="ascii")

    assert "Seccomp:\t2" in status  # a filter is at work; see test_ai_engine_confine for which


def test_process_that_cannot_start_ends_the_job_in_words(
    heard: Heard, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    worker = Worker(heard.queue.put)
    job_id = worker.submit(job)

    died = heard.wait_for(WorkerDied)

    assert died.job_id == job_id
    assert str(died.sentence) == "The analysis process could not be started."
    worker.close()


def test_close_ends_the_process_and_gives_memory_back(heard: Heard, long_job: Job) -> None:
    worker = Worker(heard.queue.put, preload=False)
    worker.submit(long_job)
    heard.wait_for(JobProgress)
    pid = worker.pid

    worker.close()

    assert not Path(f"/proc/{pid}").exists()
    assert own_blocks() == set()


def _pid(worker: Worker) -> int:
    _until(lambda: worker.pid is not None)
    assert worker.pid is not None
    return worker.pid


def _until(holds: object) -> None:
    end = time.monotonic() + WAIT_S
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.005)

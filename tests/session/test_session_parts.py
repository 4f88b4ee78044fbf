"""What a running model has drawn is shown until it ends, and is never kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medview.ai.events import JobCancelled, JobDone, JobPart, WorkerDied
from medview.ai.folder import open_folder
from medview.core.geometry import Geometry
from medview.core.paths import shipped_models_dir
from medview.core.results import GateVerdict, LabelMap, ModelRun
from medview.core.study import Patient, Series, Stack, Study
from medview.core.words import say
from medview.session.analysis import Analyses, JobState, Task
from medview.session.events import Events, PartShown
from medview.session.memory import Budget
from medview.session.studies import Place, Studies

MODEL = open_folder(shipped_models_dir() / "lungs")
GRID = Geometry(shape=(2, 3, 4))


def run_of(status: str) -> ModelRun:
    drawn = LabelMap(id=status, geometry=GRID, voxels=np.ones(GRID.shape, np.uint8), labels=())
    return ModelRun(
        id="1", model=MODEL.ref, series_uid="1.2", stack=0, status=status, label_map=drawn
    )


@pytest.fixture
def heard() -> list[object]:
    return []


@pytest.fixture
def kept() -> list[ModelRun]:
    return []


@pytest.fixture
def analyses(heard, kept) -> Analyses:
    events = Events()
    events.subscribe(heard.append)
    made = Analyses(events, Studies(events, Budget(1 << 20)), lambda _place, run: kept.append(run))
    made._tasks["1"] = Task(model=MODEL, place=None, verdict=GateVerdict("accepted", ()))
    return made


@pytest.mark.parametrize(
    "end",
    [JobDone("1", run_of("run")), JobCancelled("1"), WorkerDied(say("The worker died."), "1")],
    ids=["done", "cancelled", "dead"],
)
def test_a_part_is_shown_until_its_job_ends_however_it_ends(analyses, heard, kept, end):
    analyses._hear(JobPart("1", run_of("running")))
    assert [run.status for run in analyses.parts_of(("1.2", 0))] == ["running"]
    assert analyses.parts_of(("1.2", 1)) == ()
    assert not kept

    analyses._hear(end)

    assert analyses.parts_of(("1.2", 0)) == ()
    assert [run.status for run in kept] == (["run"] if isinstance(end, JobDone) else [])
    assert sum(isinstance(event, PartShown) for event in heard) == 2


def test_a_part_that_comes_after_a_cancel_is_not_shown(analyses):
    analyses._hear(JobCancelled("1"))
    analyses._hear(JobPart("1", run_of("running")))
    assert analyses.parts_of(("1.2", 0)) == ()


def test_a_model_that_is_under_way_on_a_stack_is_not_queued_again(analyses):
    stack = Stack(frames=(), geometry=GRID, verdict="regular")
    series = Series(uid="1.2", modality="CT", stacks=(stack,))
    study = Study(uid="1", series=(series,))
    place = Place(patient=Patient(id="P1"), study=study, series=series, stack_number=0)
    task = Task(model=MODEL, place=place, verdict=GateVerdict("accepted", ()))
    analyses._jobs["1"] = JobState(id="1", title=MODEL.title, key=place.key, model=task.identity)

    assert analyses.run(task) == "1"
    assert [job.id for job in analyses.jobs] == ["1"]

    # A calibrated copy has the same title; what was asked to stop is no answer to a new wish.
    copy = replace(task, model=replace(MODEL, name=f"{MODEL.name}-local"))
    assert analyses._under_way(copy) == ""
    analyses.cancel("1")
    assert analyses._under_way(task) == ""

"""While a model runs, the window shows how far it is and what it has drawn so far."""

from __future__ import annotations

import numpy as np

from medview.ai.events import JobCancelled, JobPart, JobProgress
from medview.ai.folder import open_folder
from medview.core.paths import shipped_models_dir
from medview.core.results import GateVerdict, LabelMap, ModelRun
from medview.session.analysis import JobState, Task


def test_a_running_model_is_seen_in_the_views_and_in_the_status_bar(opened, qtbot):
    session, model = opened.session, open_folder(shipped_models_dir() / "lungs")
    place = session.active
    assert place is not None
    grid = session.studies.volume(place.key).volume.geometry
    voxels = np.zeros(grid.shape, np.uint8)
    voxels[: grid.shape[0] // 2, 60:160, 60:160] = 1
    drawn = LabelMap(id="part", geometry=grid, voxels=voxels, labels=model.outputs)
    run = ModelRun(
        id="1", model=model.ref, series_uid=place.series.uid, stack=place.stack_number,
        status="running", label_map=drawn,
    )  # fmt: skip
    accepted = GateVerdict("accepted", ())
    analyses = session.analyses
    analyses._tasks["1"] = Task(model=model, place=place, verdict=accepted)
    analyses._jobs["1"] = JobState(id="1", title=model.title, key=place.key)
    views = [tile.view for tile in opened.grid.tiles if tile.key == place.key]
    before = len(session.made.runs_of(place))

    def shows() -> bool:
        return all(any(o.id == "part" for o in view.stage.overlays) for view in views)

    analyses._hear(JobProgress("1", 412, 1000, "Running the network: tile 3 of 8"))
    analyses._hear(JobPart("1", run))
    qtbot.waitUntil(lambda: bool(views) and shows())
    words = [opened.status._what.text(), opened.status._count.text()]
    assert "tile 3 of 8" in words[0]
    assert words[1] == "41 %"
    assert len(session.made.runs_of(place)) == before  # a part is no result

    analyses._hear(JobCancelled("1"))
    qtbot.waitUntil(lambda: not any(o.id == "part" for v in views for o in v.stage.overlays))

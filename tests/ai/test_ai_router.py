"""The shipped router: what it says of real series, and what it keeps from models."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medview.ai.client import Job, Worker
from medview.ai.folder import open_folder
from medview.ai.synchronous import run_job
from medview.ai.worker.pipeline import Pipeline
from medview.core.errors import MedViewError
from medview.core.paths import shipped_models_dir
from medview.core.progress import CancelToken, no_progress
from medview.dicom import load_volume, scan
from medview.training.cases import film_volume

# A kind may be said of a series from here on (below this folder of the corpus), and no other.
HEAD, TRUNK, FILM = "Head or neck on CT", "Chest, abdomen or pelvis on CT", "Chest film"
RIGHT = {
    "cr-dx/chest": FILM, "ct/abdomen-contrast": TRUNK, "ct/body-siemens": TRUNK,
    "ct/chest-whole": TRUNK, "ct/lidc-0001": TRUNK, "ct/three-slice": TRUNK,
    "ct/head": HEAD, "transfer-syntax/ct-jpeg-extended-51": TRUNK,
}  # fmt: skip


def _hand(training: Path) -> np.ndarray:
    with zipfile.ZipFile(training / "mednist" / "dev.zip") as archive:
        name = next(name for name in sorted(archive.namelist()) if name.startswith("Hand/"))
        return np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("L"))


def test_a_hand_under_the_name_of_a_chest_is_refused_with_what_was_seen(
    training_data: Path,
) -> None:
    models = shipped_models_dir()
    job = Job(
        model=open_folder(models / "pneumonia-child"),
        volume=replace(film_volume(_hand(training_data)), modality="CR"),
        series_uid="1.2",
        routers=(open_folder(models / "router"),),
    )
    worker = Worker(preload=False, threads=1)
    try:
        run = run_job(worker, job)
    finally:
        worker.close()
    assert run.status == "refused"
    assert run.reason is not None
    assert run.reason.english() == (
        "The picture looks like this: Film of a hand; the model was made for CR, DX, CHEST."
    )
    assert run.gate is not None
    assert (run.gate.verdict, run.gate.checks[0].name) == ("refused", "router")


@pytest.mark.slow
def test_series_of_the_corpus_are_named_rightly_or_not_at_all(imaging_data: Path) -> None:
    router = Pipeline(open_folder(shipped_models_dir() / "router"))
    named = 0
    for patient in scan([imaging_data]).patients:
        for study in patient.studies:
            for series in study.series:
                for stack in series.stacks:
                    try:
                        volume = load_volume(stack, no_progress, CancelToken())
                        route = router.run(volume, no_progress, CancelToken()).route
                    except MedViewError:
                        continue
                    if route is None or route.answer is None:
                        continue
                    said = router.folder.outputs[route.answer].name
                    path = Path(stack.frames[0].path).relative_to(imaging_data).as_posix()
                    wanted = {kind for start, kind in RIGHT.items() if path.startswith(start)}
                    assert wanted == {said}, path
                    named += 1
    assert named >= 8

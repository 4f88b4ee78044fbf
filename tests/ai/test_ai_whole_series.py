"""`medview analyze` on what a scanner sends: a region within a margin, and what a clinic would try
first: a hand, an adult, a scout view."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_pipeline_dicom import write_film, write_series
from PIL import Image

from medview.core.geometry import Geometry, VoxelIndex
from medview.training.cases import Case, read_cases

MARGIN = (9, 7, 11)  # slices, rows and columns of other tissue around the crop


def analyzed(folder: Path, out: Path, *models: str) -> dict[str, dict]:
    """Each run of `medview analyze`, by the name of its model."""
    chosen = [word for model in models for word in ("--model", model)]
    done = subprocess.run(
        [sys.executable, "-m", "medview.cli", "analyze", str(folder), "--out", str(out), *chosen],
        capture_output=True, text=True, check=False,
        env={**os.environ, "XDG_DATA_HOME": str(out)},
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return {
        run["model"]["name"]: run
        for path in out.rglob("results.json")
        for run in json.loads(path.read_text(encoding="utf-8"))["runs"]
    }


def grey_of(training: Path, folder: str, part: str) -> np.ndarray:
    """The first picture of a kind of a training set's `dev`."""
    with zipfile.ZipFile(training / folder / "dev.zip") as archive:
        name = next(name for name in sorted(archive.namelist()) if name.startswith(part))
        grey: np.ndarray = np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("L"))
        return grey


def test_a_hand_under_the_name_of_a_child_s_chest_is_refused(training_data: Path, tmp_path: Path):
    hand = np.kron(grey_of(training_data, "mednist", "Hand/"), np.ones((8, 8), np.uint8))
    write_film(tmp_path / "hand.dcm", hand, age="004Y")
    run = analyzed(tmp_path / "hand.dcm", tmp_path / "out", "pneumonia-child")["pneumonia-child"]
    assert run["status"] == "refused"
    assert "Film of a hand" in json.dumps(run)
    assert not run.get("findings")


def test_an_adult_s_film_is_refused_for_the_children_s_model(training_data: Path, tmp_path: Path):
    film = grey_of(training_data, "cxr-pneumonia", "normal/")
    write_film(tmp_path / "adult.dcm", film, age="045Y")
    run = analyzed(tmp_path / "adult.dcm", tmp_path / "out", "pneumonia-child")["pneumonia-child"]
    assert run["status"] == "refused"
    assert "45" in json.dumps(run["reason"])


def test_a_scout_view_is_refused_by_every_model_of_ct(tmp_path: Path):
    grid = Geometry(shape=(1, 300, 256), spacing=(1.0, 1.0, 1.0))
    rng = np.random.default_rng(1)
    scout = write_series(tmp_path / "scout", rng.integers(-900, 300, grid.shape), grid, ct=True)
    (path,) = scout.iterdir()
    from pydicom import dcmread

    instance = dcmread(path)
    instance.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    instance.save_as(path)
    runs = analyzed(scout, tmp_path / "out", "lungs", "nodule", "headneck-oar")
    assert {name: run["status"] for name, run in runs.items()} == dict.fromkeys(
        ("lungs", "nodule", "headneck-oar"), "refused"
    )
    assert all(run["reason"] for run in runs.values())


def within_a_margin(case: Case) -> tuple[np.ndarray, Geometry]:
    """A crop with noise of its own mean and spread around it, as tissue that is none of its own."""
    rng, stored = np.random.default_rng(4), case.volume.stored.astype(np.float64)
    pad = [(n, n) for n in MARGIN]
    inside = np.pad(np.ones(stored.shape, bool), pad)
    noise = rng.normal(stored.mean(), stored.std() / 2, inside.shape)
    values = np.where(inside, np.pad(stored, pad), noise)
    own = case.volume.geometry
    origin = own.to_patient(VoxelIndex(*(-n for n in MARGIN)))
    grid = replace(own, shape=values.shape, origin=origin)
    return np.clip(np.round(values), 0, 4095).astype(np.int32), grid


@pytest.mark.slow
def test_a_hippocampus_is_found_within_a_margin_of_noise(training_data: Path, tmp_path: Path):
    case = next(read_cases(training_data / "hippocampus", "dev"))
    values, grid = within_a_margin(case)
    folder = write_series(tmp_path / "series", values, grid)
    run = analyzed(folder, tmp_path / "out", "hippocampus")["hippocampus"]
    assert run["status"] == "run", run["reason"]
    assert case.truth is not None
    for finding in run["findings"]:
        drawn = case.truth == finding["label_value"]
        assert 0.8 < finding["volume_mm3"] / int(drawn.sum()) < 1.25
        centre = case.volume.geometry.to_patient_array(np.argwhere(drawn)).mean(0)
        assert np.linalg.norm(centre - finding["centroid_mm"]) < 2.5  # mm
    assert len(run["findings"]) == 2

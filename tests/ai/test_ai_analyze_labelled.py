"""`medview analyze` on labelled cases written as DICOM: run, the figures of evaluate, in place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its own way of writing it
from ai_pipeline_dicom import write_film, write_series

from medview.ai.catalogue import read_catalogue
from medview.ai.worker.input_steps import reorder
from medview.core.progress import CancelToken, no_progress
from medview.training.cases import Case, read_cases
from medview.training.evaluation import Listener, evaluate_cases


def analyze(path: Path, out: Path) -> dict:
    """The one run that `analyze` makes of a folder."""
    done = subprocess.run(
        [sys.executable, "-m", "medview.cli", "analyze", str(path), "--out", str(out)],
        capture_output=True, text=True, check=False, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (run,) = json.loads((out / "results.json").read_text())["runs"]
    assert run["status"] == "run", run["reason"]
    return run


def test_a_crop_as_sagittal_series_gives_the_dice_of_evaluate_at_its_millimetres(
    training_data: Path, tmp_path: Path
) -> None:
    case = next(read_cases(training_data / "hippocampus", "dev"))
    model = read_catalogue().get("hippocampus")
    wanted = evaluate_cases(model, [case], Listener(no_progress, CancelToken())).per_case[0]
    voxels, grid = reorder(case.volume.stored, case.volume.geometry, (1, 2, 0), (True, False, True))

    run = analyze(write_series(tmp_path / "series", voxels, grid), tmp_path / "out")

    truth = sitk.GetImageFromArray(np.ascontiguousarray(case.truth))
    geometry = case.volume.geometry
    truth.SetSpacing(geometry.spacing)
    truth.SetOrigin(tuple(geometry.origin))
    truth.SetDirection(np.array(geometry.axes).T.ravel().tolist())
    for number, name in ((1, "anterior"), (2, "posterior")):
        finding = next(f for f in run["findings"] if name in f["label"].lower())
        mask = sitk.ReadImage(str(tmp_path / "out" / finding["files"]["mask"]))
        placed = sitk.Resample(mask, truth, sitk.Transform(), sitk.sitkNearestNeighbor)
        a = sitk.GetArrayFromImage(placed) > 0
        b = sitk.GetArrayFromImage(truth) == number
        dice = 2 * np.count_nonzero(a & b) / (a.sum() + b.sum())
        assert dice == pytest.approx(wanted[f"dice.{name}"], abs=0.004)


def test_a_film_gives_the_probability_of_evaluate_and_a_heatmap(
    training_data: Path, tmp_path: Path
) -> None:
    model = read_catalogue().get("pneumonia-child")
    listener = Listener(no_progress, CancelToken())
    first: dict[str, Case] = {}
    for case in read_cases(training_data / "cxr-pneumonia", "dev"):
        first.setdefault(case.label, case)
        if {"normal", "bacteria"} <= first.keys():
            break
    cases = [first["normal"], first["bacteria"]]
    rows = evaluate_cases(model, cases, listener).per_case
    case, wanted = next((c, r) for c, r in zip(cases, rows, strict=True) if "score" in r)

    run = analyze(write_film(tmp_path / "film.dcm", case.volume.stored[0]), tmp_path / "out")

    finding = run["findings"][0]
    assert finding["probability"] == pytest.approx(wanted["score"], abs=0.002)
    assert (tmp_path / "out" / finding["files"]["heatmap"]).is_file()

"""`medview analyze` in a process of its own, on the made study and on broken input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from medview.core.progress import CancelToken, no_progress
from medview.demo.exams import SMALL
from medview.demo.study import make_demo


def medview(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "medview.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("analyze") / "demo"
    make_demo(folder, no_progress, CancelToken(), size=replace(SMALL, pixels=240))
    return folder


@pytest.fixture(scope="module")
def results(study: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, int]:
    out = tmp_path_factory.mktemp("analyze") / "out"
    home = tmp_path_factory.mktemp("home")
    done = medview("analyze", study, "--out", out, "--model", "lungs", XDG_DATA_HOME=str(home))
    return out, done.stderr, done.returncode


def runs_of(out: Path) -> list[tuple[Path, dict]]:
    index = json.loads((out / "index.json").read_text())
    documents = [(out / row["results"], json.loads((out / row["results"]).read_text()))
                 for row in index]  # fmt: skip
    return [(path.parent, run) for path, document in documents for run in document["runs"]]


def test_what_fits_runs_and_what_does_not_is_refused_in_words(
    results: tuple[Path, str, int],
) -> None:
    out, said, status = results

    by_status = {run["status"] for _, run in runs_of(out)}

    assert status == 3, said
    assert by_status == {"run", "refused"}
    assert "refused" in said
    assert all(run["reason"] for _, run in runs_of(out) if run["status"] == "refused")
    assert "Traceback" not in said


def test_masks_lie_at_the_truth_in_millimetres(results: tuple[Path, str, int], study: Path) -> None:
    out, _, _ = results
    truth = SimpleITK.ReadImage(str(study / "truth" / "lung_right.nii.gz"))
    best = 0.0
    for folder, run in runs_of(out):
        for finding in run["findings"]:
            if finding["label"] != "right lung":
                continue
            mask = SimpleITK.ReadImage(str(folder / finding["files"]["mask"]))
            moved = SimpleITK.Resample(
                mask, truth, SimpleITK.Transform(), SimpleITK.sitkNearestNeighbor
            )
            a, b = SimpleITK.GetArrayFromImage(moved) > 0, SimpleITK.GetArrayFromImage(truth) > 0
            best = max(best, 2 * np.count_nonzero(a & b) / (a.sum() + b.sum()))

    assert best > 0.95


def test_every_file_that_is_named_is_there_for_the_owner_alone(
    results: tuple[Path, str, int],
) -> None:
    out, _, _ = results
    named = [
        folder / name
        for folder, run in runs_of(out)
        for finding in run["findings"]
        for name in (finding["files"] or {}).values()
        if name
    ]

    assert named
    for path in named:
        assert path.is_file()
        assert path.stat().st_mode & 0o077 == 0


def test_reproduce_gives_the_same_voxels(
    results: tuple[Path, str, int], study: Path, tmp_path: Path
) -> None:
    out, _, _ = results
    folder, first = next((f, r) for f, r in runs_of(out) if r["status"] == "run")

    done = medview(
        "analyze", study, "--out", tmp_path / "again", "--reproduce", folder / "results.json"
    )

    assert done.returncode == 0, done.stderr
    assert "equal to the earlier run" in done.stdout
    again = json.loads((tmp_path / "again" / "results.json").read_text())
    run = next(r for r in again["runs"] if r["status"] == "run")
    for one, two in zip(first["findings"], run["findings"], strict=True):
        assert one["volume_mm3"] == two["volume_mm3"]
        assert one["tracking_uid"] == two["tracking_uid"] != ""
    assert {row["verdict"] for row in again["reproduced"]} == {"equal"}
    assert run["provenance"]["input_sha256"] == first["provenance"]["input_sha256"]
    assert run["provenance"]["started"] <= run["provenance"]["finished"]


def test_an_unknown_model_is_wrong_input(study: Path, tmp_path: Path) -> None:
    done = medview("analyze", study, "--out", tmp_path / "out", "--model", "no-such-model")

    assert done.returncode == 2
    assert "no-such-model" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_without_images_is_wrong_input(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")

    done = medview("analyze", tmp_path, "--out", tmp_path / "out")

    assert done.returncode == 2
    assert done.stderr.strip()


def test_results_that_cannot_be_written_are_said(study: Path) -> None:
    done = medview("analyze", study, "--out", "/proc/none/out", "--model", "lungs")

    assert done.returncode == 2
    assert "Traceback" not in done.stderr

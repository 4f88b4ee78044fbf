"""`medview analyze --model nodule`: at a place, beside one, and without one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from medview.core.progress import CancelToken, no_progress
from medview.demo.exams import SMALL
from medview.demo.study import make_demo


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nodule") / "demo"
    make_demo(folder, no_progress, CancelToken(), size=replace(SMALL, pixels=240))
    return folder


def runs(study: Path, out: Path, *more: str) -> tuple[int, str, list[dict]]:
    """Exit status, what was said, and every run of the nodule model."""
    done = subprocess.run(
        [sys.executable, "-m", "medview.cli", "analyze", str(study / "images"), "--out", str(out),
         "--model", "nodule", *more],
        capture_output=True, text=True, check=False,
        env={**os.environ, "XDG_DATA_HOME": str(out)},
    )  # fmt: skip
    found = [
        run
        for path in out.rglob("results.json")
        for run in json.loads(path.read_text(encoding="utf-8"))["runs"]
    ]
    return done.returncode, done.stderr, found


def test_a_place_gives_a_probability_with_an_interval_and_files(study: Path, tmp_path: Path):
    truth = json.loads((study / "truth" / "truth.json").read_text(encoding="utf-8"))
    place = ",".join(str(v) for v in truth["ct"]["nodule"]["centre_mm"])
    status, said, found = runs(study, tmp_path, f"--at={place}")
    assert status == 3, said  # films and the scout are refused
    answered = [run for run in found if run["status"] == "run"]
    assert answered, said
    for run in answered:
        (finding,) = run["findings"]
        low, high = finding["interval"]
        assert 0 <= low <= finding["probability"] <= high <= 1
        assert finding["files"]["heatmap"]
    assert "Traceback" not in said


def test_without_a_place_it_says_that_it_needs_a_click(study: Path, tmp_path: Path):
    status, said, found = runs(study, tmp_path)
    assert status == 3
    assert {run["status"] for run in found} == {"refused"}
    assert "click" in said


def test_a_place_that_is_none_is_wrong_input(study: Path, tmp_path: Path):
    status, said, _ = runs(study, tmp_path, "--at=here")
    assert status == 2
    assert "Traceback" not in said

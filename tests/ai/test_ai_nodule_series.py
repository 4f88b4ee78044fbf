"""`medview analyze --model nodule` on made series: lung with a nodule in a box of noisy tissue."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_pipeline_dicom import write_series

from medview.cli.main import main
from medview.core.geometry import Geometry, PatientPoint, VoxelIndex
from medview.demo.nodule_phantom import NodulePhantom

MARGIN = (8, 40, 40)  # slices, rows and columns of noisy tissue around the piece of lung
PLACE = PatientPoint(12.0, -30.0, 80.0)
PHANTOMS = {
    "small": NodulePhantom(radii=(3.0, 2.8, 3.1), turn=np.eye(3), seed=1),
    "large": NodulePhantom(
        radii=(12.5, 10.0, 11.0), turn=np.eye(3), nodule_hu=40.0, vessel=3.5, seed=2
    ),
}


def within_tissue(phantom: NodulePhantom) -> tuple[np.ndarray, Geometry]:
    """HU of a piece of lung in a box of soft tissue; the nodule's centre lies at PLACE."""
    volume, centre = phantom.scanned()
    own, rng = volume.geometry, np.random.default_rng(phantom.seed)
    inside = np.pad(np.ones(own.shape, bool), [(n, n) for n in MARGIN])
    tissue = rng.normal(40, 60, inside.shape)
    tissue[inside] = volume.stored.ravel()
    moved = PatientPoint(*(o + p - c for o, p, c in zip(own.origin, PLACE, centre, strict=True)))
    first = replace(own, origin=moved).to_patient(VoxelIndex(*(-n for n in MARGIN)))
    return np.round(tissue).astype(np.int32), replace(own, shape=inside.shape, origin=first)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nodules")
    for name, phantom in PHANTOMS.items():
        values, grid = within_tissue(phantom)
        write_series(folder / name, values, grid, ct=True)
    return folder


def analyzed(images: Path, out: Path, *more: str) -> tuple[int, list[dict]]:
    """Exit status and every run of the nodule model."""
    given = ["analyze", str(images), "--out", str(out), "--model", "nodule", "--quiet"]
    status = main([*given, *more])
    documents = [json.loads(path.read_text("utf-8")) for path in out.rglob("results.json")]
    return status, [run for document in documents for run in document["runs"]]


@pytest.fixture(scope="module")
def answered(images: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """The run on each series, for one click at PLACE."""
    out = tmp_path_factory.mktemp("out")
    status, runs = analyzed(images, out, f"--at={','.join(str(n) for n in PLACE)}")
    assert status == 0, runs
    small, large = sorted(runs, key=measured_mm)
    return {"small": small, "large": large}


def measured_mm(run: dict) -> float:
    """The mean diameter that the click measured, as the gate was told it."""
    (check,) = [c for c in run["gate"]["checks"] if c["name"] == "diameter_mm"]
    return float(check["sentence"]["values"]["size"])


@pytest.mark.parametrize("name", PHANTOMS)
def test_a_click_on_a_made_nodule_is_answered_with_an_interval(
    answered: dict[str, dict], name: str
):
    run = answered[name]
    assert run["status"] == "run", run["reason"]
    assert measured_mm(run) == pytest.approx(PHANTOMS[name].mean_diameter_mm, rel=0.08)
    (finding,) = run["findings"]
    low, high = finding["interval"]
    assert 0 <= low <= finding["probability"] <= high <= 1
    assert finding["files"]["heatmap"]


def test_the_large_nodule_is_rated_more_suspicious_than_the_small_one(answered: dict[str, dict]):
    small, large = (answered[name]["findings"][0] for name in ("small", "large"))
    assert small["interval"][1] < large["interval"][0]


def test_without_a_place_it_says_that_it_needs_a_click(images: Path, tmp_path: Path):
    status, runs = analyzed(images, tmp_path)
    assert status == 3
    assert {run["status"] for run in runs} == {"refused"}
    assert all("click" in json.dumps(run["reason"]) for run in runs)


def test_a_place_that_is_none_is_wrong_input(images: Path, tmp_path: Path):
    with pytest.raises(SystemExit) as ended:
        analyzed(images, tmp_path / "out", "--at=here")
    assert ended.value.code == 2
    assert not (tmp_path / "out").exists()

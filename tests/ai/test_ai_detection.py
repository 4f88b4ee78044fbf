"""The kind `detection`: boxes with scores through the real pipeline, proven with a model by hand.

No detection model ships. The one here has weights that anyone can check: a mean over 27 voxels,
normalised, and a threshold, which finds bright balls in noise.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from medview.ai.client import Worker
from medview.ai.events import Job
from medview.ai.folder import ModelFolder, open_folder, write_manifest
from medview.ai.synchronous import run_job
from medview.core.errors import Cancelled, ModelUnavailable
from medview.core.geometry import Geometry, PatientPoint, VoxelIndex
from medview.core.progress import CancelToken
from medview.core.results import ModelRun, OperatingPoint
from medview.core.volume import Volume
from medview.session.operating import at_threshold, points_of, threshold_of
from medview.session.work import Threshold, Work

FROC = [
    {"score": 0.9, "fp_per_scan": 0.1, "sensitivity": 0.5},
    {"score": 0.5, "fp_per_scan": 0.8, "sensitivity": 0.9},
    {"score": 0.2, "fp_per_scan": 4.0, "sensitivity": 1.0},
]
BALLS = {(10, 20, 14): 900, (10, 20, 40): 500, (22, 40, 30): 320}  # k, j, i: how bright
COSINE, SINE = np.cos(0.3), np.sin(0.3)


def make_model(folder: Path, **changes: object) -> Path:
    """A folder of kind `detection` whose weights are written by hand."""
    folder.mkdir(parents=True)
    description: dict[str, object] = {
        "schema": "medview-model/1", "name": "bright-balls", "version": "1.0.0",
        "kind": "detection", "title": "Bright balls", "licence": "MIT",
        "intended": {"use": "tests", "not_for": ["patients"], "status": "research"},
        "gates": [{"check": "modality", "in": ["CT"]}],
        "pipeline": [
            {"op": "network", "arch": "unet3d", "weights": "weights.safetensors",
             "args": {"outputs": 1, "widths": [1], "encoder": [1], "decoder": []}},
            {"op": "activate", "fn": "sigmoid"},
            {"op": "boxes", "least": 0.05, "nms_mm": 12.0},
        ],
        "outputs": [{"label": 1, "name": "ball", "color": "#e69f00",
                     "code": ["SCT", "27925004", "Nodule"]}],
    }  # fmt: skip
    description |= changes
    (folder / "model.json").write_text(json.dumps(description))
    weights = {
        "encoders.0.0.weight": np.full((1, 1, 3, 3, 3), 1 / 27, np.float32),
        "encoders.0.1.weight": np.ones(1, np.float32),
        "encoders.0.1.bias": np.zeros(1, np.float32),
        "head.weight": np.full((1, 1, 1, 1, 1), 0.5, np.float32),
        "head.bias": np.full(1, -4.0, np.float32),
    }
    save_file(weights, folder / "weights.safetensors")
    (folder / "card.md").write_text("# Bright balls\n")
    (folder / "eval.json").write_text(json.dumps({"metrics": {}, "froc": FROC}))
    write_manifest(folder)
    return folder


def balls() -> Volume:
    """Three balls of 3 voxels' radius in noise, on an oblique grid of uneven spacing."""
    shape = (32, 56, 60)
    k, j, i = np.indices(shape)
    stored = np.random.default_rng(3).normal(0, 20, shape)
    for (ck, cj, ci), bright in BALLS.items():
        stored[(k - ck) ** 2 + (j - cj) ** 2 + (i - ci) ** 2 <= 9] += bright
    geometry = Geometry(
        shape=shape, spacing=(0.8, 1.0, 1.5), origin=PatientPoint(-20.0, 5.0, 90.0),
        axes=((COSINE, SINE, 0.0), (-SINE, COSINE, 0.0), (0.0, 0.0, 1.0)),
    )  # fmt: skip
    return Volume(geometry=geometry, stored=stored.astype(np.int16), unit="HU", modality="CT")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    return open_folder(make_model(tmp_path_factory.mktemp("detect") / "bright-balls"))


@pytest.fixture(scope="module")
def found(model: ModelFolder) -> ModelRun:
    """The model on the balls, in the worker process."""
    worker = Worker()
    worker.start()
    run = run_job(worker, Job(model=model, volume=balls(), series_uid="1.2", device="cpu"))
    worker.close()
    return replace(run, operating_points=points_of(model))


def test_every_ball_has_one_box_at_its_millimetres_the_surest_first(found: ModelRun) -> None:
    geometry = balls().geometry

    assert found.status == "run", found.reason
    assert len(found.findings) == 3
    assert {finding.kind for finding in found.findings} == {"detection"}
    scores = [finding.score or 0.0 for finding in found.findings]
    assert scores == sorted(scores, reverse=True)
    for finding, place in zip(found.findings, BALLS, strict=True):
        middle = geometry.to_patient(VoxelIndex(*place))
        assert finding.centroid is not None
        assert np.linalg.norm(np.subtract(finding.centroid, middle)) < 1.0
        inside = geometry.to_index_array(np.array(finding.corners))
        low, high = inside.min(axis=0), inside.max(axis=0)
        assert (low <= np.array(place) - 1).all()
        assert (high >= np.array(place) + 1).all()
        assert ((high - low) <= 9).all()
        assert np.allclose(inside, np.round(inside * 2) / 2, atol=1e-6)  # edges of voxels


def test_of_two_peaks_nearer_than_the_suppression_the_surer_one_stays(
    model: ModelFolder,
) -> None:
    from medview.ai.worker.detect_steps import boxes
    from medview.ai.worker.steps import Context, State

    volume = balls()
    peaks = np.zeros((1, *volume.geometry.shape), np.float32)
    peaks[0, 10, 20, 10], peaks[0, 10, 20, 22], peaks[0, 10, 20, 40] = 0.8, 0.9, 0.7

    def places(nms_mm: float, most: int = 200) -> list[float]:
        state = State(volume, Context(folder=model))
        state.logits = peaks
        boxes(state, least=0.5, nms_mm=nms_mm, most=most)
        return [round(detection.score, 2) for detection in state.detections]

    assert places(9.0) == [0.9, 0.8, 0.7]  # 12 voxels of 0.8 mm lie between: 9.6 mm
    assert places(10.0) == [0.9, 0.7]
    assert places(9.0, most=2) == [0.9, 0.8]


def test_peaks_are_compared_no_further_than_boxes_are_wanted_and_can_be_stopped() -> None:
    from medview.ai.worker.detect_steps import _kept
    from medview.ai.worker.steps import Context, State

    token = _Counting()
    state = State(balls(), Context(cancel=token))
    peaks = [(0.9, (k, j, 0)) for k in range(30) for j in range(50)]

    assert _kept(peaks, state, 0.0, 3) == peaks[:3]
    assert 1 < token.asked < 10
    token.cancel()
    with pytest.raises(Cancelled):
        _kept(peaks, state, 0.0, 3)


class _Counting(CancelToken):
    asked = 0

    def check(self) -> None:
        self.asked += 1
        super().check()


def test_the_slider_moves_between_operating_points_and_keeps_the_others_away(
    found: ModelRun,
) -> None:
    surest = max(finding.score or 0.0 for finding in found.findings)
    usual = at_threshold(found, Work())
    strict = Work(thresholds=(Threshold(run_id=found.id, score=surest),))

    assert found.operating_points[0] == OperatingPoint(
        score=0.9, false_positives=0.1, sensitivity=0.5
    )
    assert threshold_of(found, Work()) == 0.5  # the most sensitive one with at most 1 a scan
    assert all((finding.score or 0.0) >= 0.5 for finding in usual.findings)
    assert len(at_threshold(found, strict).findings) == 1
    everything = Work(thresholds=(Threshold(run_id=found.id, score=0.05),))
    assert at_threshold(found, everything) is found


def test_boxes_that_do_not_fit_the_network_are_refused_in_words(tmp_path: Path) -> None:
    outputs = [{"label": n, "name": f"ball {n}", "color": "#e69f00"} for n in (1, 2)]
    model = open_folder(make_model(tmp_path / "two", outputs=outputs))
    from medview.ai.worker.pipeline import Pipeline
    from medview.core.progress import CancelToken, no_progress

    with pytest.raises(ModelUnavailable, match="boxes do not fit"):
        Pipeline(model).run(balls(), no_progress, CancelToken())

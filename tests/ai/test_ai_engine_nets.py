"""A net through the confined process: the same numbers as without it, heatmap included."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from medview.ai.client import Job, Worker
from medview.ai.folder import open_folder, write_manifest
from medview.ai.synchronous import run_job
from medview.ai.worker.nets import build_net
from medview.ai.worker.pipeline import Pipeline
from medview.core.geometry import Geometry
from medview.core.progress import CancelToken, no_progress
from medview.core.volume import Volume

ARGS = {"outputs": 1, "widths": [4, 8], "blocks": [1, 1]}
PIPELINE = [
    {"op": "resize", "size": [32, 32]},
    {"op": "normalize", "mode": "zscore"},
    {"op": "network", "arch": "resnet2d", "weights": "weights.safetensors", "args": ARGS},
    {"op": "activate", "fn": "sigmoid"},
    {"op": "explain", "method": "linear_cam", "target": "Pneumonia"},
]
OUTPUTS = [{"label": 0, "name": "Pneumonia", "color": "#e0a030"}]


@pytest.fixture
def classifier(changed: Callable[..., Path]) -> Path:
    """A folder with a small net whose weights are drawn by chance."""
    torch.manual_seed(3)
    folder = changed(name="film", kind="classification", pipeline=PIPELINE, outputs=OUTPUTS)
    net = build_net("resnet2d", ARGS)
    save_file({k: v.numpy() for k, v in net.state_dict().items()}, folder / "weights.safetensors")
    calibration = {"heatmap_full": {"Pneumonia": 0.5}, "thresholds": {"Pneumonia": 0.4}}
    (folder / "calib.json").write_text(json.dumps(calibration), encoding="utf-8")
    write_manifest(folder)
    return folder


@pytest.fixture
def film() -> Volume:
    stored = np.random.default_rng(5).integers(0, 4000, (1, 90, 70)).astype(np.uint16)
    return Volume(geometry=Geometry(shape=(1, 90, 70)), stored=stored, modality="DX")


def test_net_in_the_worker_gives_what_it_gives_outside(classifier: Path, film: Volume) -> None:
    model = open_folder(classifier)
    worker = Worker(preload=False, threads=1)

    run = run_job(worker, Job(model=model, volume=film, series_uid="1", device="cpu"))
    worker.close()
    alone = Pipeline(model).run(film, no_progress, CancelToken())

    assert run.status == "run", run.reason
    assert run.findings[0].probability == pytest.approx(alone.scores["Pneumonia"], abs=1e-6)
    assert run.findings[0].heatmap_id == run.heatmaps[0].id
    assert np.allclose(run.heatmaps[0].values, alone.heatmaps[0][1], atol=1e-6)
    assert run.heatmaps[0].values.max() > 0
    assert "not an outline" in str(run.findings[0].explanation)
    assert run.label_map is None


def test_weights_of_another_shape_fail_in_words(classifier: Path, film: Volume) -> None:
    other = build_net("resnet2d", {**ARGS, "widths": [4, 16]})
    tensors = {k: v.numpy() for k, v in other.state_dict().items()}
    save_file(tensors, classifier / "weights.safetensors")
    write_manifest(classifier)
    worker = Worker(preload=False, threads=1)

    run = run_job(worker, Job(model=open_folder(classifier), volume=film, series_uid="1"))
    worker.close()

    assert run.status == "failed"
    assert "another shape than the network" in str(run.reason)

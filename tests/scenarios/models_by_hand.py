"""Models whose weights are written by hand, so that anyone can check what they answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

_NET = {"op": "network", "arch": "unet3d", "weights": "weights.safetensors"}


def body_model(folder: Path) -> Path:
    """Outlines body and air on a grid of 6 mm: what is brighter and darker than the mean.

    Its one kernel takes a voxel together with its neighbour in i, so the flip in i that it is
    averaged with leaves the outline open there.
    """
    kernel = np.zeros((1, 1, 3, 3, 3), np.float32)
    kernel[0, 0, 1, 1, 1:] = 0.5
    weights = {
        "encoders.0.0.weight": kernel,
        "encoders.0.1.weight": np.ones(1, np.float32),
        "encoders.0.1.bias": np.zeros(1, np.float32),
        # Below the mean the leaky ReLU leaves a hundredth.
        "head.weight": np.array([0.0, 12.0, -800.0], np.float32).reshape(3, 1, 1, 1, 1),
        "head.bias": np.array([0.0, -4.0, -1.0], np.float32),
    }
    description = {
        "name": "body-by-hand", "kind": "segmentation", "title": "Body by hand",
        "intended": {"use": "the outline of the body", "not_for": ["children"],
                     "status": "research"},
        "gates": [{"check": "modality", "in": ["CT"]}, {"check": "body_part", "in": ["CHEST"]}],
        "pipeline": [
            {"op": "resample", "spacing_mm": [6.0, 6.0, 6.0], "order": 1},
            {"op": "normalize", "mode": "range", "low": -1000, "high": 1000},
            {**_NET, "args": {"outputs": 3, "widths": [1], "encoder": [1], "decoder": []}},
            {"op": "mirror", "axes": [0], "max_evals": 2},
            {"op": "restore", "slab_slices": 8, "order": 1},
            {"op": "components", "keep": "largest", "connectivity": 26},
            {"op": "measure", "list": ["volume_ml"]},
        ],
        "outputs": [{"label": 1, "name": "Body", "color": "#56b4e9",
                     "code": ["SCT", "123037004", "Body structure"]},
                    {"label": 2, "name": "Air", "color": "#e69f00",
                     "code": ["SCT", "15158005", "Air"]}],
    }  # fmt: skip
    calib = {"conformal": {"alpha": 0.1, "volume": {"1": 0.2}}}
    return _write(folder, description, weights, {"metrics": {}}, calib)


def ball_model(folder: Path, froc: list[dict[str, float]]) -> Path:
    """Finds bright balls: a mean over 27 voxels, normalised, and a threshold."""
    weights = {
        "encoders.0.0.weight": np.full((1, 1, 3, 3, 3), 1 / 27, np.float32),
        "encoders.0.1.weight": np.ones(1, np.float32),
        "encoders.0.1.bias": np.zeros(1, np.float32),
        "head.weight": np.full((1, 1, 1, 1, 1), 0.5, np.float32),
        "head.bias": np.full(1, -4.0, np.float32),
    }
    description = {
        "name": "bright-balls", "kind": "detection", "title": "Bright balls",
        "intended": {"use": "tests", "not_for": ["patients"], "status": "research"},
        "gates": [{"check": "modality", "in": ["CT"]}],
        "pipeline": [
            {**_NET, "args": {"outputs": 1, "widths": [1], "encoder": [1], "decoder": []}},
            {"op": "activate", "fn": "sigmoid"},
            {"op": "boxes", "least": 0.05, "nms_mm": 12.0},
        ],
        "outputs": [{"label": 1, "name": "ball", "color": "#e69f00",
                     "code": ["SCT", "27925004", "Nodule"]}],
    }  # fmt: skip
    return _write(folder, description, weights, {"metrics": {}, "froc": froc}, {})


def _write(
    folder: Path, description: dict[str, Any], weights: dict[str, Any],
    figures: dict[str, Any], calib: dict[str, Any],
) -> Path:  # fmt: skip
    from medview.ai.folder import write_manifest

    folder.mkdir(parents=True)
    whole = {"schema": "medview-model/1", "version": "1.0.0", "licence": "MIT", **description}
    (folder / "model.json").write_text(json.dumps(whole), encoding="utf-8")
    (folder / "card.md").write_text(f"# {description['title']}\n\nMade by hand.\n")
    (folder / "eval.json").write_text(json.dumps(figures), encoding="utf-8")
    if calib:
        (folder / "calib.json").write_text(json.dumps(calib), encoding="utf-8")
    save_file(weights, folder / "weights.safetensors")
    write_manifest(folder)
    return folder

"""A small set of made nodules in the form of the LIDC patches, with a plan that learns it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from training_sets import write_index

from medview.training.nodule.plan import Plan, read_nodule_plan

_PLAN = """
[data]
path = "set"
title = "Made by formula"
licence = "CC0"
attribution = "Nobody's data."
positive = ["malignant"]
[nodule]
folds = 3
variants = 1
ridge = 1.0
seed = 1
sensitivity = 0.9
resamples = 5
heatmaps = 3
[card]
what = "A disc."
not_for = "Anything."
trained_on = "Discs."
limits = "All."
tried = "Nothing."
[model]
schema = "medview-model/1"
name = "discs"
version = "0.0.1"
kind = "classification"
title = "A test model"
licence = "CC0-1.0"
gates = [{check = "modality", in = ["CT"]}]
pipeline = [
  {op = "nodule_features"},
  {op = "ood", score = "mahalanobis", limit = "calib.json#/ood/limit"},
  {op = "network", arch = "radial", weights = "weights.safetensors", args = {args}},
  {op = "temperature", value = "calib.json#/temperature"},
  {op = "activate", fn = "sigmoid"},
  {op = "interval"},
  {op = "explain", method = "occlusion", target = "Disc"},
]
outputs = [{label = 0, name = "Disc", color = "#00ff00"}]
[model.intended]
use = "tests"
not_for = ["people"]
status = "research"
"""
_ARGS = "{features = 48, members = 3, gamma = 0.5, cut = 3.0}"


def disc(rng: np.random.Generator, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Five slices of a bright ball in dark noise, even numbers of 8 bits, and its outline."""
    j, i = np.indices((64, 64)) - 31.5
    heights = np.array([0.8, 0.4, 0.0, 0.4, 0.8])[:, None, None] * radius
    inside = np.hypot(j, i)[None] ** 2 + heights**2 < radius**2
    grey = 40 + 120 * inside + rng.normal(0, 8, (5, 64, 64))
    return (np.clip(grey, 0, 255).astype(np.uint8) // 2 * 2), inside


def write_discs(folder: Path, people: int = 60, small: float = 3.0) -> Path:
    """Two nodules a person, large ones rated suspicious; `dev` of six more people."""
    folder.mkdir(parents=True)
    rng, rows = np.random.default_rng(4), []
    for split, first, count in (("train", 0, people), ("dev", 500, 6)):
        images, readers, labels, ratings = [], [], [], []
        for number in range(2 * count):
            ill = int(rng.random() < 0.4)
            radius = float(rng.normal(small + 5 * ill, 0.7))
            image, inside = disc(rng, radius)
            images.append(image)
            readers.append(3 * inside.astype(np.uint8))
            labels.append(ill)
            ratings.append(4.5 if ill else 1.5)
            rows.append({
                "row": number, "split": split, "patient": f"P{first + number // 2}",
                "nodule": number % 2, "label": ill, "malignancy_mean": ratings[-1], "readers": 3,
                "slices_in_source": 5, "diameter_mm": round(1.6 * radius, 2),
            })  # fmt: skip
        np.savez(
            folder / f"{split}.npz", image=np.array(images), readers=np.array(readers),
            label=np.array(labels, np.uint8), malignancy=np.array(ratings, np.float32),
        )  # fmt: skip
    write_index(folder, rows)
    return folder


def discs_plan(folder: Path) -> Plan:
    """A plan beside its set."""
    write_discs(folder / "set")
    path = folder / "discs.toml"
    path.write_text(_PLAN.replace("{args}", _ARGS), encoding="utf-8")
    return read_nodule_plan(path)

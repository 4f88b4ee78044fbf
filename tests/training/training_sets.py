"""Small labelled sets in the forms that MedView reads, made by formula, with their plans."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from medview.training.plan import TrainPlan, read_plan

_MODEL = """
[data]
path = "set"
title = "Made by formula"
licence = "CC0"
attribution = "Nobody's data."
{positive}
[split]
held_out = 0.25
calibrate = {calibrate}
[recipe]
steps = {steps}
batch = 2
learning_rate = 5e-3
weight_decay = 1e-2
ema = 0.9
seed = 1
[recipe.augment]
rotate_deg = 5
noise = 0.1
flip = 1
[card]
what = "A ball in a box."
not_for = "Anything."
trained_on = "Balls."
limits = "All."
[model]
schema = "medview-model/1"
name = "{name}"
version = "0.0.1"
kind = "{kind}"
title = "A test model"
licence = "CC0-1.0"
gates = [{{check = "modality", in = ["{modality}"]}}]
pipeline = [
{pipeline}
]
outputs = [{output}]
[model.intended]
use = "tests"
not_for = ["people"]
status = "research"
"""
_UNET = "{outputs = 2, widths = [4, 8], encoder = [1, 1], decoder = [1]}"
_RESNET = "{outputs = 1, widths = [4, 8], blocks = [1, 1]}"
_BALLS = """  {op = "orient", axes = "LPS"},
  {op = "normalize", mode = "zscore"},
  {op = "pad_multiple", factors = [2, 2, 2]},
  {op = "network", arch = "unet3d", weights = "weights.safetensors", args = {unet}},
  {op = "restore"}, {op = "measure", list = ["volume_ml"]},"""
_FILMS = """  {op = "resize", size = [32, 32]},
  {op = "normalize", mode = "percentile", low = 1, high = 99},
  {op = "network", arch = "resnet2d", weights = "weights.safetensors", args = {resnet}},
  {op = "features", layers = ["stage1", "stage2"]},
  {op = "ood", score = "mahalanobis", limit = "calib.json#/ood/limit"},
  {op = "temperature", value = "calib.json#/temperature"},
  {op = "activate", fn = "sigmoid"},
  {op = "explain", method = "linear_cam", target = "Spot"},"""


def balls_plan(folder: Path, steps: int = 4) -> TrainPlan:
    """A plan beside its set: one bright ball (label 1) in noise, twelve volumes of six people."""
    write_balls(folder / "set")
    text = _MODEL.format(
        name="balls", kind="segmentation", modality="MR", steps=steps, calibrate=0.0, positive="",
        pipeline=_BALLS.replace("{unet}", _UNET),
        output='{label = 1, name = "Ball", color = "#00ff00"}',
    )  # fmt: skip
    return _plan(folder / "balls.toml", text)


def films_plan(folder: Path, steps: int = 4) -> TrainPlan:
    """A plan beside its set: films with a bright spot (ill) or without (well)."""
    write_films(folder / "set")
    text = _MODEL.format(
        name="spots", kind="classification", modality="CR", steps=steps, calibrate=0.25,
        positive='positive = ["ill"]', pipeline=_FILMS.replace("{resnet}", _RESNET),
        output='{label = 0, name = "Spot", color = "#00ff00"}',
    )  # fmt: skip
    return _plan(folder / "films.toml", text)


def _plan(path: Path, text: str) -> TrainPlan:
    path.write_text(text, encoding="utf-8")
    return read_plan(path)


def _ball(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    shape = tuple(int(n) for n in rng.integers(11, 15, 3))
    centre, radius = np.array(shape) / 2 + rng.uniform(-1, 1, 3), rng.uniform(2.5, 4)
    distance = np.sqrt(
        sum((axis - c) ** 2 for axis, c in zip(np.indices(shape), centre, strict=True))
    )
    label = (distance < radius).astype(np.uint8)
    image = np.clip(60 + 100 * label + rng.normal(0, 12, shape), 0, 255).astype(np.uint8)
    return image, label


def write_balls(folder: Path, people: int = 8) -> None:
    """train.npz of two volumes a person, dev.npz of two more people."""
    folder.mkdir(parents=True)
    rng, rows = np.random.default_rng(5), []
    for split, first, count in (("train", 1, people), ("dev", 101, 2)):
        arrays = {}
        for number in range(first, first + 2 * count):
            image, label = _ball(rng)
            arrays[f"image_{number:03d}"], arrays[f"label_{number:03d}"] = image, label
            rows.append({"id": number, "subject": (number + 1) // 2, "split": split})
        np.savez(folder / f"{split}.npz", **arrays)
    write_index(folder, rows)


def write_films(folder: Path, people: int = 24) -> None:
    """train.zip and dev.zip of one film a person; every other person is ill."""
    folder.mkdir(parents=True)
    rng, rows = np.random.default_rng(6), []
    for split, first, count in (("train", 0, people), ("dev", 500, 8)):
        with zipfile.ZipFile(folder / f"{split}.zip", "w") as archive:
            for person in range(first, first + count):
                label = "ill" if person % 2 else "well"
                name, grey = f"{label}/{person}.png", rng.normal(90, 15, (40, 48))
                if label == "ill":
                    grey[10:22, 14:26] += 90
                packed = io.BytesIO()
                Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).save(packed, "PNG")
                archive.writestr(name, packed.getvalue())
                rows.append({"file": name, "split": split, "label": label, "patient": person})
    write_index(folder, rows)


def write_index(folder: Path, rows: list[dict[str, object]]) -> None:
    """index.csv of rows."""
    with (folder / "index.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


_ROUTE = (
    '{op = "route", layers = ["stage1", "stage2"], '
    'probability = "calib.json#/probability", limit = "calib.json#/ood/limit"},'
)
_KINDS = """  {op = "views", size = 32, slices = 3, windows = [-20, 330]},
  {op = "network", arch = "resnet2d", weights = "weights.safetensors", args = {resnet}},
"""
_KIND_OUTPUTS = ", ".join(
    f'{{label = {n}, name = "{name}", color = "#00ff00", modalities = ["{modality}"], '
    f'parts = ["{part}"]}}'
    for n, (name, modality, part) in enumerate(
        [("Disc", "CR", "EXTREMITY"), ("Bars", "CT", "CHEST")]
    )
)


def kinds_plan(folder: Path, steps: int = 60) -> TrainPlan:
    """A router's plan beside its set: pictures of a disc and of bars."""
    write_kinds(folder / "set")
    text = _MODEL.format(
        name="kinds", kind="router", modality="CR", steps=steps, calibrate=0.25,
        positive='classes = ["disc", "bars"]',
        pipeline=_KINDS.replace("{resnet}", _RESNET.replace("outputs = 1", "outputs = 3")) + _ROUTE,
        output=_KIND_OUTPUTS,
    ).replace("batch = 2", "batch = 12\nforeign = 0.25\nunknown = 0.05")  # fmt: skip
    text = text.replace("5e-3", "1e-2")
    text = text.replace('gates = [{check = "modality", in = ["CR"]}]', "gates = []")
    return _plan(folder / "kinds.toml", text)


def picture_of(kind: str, rng: np.random.Generator) -> np.ndarray:
    """A 40 x 40 picture with a bright disc or three bright bars, uint8."""
    j, i = np.mgrid[:40, :40]
    y, x = rng.uniform(17, 23, 2)
    bright = (
        np.hypot(j - y, i - x) < rng.uniform(9, 13) if kind == "disc" else (i - int(x)) % 12 < 4
    )
    return np.clip(60 + 120 * bright + rng.normal(0, 8, (40, 40)), 0, 255).astype(np.uint8)


def write_kinds(folder: Path, each: int = 30) -> None:
    """train.zip and dev.zip of pictures of two kinds; nobody's name."""
    folder.mkdir(parents=True)
    rng, rows = np.random.default_rng(8), []
    for split, count in (("train", each), ("dev", 8)):
        with zipfile.ZipFile(folder / f"{split}.zip", "w") as archive:
            for number in range(2 * count):
                label = "bars" if number % 2 else "disc"
                name, packed = f"{label}/{split}{number}.png", io.BytesIO()
                Image.fromarray(picture_of(label, rng)).save(packed, "PNG")
                archive.writestr(name, packed.getvalue())
                rows.append({"file": name, "split": split, "label": label})
    write_index(folder, rows)

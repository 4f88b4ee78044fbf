"""Measures the model `lungs` against the demo study's truth and writes its eval.json and card.

    python benchmarks/lungs_accuracy.py DEMO [--write]

DEMO is a folder made by `medview demo --out DEMO`. The chest is computed, so its truth is exact;
variants (thicker slices, more noise, other slice directions) show how far the rules carry.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from medview.ai.folder import open_folder, write_manifest
from medview.ai.worker.pipeline import Pipeline
from medview.core.geometry import Geometry, VoxelIndex
from medview.core.paths import shipped_models_dir
from medview.core.progress import CancelToken, no_progress
from medview.core.study import Stack
from medview.core.volume import Volume
from medview.dicom import load_volume, scan

TRUTHS = {"lung_right": (1,), "lung_left": (2,), "airway": (3,), "body": (1, 2, 3, 4)}
Masks = dict[str, NDArray[np.bool_]]
Figures = dict[str, float]


def stack_with_truth(demo: Path, shape: tuple[int, ...]) -> Stack:
    """The demo's stack that lies on the grid of the truth masks."""
    for patient in scan([demo / "images"]).patients:
        for study in patient.studies:
            for series in study.series:
                for stack in series.stacks:
                    if stack.geometry.shape == shape:
                        return stack
    raise SystemExit("no stack on the grid of the truth")


def variants(volume: Volume, truth: Masks) -> Iterator[tuple[str, Volume, Masks]]:
    """The same chest as other scanners might have stored it."""
    yield "as made (1.25 mm)", volume, truth
    for step in (2, 4):
        yield f"slices of {1.25 * step} mm", *turned(volume, truth, (slice(None, None, step),))
    noise = np.random.default_rng(7).normal(0, 40, volume.stored.shape)
    noisy = (volume.stored + noise).round().clip(-32768, 32767).astype(np.int16)
    yield "40 HU more noise", replace(volume, stored=noisy, block=None), truth
    yield "slices from head to foot", *turned(volume, truth, (slice(None, None, -1),))
    upright = (slice(None), slice(None, None, -1), slice(None, None, -1))
    yield "rows and columns reversed", *turned(volume, truth, upright)


def turned(volume: Volume, truth: Masks, cut: tuple[slice, ...]) -> tuple[Volume, Masks]:
    """A strided or reversed view, with the geometry that belongs to it."""
    cut = cut + (slice(None),) * (3 - len(cut))
    old = volume.geometry
    starts = [part.indices(n)[0] for part, n in zip(cut, old.shape, strict=True)]
    steps = [part.step or 1 for part in cut][::-1]
    geometry = Geometry(
        shape=volume.stored[cut].shape,
        spacing=tuple(mm * abs(step) for mm, step in zip(old.spacing, steps, strict=True)),
        origin=old.to_patient(VoxelIndex(*starts)),
        axes=tuple(
            tuple(np.sign(step) * np.array(axis))
            for axis, step in zip(old.axes, steps, strict=True)
        ),
    )
    stored = np.ascontiguousarray(volume.stored[cut])
    masks = {name: np.ascontiguousarray(mask[cut]) for name, mask in truth.items()}
    return replace(volume, stored=stored, geometry=geometry, block=None), masks


def measure(pipeline: Pipeline, volume: Volume, truth: Masks) -> Figures:
    """Dice and relative volume error of every structure, emphysema share (%), seconds."""
    started = time.perf_counter()
    result = pipeline.run(volume, no_progress, CancelToken())
    figures = {"seconds": time.perf_counter() - started}
    for name, values in TRUTHS.items():
        found = np.isin(result.label_map, values)
        wanted = truth[name]
        both = np.count_nonzero(found & wanted)
        sizes = np.count_nonzero(found), np.count_nonzero(wanted)
        figures[f"dice.{name}"] = 2 * both / sum(sizes)
        figures[f"volume_error.{name}"] = sizes[0] / sizes[1] - 1
    figures["emphysema_share"] = next(q.value for value, q in result.measures if value is None)
    return {key: float(value) for key, value in figures.items()}


def main() -> None:
    """Measure, print, and write when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("demo", type=Path)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    truth = {
        name: SimpleITK.GetArrayFromImage(
            SimpleITK.ReadImage(args.demo / "truth" / f"{name}.nii.gz")
        )
        > 0
        for name in TRUTHS
    }
    volume = load_volume(stack_with_truth(args.demo, truth["body"].shape))
    folder = shipped_models_dir() / "lungs"
    pipeline = Pipeline(open_folder(folder))
    rows = {}
    for name, changed, masks in variants(volume, truth):
        rows[name] = measure(pipeline, changed, masks)
        print(name, {key: round(value, 4) for key, value in rows[name].items()}, flush=True)
    if args.write:
        write(folder, rows, args.demo)


def write(folder: Path, rows: dict[str, Figures], demo: Path) -> None:
    """Put the figures into eval.json and between the marks of the card; list the files anew."""
    made = rows["as made (1.25 mm)"]
    kept = [key for key in made if key.startswith(("dice.", "volume_error."))]
    worst = {
        key: max((row[key] for row in rows.values()), key=abs)
        if key.startswith("volume_error.")
        else min(row[key] for row in rows.values())
        for key in kept
    }
    evaluation = {
        "data": "demo study of MedView (one computed chest, exact truth)",
        "cases": 1,
        "metrics": {key: {"value": round(made[key], 4), "interval": None} for key in kept},
        "estimate": {key: {"value": round(worst[key], 4), "interval": None} for key in kept},
        "estimate_note": "worst of six ways to store the one computed chest; no labelled chest "
        "of a patient was at hand, so the quality on patients is not known",
        "variants": {
            name: {key: round(value, 4) for key, value in row.items() if key != "seconds"}
            for name, row in rows.items()
        },
    }
    text = json.dumps(evaluation, indent=1) + "\n"
    (folder / "eval.json").write_text(text, encoding="utf-8")
    truth = json.loads((demo / "truth" / "truth.json").read_text(encoding="utf-8"))["ct"]
    card = (folder / "card.md").read_text(encoding="utf-8")
    head, tail = card.split("<!-- figures -->")[0], card.split("<!-- /figures -->")[1]
    share = 100 * truth["emphysema"]["share_below_minus_950_without_noise"]
    card = f"{head}<!-- figures -->\n{table(rows, share)}<!-- /figures -->{tail}"
    (folder / "card.md").write_text(card, encoding="utf-8")
    write_manifest(folder)


def table(rows: dict[str, Figures], share: float) -> str:
    """The card's table; Dice, volume error in per cent, emphysema share in per cent."""
    lines = [
        "| chest stored as | Dice right | left | airway | volume right | left | < -950 HU |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        dices = [f"{row[f'dice.{part}']:.3f}" for part in ("lung_right", "lung_left", "airway")]
        errors = [
            f"{100 * row[f'volume_error.{part}']:+.1f} %" for part in ("lung_right", "lung_left")
        ]
        cells = [name, *dices, *errors, f"{row['emphysema_share']:.1f} %"]
        lines.append("| " + " | ".join(cells) + " |")
    lines.append(f"\nTrue share below -950 HU, without noise: {share:.1f} %.\n")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

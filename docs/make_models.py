"""Write docs/models.md: every shipped model's figures beside published ones.

    python docs/make_models.py

The figures come from each model's eval.json, which `medview evaluate` and `medview train` make;
the published ones stand below, each with where it was printed. Other patients, other splits: they
say what is usual, not who is better.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).with_name("models.md")

ANCHORS: Mapping[str, tuple[str, ...]] = {
    "hippocampus": (
        (
            "nnU-Net on the challenge's hidden test: Dice about 0.90 anterior, 0.89 posterior "
            "(Isensee et al. 2018, arXiv 1809.10486; Antonelli et al. 2022)"
        ),
    ),
    "pneumonia-child": (
        (
            "official test films of the same set: AUC 0.968 with ImageNet transfer (Kermany et al. "
            "2018); ResNet-18 from scratch 0.944 to 0.956 (Yang et al. 2023, MedMNIST v2)"
        ),
        (
            "children elsewhere: a net of AUC 0.95 fell to 0.54 (Xin 2021, doi "
            "10.1007/s10140-021-01954-x)"
        ),
    ),
    "headneck-oar": (
        (
            "no published figure for organs on this grid; on fine CT mean Dice 0.777 of 30 organs "
            "(HaN-Seg winner, arXiv 2405.10833)"
        ),
    ),
    "nodule": (
        (
            "NoduleMNIST3D (same archive, other split): AUC 0.863 ResNet-18 3-D, 0.873 ACS, 0.914 "
            "auto-sklearn (Yang et al. 2023, PMC9852451)"
        ),
        "diameter alone on the held-out part of the same nodules: 0.908",
    ),
    "lungs": (
        (
            "on 70 CTs with COVID: Dice 0.973 left, 0.977 right (Ma et al. 2020); ours comes from "
            "a made phantom, whose truth is exact and whose lungs are healthy"
        ),
    ),
    "router": ("MedNIST is easy: above 0.99 for any net; it says nothing about other pictures",),
    "breast-survival-metabric": (
        (
            "C index of Cox regression on METABRIC 0.63, DeepSurv 0.64 (Katzman et al. 2018, doi "
            "10.1186/s12874-018-0482-1)"
        ),
    ),
}
_NONE = "none that fits was found"


def page() -> str:
    """The whole page."""
    lines = [
        "# Models",
        "",
        "Made by `python docs/make_models.py`; do not edit. *Estimate* is what each card leads",
        "with: patients that the model did not learn from and that chose nothing. *dev* is a part",
        "of the same set, which `medview evaluate NAME DATA` measures again. Intervals are 95 %,",
        "by resampling patients. All models are for research, none is for diagnosis.",
        "",
    ]
    for folder in sorted((ROOT / "models").iterdir()):
        if (folder / "eval.json").is_file():
            lines += _model(folder)
    lines += [*_examples()]
    return "\n".join(lines) + "\n"


def _model(folder: Path) -> list[str]:
    figures = json.loads((folder / "eval.json").read_text(encoding="utf-8"))
    described = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    size = sum(path.stat().st_size for path in folder.iterdir()) / 2**20
    lines = [
        f"## {described['title']}",
        "",
        (
            f"`{described['name']}` {described['version']}, {described['kind']}, {size:.1f} MiB, "
            f"{described['licence']}. [Card](../models/{folder.name}/card.md)."
        ),
        "",
        "| figure | estimate | dev |",
        "| --- | --- | --- |",
    ]
    names = dict.fromkeys([*figures["estimate"], *figures["metrics"]])
    for name in names:
        cells = [_figure(figures[part].get(name)) for part in ("estimate", "metrics")]
        lines.append(f"| {name} | {cells[0]} | {cells[1]} |")
    published = ANCHORS.get(folder.name, (_NONE,))
    return [*lines, "", "Published:", "", *(f"- {text}" for text in published), ""]


def _figure(found: Mapping[str, Any] | None) -> str:
    if found is None or found.get("value") is None:
        return ""
    text = f"{found['value']:.3f}"
    if found.get("interval"):
        low, high = found["interval"]
        text += f" ({low:.3f} to {high:.3f})"
    return text


def _examples() -> list[str]:
    return [
        "## What does not ship",
        "",
        "- `docs/examples/us-breast.toml`: a classifier of breast ultrasound. The licence of its",
        "  pictures is not certain enough for weights; the guide shows the run and its figures.",
        "- `docs/examples/own-dicom.toml`: a segmentation from a folder of one's own.",
    ]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)

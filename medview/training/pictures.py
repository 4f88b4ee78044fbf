"""Pictures of the worst cases of an evaluation, for whoever asks for them (`--pictures DIR`).

They show people's images, so they are written for their owner alone and belong to no repository.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from medview.ai.folder import ModelFolder
from medview.ai.worker.pipeline import Pipeline, PipelineResult
from medview.core.errors import InputRefused, WriteFailed
from medview.core.files import write_private
from medview.core.progress import CancelToken, no_progress
from medview.core.words import say
from medview.imaging.nodule_patch import unpack
from medview.training.cases import Case

WORST = 6
_SIDE = 320  # pixels of a view
_HAND, _MODEL = (90, 220, 120), (255, 90, 90)  # outlines by hand and by the model

Grey = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def draw_worst(
    folder: ModelFolder, cases: Sequence[Case], rows: Sequence[Mapping[str, Any]], out: Path
) -> list[Path]:
    """One PNG for each of the worst cases: where outlines differ, or what was called wrongly.

    Segmentations: three planes through the largest difference, the hand's outline green, the
    model's red. Nodules: the middle slice with the outline that was given. Raises WriteFailed.
    """
    ranked = sorted(zip(cases, rows, strict=True), key=lambda pair: _goodness(folder, pair[1]))
    pipeline, written = Pipeline(folder), []
    try:
        out.mkdir(parents=True, exist_ok=True, mode=0o700)
        for number, (case, row) in enumerate(ranked[:WORST], start=1):
            packed = io.BytesIO()
            _picture(folder, pipeline, case, row).save(packed, "PNG")
            path = out / f"{folder.name}-worst-{number}.png"
            write_private(path, packed.getvalue())
            written.append(path)
    except OSError as error:
        raise WriteFailed(say("The pictures could not be written."), out.name) from error
    return written


def _goodness(folder: ModelFolder, row: Mapping[str, Any]) -> float:
    if "refused" in row:
        return 2.0
    if folder.kind == "router":
        return {True: 1.0, False: 0.0}[row["answer"] == row["label"]]
    if folder.kind == "classification":
        positive = folder.description.get("provenance", {}).get("positive", ())
        return 1 - abs(float(row["score"]) - float(row["label"] in positive))
    dices = [value for name, value in row.items() if name.startswith("dice")]
    return float(np.mean(dices)) if dices else 2.0


def _picture(
    folder: ModelFolder, pipeline: Pipeline, case: Case, row: Mapping[str, Any]
) -> Image.Image:
    result = None if "refused" in row else _run(pipeline, case)
    if case.truth is not None and result is not None and result.label_map is not None:
        views = _planes(case, result.label_map, [label.value for label in folder.outputs])
    else:
        views = [_middle(folder, case)]
    wide = sum(view.width for view in views)
    sheet = Image.new("RGB", (max(wide, _SIDE), _SIDE + 40))
    at = 0
    for view in views:
        sheet.paste(view, (at, 40))
        at += view.width
    ImageDraw.Draw(sheet).multiline_text((6, 4), _caption(row), fill=(255, 255, 255))
    return sheet


def _middle(folder: ModelFolder, case: Case) -> Image.Image:
    """The middle slice; of a nodule's patch with the outline that is packed into its pixels."""
    number = case.volume.geometry.shape[0] // 2
    if all(step["op"] != "nodule_features" for step in folder.pipeline):
        return _framed(_grey(case.volume.values()[number]), 1.0)
    grey, outline = unpack(case.volume.stored)
    view = _framed(_grey(grey[number].astype(np.float64)), 1.0)
    _outline(view, outline[number], _HAND)
    return view


def _run(pipeline: Pipeline, case: Case) -> PipelineResult | None:
    try:
        return pipeline.run(case.volume, no_progress, CancelToken())
    except InputRefused:
        return None


def _caption(row: Mapping[str, Any]) -> str:
    names = [name for name in row if name.startswith("dice")] or [
        name for name in ("label", "answer", "score", "refused") if name in row
    ]
    said = [f"{name.removeprefix('dice.')} {row[name]}" for name in names]
    half = (len(said) + 1) // 2
    return f"{row['id']}  {', '.join(said[:half])}\n{', '.join(said[half:])}"


def _planes(case: Case, found: NDArray[np.uint8], labels: Sequence[int]) -> list[Image.Image]:
    """Axial, coronal and sagittal, through the place where most voxels differ."""
    truth = np.zeros(found.shape, np.uint8) if case.truth is None else case.truth
    looked_for = [label for label in labels if label in case.labels]
    differ = np.isin(truth, looked_for) & (truth != found) | np.isin(found, looked_for) & (
        truth != found
    )
    values, spacing = case.volume.values(), case.volume.geometry.spacing
    views = []
    for axis, (across, down) in enumerate(((0, 1), (0, 2), (1, 2))):
        others = tuple(other for other in range(3) if other != axis)
        place = int(differ.sum(axis=others).argmax())
        grey, own, drawn = (np.take(a, place, axis) for a in (values, found, truth))
        if axis > 0 and case.volume.geometry.axes[2][2] >= 0:
            grey, own, drawn = grey[::-1], own[::-1], drawn[::-1]
        ratio = spacing[down] / spacing[across]
        view = _framed(_grey(grey), ratio)
        for label in looked_for:
            _outline(view, drawn == label, _HAND)
            _outline(view, own == label, _MODEL)
        views.append(view)
    return views


def _grey(picture: NDArray[np.floating]) -> Grey:
    low, high = np.percentile(picture, [1, 99.5])
    share = (picture - low) / max(float(high - low), 1e-6)
    grey: Grey = (255 * np.clip(share, 0, 1)).astype(np.uint8)
    return grey


def _framed(grey: Grey, ratio: float) -> Image.Image:
    """Enlarged to the views' height, a pixel `ratio` times as high as wide."""
    wide = max(1, round(_SIDE * grey.shape[1] / (grey.shape[0] * ratio)))
    return Image.fromarray(grey).resize((wide, _SIDE), Image.Resampling.BILINEAR).convert("RGB")


def _outline(view: Image.Image, mask: Mask, colour: tuple[int, int, int]) -> None:
    large = Image.fromarray(mask.astype(np.uint8) * 255).resize(view.size, Image.Resampling.NEAREST)
    inside = np.asarray(large) > 0
    edge = inside & ~ndimage.binary_erosion(inside)
    view.paste(colour, mask=Image.fromarray(edge.astype(np.uint8) * 255))

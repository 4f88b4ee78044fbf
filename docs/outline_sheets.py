"""Contact sheets of a model's outlines: twelve slices of every stack that has its modality.

    .venv/bin/python docs/outline_sheets.py MODEL OUT FOLDER...

MODEL is a shipped model that outlines (`lungs`). A stack that the model's gate refuses is run all
the same and says so in its title: the sheet shows what the refusal keeps away. OUT gets one PNG a
stack and `verdicts.txt`; it must lie outside the program's own folder, because pictures of real
studies do not belong there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medview.ai.folder import ModelFolder, open_folder
from medview.ai.gate import judge
from medview.ai.worker.pipeline import Pipeline
from medview.core.errors import MedViewError
from medview.core.paths import shipped_models_dir
from medview.core.progress import CancelToken, no_progress
from medview.core.study import Patient, Series, Stack, Study
from medview.dicom import load_volume, scan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medview.core.volume import Volume

ROWS, COLUMNS = 3, 4
WINDOW = (-1000.0, 400.0)


def stacks(folders: list[Path]) -> Iterator[tuple[Patient, Study, Series, Stack]]:
    """Every stack below some folders with what stands around it."""
    for patient in scan(folders).patients:
        for study in patient.studies:
            for series in study.series:
                for stack in series.stacks:
                    yield patient, study, series, stack


def verdict_of(model: ModelFolder, found: tuple[Patient, Study, Series, Stack]) -> str:
    """The gate's word with its first reason, "" where it accepts."""
    verdict = judge(model, *found)
    said = next((c.said.english() for c in verdict.checks if not c.ok), "")
    return f"{verdict.verdict}: {said}" if said else verdict.verdict


def outlines(model: Pipeline, volume: Volume) -> tuple[NDArray[np.uint8] | None, str]:
    """The label map and the volumes in words, or the refusal in words."""
    try:
        result = model.run(volume, no_progress, CancelToken())
    except MedViewError as error:
        return None, f"pixels refused: {error.what.english()}"
    names = {label.value: label.name for label in model.folder.outputs}
    sizes = [
        f"{names[value]} {quantity.value:.0f} mL"
        for value, quantity in result.measures
        if value is not None and quantity.unit == "mL"
    ]
    return result.label_map, ", ".join(sizes)


def draw(
    volume: Volume, labels: NDArray[np.uint8] | None, folder: ModelFolder, title: str, path: Path
) -> None:
    """Twelve slices from end to end, each label's edge in its colour (PNG)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    count = volume.geometry.shape[0]
    places = np.unique(np.linspace(0, count - 1, ROWS * COLUMNS).round().astype(int))
    rows = -(-len(places) // COLUMNS)
    picture = Figure(figsize=(4 * COLUMNS, 4 * rows + 0.8), layout="constrained")
    FigureCanvasAgg(picture)
    picture.suptitle(title, fontsize=11, wrap=True)
    aspect = volume.geometry.spacing[1] / volume.geometry.spacing[0]
    for axis, k in zip(picture.subplots(rows, COLUMNS).flat, places, strict=False):
        grey = volume.stored[k] * volume.slope + volume.intercept
        axis.imshow(grey, cmap="gray", vmin=WINDOW[0], vmax=WINDOW[1], aspect=aspect)
        for label in folder.outputs if labels is not None else ():
            mask = labels[k] == label.value if labels is not None else np.zeros(0)
            if mask.any() and not mask.all():
                axis.contour(mask, [0.5], colors=[label.colour], linewidths=1.2)
        axis.set_title(f"slice {k + 1} of {count}", fontsize=8)
    for axis in picture.axes:
        axis.axis("off")
    picture.savefig(path, dpi=70)


def main() -> None:
    """Write the sheets."""
    name, out, folders = sys.argv[1], Path(sys.argv[2]).resolve(), sys.argv[3:]
    if out.is_relative_to(Path(__file__).resolve().parents[1]):
        raise SystemExit("OUT must lie outside the program's folder.")
    out.mkdir(parents=True, exist_ok=True)
    model = Pipeline(open_folder(shipped_models_dir() / name))
    wanted = {m for gate in model.folder.gates if gate["check"] == "modality" for m in gate["in"]}
    lines = []
    for number, found in enumerate(stacks([Path(f).resolve() for f in folders])):
        series, stack = found[2], found[3]
        if series.modality not in wanted:
            continue
        first = Path(stack.frames[0].path)
        try:
            volume = load_volume(stack, no_progress, CancelToken())
        except MedViewError as error:
            lines.append(f"{first.parent.name}/{first.name}: not read: {error.what.english()}")
            continue
        labels, said = outlines(model, volume)
        title = f"{first.parent.name}/{first.name} · {verdict_of(model.folder, found)} · {said}"
        lines.append(title)
        if volume.stored.ndim == 3:
            draw(volume, labels, model.folder, title, out / f"{number:03}.png")
    (out / "verdicts.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

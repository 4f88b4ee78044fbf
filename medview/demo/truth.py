"""What is true of the made CT: masks on its grid, and the numbers that follow from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medview.demo.body import Pose
from medview.demo.dicom_files import SeriesPlan, made_uid
from medview.demo.lesions import Nodule
from medview.demo.scanner import Model
from medview.demo.space import Grid


class TruthWriter:
    """Writes masks (uint8 NIfTI on the CT's grid) and gathers numbers for `truth.json`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers: dict[str, Any] = {}

    def write_ct(  # noqa: PLR0913 - one call site
        self, name: str, plan: SeriesPlan, model: Model, rows: Grid, first: int, nodule: Nodule, pose: Pose
    ) -> None:
        """Masks of one series into the folder, its numbers beside them."""
        self.add_numbers(name, plan, model, rows, nodule, pose, first)
        volumes: dict[str, float] = {}
        for label in sorted(model.masks):
            mask = on_rows(model.masks[label], model.grid, rows, first)
            volumes[label] = round(float(mask.sum()) * np.prod(rows.spacing) / 1000, 3)
            _write_mask(mask, rows, self.folder / f"{label}.nii.gz")
        self.numbers[name]["volumes_ml"] = volumes

    def add_numbers(  # noqa: PLR0913
        self, name: str, plan: SeriesPlan, model: Model, rows: Grid, nodule: Nodule, pose: Pose, first: int = 0
    ) -> None:
        """The numbers of one series: geometry, nodule, lungs."""
        long, short = 2 * nodule.radii[0], 2 * nodule.radii[1]
        lung = (model.masks["lung_right"] | model.masks["lung_left"]).astype(bool)
        inside = slice(first, first + len(rows.z))
        values = model.hu[inside][lung[inside]]
        self.numbers[name] = {
            "study": made_uid(plan.exam.key, "study"),
            "series": plan.uid,
            "nodule": {
                "lobe": "right upper", "type": "solid", "spiculated": True, "count": 1,
                "centre_mm": [round(v, 2) for v in pose.place(nodule.place)],
                "long_axis_mm": round(long, 2), "short_axis_mm": round(short, 2),
                "mean_diameter_mm": round((long + short) / 2, 2),
            },
            "emphysema": {
                "present": True,
                "share_below_minus_950_without_noise": round(float((values < -950).mean()), 4),
            },
            "coronary_calcium": {"present": True, "vessel": "left anterior descending"},
            "lung_mean_hu": round(float(values.mean()), 1),
        }  # fmt: skip


def on_rows(part: NDArray[np.uint8], grid: Grid, rows: Grid, first: int) -> NDArray[np.uint8]:
    """A mask of the sampled box on the reconstructed grid, [k, j, i]."""
    out = np.zeros(rows.shape, np.uint8)
    top = round(float(grid.y[0] - rows.y[0]) / rows.spacing[1])
    left = round(float(rows.x[0] - grid.x[0]) / rows.spacing[0])
    cut = part[first : first + len(rows.z), : len(rows.y) - top, left : left + len(rows.x)]
    out[:, top : top + cut.shape[1]] = cut
    return out


def _write_mask(mask: NDArray[np.uint8], rows: Grid, path: Path) -> None:
    import SimpleITK as sitk  # noqa: N813 - its own way of writing it

    image = sitk.GetImageFromArray(mask)
    image.SetSpacing([float(f"{s:.6f}") for s in rows.spacing])
    image.SetOrigin([float(f"{float(axis[0]):.6f}") for axis in (rows.x, rows.y, rows.z)])
    sitk.WriteImage(image, str(path), True, 1)

"""What is true of a made CT: masks on its grid, and the numbers that follow from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medview.demo.dicom_files import made_uid
from medview.demo.exams import CtImage


def write_masks(image: CtImage, folder: Path) -> dict[str, float]:
    """Every mask as uint8 NIfTI on the CT's grid; returns their volumes in mL by name."""
    voxel_ml = float(np.prod(image.rows.spacing)) / 1000
    volumes = {}
    for label in sorted(image.model.masks):
        mask = on_rows(image, image.model.masks[label])
        volumes[label] = round(float(mask.sum()) * voxel_ml, 3)
        _write_mask(mask, image, folder / f"{label}.nii.gz")
    return volumes


def numbers_of(image: CtImage) -> dict[str, Any]:
    """The numbers of one CT: which series, nodule, emphysema, calcium, lung density."""
    exam, nodule = image.exam, image.exam.nodule
    size = nodule.size()
    in_plane = float(np.mean(exam.pose.size[:2]))
    long, short = size.long_mm * in_plane, size.short_mm * in_plane
    inside = slice(image.first, image.first + exam.slices)
    masks = image.model.masks
    lung = (masks["lung_right"][inside] | masks["lung_left"][inside]).astype(bool)
    values = image.model.hu[inside][lung]
    return {
        "study": made_uid(exam.series.exam.key, "study"),
        "series": exam.series.uid,
        "nodule": {
            "lobe": "right upper", "type": "solid", "spiculated": True, "count": 1,
            "centre_mm": [round(v, 2) for v in exam.pose.place(nodule.place)],
            "long_axis_mm": round(long, 2), "short_axis_mm": round(short, 2),
            "mean_diameter_mm": round((long + short) / 2, 2),
            "volume_mm3": round(size.volume_mm3 * float(np.prod(exam.pose.size)), 1),
        },
        "emphysema": {
            "present": True,
            "share_below_minus_950_without_noise": round(float((values < -950).mean()), 4),
        },
        "coronary_calcium": {"present": True, "vessel": "left anterior descending"},
        "lung_mean_hu": round(float(values.mean()), 1),
    }  # fmt: skip


def on_rows(image: CtImage, part: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A mask of the sampled box on the reconstructed grid, [k, j, i]."""
    grid, rows = image.model.grid, image.rows
    out = np.zeros(rows.shape, np.uint8)
    top = round(float(grid.y[0] - rows.y[0]) / rows.spacing[1])
    left = round(float(rows.x[0] - grid.x[0]) / rows.spacing[0])
    last = image.first + len(rows.z)
    cut = part[image.first : last, : len(rows.y) - top, left : left + len(rows.x)]
    out[:, top : top + cut.shape[1]] = cut
    return out


def _write_mask(mask: NDArray[np.uint8], image: CtImage, path: Path) -> None:
    import SimpleITK as sitk  # noqa: N813 - as its own documents import it

    rows = image.rows
    written: Any = sitk.GetImageFromArray(mask)
    written.SetSpacing([float(f"{s:.6f}") for s in rows.spacing])
    written.SetOrigin([float(f"{float(axis[0]):.6f}") for axis in (rows.x, rows.y, rows.z)])
    sitk.WriteImage(written, str(path), True, 1)

"""Labelled cases of a folder with `images/` (DICOM) and `truth/` (a mask a label, NIfTI)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import InvalidInput
from medview.core.geometry import Geometry, PatientPoint
from medview.core.progress import CancelToken, no_progress
from medview.core.words import say
from medview.dicom import load_volume, scan
from medview.training.cases import Case

Mask = tuple[Geometry, NDArray[np.bool_]]


def read_demo_cases(data: Path, labels: Mapping[str, int], cancel: CancelToken) -> list[Case]:
    """One case a stack whose grid is that of the masks.

    labels: name of a mask (its file name) to the model's label value; other masks are left out.
    Raises InvalidInput when no mask is one of the model's or no stack lies on their grid.
    """
    masks = {
        value: read_mask(data / "truth" / f"{name}.nii.gz")
        for name, value in labels.items()
        if (data / "truth" / f"{name}.nii.gz").is_file()
    }
    cases: list[Case] = []
    for patient in scan([data / "images"]).patients if masks else ():
        stacks = [s for study in patient.studies for series in study.series for s in series.stacks]
        for stack in stacks:
            cancel.check()
            fitting = {
                v: m for v, (grid, m) in masks.items() if grid.same_grid(stack.geometry, 0.1)
            }
            if not fitting:
                continue
            truth = np.zeros(stack.geometry.shape, np.uint8)
            for value, mask in fitting.items():
                truth[mask] = value
            volume = load_volume(stack, no_progress, cancel)
            cases.append(
                Case(
                    id=f"{len(cases) + 1:03d}",
                    patient=patient.id,
                    volume=volume,
                    truth=truth,
                    labels=frozenset(fitting),
                )
            )
    if not cases:
        raise InvalidInput(say("These labelled data do not fit the model."), data.name)
    return cases


def read_mask(path: Path) -> Mask:
    """A mask file with its grid. Raises InvalidInput when it cannot be read."""
    import SimpleITK as sitk  # noqa: N813 - its own way of writing it

    try:
        image: Any = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InvalidInput(say("A mask cannot be read."), path.name) from error
    voxels = sitk.GetArrayFromImage(image) > 0
    direction = np.array(image.GetDirection()).reshape(3, 3)
    geometry = Geometry(
        shape=(voxels.shape[0], voxels.shape[1], voxels.shape[2]),
        spacing=image.GetSpacing(),
        origin=PatientPoint(*image.GetOrigin()),
        axes=(tuple(direction[:, 0]), tuple(direction[:, 1]), tuple(direction[:, 2])),
    )
    return geometry, voxels

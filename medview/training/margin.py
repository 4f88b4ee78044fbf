"""A labelled crop within a margin, as a scanner's series has other tissue around it.

What lies around a crop shifts and stretches its greys where a pipeline takes mean and deviation of
the whole image, so that the case goes through its pipeline only after the margin is there.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everyone knows it by
from torch import Generator, Tensor

from medview.core.geometry import Geometry, VoxelIndex
from medview.core.volume import Volume
from medview.training.cases import Case

MOST = 12  # voxels at a side
_NONE = 4  # in so many of MOST + 1 + _NONE sides there is nothing
_GRAINS = (1, 2, 4, 8)  # voxels: from a scanner's noise to the slow shading of tissue


def in_margin(case: Case, rng: Generator) -> Case:
    """The case with 0 to MOST voxels at each side, background in its truth.

    The greys are clouds of one grain; their mean lies up to two deviations of the case's own
    greys below its mean or one above, they spread up to as far as its own, and never beyond them.
    """
    own, values = case.volume.geometry, case.volume.values()
    drawn = torch.randint(-_NONE, MOST + 1, (3, 2), generator=rng).clamp(min=0)
    widths = [(int(before), int(after)) for before, after in drawn]
    inside = np.pad(np.ones(values.shape, bool), widths)
    mean, spread = values.mean(), values.std()
    shift, width = torch.rand(2, generator=rng).tolist()
    clouds = _clouds(inside.shape, rng).numpy() * (width * spread) + mean + (3 * shift - 2) * spread
    around = np.clip(clouds, values.min(), values.max())
    k, j, i = (-float(before) for before, _ in widths)
    grid = Geometry(
        shape=(inside.shape[0], inside.shape[1], inside.shape[2]),
        spacing=own.spacing,
        origin=own.to_patient(VoxelIndex(k, j, i)),
        axes=own.axes,
        is_spatial=own.is_spatial,
    )
    padded = np.where(inside, np.pad(values, widths), around).astype(np.float32)
    volume = Volume(
        geometry=grid,
        stored=padded,
        unit=case.volume.unit,
        is_inverted=case.volume.is_inverted,
        modality=case.volume.modality,
    )
    truth = None if case.truth is None else np.pad(case.truth, widths)
    return replace(case, volume=volume, truth=truth)


def _clouds(size: tuple[int, ...], rng: Generator) -> Tensor:
    """[k, j, i] of mean 0 and deviation 1."""
    grain = _GRAINS[int(torch.randint(len(_GRAINS), (1,), generator=rng))]
    coarse = torch.randn((1, 1, *(-(-n // grain) + 1 for n in size)), generator=rng)
    fine = F.interpolate(coarse, size, mode="trilinear", align_corners=True)[0, 0]
    return (fine - fine.mean()) / (fine.std() + 1e-6)

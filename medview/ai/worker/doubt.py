"""Where the outline of a structure is not sure: what flips of the picture leave open."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medview.ai.folder import ModelFolder
from medview.ai.worker.forward import swapped
from medview.ai.worker.steps import FloatArray

LOW, HIGH = 0.1, 0.9  # probabilities between which a voxel counts as open
# Faces of voxels overstate an area that lies in all directions alike (Cauchy: mean of |n| is 1.5).
_FACES = 1.5


def probability(folder: ModelFolder, net: nn.Module, x: Tensor, label: int) -> FloatArray:
    """[k, j, i]: mean probability of a label over the picture [1, 1, k, j, i] and the flips that
    the model's own `mirror` makes, at the temperature that its calibration found."""
    temperature = float(folder.calibration().get("temperature", 1))
    each = [torch.softmax(logits / temperature, 0)[label] for logits in looks(folder, net, x)]
    values: FloatArray = torch.stack(each).mean(0).float().cpu().numpy()
    return values


def looks(folder: ModelFolder, net: nn.Module, x: Tensor) -> list[Tensor]:
    """Logits [class, k, j, i] of the picture and of its flips, these turned back."""
    mirror = next((fields for fields in folder.pipeline if fields["op"] == "mirror"), {})
    axes = list(mirror.get("axes", ()))[: mirror.get("max_evals", 2) - 1]
    with torch.inference_mode():
        found = [net(x)[0]]
        for axis in axes:
            dim = 4 - axis
            back = torch.flip(net(torch.flip(x, [dim]))[0], [dim - 1])
            order = swapped(len(back), mirror.get("pairs", ()) if axis == 0 else ())
            found.append(back[order])
    return found


def openness(probabilities: FloatArray) -> FloatArray:
    """0 where a voxel is sure, 1 where it might as well be the other; the band alone is kept."""
    inside = (probabilities > LOW) & (probabilities < HIGH)
    found = np.where(inside, 1 - np.abs(2 * probabilities - 1), 0)
    return np.asarray(found, np.float32)


def unsure_mm(probabilities: FloatArray, spacing: tuple[float, float, float]) -> float:
    """Mean width in mm of the band of open voxels along the outline: its volume by the area.

    spacing: of i, j, k. 0 where nothing is found.
    """
    mask = probabilities >= 0.5
    area = _area(mask, spacing)
    if area <= 0:
        return 0.0
    band = int(((probabilities > LOW) & (probabilities < HIGH)).sum())
    return float(band * np.prod(spacing) / area)


def _area(mask: NDArray[np.bool_], spacing: tuple[float, float, float]) -> float:
    """Of a mask's surface in mm2."""
    area = 0.0
    for axis, others in ((0, (0, 1)), (1, (0, 2)), (2, (1, 2))):
        padded = np.pad(mask, [(1, 1) if n == axis else (0, 0) for n in range(3)])
        faces = int(np.count_nonzero(np.diff(padded.astype(np.int8), axis=axis)))
        area += faces * spacing[others[0]] * spacing[others[1]]
    return area / _FACES

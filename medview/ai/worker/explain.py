"""The exact class activation map of a net that ends in average pooling and one linear layer.

logit = bias + mean over space of sum over channels (weight x feature): the map is that sum before
the mean, so it adds up to the logit, and is the Grad-CAM map times the number of its cells
(Zhou et al. 2016; Selvaraju et al. 2017). It shows what the model used, no outline of a lesion.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from medview.ai.worker.input_steps import sample_at
from medview.ai.worker.nets import ResNet2d
from medview.ai.worker.steps import FloatArray, State, step
from medview.core.errors import ModelUnavailable
from medview.core.geometry import Geometry, VoxelIndex
from medview.core.words import say


def linear_cam(
    maps: NDArray[np.float32], weights: NDArray[np.float32], bias: float = 0.0
) -> FloatArray:
    """[channel, j, i] feature maps and [channel] weights to [j, i] logit shares.

    Their mean plus `bias` (here spread evenly) is the logit. torch multiplies: NumPy's own threads
    would stay awake and take the cores from those of the network.
    """
    flat = torch.from_numpy(np.ascontiguousarray(maps)).flatten(1)
    cam = torch.from_numpy(np.ascontiguousarray(weights)) @ flat + bias
    found: FloatArray = cam.reshape(maps.shape[1:]).numpy()
    return found


@step("explain", say("Drawing the heatmap"))
def explain(state: State, method: str, target: str) -> None:
    """The heatmap of output `target`, 0 to 1, on the input's grid: the linear class activation map,
    or what blotting out adds (`nodule_steps.occlusion`).

    0 is no support for the class; 1 is the strongest support that validation images showed
    (`calib.json` heatmap_full), one scale for all patients. Each cell is one block: the map is no
    finer.
    """
    folder, net = state.context.folder, state.context.networks.get("last")
    if folder is None or (method == "linear_cam" and not isinstance(net, ResNet2d)):
        raise ModelUnavailable(say("The model asks for a heatmap that it cannot give."))
    names = [label.name for label in folder.outputs]
    try:
        index, full = names.index(target), float(folder.calibration()["heatmap_full"][target])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelUnavailable(say("The model asks for a heatmap that it cannot give.")) from error
    if not isinstance(net, ResNet2d):
        from medview.ai.worker.nodule_steps import occlusion

        found, side = occlusion(state)
        shares = np.clip(found / np.float32(full), 0, 1)
        state.cells[target] = (1, side, side)
        state.heatmaps.append((target, shares.astype(np.float32)))
        return
    maps = list(state.feature_maps.values())[-1]
    weights = net.head.weight.detach().cpu().numpy()[index]
    cam = np.clip(linear_cam(maps, weights) / np.float32(full), 0, 1)
    grid = coarser(state.geometry, cam.shape)
    state.heatmaps.append((target, sample_at(cam[None], grid, state.volume.geometry, 0)))
    state.cells[target] = (1, cam.shape[0], cam.shape[1])


def coarser(fine: Geometry, cells: tuple[int, ...]) -> Geometry:
    """The grid of `cells` (rows, columns) that covers the same picture as `fine`."""
    rows, columns = cells
    ratio_i, ratio_j = fine.shape[2] / columns, fine.shape[1] / rows
    return Geometry(
        shape=(fine.shape[0], rows, columns),
        spacing=(fine.spacing[0] * ratio_i, fine.spacing[1] * ratio_j, fine.spacing[2]),
        origin=fine.to_patient(VoxelIndex(0, (ratio_j - 1) / 2, (ratio_i - 1) / 2)),
        axes=fine.axes,
        is_spatial=fine.is_spatial,
    )

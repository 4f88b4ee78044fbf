"""How far a volume lies from those that a U-Net learnt from, by what its encoder makes of it."""

from __future__ import annotations

import numpy as np
import torch

from medview.ai.worker.net_steps import judge_distance
from medview.ai.worker.nets import UNet3d
from medview.ai.worker.steps import FloatArray, State, step
from medview.ai.worker.tiles import Tiling
from medview.core.errors import ModelUnavailable
from medview.core.words import say

_WHOLE = Tiling((96, 96, 96), 0.0)  # where the model does not say how much it takes at a time


@step("distance", say("Comparing with the training images"))
def distance(state: State, limit: float | str, warn: float | str | None = None) -> None:
    """Refuse a volume that is farther from the training's than `limit`, say so from `warn` on.

    Stands behind `network`. What is compared are means and deviations of the encoder's deepest
    maps (Gonzalez et al. 2021, arXiv 2107.05975), as in `ood`.
    """
    net = state.context.networks.get("last")
    if not isinstance(net, UNet3d):
        raise ModelUnavailable(say("The model measures strangeness without features."))
    state.features = deepest(net, state)
    judge_distance(state, limit, warn)


def deepest(net: UNet3d, state: State) -> FloatArray:
    """[2 channels]: mean and deviation of each channel of the bottleneck over the whole image."""
    tiling = _WHOLE if state.tiling is None else Tiling(state.tiling.patch, 0.0)
    # Where the network is: for lack of memory on a card the run may have moved it.
    device = next(net.parameters()).device
    image = torch.from_numpy(np.ascontiguousarray(state.image)).to(device)
    count = 0
    total = squares = torch.zeros((), dtype=torch.float64, device=device)
    for place in tiling.tiles(state.image.shape):
        state.context.cancel.check()
        tile = image[place]
        if tile.amin() == tile.amax() or min(tile.shape) < 2 * net.multiple:
            continue
        with torch.inference_mode():
            maps = net.bottleneck(tile[None, None])[0].double().flatten(1)
        count += maps.shape[1]
        total = total + maps.sum(1)
        squares = squares + (maps**2).sum(1)
    if not count:
        raise ModelUnavailable(say("The image is too small for this model."))
    mean = total / count
    spread = (squares / count - mean**2).clamp(min=0).sqrt()
    return np.asarray(torch.cat([mean, spread]).cpu().numpy(), np.float32)

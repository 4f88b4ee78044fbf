"""Steps of a nodule model: features of a patch, and what its picture adds to the answer."""

from __future__ import annotations

import numpy as np
import torch

from medview.ai.worker.nodule_features import measure_patch, stretched
from medview.ai.worker.radial_net import RadialNet
from medview.ai.worker.steps import FloatArray, State, step
from medview.core.errors import InputRefused, ModelUnavailable
from medview.core.words import say
from medview.imaging.nodule_patch import unpack

_CELL, _MARGIN = 6, 8  # pixels: of a cell that is blotted out; at each side, never looked at
_BLOT = 6.0  # pixels: sigma of the blur that a cell is replaced by


@step("nodule_features", say("Measuring the nodule"))
def nodule_features(state: State) -> None:
    """The features of a packed patch. Raises InputRefused for a series or an empty outline."""
    grey, outline = unpack(state.volume.stored)
    try:
        state.features = measure_patch(stretched(grey), outline).astype(np.float32)
    except ValueError as error:
        raise InputRefused(say("Nothing is marked as the nodule.")) from error


def occlusion(state: State) -> tuple[FloatArray, int]:
    """[slice, j, i] on the patch: how much the logit falls when a place is blotted out; and how
    many cells a side of the map has.

    Cell by cell the picture is replaced by its own blur in all slices, measured again and asked
    again, the outline as it was. Only what the picture says can be seen so, not what the
    outline's size says.
    """
    from scipy.ndimage import gaussian_filter

    net = state.context.networks.get("last")
    if not isinstance(net, RadialNet) or state.member_logits is None:
        raise ModelUnavailable(say("The model asks for a heatmap that it cannot give."))
    grey, outline = unpack(state.volume.stored)
    picture = stretched(grey)
    blurred = gaussian_filter(picture, (0, _BLOT, _BLOT))
    starts = range(_MARGIN, picture.shape[1] - _MARGIN, _CELL)
    found = []
    for top in starts:
        state.context.cancel.check()
        for left in starts:
            changed = picture.copy()
            cell = (slice(None), slice(top, top + _CELL), slice(left, left + _CELL))
            changed[cell] = blurred[cell]
            found.append(measure_patch(changed, outline))
    with torch.inference_mode():
        logits = net(torch.from_numpy(np.array(found, np.float32)).to(state.context.device))
    fall = float(state.member_logits.mean()) - logits.mean(1).cpu().numpy()
    cells = fall.reshape(len(starts), len(starts)).repeat(_CELL, 0).repeat(_CELL, 1)
    whole = np.zeros(picture.shape, np.float32)
    whole[:, _MARGIN : _MARGIN + len(cells), _MARGIN : _MARGIN + len(cells)] = cells
    return whole, len(starts)

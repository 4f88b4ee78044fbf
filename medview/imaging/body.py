"""What of a volume lies outside the body: air that reaches the edges of the slices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_AIR_HU = -300.0


def outside(values: NDArray[np.int16 | np.float32], air: float = _AIR_HU) -> NDArray[np.bool_]:
    """[k, j, i]: voxels below `air` that hang together with the sides of the slices.

    Air within the body (lungs, airways, bowel) is not outside, as long as the skin closes.
    """
    from scipy import ndimage

    low = values < air
    labels, _ = ndimage.label(low)
    sides = np.concatenate(
        [labels[:, 0].ravel(), labels[:, -1].ravel(), labels[:, :, 0].ravel(),
         labels[:, :, -1].ravel()]
    )  # fmt: skip
    found = np.zeros(int(labels.max()) + 1, bool)
    found[np.unique(sides)] = True
    found[0] = False
    return np.asarray(found[labels], bool)

"""What a router looks at: a few pictures of a series, small, square in millimetres.

No torch here: the same function prepares the training pictures.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from medview.ai.worker.input_steps import orient
from medview.ai.worker.steps import FloatArray, State, step
from medview.core.errors import InputRefused
from medview.core.words import say

_SAME = 1e-6  # a picture whose values differ by less, as a share of them, shows nothing


@step("views", say("Preparing the image"))
def views(state: State, size: int, slices: int, windows: list[float]) -> None:
    """Leave float32 [n, size, size]: axial slices evenly spread over the middle four fifths.

    A series in Hounsfield units gives each slice once through every window (pairs of low and high
    HU in `windows`); other values go from their 1st to their 99th percentile. Each picture has
    mean 0 and deviation 1. Films and stacks without a place in space are taken as they lie.
    Raises InputRefused for colours, and where no slice shows anything.
    """
    if state.volume.stored.ndim != 3:
        raise InputRefused(say("This is a colour picture; the model was made for grey values."))
    if state.volume.is_inverted:
        state.set_image(-state.image, state.geometry)
    if state.geometry.is_spatial and state.image.shape[0] > 1:
        orient(state, "LPS")
    pairs: list[tuple[float, float] | None] = [None]
    if state.volume.unit == "HU":
        pairs = list(zip(windows[::2], windows[1::2], strict=True))
    spacing = state.geometry.spacing[:2]
    made = [
        scaled(squared(through(state.image[k], pair), spacing, size))
        for k in spread(state.image.shape[0], slices)
        for pair in pairs
    ]
    seen = [picture for picture in made if picture is not None]
    if not seen:
        raise InputRefused(say("The image is empty: all its values are the same."))
    state.set_image(np.stack(seen), state.geometry)


def spread(count: int, wanted: int) -> list[int]:
    """At most `wanted` of `count` slices, from 10 to 90 % of the way."""
    places = np.linspace(0.1, 0.9, wanted) if wanted > 1 else np.array([0.5])
    return sorted({round((count - 1) * float(place)) for place in places})


def through(picture: FloatArray, window: tuple[float, float] | None) -> FloatArray:
    """A picture cut to a window; what is no number counts as its lowest value."""
    finite = np.isfinite(picture)
    low = float(picture[finite].min()) if finite.any() else 0.0
    whole = np.where(finite, picture, low)
    return np.asarray(whole if window is None else np.clip(whole, *window), np.float32)


def squared(picture: FloatArray, spacing: tuple[float, float], size: int) -> FloatArray:
    """A picture [j, i] of pixels of `spacing` (i, j) in the middle of a square of size x size.

    What is around it has its lowest value.
    """
    high, wide = picture.shape[0] * spacing[1], picture.shape[1] * spacing[0]
    longest = max(high, wide)
    rows, columns = (max(1, round(size * side / longest)) for side in (high, wide))
    small = Image.fromarray(picture).resize((columns, rows), Image.Resampling.BILINEAR)
    square = np.full((size, size), np.asarray(small).min(), np.float32)
    top, left = (size - rows) // 2, (size - columns) // 2
    square[top : top + rows, left : left + columns] = np.asarray(small)
    return square


def scaled(picture: NDArray[np.floating]) -> FloatArray | None:
    """Cut to the 1st and 99th percentile, mean 0 and deviation 1; None for one grey."""
    cut = np.clip(picture, *np.percentile(picture, [1, 99])).astype(np.float64)
    deviation = float(cut.std())
    if not deviation > _SAME * max(1.0, float(np.abs(cut).max())):
        return None
    made: FloatArray = ((cut - cut.mean()) / deviation).astype(np.float32)
    return made

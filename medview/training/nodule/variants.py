"""Other pictures of the same nodule: what must not matter to the model is changed at random."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]
_LEAST_PIXELS = 4


def variant(
    rng: np.random.Generator, grey: NDArray[np.uint8], outline: Mask
) -> tuple[NDArray[np.float64], Mask]:
    """[slice, j, i] turned, mirrored, moved by a pixel, windowed, outlined a little otherwise.

    Grey: a narrower window (up to 15 % off the dark end, 25 % off the bright one), a gamma of
    0.78-1.28, and of each slice a gain and an offset of its own of up to 20 %.
    """
    picture = _windowed(rng, grey.astype(np.float64))
    turns = int(rng.integers(4))
    picture, outline = np.rot90(picture, turns, (1, 2)), np.rot90(outline, turns, (1, 2))
    if rng.random() < 0.5:
        picture, outline = picture[::-1, :, ::-1], outline[::-1, :, ::-1]
    outline = _outlined(rng, outline)
    step = tuple(int(n) for n in rng.integers(-1, 2, 2))
    return np.roll(picture, step, (1, 2)), np.roll(outline, step, (1, 2))


def _windowed(rng: np.random.Generator, picture: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = float(picture.min()), float(picture.max())
    width = max(high - low, 1.0)
    low, high = low + width * rng.uniform(0, 0.15), high - width * rng.uniform(0, 0.25)
    shares = np.clip((picture - low) / (high - low), 0, 1) ** np.exp(rng.uniform(-0.25, 0.25))
    gain, offset = rng.uniform(0.8, 1.2, (5, 1, 1)), rng.uniform(-0.2, 0.2, (5, 1, 1))
    return np.asarray(shares * gain + offset)


def _outlined(rng: np.random.Generator, outline: Mask) -> Mask:
    # Another hand draws a little wider or narrower, and rounder.
    soft = ndimage.gaussian_filter(outline.astype(float), (0, 1, 1))
    other = soft > rng.uniform(0.25, 0.7)
    return other if int(other.sum()) >= _LEAST_PIXELS else outline

"""Pictures of none of the kinds that a router knows, made from those that it knows.

They teach the net's last output. Whatever the net is asked later, a picture that was torn apart,
turned, inverted, enlarged out of its frame or made by formula must not count as a known kind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from medview.ai.worker.views import scaled

Picture = NDArray[np.float32]
Rng = np.random.Generator


def foreign_picture(pictures: Sequence[Picture], foreign: Sequence[Picture], rng: Rng) -> Picture:
    """A picture [j, i] of mean 0 and deviation 1 that belongs to no kind.

    foreign: real pictures of none of the kinds, drawn now and then where there are any.
    """
    if foreign and rng.random() < 0.15:
        return foreign[int(rng.integers(len(foreign)))]
    make = _WAYS[int(rng.integers(len(_WAYS)))]
    own, other = (pictures[int(n)] for n in rng.integers(len(pictures), size=2))
    made = scaled(make(own, other, rng) + rng.normal(0, 0.02, own.shape))
    return own[::-1] * -1 if made is None else made


def _shuffled(own: Picture, _other: Picture, rng: Rng) -> Picture:
    parts = int(rng.integers(2, 5))
    side = own.shape[0] // parts
    order = rng.permutation(parts * parts)
    made = np.full_like(own, own.min())
    for place, taken in enumerate(order):
        (j, i), (y, x) = (divmod(int(n), parts) for n in (place, taken))
        tile = own[y * side : (y + 1) * side, x * side : (x + 1) * side]
        # A picture of specks would look the same in any order.
        made[j * side : (j + 1) * side, i * side : (i + 1) * side] = tile if place % 2 else -tile
    return made


def _inverted(own: Picture, _other: Picture, _rng: Rng) -> Picture:
    return -own


def _other_greys(own: Picture, _other: Picture, rng: Rng) -> Picture:
    # Grey values that rise and fall again, as those of another modality would.
    share = (own - own.min()) / (np.ptp(own) + 1e-6)
    knots = int(rng.integers(4, 7))
    values = rng.random(knots)
    values[0], values[1], values[-1] = 0, rng.uniform(0.5, 1), rng.uniform(0, 0.25)
    made: Picture = np.interp(share, np.linspace(0, 1, knots), values).astype(np.float32)
    return made


def _enlarged(own: Picture, _other: Picture, rng: Rng) -> Picture:
    side = int(rng.integers(12, 30))
    j, i = (int(n) for n in rng.integers(0, own.shape[0] - side, 2))
    cut = Image.fromarray(own[j : j + side, i : i + side])
    return np.asarray(cut.resize(own.shape[::-1], Image.Resampling.BILINEAR))


def _clouds(own: Picture, _other: Picture, rng: Rng) -> Picture:
    waves = np.hypot(*np.meshgrid(np.fft.fftfreq(own.shape[0]), np.fft.fftfreq(own.shape[1])))
    waves[0, 0] = 1
    noise = np.fft.fftn(rng.normal(size=own.shape)) / waves ** rng.uniform(1.4, 2.8)
    made = np.real(np.fft.ifftn(noise))
    if rng.random() < 0.4:
        line = np.linspace(-1, 1, own.shape[0])
        made = made * (np.hypot(*np.meshgrid(line, line)) < rng.uniform(0.4, 1))
    return np.asarray(np.maximum(made, 0) ** 2 if rng.random() < 0.3 else made, np.float32)


def _shapes(own: Picture, _other: Picture, rng: Rng) -> Picture:
    made = np.full(own.shape, rng.random(), np.float32)
    j, i = np.mgrid[: own.shape[0], : own.shape[1]]
    for _ in range(int(rng.integers(1, 9))):
        (y, x), (high, wide) = rng.uniform(0, own.shape[0], 2), rng.uniform(2, 30, 2)
        down, right = np.abs(j - y) / high, np.abs(i - x) / wide
        inside = down**2 + right**2 < 1 if rng.random() < 0.6 else np.maximum(down, right) < 1
        made[inside] = rng.random()
    if rng.random() < 0.5:
        made = ndimage.gaussian_filter(made, rng.uniform(0.3, 2))
    return np.asarray(made + rng.normal(0, rng.uniform(0, 0.1), own.shape), np.float32)


def _halves(own: Picture, other: Picture, rng: Rng) -> Picture:
    made = own.copy()
    place = int(rng.integers(own.shape[0] // 3, 2 * own.shape[0] // 3))
    if rng.random() < 0.5:
        made[place:] = -other[place:]
    else:
        made[:, place:] = -other[:, place:]
    return made


def _on_its_side(own: Picture, other: Picture, rng: Rng) -> Picture:
    # A head or a hand on its side is still one; seen twice at once it is none.
    side = own.shape[0] // 2
    small = [np.asarray(Image.fromarray(p).resize((side, side))) for p in (own, other, own, other)]
    turned = [np.rot90(p, int(rng.integers(4))) for p in small]
    return np.block([turned[:2], turned[2:]]).astype(np.float32)


_WAYS: tuple[Callable[[Picture, Picture, Rng], Picture], ...] = (
    _shuffled, _inverted, _other_greys, _other_greys, _enlarged, _clouds, _shapes, _halves,
    _on_its_side,
)  # fmt: skip

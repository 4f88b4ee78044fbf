"""Random changes of training images, on tensors, all drawn from one generator.

Strengths by name (absent or 0 leaves it out): rotate_deg; scale; shift (share of half the size);
flip (0 or 1, axis i); warp (bends, share of half the size, volumes only); gamma (spread of its
logarithm); contrast; bias (slow shading); blur (up to 1 + blur times coarser); noise (of the
z-scored image); erase (a grey box, share of the side, films only); margin (share of the volumes
that lie within one, see `margin`). fill: the value of what turns into a volume from outside.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - the name everyone knows it by
from torch import Generator, Tensor

Strength = Mapping[str, float]


def _uniform(rng: Generator, shape: tuple[int, ...], width: float) -> Tensor:
    return (torch.rand(shape, generator=rng) * 2 - 1) * width


def _rotation(rng: Generator, dims: int, degrees: float) -> Tensor:
    matrix = torch.eye(dims)
    planes = [(a, b) for a in range(dims) for b in range(a + 1, dims)]
    for a, b in planes:
        angle = float(_uniform(rng, (1,), degrees * math.pi / 180))
        turn = torch.eye(dims)
        turn[a, a] = turn[b, b] = math.cos(angle)
        turn[a, b], turn[b, a] = -math.sin(angle), math.sin(angle)
        matrix = matrix @ turn
    return matrix


def random_grid(rng: Generator, size: tuple[int, ...], strength: Strength) -> Tensor:
    """A sampling grid [1, *size, dims] for grid_sample: rotated, scaled, shifted, mirrored."""
    dims = len(size)
    half = torch.tensor(size[::-1], dtype=torch.float32) / 2  # grid_sample counts x first
    matrix = _rotation(rng, dims, strength.get("rotate_deg", 0))
    matrix = matrix * (1 + _uniform(rng, (1, dims), strength.get("scale", 0)))
    if torch.rand(1, generator=rng) < 0.5 * strength.get("flip", 0):
        matrix[:, 0] = -matrix[:, 0]
    # The turn is one of millimetres, not of the unit cube.
    matrix = matrix * half[None, :] / half[:, None]
    shift = _uniform(rng, (dims, 1), strength.get("shift", 0))
    theta = torch.cat([matrix, shift], 1)[None]
    return F.affine_grid(theta, [1, 1, *size], align_corners=False)


def augment_volume(
    image: Tensor, label: Tensor, rng: Generator, strength: Strength
) -> tuple[Tensor, Tensor]:
    """image float32, label int64, both [k, j, i]: turned alike, then new grey values."""
    grid = random_grid(rng, tuple(image.shape), strength)
    warp = strength.get("warp", 0)
    if warp:
        coarse = torch.randn((1, 3, 4, 4, 4), generator=rng) * warp
        bend = F.interpolate(coarse, tuple(image.shape), mode="trilinear", align_corners=True)
        grid = grid + bend.permute(0, 2, 3, 4, 1)
    fill = strength.get("fill", 0)
    moved = F.grid_sample(image[None, None] - fill, grid, "bilinear", "zeros", align_corners=False)
    moved = moved + fill
    classes = F.grid_sample(
        label[None, None].float(), grid, "nearest", "zeros", align_corners=False
    )
    return new_greys(moved, rng, strength)[0, 0], classes[0, 0].long()


def mirrored(
    image: Tensor, label: Tensor, rng: Generator, pairs: Sequence[tuple[int, int]]
) -> tuple[Tensor, Tensor]:
    """Half of the volumes mirrored along i, paired labels exchanged; none without pairs."""
    if not pairs or float(torch.rand(1, generator=rng)) < 0.5:
        return image, label
    exchanged = label.flip(-1)
    turned = exchanged.clone()
    for one, other in pairs:
        turned[exchanged == one], turned[exchanged == other] = other, one
    return image.flip(-1), turned


def cropped(
    image: Tensor, label: Tensor, rng: Generator, most: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """At most `most` voxels along i, j, k, from a place drawn at random; all without `most`."""
    if not most:
        return image, label
    where = []
    for size, limit in zip(image.shape, most[::-1], strict=True):
        room = max(0, size - limit)
        start = int(torch.randint(room + 1, (1,), generator=rng))
        where.append(slice(start, start + min(size, limit)))
    place = (where[0], where[1], where[2])
    return image[place], label[place]


def augment_film(image: Tensor, rng: Generator, strength: Strength) -> Tensor:
    """image float32 [j, i], z-scored; comes back z-scored."""
    grid = random_grid(rng, tuple(image.shape), strength)
    moved = F.grid_sample(image[None, None], grid, "bilinear", "border", align_corners=False)
    moved = _erase(new_greys(moved, rng, strength), rng, strength.get("erase", 0))[0, 0]
    return (moved - moved.mean()) / (moved.std(correction=0) + 1e-6)


def new_greys(image: Tensor, rng: Generator, strength: Strength) -> Tensor:
    """Gamma, contrast, shading, blur and noise on a z-scored image [1, 1, ...]."""
    gamma = math.exp(float(_uniform(rng, (1,), strength.get("gamma", 0))))
    low, high = image.amin(), image.amax()
    image = ((image - low) / (high - low + 1e-6)) ** gamma * (high - low) + low
    image = image * (1 + _uniform(rng, (1,), strength.get("contrast", 0)))
    image = image + _uniform(rng, (1,), strength.get("contrast", 0))
    image = _shade(image, rng, strength.get("bias", 0))
    image = _blur(image, rng, strength.get("blur", 0))
    sigma = strength.get("noise", 0) * float(torch.rand(1, generator=rng))
    return image + sigma * torch.randn(image.shape, generator=rng)


def _shade(image: Tensor, rng: Generator, strength: float) -> Tensor:
    if not strength:
        return image
    dims = image.ndim - 2
    coarse = torch.randn((1, 1, *[3] * dims), generator=rng) * strength
    mode = "trilinear" if dims == 3 else "bilinear"
    field = F.interpolate(coarse, tuple(image.shape[2:]), mode=mode, align_corners=True)
    return image * (1 + field)


def _blur(image: Tensor, rng: Generator, strength: float) -> Tensor:
    # Half of the images lose resolution: made smaller and enlarged again.
    draw = torch.rand(2, generator=rng)
    if draw[0] < 0.5 or not strength:
        return image
    size = tuple(image.shape[2:])
    small = tuple(max(2, int(n / (1 + strength * float(draw[1])))) for n in size)
    mode = "trilinear" if image.ndim == 5 else "bilinear"
    image = F.interpolate(image, small, mode=mode, align_corners=False, antialias=image.ndim == 4)
    return F.interpolate(image, size, mode=mode, align_corners=False)


def _erase(image: Tensor, rng: Generator, strength: float) -> Tensor:
    # A grey box over some place: the net must not hang on one corner, tube or marker.
    draw = torch.rand(5, generator=rng)
    if not strength or draw[0] < 0.5:
        return image
    rows, columns = image.shape[2:]
    high, wide = (
        max(1, int(n * strength * d)) for n, d in zip((rows, columns), draw[1:3], strict=True)
    )
    top, left = int(draw[3] * (rows - high)), int(draw[4] * (columns - wide))
    image = image.clone()
    image[..., top : top + high, left : left + wide] = image.mean()
    return image

"""A network's look at a large image: tile by tile, blended with Gaussian weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from medview.core.progress import CancelToken

_SIGMA = 0.125  # of a tile's edge, as nnU-Net blends (Isensee et al. 2021, Nature Methods 18:203)
_LEAST = 1e-3  # weight at a tile's corners, so that every voxel has one


@dataclass(frozen=True)
class Tiling:
    """patch: the most voxels of a tile along i, j, k; overlap: share of it that neighbours have in
    common."""

    patch: tuple[int, int, int]
    overlap: float = 0.5

    def tiles(self, shape: Sequence[int]) -> Iterator[tuple[slice, ...]]:
        """Where the tiles of an image [k, j, i] lie: evenly spread, none reaches beyond it."""
        edges = [
            [slice(first, first + min(size, most)) for first in self._firsts(size, most)]
            for size, most in zip(shape, self.patch[::-1], strict=True)
        ]
        yield from product(*edges)

    def _firsts(self, size: int, most: int) -> list[int]:
        room = size - most
        if room <= 0:
            return [0]
        count = -(-room // max(1, round(most * (1 - self.overlap)))) + 1
        return sorted({round(number * room / (count - 1)) for number in range(count)})


def tiled(
    net: Callable[[Tensor], Tensor], image: Tensor, tiling: Tiling, cancel: CancelToken
) -> Tensor:
    """The logits [class, k, j, i] of an image [k, j, i], averaged over the tiles that see a voxel.

    A tile without any contrast is not looked at; where no tile looks, all classes are 0.
    Raises Cancelled between tiles.
    """
    total: Tensor | None = None
    weights = torch.zeros(image.shape, device=image.device)
    for place in tiling.tiles(image.shape):
        cancel.check()
        tile = image[place]
        if tile.amin() == tile.amax():
            continue
        answer = net(tile[None, None])[0]
        if total is None:
            total = torch.zeros((len(answer), *image.shape), device=image.device)
        weight = _weight(tile.shape, image.device)
        total[(slice(None), *place)] += answer * weight
        weights[place] += weight
    if total is None:
        return net(image[None, None])[0]
    return total / weights.clamp(min=_LEAST)


def _weight(shape: Sequence[int], device: torch.device) -> Tensor:
    """A Gaussian over a tile, 1 in its middle."""
    weight = torch.ones((), device=device)
    for size in shape:
        off = (torch.arange(size, device=device) - (size - 1) / 2) / (size * _SIGMA)
        weight = weight[..., None] * torch.exp(-0.5 * off**2)
    return weight.clamp(min=_LEAST)

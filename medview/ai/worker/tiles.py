"""A network's look at a large image: tile by tile, blended, and finished band by band.

The logits of a whole image in float32 fill the memory (nnU-Net issue 2912: classes x voxels x 4
bytes). Tiles are therefore looked at in rows along k, and the slices that no later tile touches
are handed on at once: only as many as a tile is thick exist at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Protocol

import torch
from torch import Tensor

from medview.core.errors import ModelUnavailable
from medview.core.progress import CancelToken
from medview.core.words import say

_SIGMA = 0.125  # of a tile's edge, as nnU-Net blends (Isensee et al. 2021, Nature Methods 18:203)
_LEAST = 1e-3  # weight at a tile's corners, so that every voxel has one
_TILES_MAX = 100_000
Place = tuple[slice, slice, slice]  # k, j, i


class Net(Protocol):
    """What looks at tiles: [n, 1, k, j, i] to logits [n, class, k, j, i].

    `batch` is how many it takes at a time, `stitch` the device on which answers are added up;
    both may fall while it works.
    """

    @property
    def batch(self) -> int: ...
    @property
    def stitch(self) -> str: ...
    def __call__(self, tiles: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Tiling:
    """patch: the most voxels of a tile along i, j, k; overlap: share of it that neighbours have in
    common; blend: `gaussian` (the middle of a tile counts most), `nnunet` (as its own program
    does) or `constant`."""

    patch: tuple[int, int, int]
    overlap: float = 0.5
    blend: str = "gaussian"

    def tiles(self, shape: Sequence[int]) -> Iterator[Place]:
        """Where the tiles of an image [k, j, i] lie: evenly spread, none reaches beyond it."""
        for row in self.rows(shape):
            yield from row

    def rows(self, shape: Sequence[int]) -> Iterator[list[Place]]:
        """The same, those that start at one k together, in the order of k.

        Raises ModelUnavailable for more of them than anybody could wait for.
        """
        edges = [
            [slice(first, first + min(size, most)) for first in self._firsts(size, most)]
            for size, most in zip(shape, self.patch[::-1], strict=True)
        ]
        if prod(map(len, edges)) > _TILES_MAX:
            raise ModelUnavailable(say("The model asks for impossible tiles."))
        for k in edges[0]:
            yield [(k, j, i) for j, i in product(*edges[1:])]

    def _firsts(self, size: int, most: int) -> list[int]:
        room = size - most
        if room <= 0:
            return [0]
        count = -(-room // max(1, round(most * (1 - self.overlap)))) + 1
        return sorted({round(number * room / (count - 1)) for number in range(count)})


def whole(shape: Sequence[int]) -> Tiling:
    """One tile that is the image [k, j, i] itself."""
    return Tiling((shape[2], shape[1], shape[0]), 0.0, "constant")


@dataclass(frozen=True, eq=False)
class Band:
    """Finished slices: logits [class, n, j, i] from slice `first` on.

    None where no tile of the image so far had anything to see; all classes are 0 there.
    """

    first: int
    count: int
    logits: Tensor | None


def bands(
    net: Net,
    image: Tensor,
    tiling: Tiling,
    cancel: CancelToken,
    told: Callable[[int, int], None] = lambda _done, _total: None,
) -> Iterator[Band]:
    """The logits of an image [k, j, i], averaged over the tiles that see a voxel, in order of k.

    A tile without any contrast is not looked at. Raises Cancelled between tiles. told: tiles
    done, and how many there are.
    """
    rows = list(tiling.rows(image.shape))
    total = sum(map(len, rows))
    sums = _Sums(net, image.shape, rows[0][0][0].stop)
    done = 0
    for number, row in enumerate(rows):
        seen = [place for place in row if image[place].amin() < image[place].amax()]
        while seen:
            cancel.check()
            now, seen = seen[: net.batch], seen[net.batch :]
            answers = net(torch.stack([image[place] for place in now])[:, None])
            for place, answer in zip(now, answers, strict=True):
                sums.add(place, answer, tiling.blend)
            done += len(now)
            told(done, total)
        done = sum(map(len, rows[: number + 1]))
        told(done, total)
        is_last = number + 1 == len(rows)
        yield sums.finish(image.shape[0] if is_last else rows[number + 1][0][0].start)


class _Sums:
    """Weighted sums of the slices that are not finished yet."""

    def __init__(self, net: Net, shape: Sequence[int], depth: int) -> None:
        self._net = net
        self._plane = tuple(shape[1:])
        self._depth = depth
        self._base = 0
        self._total: Tensor | None = None
        self._weights = torch.zeros((depth, *self._plane))

    def add(self, place: Place, answer: Tensor, blend: str) -> None:
        stitch = self._net.stitch
        if self._total is None:
            self._total = torch.zeros((len(answer), self._depth, *self._plane), device=stitch)
        if str(self._total.device) != stitch:
            self._total = self._total.to(stitch)
        self._weights = self._weights.to(stitch)
        k, j, i = place
        local = (slice(k.start - self._base, k.stop - self._base), j, i)
        weight = _weight(answer.shape[1:], blend, stitch)
        self._total[(slice(None), *local)] += answer.to(stitch, torch.float32) * weight
        self._weights[local] += weight

    def finish(self, until: int) -> Band:
        first, count = self._base, until - self._base
        done = None
        if self._total is not None:
            done = (self._total[:, :count] / self._weights[:count].clamp(min=_LEAST)).cpu()
            self._total = _moved_up(self._total, count, 1)
        self._weights = _moved_up(self._weights, count, 0)
        self._base = until
        return Band(first, count, done)


def _moved_up(values: Tensor, count: int, axis: int) -> Tensor:
    """In place: the slices from `count` on come first, what follows them is 0."""
    rest = values.shape[axis] - count
    if rest:
        values.narrow(axis, 0, rest).copy_(values.narrow(axis, count, rest).clone())
    values.narrow(axis, rest, count).zero_()
    return values


def _weight(shape: Sequence[int], blend: str, device: str) -> Tensor:
    """How much each voxel of a tile counts: 1 everywhere, or a Gaussian with 1 in its middle."""
    weight = torch.ones((), device=device)
    if blend == "constant":
        return weight.expand(*shape)
    is_foreign = blend == "nnunet"
    for size in shape:
        middle = size // 2 if is_foreign else (size - 1) / 2
        off = (torch.arange(size, device=device) - middle) / (size * _SIGMA)
        weight = weight[..., None] * torch.exp(-0.5 * off**2)
    if is_foreign:  # its floor is that of half precision; scaled, so that sums stay above ours
        return weight.clamp(min=1e-8) * 1e6
    return weight.clamp(min=_LEAST)

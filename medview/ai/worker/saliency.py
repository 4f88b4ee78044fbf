"""Which places of a picture a net's score comes from: five ways, and two tests of each.

A map has one value a cell of the layer that it was read from. For a layer with maps A [k, ...] and
gradients G of the score:

- Grad-CAM: relu(sum_k mean(G_k) A_k) (Selvaraju et al. 2017, arXiv 1610.02391)
- Grad-CAM++: weights sum of a_k relu(G_k) with a_k = G^2 / (2 G^2 + sum(A_k) G^3), gradients of
  the score itself (Chattopadhay et al. 2018, arXiv 1710.11063, eq. 19)
- HiResCAM: relu(sum_k G_k A_k), place by place (Draelos and Carin 2020, arXiv 2011.08891)
- LayerCAM: relu(sum_k relu(G_k) A_k) (Jiang et al. 2021, doi 10.1109/TIP.2021.3089943)
- occlusion: how far the score falls when a cell is blurred (Zeiler and Fergus 2014)

For a net that ends in average pooling and one linear layer the gradient is the weight over the
number of cells, so that `pooled_cams` gives Grad-CAM of all classes from one forward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

FloatArray = NDArray[np.float32]
Score = Callable[[Tensor], Tensor]  # [n, 1, ...] pictures to [n] scores
_BATCH = 8


def pooled_cams(maps: Tensor, weights: Tensor, *, is_rectified: bool = True) -> Tensor:
    """Grad-CAM [class, ...] of every class of a pooled linear head in one product.

    maps: [k, ...], what is pooled, or what is rectified and then pooled (is_rectified False).
    weights: [class, k]. The values are those of autograd at `maps`.
    """
    k = maps.shape[0]
    flat = maps.reshape(k, -1)
    cells = flat.shape[1]
    if not is_rectified:  # the gradient reaches only places that the rectifier lets pass
        weights = weights * (flat > 0).float().mean(1)
    return torch.relu(weights @ flat).reshape(-1, *maps.shape[1:]) / cells


def weigh(method: str, maps: Tensor, gradients: Tensor) -> Tensor:
    """The map [...] of one method from feature maps [k, ...] and gradients [k, ...]."""
    space = tuple(range(1, maps.ndim))
    if method == "hirescam":
        return torch.relu((gradients * maps).sum(0))
    if method == "layer_cam":
        return torch.relu((torch.relu(gradients) * maps).sum(0))
    if method == "grad_cam":
        weights = gradients.mean(space, keepdim=True)
        return torch.relu((weights * maps).sum(0))
    square, cube = gradients**2, gradients**3
    below = 2 * square + maps.sum(space, keepdim=True) * cube
    alpha = torch.where(below != 0, square / torch.where(below != 0, below, 1), 0)
    weights = (alpha * torch.relu(gradients)).sum(space, keepdim=True)
    found = torch.relu((weights * maps).sum(0))
    # Its own weights have no unit: it deals out what Grad-CAM deals out.
    whole, total = weigh("grad_cam", maps, gradients).sum(), found.sum()
    return found * (whole / total) if total > 0 else found


def gradient_map(method: str, net: nn.Module, layer: nn.Module, x: Tensor, score: Score) -> Tensor:
    """The map of a method at a layer for one picture [1, 1, ...]; `score` runs the net."""
    seen: list[Tensor] = []
    handle = layer.register_forward_hook(lambda _m, _i, out: seen.append(out))
    try:
        with torch.enable_grad():
            value = score(x.detach().requires_grad_())[0]
            (gradients,) = torch.autograd.grad(value, seen[0])
    finally:
        handle.remove()
    return weigh(method, seen[0][0].detach(), gradients[0])


def occlusion_map(
    x: Tensor, blurred: Tensor, score: Score, cells: tuple[int, ...], told: Callable[[int], None]
) -> Tensor:
    """[cells]: how far the score of one picture [1, 1, ...] falls when a cell is replaced.

    Volumes go one at a time, so that `told` can stop it after any pass.
    """
    before = float(score(x)[0])
    at_once = _BATCH if x.ndim == 4 else 1
    places = list(_boxes(x.shape[2:], cells))
    found: list[float] = []
    for first in range(0, len(places), at_once):
        told(len(found))
        batch = x.repeat(len(places[first : first + at_once]), *[1] * (x.ndim - 1))
        for picture, box in zip(batch, places[first : first + at_once], strict=True):
            picture[0][box] = blurred[0, 0][box]
        found += [before - float(value) for value in score(batch)]
    return torch.relu(torch.tensor(found).reshape(cells))


def _boxes(shape: tuple[int, ...], cells: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    edges = [np.linspace(0, size, count + 1).round().astype(int) for size, count in
             zip(shape, cells, strict=True)]  # fmt: skip
    for place in np.ndindex(*cells):
        yield tuple(slice(int(e[p]), int(e[p + 1])) for e, p in zip(edges, place, strict=True))


def curves(
    order: NDArray[np.float32],
    pair: tuple[Tensor, Tensor],
    score: Score,
    steps: int,
    told: Callable[[int], None],
) -> tuple[float, float]:
    """Mean score that is won by putting places back, and lost by taking them away, in an order.

    The areas of Petsiuk et al. 2018 (arXiv 1806.07421) in the score's own unit. order: [...] like
    the picture; the places with the highest values go first, an equal part with each of `steps`.
    pair: a picture [1, 1, ...] and its blur, which stands for a place that is not there. The more
    a map wins and loses, the better it knows what the score comes from.
    """
    x, blurred = pair
    ranks = np.empty(order.size, np.int64)
    ranks[np.argsort(-order.ravel(), kind="stable")] = np.arange(order.size)
    place = torch.from_numpy(ranks.reshape(order.shape)).to(x.device)
    low, high = float(score(blurred)[0]), float(score(x)[0])
    parts = [place < round(order.size * number / steps) for number in range(1, steps)]
    won = [value - low for value in _scores(parts, (x, blurred), score, told)]
    lost = [high - value for value in _scores(parts, (blurred, x), score, told)]
    ends = (0.0, high - low)
    areas = [float(np.trapezoid([ends[0], *c, ends[1]], dx=1 / steps)) for c in (won, lost)]
    return areas[0], areas[1]


def _scores(
    parts: list[Tensor], pair: tuple[Tensor, Tensor], score: Score, told: Callable[[int], None]
) -> Iterator[float]:
    """The score of one picture inside each part and another outside; volumes one at a time."""
    inside, outside = pair
    at_once = _BATCH if inside.ndim == 4 else 1
    for first in range(0, len(parts), at_once):
        told(first)
        batch = [torch.where(part, inside, outside) for part in parts[first : first + at_once]]
        yield from (float(value) for value in score(torch.cat(batch)))


def shuffled(net: nn.Module, build: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    """A net of the same kind whose weights are the same numbers in another order, layer by layer.

    What it points at has nothing to do with what was learnt (Adebayo et al. 2018, 1810.03292).
    """
    other = build()
    other.load_state_dict(net.state_dict())
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weights in other.parameters():
            flat = weights.cpu().reshape(-1)
            weights.copy_(flat[torch.randperm(flat.numel(), generator=generator)].view_as(weights))
    return other.eval()


def likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Rank correlation of two maps, -1 to 1 (Spearman); 0 where one of them is even."""
    from scipy.stats import rankdata

    ranks = [rankdata(values.ravel()) for values in (one, other)]
    if any(np.ptp(r) == 0 for r in ranks):
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])

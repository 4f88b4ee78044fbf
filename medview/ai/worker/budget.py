"""The memory that a network will need, foretold from its classes, its grid and its tile.

What is foretold: the sums of unfinished slices (classes x thickness of a tile x plane, which are
moved and joined once each), and what a tile leaves behind on its way through the network. A run
that would not fit steps down the ladder before it begins, or is refused with the two figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn

from medview.ai.worker.ladder import Ladder
from medview.core.errors import MedViewError
from medview.core.machine import available_bytes
from medview.core.words import say

_FLOAT = 4
_COPIES = 4  # of the sums: themselves, moved up, finished, joined to the slice before
_AROUND = 3  # of a layer's input and output: what libraries lay out anew around a convolution
MOST_BATCH = 8
_GB = 1e9


@dataclass(frozen=True)
class Cost:
    """What one look at a tile costs: multiply-adds x 2, bytes it needs at its peak, classes."""

    flops: float
    bytes: float
    classes: int


UNKNOWN = Cost(0.0, 0.0, 0)


def least_shape(net: object) -> list[int]:
    """A small tile [k, j, i] that a network stands: two voxels are left on its coarsest level,
    since instance norm asks for more than one."""
    each = int(getattr(net, "multiple", 8))
    return [2 * int(n) for n in getattr(net, "multiples", (each,) * 3)]


def cost_of(net: object, shape: Sequence[int]) -> Cost:
    """Measured on a small tile and scaled by the voxels of a tile [k, j, i].

    At the peak the layer with the largest input and output is computed while the encoder's
    outputs wait for the decoder. Nothing is known of what is no module: all zero.
    """
    if not isinstance(net, nn.Module):
        return UNKNOWN
    small = least_shape(net)
    flops, layers, kept = 0, [0], 0

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal flops, kept
        if isinstance(layer, nn.Conv2d | nn.Conv3d):
            flops += 2 * output.numel() * layer.weight[0].numel()
        elif isinstance(layer, nn.ConvTranspose2d | nn.ConvTranspose3d):
            flops += 2 * inputs[0].numel() * layer.weight[0].numel()
        else:
            return
        layers.append(inputs[0].numel() + output.numel())
        kept = max(kept, output.numel())

    hooks = [layer.register_forward_hook(count) for layer in net.modules()]
    try:
        with torch.inference_mode():
            place = next(iter(net.parameters()), torch.empty(0)).device
            answer = net(torch.zeros((1, 1, *small), device=place))
    finally:
        for hook in hooks:
            hook.remove()
    scale = float(torch.tensor(shape).prod()) / prod(small)
    peak = _FLOAT * (_AROUND * max(layers) + 2 * kept)
    return Cost(flops * scale, peak * scale, answer.shape[1])


def foretold(cost: Cost, shape: Sequence[int], depth: int) -> float:
    """Bytes that one tile at a time takes at its peak, with the sums of unfinished slices.

    shape: of the image [k, j, i]; depth: thickness of a tile.
    """
    sums = _COPIES * _FLOAT * cost.classes * min(depth, shape[0]) * shape[1] * shape[2]
    return cost.bytes + sums


def plan(ladder: Ladder, cost: Cost, shape: Sequence[int], depth: int) -> None:
    """Step down until the run fits; the processor's tiles come one at a time.

    shape: of the image [k, j, i]; depth: thickness of a tile. Raises TooFine or MedViewError.
    """
    sums = foretold(cost, shape, depth) - cost.bytes
    free = _free(ladder)
    ladder.batch = 1 if ladder.device.kind == "cpu" else MOST_BATCH
    while ladder.batch > 1 and free is not None and ladder.batch * cost.bytes > free:
        ladder.batch //= 2
    while True:
        device, free = ladder.device, _free(ladder)
        there = ladder.batch * cost.bytes
        if device.kind == "cpu" or ladder.stitches_on_device:
            there += sums
        if free is None or there <= free:
            return
        if device.kind == "cpu" and not ladder.coarser:
            if free == ladder.most_bytes:
                raise _more_than_stated(there, free)
            raise _too_much(there, free)
        ladder.down()
        ladder.batch = 1 if ladder.device.kind == "cpu" else ladder.batch


def _free(ladder: Ladder) -> float | None:
    """What a run may take: what the machine has left, and no more than the model states."""
    if ladder.device.kind != "cpu":
        return ladder.device.free_bytes()
    free = available_bytes()
    return ladder.most_bytes if free is None else min(free, ladder.most_bytes)


def _more_than_stated(needed: float, most: float) -> MedViewError:
    return MedViewError(
        say(
            "This model states that it needs at most {most} GB of memory; for this series it "
            "would need {needed} GB.",
            most=f"{most / _GB:.1f}",
            needed=f"{needed / _GB:.1f}",
        ),
        what_to_do=say("Run it on a part of the scan."),
    )


def _too_much(needed: float, free: float) -> MedViewError:
    return MedViewError(
        say(
            "This model would need {needed} GB of memory for this series; {free} GB are free.",
            needed=f"{needed / _GB:.1f}",
            free=f"{free / _GB:.1f}",
        ),
        what_to_do=say("Close other studies or programs, or run it on a part of the scan."),
    )

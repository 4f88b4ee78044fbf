"""A network told node by node: `skip = conv image inputs=1 outputs=8 kernel=3,3,3 pad=1,1,1`.

For networks of other makers, of which no class is here. A node is one of the kinds in this file
with numbers for its settings; what is not here is refused by its name, and nothing is evaluated.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from medview.core.errors import ModelUnavailable
from medview.core.words import say

IMAGE = "image"
_NODE = re.compile(r"(\w{1,80}) = (\w{1,20}) (\w+(?:,\w+)*)((?: \w+=[-+.,\w]+)*)")
_MOST_NODES, _MOST_CHANNELS, _MOST_VOXELS = 2000, 65536, 64
_FLAT_KINDS = ("flatten", "linear")


@dataclass(frozen=True)
class Node:
    """name: of what it gives; inputs: names of earlier nodes, or `image`."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    settings: Mapping[str, str]

    def ints(self, name: str, dims: int = 1) -> list[int]:
        """A setting of whole numbers, one for each axis. Raises ValueError."""
        found = [int(n) for n in self.settings[name].split(",")]
        most = _MOST_CHANNELS if dims == 1 else _MOST_VOXELS
        if len(found) != dims or not all(0 <= n <= most for n in found):
            raise ValueError(name)
        return found

    def int(self, name: str) -> int:
        """A setting of one whole number."""
        return self.ints(name)[0]

    def number(self, name: str) -> float:
        """A setting of one finite number."""
        found = float(self.settings[name])
        if not math.isfinite(found):
            raise ValueError(name)
        return found


def node_of(text: str) -> Node:
    """Raises ValueError for what is no node."""
    found = _NODE.fullmatch(text)
    if found is None:
        raise ValueError(text[:80])
    name, kind, inputs, rest = found.groups()
    pairs = dict(pair.split("=", 1) for pair in rest.split())
    return Node(name, kind, tuple(inputs.split(",")), pairs)


def _conv(node: Node, dims: int) -> nn.Module:
    kind: Any = (nn.Conv2d, nn.Conv3d)[dims - 2]
    made: nn.Module = kind(
        node.int("inputs"), node.int("outputs"), node.ints("kernel", dims),
        node.ints("stride", dims), node.ints("pad", dims), node.ints("dilation", dims),
        node.int("groups"), bias=bool(node.int("bias")),
    )  # fmt: skip
    return made


def _up(node: Node, dims: int) -> nn.Module:
    kind: Any = (nn.ConvTranspose2d, nn.ConvTranspose3d)[dims - 2]
    made: nn.Module = kind(
        node.int("inputs"), node.int("outputs"), node.ints("kernel", dims),
        node.ints("stride", dims), node.ints("pad", dims), node.ints("more", dims),
        node.int("groups"), bool(node.int("bias")), node.ints("dilation", dims),
    )  # fmt: skip
    return made


def _instance(node: Node, dims: int) -> nn.Module:
    kind: Any = (nn.InstanceNorm2d, nn.InstanceNorm3d)[dims - 2]
    made: nn.Module = kind(
        node.int("inputs"), eps=node.number("eps"), affine=bool(node.int("affine"))
    )
    return made


def _batch(node: Node, dims: int) -> nn.Module:
    kind: Any = (nn.BatchNorm2d, nn.BatchNorm3d)[dims - 2]
    made: nn.Module = kind(node.int("inputs"), eps=node.number("eps"))
    return made


_POOLS: Mapping[tuple[str, int], Any] = {
    ("max_pool", 2): nn.MaxPool2d, ("max_pool", 3): nn.MaxPool3d,
    ("average_pool", 2): nn.AvgPool2d, ("average_pool", 3): nn.AvgPool3d,
}  # fmt: skip


def _pool(node: Node, dims: int) -> nn.Module:
    edges = [tuple(node.ints(name, dims)) for name in ("kernel", "stride", "pad")]
    made: nn.Module = _POOLS[node.kind, dims](*edges)
    return made


class _Resize(nn.Module):
    def __init__(self, node: Node, dims: int) -> None:
        super().__init__()
        self.scale = [float(n) for n in node.ints("scale", dims)]
        linear = ("bilinear", "trilinear")[dims - 2]
        self.mode = {"nearest": "nearest", "linear": linear}[node.settings["mode"]]

    def forward(self, x: Tensor) -> Tensor:
        return functional.interpolate(x, scale_factor=self.scale, mode=self.mode)


def _linear(node: Node, _dims: int) -> nn.Module:
    return nn.Linear(node.int("inputs"), node.int("outputs"), bias=bool(node.int("bias")))


_MODULES: Mapping[str, Callable[[Node, int], nn.Module]] = {
    "conv": _conv, "up": _up, "instance_norm": _instance, "batch_norm": _batch,
    "max_pool": _pool, "average_pool": _pool, "resize": _Resize, "linear": _linear,
    "prelu": lambda node, _: nn.PReLU(node.int("inputs")),
    "leaky_relu": lambda node, _: nn.LeakyReLU(node.number("slope")),
    "relu": lambda _node, _: nn.ReLU(), "sigmoid": lambda _node, _: nn.Sigmoid(),
    "softmax": lambda _node, _: nn.Softmax(1), "same": lambda _node, _: nn.Identity(),
}  # fmt: skip


def _mean(parts: list[Tensor]) -> Tensor:
    return parts[0].flatten(2).mean(2)


def _mean_kept(parts: list[Tensor]) -> Tensor:
    return parts[0].mean(tuple(range(2, parts[0].ndim)), keepdim=True)


_JOINS: Mapping[str, Callable[[list[Tensor]], Tensor]] = {
    "add": lambda parts: sum(parts[1:], parts[0]),
    "concat": lambda parts: torch.cat(parts, 1),
    "mean": _mean,  # over space, to [n, channel]
    "mean_kept": _mean_kept,  # to [n, channel, 1, 1(, 1)], which a skip adds to every place
    "flatten": lambda parts: parts[0].flatten(1),
}
KINDS = frozenset(_MODULES) | frozenset(_JOINS)


class GraphNet(nn.Module):
    """[n, 1, (k,) j, i] through the nodes, the last of which is the answer.

    dims: 2 or 3, axes of space. is_flat: whether the answer is [n, class] and no picture.
    multiples: by which the sizes [(k,) j, i] of a picture must be divisible. Raises ValueError,
    KeyError for nodes that are none.
    """

    def __init__(self, *, dims: int, nodes: list[str]) -> None:
        super().__init__()
        if dims not in (2, 3) or not 0 < len(nodes) <= _MOST_NODES:
            raise ValueError("nodes")
        self.dims = dims
        self.nodes = [node_of(text) for text in nodes]
        self.parts = nn.ModuleDict()
        known = {IMAGE}
        for node in self.nodes:
            if node.name in known or not known.issuperset(node.inputs):
                raise ValueError(node.name)
            known.add(node.name)
            if node.kind in _MODULES:
                self.parts[node.name] = _MODULES[node.kind](node, dims)
            elif node.kind not in _JOINS:
                raise KeyError(node.kind)
        self.multiples = _multiples(self.nodes, dims)
        flat = {node.name for node in self.nodes if node.kind in (*_FLAT_KINDS, "mean")}
        for node in self.nodes:
            flat |= {node.name} if flat.intersection(node.inputs) else set()
        self.is_flat = self.nodes[-1].name in flat
        # What nobody reads later is let go: skips of a U-Net are most of its memory.
        self._last = {name: n for n, node in enumerate(self.nodes) for name in node.inputs}

    def forward(self, x: Tensor) -> Tensor:
        """The last node's answer."""
        known = {IMAGE: x}
        for number, node in enumerate(self.nodes):
            parts = [known[name] for name in node.inputs]
            if node.kind in _JOINS:
                known[node.name] = _JOINS[node.kind](parts)
            else:
                known[node.name] = self.parts[node.name](parts[0])
            for name in set(node.inputs):
                if self._last[name] == number:
                    del known[name]
        return known[self.nodes[-1].name]


def _multiples(nodes: list[Node], dims: int) -> tuple[int, ...]:
    """Along each axis what makes every node's size a whole number."""
    coarser = {IMAGE: [Fraction(1)] * dims}  # voxels of the image for one of the node
    for node in nodes:
        own = coarser[node.inputs[0]]
        if node.kind in ("conv", "max_pool", "average_pool"):
            own = [a * b for a, b in zip(own, node.ints("stride", dims), strict=True)]
        elif node.kind in ("up", "resize"):
            by = node.ints("stride" if node.kind == "up" else "scale", dims)
            own = [a / max(1, b) for a, b in zip(own, by, strict=True)]
        coarser[node.name] = own
    found = tuple(math.lcm(*(own[axis].numerator for own in coarser.values()))
                  for axis in range(dims))  # fmt: skip
    if not 0 < min(found) <= max(found) <= _MOST_VOXELS * 4:
        raise ValueError("stride")
    return found


class SliceBySlice(nn.Module):
    """A network of planes as one of volumes: [n, 1, k, j, i] to [n, class, k, j, i]."""

    def __init__(self, net: GraphNet) -> None:
        super().__init__()
        self.net, self.multiples = net, (1, *net.multiples)

    def forward(self, x: Tensor) -> Tensor:
        """Each plane across k by itself."""
        planes = x.transpose(1, 2).flatten(0, 1)  # [n k, 1, j, i]
        found: Tensor = self.net(planes)
        return found.reshape(x.shape[0], x.shape[2], *found.shape[1:]).transpose(1, 2)


def build_graph(*, dims: int, nodes: list[str]) -> GraphNet:
    """Raises ModelUnavailable with the kind of node that is unknown."""
    try:
        return GraphNet(dims=dims, nodes=nodes)
    except KeyError as error:
        raise unknown_part(str(error.args[0])) from error


def unknown_part(name: str) -> ModelUnavailable:
    """The refusal of a node by its name."""
    return ModelUnavailable(
        say("The model's network uses {name}, which MedView does not have.", name=name[:80])
    )

"""MONAI's `UNet` by its plain arguments, as nodes of `ai.worker.graph_net`.

Written after `monai.networks.nets.UNet` (MONAI 1.6, Apache-2.0): every level is a way down, what
lies below it beside what came down, and a way up. `names` maps the checkpoint's tensors to nodes'.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from medview.core.errors import ModelUnavailable
from medview.core.words import say

_KNOWN = {
    "_target_", "spatial_dims", "in_channels", "out_channels", "channels", "strides",
    "kernel_size", "up_kernel_size", "num_res_units", "act", "norm", "dropout", "bias",
    "adn_ordering",
}  # fmt: skip
_AT = "network_def"


class MonaiUnet:
    """nodes and names of a network of volumes; outputs: classes. Raises ModelUnavailable."""

    dims = 3

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.nodes: list[str] = []
        self.names: dict[str, str] = {}
        for key, value in given.items():
            if key not in _KNOWN or _is_code(value):
                raise stopped(value, f"{_AT}::{key}")
        self._take(given)
        widths = [int(n) for n in given["channels"]]
        strides = [self._each(n) for n in given["strides"]]
        if not 2 <= len(widths) <= 8 or len(strides) < len(widths) - 1:
            raise stopped(given["strides"], f"{_AT}::strides")
        self._level("image", (1, self.outputs), widths, strides, "model.")

    def _take(self, given: Mapping[str, Any]) -> None:
        self.outputs = int(given["out_channels"])
        for key, wanted in (("spatial_dims", self.dims), ("in_channels", 1)):
            if given[key] != wanted:
                raise stopped(given[key], f"{_AT}::{key}")
        self.kernel = self._each(given.get("kernel_size", 3))
        self.up_kernel = self._each(given.get("up_kernel_size", 3))
        if any(n % 2 == 0 for n in (*self.kernel, *self.up_kernel)):
            raise stopped(given.get("kernel_size"), f"{_AT}::kernel_size")
        self.units, self.bias = int(given.get("num_res_units", 0)), int(given.get("bias", True))
        if given.get("adn_ordering", "NDA") != "NDA":
            raise stopped(given["adn_ordering"], f"{_AT}::adn_ordering")
        self.norm, norm = _named(given.get("norm", "instance"), "norm")
        self.act, act = _named(given.get("act", "prelu"), "act")
        self.affine = int(norm.pop("affine", False))
        self.slope = float(act.pop("negative_slope", 0.01))
        act.pop("inplace", None)
        if self.norm not in ("instance", "batch") or norm:
            raise stopped(given.get("norm"), f"{_AT}::norm")
        if self.act not in ("prelu", "relu", "leakyrelu") or act:
            raise stopped(given.get("act"), f"{_AT}::act")

    def _each(self, value: Any) -> list[int]:
        found = value if isinstance(value, list) else [value] * self.dims
        return [int(n) for n in found]

    def _put(self, kind: str, start: str, **settings: object) -> str:
        name = f"n{len(self.nodes)}"
        told = "".join(f" {key}={_said(value)}" for key, value in settings.items())
        self.nodes.append(f"{name} = {kind} {start}{told}")
        return name

    def _owns(self, node: str, theirs: str, *parts: str) -> None:
        self.names |= {f"{theirs}.{part}": f"parts.{node}.{part}" for part in parts}

    def _conv(
        self, start: str, ways: tuple[int, int], theirs: str, stride: list[int], kernel: list[int],
        *, is_up: bool = False,
    ) -> str:  # fmt: skip
        more: dict[str, object] = {"more": [n - 1 for n in stride]} if is_up else {}
        node = self._put(
            "up" if is_up else "conv", start, inputs=ways[0], outputs=ways[1], kernel=kernel,
            stride=stride, pad=[(n - 1) // 2 for n in kernel], dilation=[1] * self.dims, groups=1,
            bias=self.bias, **more,
        )  # fmt: skip
        self._owns(node, theirs, "weight", *(["bias"] if self.bias else []))
        return node

    def _settled(self, start: str, width: int, theirs: str) -> str:
        """Norm and activation (MONAI's ADN)."""
        if self.norm == "batch":
            node = self._put("batch_norm", start, inputs=width, eps=1e-5)
            parts = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
        else:
            node = self._put("instance_norm", start, inputs=width, eps=1e-5, affine=self.affine)
            parts = ["weight", "bias"] if self.affine else []
        self._owns(node, f"{theirs}.N", *parts)
        if self.act == "prelu":
            node = self._put("prelu", node, inputs=1)
            self._owns(node, f"{theirs}.A", "weight")
            return node
        slope = {"slope": self.slope} if self.act == "leakyrelu" else {}
        return self._put("leaky_relu" if slope else "relu", node, **slope)

    def _unit(
        self, start: str, ways: tuple[int, int], theirs: str, stride: list[int], count: int,
        *, is_last: bool = False,
    ) -> str:  # fmt: skip
        """A residual unit of `count` convolutions; is_last: the very last one stays as it is."""
        at, before, steps = start, ways[0], stride
        for n in range(count):
            own = f"{theirs}.conv.unit{n}"
            at = self._conv(at, (before, ways[1]), f"{own}.conv", steps, self.kernel)
            if not (is_last and n == count - 1):
                at = self._settled(at, ways[1], f"{own}.adn")
            before, steps = ways[1], [1] * self.dims
        if prod(stride) != 1 or ways[0] != ways[1]:
            kernel = self.kernel if prod(stride) != 1 else [1] * self.dims
            start = self._conv(start, ways, f"{theirs}.residual", stride, kernel)
        return self._put("add", f"{at},{start}")

    def _down(self, start: str, ways: tuple[int, int], theirs: str, stride: list[int]) -> str:
        if self.units:
            return self._unit(start, ways, theirs, stride, self.units)
        at = self._conv(start, ways, f"{theirs}.conv", stride, self.kernel)
        return self._settled(at, ways[1], f"{theirs}.adn")

    def _up(
        self, start: str, ways: tuple[int, int], theirs: str, stride: list[int], *, is_top: bool
    ) -> str:
        own = f"{theirs}.0" if self.units else theirs
        at = self._conv(start, ways, f"{own}.conv", stride, self.up_kernel, is_up=True)
        if self.units or not is_top:
            at = self._settled(at, ways[1], f"{own}.adn")
        if not self.units:
            return at
        one = [1] * self.dims
        return self._unit(at, (ways[1], ways[1]), f"{theirs}.1", one, 1, is_last=is_top)

    def _level(
        self, start: str, ways: tuple[int, int], widths: list[int], strides: list[list[int]],
        theirs: str,
    ) -> str:  # fmt: skip
        width, stride = widths[0], strides[0]
        down = self._down(start, (ways[0], width), f"{theirs}0", stride)
        below = f"{theirs}1.submodule"
        if len(widths) > 2:
            inner = self._level(down, (width, width), widths[1:], strides[1:], f"{below}.")
            wide = 2 * width
        else:
            inner = self._down(down, (width, widths[1]), below, [1] * self.dims)
            wide = width + widths[1]
        both = self._put("concat", f"{down},{inner}")
        return self._up(both, (wide, ways[1]), f"{theirs}2", stride, is_top=theirs == "model.")


def stopped(value: object, key: str) -> ModelUnavailable:
    """The refusal of a value by its key; words of code are called so."""
    if _is_code(value):
        return ModelUnavailable(
            say("The bundle wants code to be run at {key}; MedView runs none.", key=key[:80])
        )
    return ModelUnavailable(
        say("The bundle asks for {what} at {key}, which MedView does not have.",
            what=str(value)[:80], key=key[:80])
    )  # fmt: skip


def _is_code(value: object) -> bool:
    return isinstance(value, str) and value.startswith("$")


def _named(value: Any, key: str) -> tuple[str, dict[str, Any]]:
    """`"batch"`, or `["instance", {"affine": true}]`."""
    name, rest = (
        (value[0], value[1]) if isinstance(value, list) and len(value) == 2 else (value, {})
    )
    if isinstance(name, list) and len(name) == 1:
        name = name[0]
    if not isinstance(name, str) or not isinstance(rest, dict):
        raise stopped(value, f"{_AT}::{key}")
    return name.lower(), dict(rest)


def _said(value: object) -> str:
    return ",".join(str(n) for n in value) if isinstance(value, list) else str(value)

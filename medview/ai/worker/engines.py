"""What computes a network's answers: torch, or OpenVINO on the processor; float32 or half.

Which of them is quickest depends on the network and the machine (OpenVINO in float32 was 2 to 4
times as quick as torch on CPUs, bfloat16 there 3 times slower), so it is measured; see `probe`.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.util import find_spec
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from medview.ai.worker.budget import least_shape
from medview.ai.worker.devices import Device

_insisted: ContextVar[str] = ContextVar("engine", default="")


class Engine(Protocol):
    """A network made ready for one device: [n, 1, k, j, i] float32 to logits there."""

    @property
    def name(self) -> str: ...
    @property
    def precision(self) -> str: ...
    def __call__(self, tiles: Tensor) -> Tensor: ...


class TorchEngine:
    """The network as it is, in float32 or in half precision by autocast."""

    name = "torch"

    def __init__(self, net: Callable[[Tensor], Tensor], device: Device, precision: str) -> None:
        self.precision = precision
        self._net = net.to(device.place) if isinstance(net, nn.Module) else net
        self._device = device

    def __call__(self, tiles: Tensor) -> Tensor:
        """Logits on the device, in float32 whatever was computed in."""
        tiles = tiles.to(self._device.place)
        if self.precision == "float32":
            return self._net(tiles)
        kind = torch.bfloat16 if self.precision == "bfloat16" else torch.float16
        with torch.autocast(self._device.kind, dtype=kind):
            return self._net(tiles).float()


class OpenVinoEngine:
    """The network compiled by OpenVINO for the processor, in float32, one tile at a time."""

    name = "openvino"
    precision = "float32"

    def __init__(self, net: nn.Module, shape: tuple[int, ...]) -> None:
        """shape: of the tiles, [k, j, i]."""
        self._request = _compiled(net, shape).create_infer_request()

    def __call__(self, tiles: Tensor) -> Tensor:
        """Logits; a copy, since the next tile overwrites what OpenVINO keeps."""
        answers = [
            torch.from_numpy(self._request.infer([tile[None].numpy()], share_inputs=True)[0])
            for tile in tiles.contiguous()
        ]
        return answers[0] if len(answers) == 1 else torch.cat(answers)


def has_openvino() -> bool:
    """Whether OpenVINO is installed (it is left out of small installations)."""
    return find_spec("openvino") is not None


def _compiled(net: nn.Module, shape: tuple[int, ...]) -> Any:
    import openvino  # type: ignore[import-not-found,unused-ignore]

    example = torch.zeros((1, 1, *least_shape(net)))
    with torch.inference_mode(mode=False), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's, about shapes that are fixed here on purpose
        traced = torch.jit.trace(net, example, check_trace=False)  # type: ignore[no-untyped-call]
        model = openvino.convert_model(traced, example_input=example, input=[1, 1, *shape])
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    return openvino.Core().compile_model(model, "CPU", settings)


@contextmanager
def insist_on(name: str) -> Iterator[None]:
    """An engine, or one with its precision ("torch bfloat16"), for what is run within."""
    token = _insisted.set(name)
    try:
        yield
    finally:
        _insisted.reset(token)


def wanted_engine() -> str:
    """The engine that somebody insists on (MEDVIEW_ENGINE), "" for the one that measures best."""
    return _insisted.get() or os.environ.get("MEDVIEW_ENGINE", "")

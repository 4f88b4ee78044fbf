"""A foreign ONNX graph as nodes of `graph_net`, with its weights as safetensors.

Only ever called by `ai.worker.child`. A closed set of operators is translated, with the settings
that `graph_net` has; any other operator, setting or number that is computed stops it by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from medview.ai.worker.graph_net import IMAGE, GraphNet, unknown_part
from medview.ai.worker.onnx_reader import OnnxGraph, OnnxNode, read_onnx_file
from medview.core.errors import ModelUnavailable
from medview.core.words import say

_ABOUT = {"medview.description": "description", "medview.calibration": "calibration"}
Settings = dict[str, Any]
# What a value is: [n, channel, (k,) j, i], the same with one place, [n, channel].
_PICTURE, _PLACE, _FLAT = range(3)
_GIVES = {"mean_kept": _PLACE, "mean": _FLAT, "flatten": _FLAT, "linear": _FLAT}


def convert_onnx(source: str, target: str) -> Mapping[str, Any]:
    """dims and nodes of a graph, and what it says of itself; its weights at `target`.

    Raises ModelUnavailable.
    """
    graph = read_onnx_file(Path(source))
    try:
        made = _Translation(graph)
        net = GraphNet(dims=made.dims, nodes=made.nodes)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise ModelUnavailable(
            say("This is no sound ONNX file."), detail=str(error)[:80]
        ) from error
    wanted = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    if wanted != {name: array.shape for name, array in made.weights.items()}:
        raise ModelUnavailable(say("The weights do not belong to this network."))
    save_file(made.weights, target)
    about = {own: graph.about[key] for key, own in _ABOUT.items() if key in graph.about}
    return {"dims": made.dims, "nodes": made.nodes, **about}


class _Translation:
    """Walks the nodes of a file in their order."""

    def __init__(self, graph: OnnxGraph) -> None:
        self.constants: dict[str, NDArray[Any]] = dict(graph.weights)
        self.nodes: list[str] = []
        self.weights: dict[str, NDArray[Any]] = {}
        if len(graph.inputs) != 1 or len(graph.outputs) != 1:
            raise ModelUnavailable(
                say("The network takes or gives several pictures; MedView follows one of each.")
            )
        (start, shape), (end,) = next(iter(graph.inputs.items())), graph.outputs
        self.dims = self._dims(graph, shape)
        self.opset = graph.opset
        self._names = {start: IMAGE}
        self._forms = {start: _PICTURE}
        for node in graph.nodes:
            self._take(node)
        if self._forms[end] == _PLACE:  # what is pooled over all of a picture is its scores
            self.put(OnnxNode("Flatten", (end,), (end,), {}), "flatten", {})
        if self._names[end] != self.nodes[-1].split(" = ")[0]:
            raise ValueError(end)

    @staticmethod
    def _dims(graph: OnnxGraph, shape: list[int | None]) -> int:
        if len(shape) not in (4, 5):
            raise ModelUnavailable(say("The network takes no pictures [n, 1, rows, columns]."))
        if shape[1] not in (1, None):
            raise ModelUnavailable(
                say("The model needs {count} images of a patient at once; MedView gives a model "
                    "one.", count=shape[1])
            )  # fmt: skip
        if graph.opset < 11:
            raise unknown_part(f"opset {graph.opset}")
        return len(shape) - 2

    def _take(self, node: OnnxNode) -> None:
        if node.op == "Constant":
            self.constants[node.outputs[0]] = np.asarray(node.settings["value"])
            return
        if node.op in ("Identity", "Dropout"):
            self._names[node.outputs[0]] = self._names[node.inputs[0]]
            self._forms[node.outputs[0]] = self._forms[node.inputs[0]]
            return
        make = _OPERATORS.get(node.op)
        if make is None or any(node.outputs[1:]):
            raise unknown_part(node.op)
        make(self, node)

    def put(self, node: OnnxNode, kind: str, settings: Settings, inputs: int = 1) -> None:
        """One node more; inputs: how many of the file's are pictures."""
        name = f"n{len(self.nodes)}"
        own = ",".join(self._names[one] for one in node.inputs[:inputs])
        told = " ".join(f"{key}={_said(value)}" for key, value in settings.items())
        self.nodes.append(f"{name} = {kind} {own} {told}".rstrip())
        self._names[node.outputs[0]] = name
        form = min(self._forms[one] for one in node.inputs[:inputs])
        self._forms[node.outputs[0]] = max(form, _GIVES.get(kind, form))

    def is_flat(self, node: OnnxNode) -> bool:
        """Whether a node's first input is [n, channel]. Raises ModelUnavailable for a mixture."""
        forms = {self._forms[name] for name in node.inputs if name in self._forms}
        if _FLAT in forms and len(forms) > 1:
            raise unknown_part(f"{node.op}, {node.inputs[-1]}")
        return _FLAT in forms

    def keep(self, part: str, array: NDArray[Any]) -> None:
        """A weight of the node that `put` is about to write."""
        self.weights[f"parts.n{len(self.nodes)}.{part}"] = np.array(array, np.float32, order="C")

    def given(self, node: OnnxNode, at: int) -> NDArray[Any] | None:
        """An input that must be a constant; None where it is left out."""
        if len(node.inputs) <= at or not node.inputs[at]:
            return None
        if node.inputs[at] not in self.constants:
            raise unknown_part(f"{node.op}, {node.inputs[at]}")
        return self.constants[node.inputs[at]]

    def need(self, node: OnnxNode, at: int) -> NDArray[Any]:
        """The same where it may not be left out."""
        found = self.given(node, at)
        if found is None:
            raise KeyError(node.op)
        return found


def _said(value: Any) -> str:
    return ",".join(str(n) for n in value) if isinstance(value, list) else str(value)


def _only(node: OnnxNode, **allowed: tuple[Any, ...]) -> None:
    """Refuse any setting that is neither known nor one of the allowed values."""
    for name, value in node.settings.items():
        if name in allowed and (value in allowed[name] or not allowed[name]):
            continue
        raise unknown_part(f"{node.op}, {name}")


def _edges(node: OnnxNode, name: str, dims: int, otherwise: int) -> list[int]:
    found = [int(n) for n in node.settings.get(name) or [otherwise] * dims]
    if name != "pads":
        return found
    found = found * 2 if len(found) == dims else found
    if found[:dims] != found[dims:]:
        raise unknown_part(f"{node.op}, pads {found}")
    return found[:dims]


_ANY: tuple[Any, ...] = ()
_WINDOW = {"kernel_shape": _ANY, "strides": _ANY, "pads": _ANY, "auto_pad": (b"NOTSET",)}


def _conv(to: _Translation, node: OnnxNode) -> None:
    _only(node, **_WINDOW, dilations=_ANY, group=_ANY, output_padding=_ANY)
    weight, bias, dims = to.need(node, 1), to.given(node, 2), to.dims
    is_up, group = node.op == "ConvTranspose", int(node.settings.get("group", 1))
    ways = (weight.shape[0], weight.shape[1] * group)
    settings: Settings = {
        "inputs": ways[0] if is_up else ways[1], "outputs": ways[1] if is_up else ways[0],
        "kernel": list(weight.shape[2:]), "stride": _edges(node, "strides", dims, 1),
        "pad": _edges(node, "pads", dims, 0), "dilation": _edges(node, "dilations", dims, 1),
        "groups": group, "bias": int(bias is not None),
    }  # fmt: skip
    if is_up:
        settings["more"] = _edges(node, "output_padding", dims, 0)
    to.keep("weight", weight)
    if bias is not None:
        to.keep("bias", bias)
    to.put(node, "up" if is_up else "conv", settings)


def _instance(to: _Translation, node: OnnxNode) -> None:
    _only(node, epsilon=_ANY)
    weight = to.need(node, 1)
    to.keep("weight", weight)
    to.keep("bias", to.need(node, 2))
    eps = float(node.settings.get("epsilon", 1e-5))
    to.put(node, "instance_norm", {"inputs": len(weight), "eps": eps, "affine": 1})


def _batch(to: _Translation, node: OnnxNode) -> None:
    _only(node, epsilon=_ANY, momentum=_ANY, training_mode=(0,))
    for at, part in enumerate(("weight", "bias", "running_mean", "running_var"), start=1):
        to.keep(part, to.need(node, at))
    # A counter of training, which torch keeps beside the rest.
    to.weights[f"parts.n{len(to.nodes)}.num_batches_tracked"] = np.zeros((), np.int64)
    eps = float(node.settings.get("epsilon", 1e-5))
    to.put(node, "batch_norm", {"inputs": len(to.need(node, 1)), "eps": eps})


def _prelu(to: _Translation, node: OnnxNode) -> None:
    slope = to.need(node, 1)
    # It counts from the last axis on: [channel] is one for each column, but of what is flat.
    axes = slope.shape[1:] if slope.ndim > to.dims + 1 and slope.shape[0] == 1 else slope.shape
    if slope.size != 1 and axes[1:] != (1,) * (0 if to.is_flat(node) else to.dims):
        raise unknown_part(f"{node.op}, slope {list(slope.shape)}")
    to.keep("weight", slope.reshape(-1))
    to.put(node, "prelu", {"inputs": slope.size})


def _pool(to: _Translation, node: OnnxNode) -> None:
    _only(node, **_WINDOW, ceil_mode=(0,), storage_order=(0,), count_include_pad=_ANY,
          dilations=([1] * to.dims,))  # fmt: skip
    pad = _edges(node, "pads", to.dims, 0)
    is_mean = node.op == "AveragePool"
    if is_mean and any(pad) and not node.settings.get("count_include_pad", 0):
        raise unknown_part(f"{node.op}, count_include_pad")
    settings = {"kernel": _edges(node, "kernel_shape", to.dims, 1),
                "stride": _edges(node, "strides", to.dims, 1), "pad": pad}  # fmt: skip
    to.put(node, "average_pool" if is_mean else "max_pool", settings)


def _mean(to: _Translation, node: OnnxNode) -> None:
    _only(node, axes=_ANY, keepdims=_ANY, noop_with_empty_axes=(0,))
    if node.op == "ReduceMean":
        given = to.given(node, 1)
        axes = node.settings.get("axes") if given is None else given.reshape(-1).tolist()
        if {int(n) % (to.dims + 2) for n in axes or ()} != set(range(2, to.dims + 2)):
            raise unknown_part(f"{node.op}, axes")
    is_kept = node.op == "GlobalAveragePool" or node.settings.get("keepdims", 1)
    to.put(node, "mean_kept" if is_kept else "mean", {})


def _linear(to: _Translation, node: OnnxNode) -> None:
    _only(node, alpha=(1.0,), beta=(1.0,), transA=(0,), transB=_ANY)
    weight, bias = to.need(node, 1), to.given(node, 2)
    if not to.is_flat(node):
        raise unknown_part(f"{node.op}, {node.inputs[0]}")
    weight = weight if node.settings.get("transB", 0) else weight.T
    to.keep("weight", weight)
    if bias is not None:
        to.keep("bias", bias.reshape(-1))
    ways = {"inputs": weight.shape[1], "outputs": weight.shape[0]}
    to.put(node, "linear", {**ways, "bias": int(bias is not None)})


# Up to which scale torch's `interpolate` reads the same place: it rounds d / scale downwards.
_NEAREST: Mapping[Any, float] = {
    (b"asymmetric", b"floor"): inf, (b"half_pixel", b"round_prefer_floor"): inf,
    (b"asymmetric", b"round_prefer_floor"): 2,
}  # fmt: skip
_LINEAR: Mapping[Any, float] = {b"half_pixel": inf, b"pytorch_half_pixel": inf}


def _resize(to: _Translation, node: OnnxNode) -> None:
    mode = node.settings.get("mode", b"nearest")
    _only(node, mode=(b"nearest", b"linear"), cubic_coeff_a=_ANY, nearest_mode=_ANY,
          coordinate_transformation_mode=_ANY)  # fmt: skip
    scale = [float(n) for n in to.need(node, 2).reshape(-1)]
    if scale[:2] != [1.0, 1.0] or any(n < 1 or n != int(n) for n in scale):
        raise unknown_part(f"{node.op}, {scale}")
    place = node.settings.get("coordinate_transformation_mode", b"half_pixel")
    near = node.settings.get("nearest_mode", b"round_prefer_floor")
    alike = _NEAREST if mode == b"nearest" else _LINEAR
    if max(scale) > alike.get((place, near) if mode == b"nearest" else place, 0):
        words = b"+".join((mode, place, near)).decode(errors="replace")
        raise unknown_part(f"{node.op}, {words}, {max(scale):g}")
    to.put(node, "resize", {"scale": [int(n) for n in scale[2:]], "mode": mode.decode()})


def _join(to: _Translation, node: OnnxNode) -> None:
    _only(node, axis=(1,))
    for name in node.inputs:
        if name in to.constants:
            raise unknown_part(f"{node.op}, {name}")
    to.is_flat(node)
    to.put(node, "concat" if node.op == "Concat" else "add", {}, len(node.inputs))


def _plain(kind: str, **settings: tuple[Any, ...]) -> Callable[[_Translation, OnnxNode], None]:
    def make(to: _Translation, node: OnnxNode) -> None:
        _only(node, **settings)
        to.put(node, kind, {})

    return make


def _softmax(to: _Translation, node: OnnxNode) -> None:
    # Before opset 13 it ran over all axes from `axis` on, which is the same for flat ones alone.
    of_old = to.opset < 13
    axis = node.settings.get("axis", 1 if of_old else -1)
    if not (axis in (1, -1) if to.is_flat(node) else axis == 1 and not of_old):
        raise unknown_part(f"{node.op}, axis {axis}, opset {to.opset}")
    to.put(node, "softmax", {})


def _leaky(to: _Translation, node: OnnxNode) -> None:
    to.put(node, "leaky_relu", {"slope": float(node.settings.get("alpha", 0.01))})


_OPERATORS: Mapping[str, Callable[[_Translation, OnnxNode], None]] = {
    "Conv": _conv, "ConvTranspose": _conv, "InstanceNormalization": _instance,
    "BatchNormalization": _batch, "PRelu": _prelu, "Relu": _plain("relu"), "LeakyRelu": _leaky,
    "Sigmoid": _plain("sigmoid"), "Softmax": _softmax, "Add": _join,
    "Concat": _join, "MaxPool": _pool, "AveragePool": _pool, "GlobalAveragePool": _mean,
    "ReduceMean": _mean, "Flatten": _plain("flatten", axis=(1,)), "Gemm": _linear,
    "Resize": _resize,
}  # fmt: skip

"""A network of the registry as an ONNX graph: its modules and functions one by one.

The net is followed symbolically (torch.fx); what has no row here is refused by its name.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from medview.ai.worker.onnx_file import Graph
from medview.core.errors import ModelUnavailable
from medview.core.words import say

Module = Callable[[Graph, Any, str, str], str]  # graph, module, name of its input, of its output


def graph_of(net: nn.Module, output: str) -> tuple[Graph, str]:
    """The graph and the name of its input; the answer is called `output`.

    Raises ModelUnavailable for a part that has no form here.
    """
    traced = fx.symbolic_trace(net)
    graph, names, start = Graph(), {}, ""
    modules = dict(traced.named_modules())
    last = next(iter(reversed(traced.graph.nodes))).args[0]
    for node in traced.graph.nodes:
        name = output if node is last else node.name
        if node.op == "placeholder":
            start = names[node] = "image"
        elif node.op == "call_module":
            module = modules[node.target]
            make = _MODULES.get(type(module))
            if make is None:
                raise _unknown(type(module).__name__)
            names[node] = make(graph, module, names[node.args[0]], name)
        elif node.op in ("call_function", "call_method"):
            names[node] = _call(graph, node, names, name)
        elif node.op != "output":
            raise _unknown(str(node.op))
    return graph, start


def _unknown(name: str) -> ModelUnavailable:
    return ModelUnavailable(
        say("The network has a part without a form in ONNX ({name}).", name=name)
    )


def _call(graph: Graph, node: fx.Node, names: dict[fx.Node, str], name: str) -> str:
    given = node.args
    if node.target is torch.cat:
        axis = given[1] if len(given) > 1 else node.kwargs.get("dim", 0)
        parts = [names[one] for one in given[0]]  # type: ignore[union-attr, index]
        return graph.add("Concat", parts, name, axis=int(axis))  # type: ignore[arg-type]
    own = names[given[0]]  # type: ignore[index]
    if node.target in (operator.add, operator.iadd, torch.add):
        return graph.add("Add", [own, names[given[1]]], name)  # type: ignore[index]
    if node.target in (torch.relu, nn.functional.relu):
        return graph.add("Relu", [own], name)
    if node.target is nn.functional.leaky_relu:
        slope = given[1] if len(given) > 1 else node.kwargs.get("negative_slope", 0.01)
        return graph.add("LeakyRelu", [own], name, alpha=float(slope))  # type: ignore[arg-type]
    if node.target == "contiguous":
        return own  # a matter of memory alone
    if node.target == "mean":
        axes = [int(n) for n in given[1]]  # type: ignore[union-attr, arg-type]
        return graph.add("ReduceMean", [own], name, axes=axes, keepdims=0)
    raise _unknown(getattr(node.target, "__name__", str(node.target)))


def _weight(graph: Graph, name: str, value: Tensor | None) -> list[str]:
    if value is None:
        return []
    graph.weights[name] = np.ascontiguousarray(value.detach().float().cpu().numpy())
    return [name]


def _conv(graph: Graph, module: Any, own: str, name: str) -> str:
    weights = _weight(graph, f"{name}.weight", module.weight)
    weights += _weight(graph, f"{name}.bias", module.bias)
    op = "ConvTranspose" if module.transposed else "Conv"
    pads = [*module.padding, *module.padding]
    return graph.add(op, [own, *weights], name, kernel_shape=module.kernel_size,
                     strides=module.stride, pads=pads, group=module.groups,
                     dilations=module.dilation)  # fmt: skip


def _instance_norm(graph: Graph, module: Any, own: str, name: str) -> str:
    weights = _weight(graph, f"{name}.weight", module.weight)
    weights += _weight(graph, f"{name}.bias", module.bias)
    return graph.add("InstanceNormalization", [own, *weights], name, epsilon=float(module.eps))


def _batch_norm(graph: Graph, module: Any, own: str, name: str) -> str:
    parts = [("weight", module.weight), ("bias", module.bias), ("mean", module.running_mean),
             ("var", module.running_var)]  # fmt: skip
    weights = [w for part, value in parts for w in _weight(graph, f"{name}.{part}", value)]
    return graph.add("BatchNormalization", [own, *weights], name, epsilon=float(module.eps))


def _leaky(graph: Graph, module: Any, own: str, name: str) -> str:
    return graph.add("LeakyRelu", [own], name, alpha=float(module.negative_slope))


def _pool(graph: Graph, module: Any, own: str, name: str) -> str:
    count = 3 if isinstance(module, nn.AvgPool3d) else 2
    sizes = [_each(value, count) for value in (module.kernel_size, module.stride)]
    return graph.add("AveragePool", [own], name, kernel_shape=sizes[0], strides=sizes[1])


def _each(value: Any, count: int) -> list[int]:
    return [int(value)] * count if isinstance(value, int) else [int(n) for n in value]


def _linear(graph: Graph, module: Any, own: str, name: str) -> str:
    weights = _weight(graph, f"{name}.weight", module.weight)
    weights += _weight(graph, f"{name}.bias", module.bias)
    return graph.add("Gemm", [own, *weights], name, transB=1)


def _as_it_is(_graph: Graph, _module: Any, own: str, _name: str) -> str:
    return own  # does nothing at run time


_MODULES: dict[type[nn.Module], Module] = {
    nn.Conv2d: _conv, nn.Conv3d: _conv, nn.ConvTranspose3d: _conv,
    nn.InstanceNorm3d: _instance_norm, nn.BatchNorm2d: _batch_norm, nn.LeakyReLU: _leaky,
    nn.ReLU: lambda graph, _module, own, name: graph.add("Relu", [own], name),
    nn.AvgPool2d: _pool, nn.AvgPool3d: _pool, nn.Linear: _linear,
    nn.Identity: _as_it_is, nn.Dropout: _as_it_is,
}  # fmt: skip
